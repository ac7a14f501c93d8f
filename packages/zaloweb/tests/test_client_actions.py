"""What an account can do, on the simulator: each thing is done, and the other side sees it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from random import Random

import pytest
from packages.zaloweb.tests.live_account import hearing, logged_in, until

from zaloweb import (
    ICONS,
    ApiError,
    BeforeSending,
    Destination,
    InvalidRequest,
    Marked,
    Mention,
    Message,
    NotInGroup,
    NotPrepared,
    Origin,
    Pace,
    SessionExpired,
    Style,
    SystemClock,
    Text,
    TextStyle,
    Thread,
    ThreadKind,
    VideoLink,
    Zalo,
    icon_of,
)
from zaloweb.sim import event_log
from zaloweb.sim.faults import Error, Reset
from zaloweb.sim.people import Person
from zaloweb.sim.registry import Group
from zaloweb.sim.server import Simulator
from zaloweb.wire.frames import request
from zaloweb.wire.text import utf16_len


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def zalo(sim: Simulator) -> AsyncIterator[Zalo]:
    async with Zalo(
        await logged_in(sim), network=sim.network, random=Random(1), attempts=1, pace=Pace.off()
    ) as client:
        yield client


@pytest.fixture
def lan(sim: Simulator) -> Person:
    return sim.world.person("Trần Thị Lan")


@pytest.fixture
def team(sim: Simulator, lan: Person) -> Group:
    return sim.world.group("Nhóm", [lan])


def user(person: Person) -> Thread:
    return Thread(ThreadKind.USER, person.uid)


def in_group(group: Group) -> Thread:
    return Thread(ThreadKind.GROUP, group.gid)


# Messages


async def test_what_is_sent_without_a_client_id_gets_one_that_only_rises(
    sim: Simulator, zalo: Zalo, lan: Person
) -> None:
    before_ms = SystemClock().now_ms()
    texts = [await zalo.send_text(user(lan), str(number)) for number in range(5)]
    told = await zalo.forward([user(lan), user(sim.world.person("Bảo"))], "chuyển nhé")
    last = await zalo.send_text(user(lan), "xong")
    own_ids = [int(sent.cli_msg_id) for sent in texts] + [int(one.client_id) for one in told.success]
    own_ids.append(int(last.cli_msg_id))
    assert own_ids == sorted(set(own_ids))
    assert before_ms <= own_ids[0] <= SystemClock().now_ms()


async def test_a_client_id_of_ones_own_is_kept_and_not_given_out_again(zalo: Zalo, lan: Person) -> None:
    ahead = SystemClock().now_ms() + 60_000
    assert (await zalo.send_text(user(lan), "một", client_id=ahead)).cli_msg_id == str(ahead)
    assert (await zalo.send_text(user(lan), "hai")).cli_msg_id == str(ahead + 1)


async def test_a_long_text_goes_out_in_pieces_with_its_mentions_and_looks(
    sim: Simulator, zalo: Zalo, lan: Person, team: Group
) -> None:
    name = f"@{lan.name}"
    text = "🎉 mở đầu. " * 180 + name + " kết thúc." * 30
    long = Text(text, [Mention(lan.uid, text.index(name), len(name))], [Style(0, len(text), TextStyle.BOLD)])
    for piece in long.pieces():
        await zalo.send(in_group(team), piece)
    first, second = sim.world.sent
    assert first.text + second.text == text
    assert first.styles == [{"start": 0, "len": utf16_len(first.text), "st": "b"}]
    assert second.styles == [{"start": 0, "len": utf16_len(second.text), "st": "b"}]
    [mention] = [*first.mentions, *second.mentions]
    assert mention["uid"] == lan.uid


async def test_a_link_goes_with_its_preview(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    preview = await zalo.parse_link("https://example.com/a")
    sent = await zalo.send_link(user(lan), "https://example.com/a", client_id=17, text="xem nè")
    there = await sim.world.next_sent()
    assert (there.msg_id, there.params["msg"]) == (sent.msg_id, "xem nè https://example.com/a")
    assert there.params["title"] == preview.title


async def test_a_link_that_cannot_be_looked_at_was_not_sent(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    sim.world.faults.add(Reset(call="parselink"))
    with pytest.raises(NotPrepared):
        await zalo.send_link(user(lan), "https://example.com/a", client_id=17)


async def test_stickers_are_found_looked_at_and_sent(
    sim: Simulator, zalo: Zalo, lan: Person, team: Group
) -> None:
    [best, *_] = await zalo.find_stickers("chào")
    [detail] = await zalo.stickers([best.id])
    assert detail.sticker.id == best.id
    for thread in (user(lan), in_group(team)):
        sent = await zalo.send_sticker(thread, best, client_id=17)
        there = sim.world.sent[-1]
        assert (there.msg_id, there.msg_type) == (sent.msg_id, "chat.sticker")


async def test_a_sticker_nobody_knows_is_left_out_but_a_dead_session_is_told(
    sim: Simulator, zalo: Zalo
) -> None:
    sim.world.faults.add(Error(call="sticker_detail", code=404, message="No sticker"))
    assert await zalo.stickers([1]) == []
    sim.world.expire_session()
    with pytest.raises(SessionExpired):
        await zalo.stickers([1])


async def test_voice_and_video_tell_their_sizes(sim: Simulator, zalo: Zalo, lan: Person, team: Group) -> None:
    url = sim.world.media.put("lời nhắn.m4a", bytes(345))
    for thread in (user(lan), in_group(team)):
        await zalo.send_voice(thread, url, client_id=17)
        voice = (sim.world.sent[-1]).params
        assert json.loads(voice["msgInfo"])["fileSize"] == 345
        await zalo.send_video(thread, VideoLink(url, url, duration_ms=5500), client_id=18, text="xem")
        video = json.loads((sim.world.sent[-1]).params["msgInfo"])
        assert (video["fileSize"], video["duration"], video["title"]) == (345, 5500, "xem")


async def test_a_voice_nobody_can_fetch_was_not_sent(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    with pytest.raises(InvalidRequest, match="https"):
        await zalo.send_voice(user(lan), "http://example.com/a.m4a", client_id=17)
    assert sim.world.sent == []


async def test_a_text_is_forwarded_to_several(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    bao = sim.world.person("Bảo")
    threads = [user(lan), user(bao)]
    told = await zalo.forward(threads, "chuyển nhé", client_id=17, origin=Origin("671", 1700000000000))
    assert [one.client_id for one in told.success] == ["17", "18"]
    assert {one.thread_id for one in sim.world.sent} == {lan.uid, bao.uid}


async def test_a_frame_of_ones_own_goes_out_as_it_is(sim: Simulator, zalo: Zalo) -> None:
    frame = request(4242, 7, {"odd": True})
    with pytest.raises(BeforeSending):
        await zalo.send_frame(frame)
    async with hearing(zalo):
        await zalo.send_frame(frame)
        assert (await sim.world.arrived(event_log.UnknownFrame)).cmd == 4242


# What is done to messages


async def test_reacting_to_a_message_and_taking_it_back(
    sim: Simulator, zalo: Zalo, lan: Person, team: Group
) -> None:
    async with hearing(zalo) as events:
        await lan.says("xem", group=team)
        message = await until(Message, events)
    await zalo.react(message.thread, message, ICONS["HEART"])
    await zalo.react(message.thread, message, icon_of("/-strong"))
    await zalo.unreact(message.thread, message)
    seen = [one for one in sim.world.log.since() if isinstance(one, event_log.Reacted)]
    assert [(one.msg_id, one.icon, one.type) for one in seen] == [
        (message.msg_id, "/-heart", 5),
        (message.msg_id, "/-strong", 3),
        (message.msg_id, "", -1),
    ]


async def test_what_was_just_sent_can_be_recalled(
    sim: Simulator, zalo: Zalo, lan: Person, team: Group
) -> None:
    for thread in (user(lan), in_group(team)):
        sent = await zalo.send_text(thread, "nhầm", client_id=17)
        await zalo.undo(thread, sent)
        undone = sim.world.log.since()[-1]
        assert isinstance(undone, event_log.Undone)
        assert undone.msg_id == sent.msg_id


async def test_deleting_for_oneself_and_for_everyone(
    sim: Simulator, zalo: Zalo, lan: Person, team: Group
) -> None:
    async with hearing(zalo) as events:
        await lan.says("xấu", group=team)
        message = await until(Message, events)
    await zalo.delete(message.thread, message, message.sender_id)
    await zalo.delete(message.thread, message, message.sender_id, for_everyone=True)
    seen = [one.everyone for one in sim.world.log.since() if isinstance(one, event_log.Deleted)]
    assert seen == [False, True]


async def test_what_zalo_does_not_delete_is_refused(zalo: Zalo, lan: Person, team: Group) -> None:
    sent = await zalo.send_text(in_group(team), "của tôi", client_id=17)
    with pytest.raises(InvalidRequest, match="use undo"):
        await zalo.delete(in_group(team), sent, zalo.own_id, for_everyone=True)
    with pytest.raises(InvalidRequest, match="for oneself only"):
        await zalo.delete(user(lan), sent, lan.uid, for_everyone=True)


async def test_typing_delivered_and_seen_are_told(
    sim: Simulator, zalo: Zalo, lan: Person, team: Group
) -> None:
    async with hearing(zalo) as events:
        await lan.says("một")
        await lan.says("hai", group=team)
        heard = [await until(Message, events) for _ in range(2)]
    for message in heard:
        await zalo.typing(message.thread)
        await zalo.mark_delivered(message.thread.kind, [Marked.of(message)])
        await zalo.mark_seen(message.thread.kind, [Marked.of(message)])
    log = sim.world.log.since()
    assert [one.thread_id for one in log if isinstance(one, event_log.Typed)] == [lan.uid, team.gid]
    told = [one for one in log if isinstance(one, event_log.Delivered | event_log.Seen)]
    assert [one.msg_ids for one in told] == [[heard[0].msg_id]] * 2 + [[heard[1].msg_id]] * 2
    await zalo.typing(user(lan), to=Destination.PAGE)


# People


async def test_people_are_looked_up(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    stranger = sim.world.person("Bảo", friend=False)
    found = await zalo.user_info([lan.uid, stranger.uid])
    assert {user_id: one.name for user_id, one in found.items()} == {
        lan.uid: "Trần Thị Lan",
        stranger.uid: "Bảo",
    }
    assert (await zalo.find_user(f"0{lan.number.removeprefix('84')}")).id == lan.uid
    assert [one.id for one in (await zalo.friends_online()).onlines] == [lan.uid]
    assert (await zalo.person(lan.uid).last_online()).last_online > 0


async def test_a_friend_request_is_accepted(sim: Simulator, zalo: Zalo) -> None:
    bao = sim.world.person("Bảo", friend=False)
    await bao.asks_friendship()
    await zalo.person(bao.uid).accept()
    assert [friend.id for friend in await zalo.friends()] == [bao.uid]


async def test_somebody_is_blocked_and_unblocked(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    before = sim.world.log.last
    await zalo.person(lan.uid).block()
    await zalo.person(lan.uid).unblock()
    called = [one.path for one in sim.world.log.since(before) if isinstance(one, event_log.Called)]
    assert called == ["/api/friend/block", "/api/friend/unblock"]


async def test_threads_are_muted_listed_and_unmuted(zalo: Zalo, lan: Person, team: Group) -> None:
    await zalo.mute(user(lan))
    await zalo.mute(in_group(team), 3600)
    told = await zalo.muted()
    assert [(one.thread_id, one.duration) for one in told.chat_entries] == [(lan.uid, -1)]
    assert [(one.thread_id, one.duration) for one in told.group_chat_entries] == [(team.gid, 3600)]
    await zalo.unmute(user(lan))
    assert (await zalo.muted()).chat_entries == []


# Groups


async def test_the_life_of_a_group(sim: Simulator, zalo: Zalo, lan: Person) -> None:
    bao, chi = sim.world.person("Bảo"), sim.world.person("Chi")
    made = await zalo.create_group("Nhóm mới", [lan.uid, bao.uid])
    group = zalo.group(made.id)
    await group.rename("Tên khác 🎉")
    assert await group.add([chi.uid]) == ()
    assert await group.remove([bao.uid]) == ()
    [told] = await zalo.groups([made.id])
    assert (told.name, set(told.members())) == ("Tên khác 🎉", {zalo.own_id, lan.uid, chi.uid})
    names = await zalo.members_info(told.members())
    assert names[chi.uid].name == "Chi"
    await group.leave(silent=True)
    assert await zalo.group_ids() == ()
    with pytest.raises(NotInGroup):
        await group.leave()


async def test_what_was_said_in_a_group_is_read_again(zalo: Zalo, lan: Person, team: Group) -> None:
    await lan.says("chào cả nhà", group=team)
    await zalo.send_text(in_group(team), "chào Lan", client_id=17)
    page = await zalo.group(team.gid).history()
    assert [(item.text, item.is_self) for item in page.items if isinstance(item, Message)] == [
        ("chào cả nhà", False),
        ("chào Lan", True),
    ]


async def test_errors_of_the_server_come_as_they_are(sim: Simulator, zalo: Zalo) -> None:
    sim.world.faults.add(Error(call="kickout", code=166, message="Not allowed"))
    with pytest.raises(ApiError, match="Not allowed"):
        await zalo.group("1").remove(["2"])
