"""Every kind of event of the reference client, caused by people of the simulator.

What the client emits is compared with what happened in the world. Tests share a client and a world, and wait
for their own ids.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from reference.reference_client import GROUP, USER, Client, Node, reference_node
from zaloweb.sim import contents
from zaloweb.sim.contents import Content
from zaloweb.sim.event_log import AskedOld, Connected, Disconnected
from zaloweb.sim.faults import Packed, Repeated, Spoiled, Swapped, Undecodable
from zaloweb.sim.people import Person
from zaloweb.sim.registry import Group
from zaloweb.sim.rules import Packing, Rules, Sealing
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World

pytestmark = [pytest.mark.reference, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

CONTENTS: dict[str, Callable[[World], Content]] = {
    "text": lambda world: Content("webchat", "dòng 1\ndòng 2 👩‍👩‍👧‍👦"),
    "photo": lambda world: world.media_factory.photo("ảnh đẹp", size=(640, 480)),
    "gif": lambda world: world.media_factory.gif(),
    "video": lambda world: world.media_factory.video("phim"),
    "voice": lambda world: world.media_factory.voice(),
    "file": lambda world: world.media_factory.file("báo cáo.pdf"),
    "sticker": lambda world: contents.sticker(),
    "link": lambda world: contents.link("https://example.com/a", "xem này"),
    "contact": lambda world: contents.contact(world.me),
    "location": lambda world: contents.location(10.77, 106.69, "Chợ Bến Thành"),
    "todo": lambda world: contents.todo("mua sữa 🥛"),
    "poll": lambda world: contents.poll("Ăn gì?"),
}


def told_in(thread: str) -> Callable[..., bool]:
    """Picks an event of this thread, or a list of events that begins with one."""
    return lambda heard, *_: bool((heard[0] if isinstance(heard, list) else heard)["threadId"] == thread)


# Messages


@pytest.mark.parametrize("content", CONTENTS)
async def test_messages_of_every_content(
    sim: Simulator, listening: Client, lan: Person, content: str, kind: int, group: Group | None, thread: str
) -> None:
    said = CONTENTS[content](sim.world)
    message = await lan.says(said, group=group)
    heard = await listening.hears_message(message)
    data = heard["data"]
    assert (heard["type"], heard["threadId"], heard["isSelf"]) == (kind, thread, False)
    assert (data["msgType"], data["content"]) == (said.msg_type, said.body)
    assert (data["uidFrom"], data["dName"], data["cliMsgId"]) == (lan.uid, lan.name, message.cli_msg_id)


async def test_an_album_is_a_message_for_each_picture(
    sim: Simulator, listening: Client, lan: Person, work: Group
) -> None:
    photos = [sim.world.media_factory.photo(f"ảnh {number}") for number in (1, 2, 3)]
    sent = await lan.sends_album(photos, group=work)
    # In any order: the reference unpacks frames side by side, so one may overtake another.
    heard = [(await listening.hears("message"))[0] for _ in sent]
    album = [next(one for one in heard if one["data"]["msgId"] == message.msg_id) for message in sent]
    assert [one["data"]["content"]["title"] for one in album] == ["ảnh 1", "ảnh 2", "ảnh 3"]
    assert len({one["data"]["extraData"] for one in album}) == 1


async def test_a_message_that_mentions_quotes_and_vanishes(
    sim: Simulator, listening: Client, lan: Person, hung: Person, work: Group
) -> None:
    me = sim.world.me
    asked = await hung.says("ai đi?", group=work)
    text = f"👋 @{me.name} đi nhé"
    message = await lan.says(text, group=work, mentions=[me], quote=asked, ttl_ms=60_000)
    heard = await listening.hears_message(message)
    data = heard["data"]
    assert data["mentions"] == [{"uid": me.uid, "pos": 3, "len": len(me.name) + 1, "type": 0}]
    quoted = data["quote"]
    assert (quoted["ownerId"], quoted["msg"], quoted["fromD"]) == (hung.uid, "ai đi?", hung.name)
    assert (str(quoted["globalMsgId"]), quoted["cliMsgType"]) == (asked.msg_id, 1)
    assert data["ttl"] == 60_000


async def test_what_the_owner_writes_with_the_phone(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str
) -> None:
    message = await sim.world.me.says("viết từ điện thoại", to=lan, group=group)
    heard = await listening.hears_message(message)
    assert (heard["type"], heard["threadId"], heard["isSelf"]) == (kind, thread, True)
    assert heard["data"]["uidFrom"] == sim.world.me.uid


async def test_a_client_that_does_not_want_its_own_messages_hears_those_of_others(
    sim: Simulator, node: Node, lan: Person
) -> None:
    deaf = node.client()
    account = sim.world.account("Người Ít Nghe")
    await deaf.log_in(account, selfListen=False)
    await deaf.listen()
    await account.says("của tôi", to=lan)
    message = await lan.says("của Lan", to=account)
    (heard,) = await deaf.hears("message")
    assert heard["data"]["msgId"] == message.msg_id


async def test_two_accounts_in_one_group_hear_each_other(
    sim: Simulator, node: Node, listening: Client, lan: Person
) -> None:
    world = sim.world
    other = world.account("Võ Thị Hoa")
    both = await world.me.creates_group("Hai tài khoản", [other, lan])
    hoa = node.client()
    await hoa.log_in(other)
    await hoa.listen()
    await hoa.call("sendTypingEvent", both.gid, GROUP)
    assert (await listening.hears("typing", told_in(both.gid)))[0]["data"]["uid"] == other.uid
    answer = await hoa.call("sendMessage", "chào cả nhóm", both.gid, GROUP)
    (heard,) = await listening.hears("message", told_in(both.gid))
    assert heard["data"]["msgId"] == str(answer["message"]["msgId"])
    await listening.call("sendSeenEvent", heard["data"], GROUP)
    (seen,) = await hoa.hears("seen_messages", told_in(both.gid))
    assert seen[0]["data"]["seenUids"] == [world.me.uid]
    await listening.call("addReaction", "/-heart", heard)
    (reaction,) = await hoa.hears("reaction", told_in(both.gid))
    assert (reaction["data"]["uidFrom"], reaction["data"]["content"]["rIcon"]) == (world.me.uid, "/-heart")


# What happens to messages


async def test_undo(listening: Client, lan: Person, kind: int, group: Group | None, thread: str) -> None:
    message = await lan.says("lỡ lời", group=group)
    await lan.undoes(message)
    (heard,) = await listening.hears("undo", told_in(thread))
    assert (heard["isGroup"], heard["isSelf"]) == (kind == GROUP, False)
    assert str(heard["data"]["content"]["globalMsgId"]) == message.msg_id


async def test_reactions_given_and_removed(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str
) -> None:
    message = await sim.world.me.says("vui không?", to=lan, group=group)
    for icon, number in (("/-heart", 5), (":>", 0), ("", -1)):
        await lan.reacts(message, icon)
        (heard,) = await listening.hears("reaction", told_in(thread))
        content = heard["data"]["content"]
        assert (heard["isGroup"], heard["isSelf"], heard["data"]["uidFrom"]) == (
            kind == GROUP,
            False,
            lan.uid,
        )
        assert (content["rIcon"], content["rType"]) == (icon, number)
        assert str(content["rMsg"][0]["gMsgID"]) == message.msg_id


async def test_typing(listening: Client, lan: Person, kind: int, group: Group | None, thread: str) -> None:
    await lan.types(group=group)
    (heard,) = await listening.hears("typing", told_in(thread))
    assert (heard["type"], heard["isSelf"], heard["data"]["uid"]) == (kind, False, lan.uid)


async def test_delivered_then_seen(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str
) -> None:
    message = await sim.world.me.says("nhận được chưa?", to=lan, group=group)
    await lan.receives(message)
    ((delivered,),) = await listening.hears("delivered_messages", told_in(thread))
    assert (delivered["type"], delivered["data"]["msgId"]) == (kind, message.msg_id)
    assert delivered["data"]["deliveredUids"] == [lan.uid]
    await lan.sees(message)
    ((seen,),) = await listening.hears("seen_messages", told_in(thread))
    assert (seen["type"], seen["data"]["msgId"], seen["isSelf"]) == (kind, message.msg_id, False)


# Groups and friends


async def test_group_events(sim: Simulator, listening: Client, lan: Person, hung: Person) -> None:
    world = sim.world
    made = await world.me.creates_group("Đội bóng", [lan])

    async def heard() -> tuple[str, str, list[str], bool]:
        (event,) = await listening.hears("group_event", told_in(made.gid))
        data = event["data"]
        return event["type"], data["sourceId"], [one["id"] for one in data["updateMembers"]], event["isSelf"]

    me = world.me.uid
    assert await heard() == ("join", me, [me, lan.uid], True)
    await lan.adds(hung, made)
    assert await heard() == ("join", lan.uid, [hung.uid], False)
    await lan.renames(made, "Đội bóng đá")
    assert await heard() == ("update", lan.uid, [], False)
    await hung.leaves(made)
    assert await heard() == ("leave", hung.uid, [hung.uid], False)
    await hung.joins(made)
    assert await heard() == ("join", hung.uid, [hung.uid], False)
    await world.me.removes(hung, made)
    assert await heard() == ("remove_member", me, [hung.uid], True)


async def test_being_removed_from_a_group(sim: Simulator, listening: Client, lan: Person) -> None:
    theirs = await lan.creates_group("Nhóm của Lan", [sim.world.me])
    await lan.removes(sim.world.me, theirs)
    events = [(await listening.hears("group_event", told_in(theirs.gid)))[0] for _ in range(2)]
    assert [(event["type"], event["isSelf"]) for event in events] == [("join", True), ("remove_member", True)]


async def test_friend_events(sim: Simulator, listening: Client) -> None:
    world = sim.world
    bao = world.person("Phạm Quốc Bảo", friend=False)
    await bao.asks_friendship(text="Làm quen nhé")
    (asked,) = await listening.hears("friend_event")
    assert (asked["type"], asked["threadId"], asked["isSelf"]) == (2, world.me.uid, False)
    assert (asked["data"]["fromUid"], asked["data"]["message"]) == (bao.uid, "Làm quen nhé")
    await bao.takes_request_back()
    (undone,) = await listening.hears("friend_event")
    assert (undone["type"], undone["data"]["fromUid"]) == (3, bao.uid)
    await bao.befriends()
    (added,) = await listening.hears("friend_event")
    assert (added["type"], added["threadId"], added["data"]) == (0, bao.uid, bao.uid)
    await bao.unfriends()
    (removed,) = await listening.hears("friend_event")
    assert (removed["type"], removed["threadId"]) == (1, bao.uid)


async def test_blocks(listening: Client, hung: Person) -> None:
    await listening.call("blockUser", hung.uid)
    (blocked,) = await listening.hears("friend_event", told_in(hung.uid))
    await listening.call("unblockUser", hung.uid)
    (unblocked,) = await listening.hears("friend_event", told_in(hung.uid))
    assert [blocked["type"], unblocked["type"]] == [6, 7]


# What is asked for


async def test_old_messages_page_by_page(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str
) -> None:
    said = [await lan.says(f"tin {number}", group=group) for number in (1, 2, 3)]
    await listening.call("listener.requestOldMessages", kind, None)
    messages, told_kind = await listening.hears("old_messages")
    assert told_kind == kind
    assert [one["data"]["msgId"] for one in messages[-3:]] == [message.msg_id for message in said]
    assert messages[-1]["threadId"] == thread
    await listening.call("listener.requestOldMessages", kind, said[-1].msg_id)
    messages, _ = await listening.hears("old_messages")
    assert [one["data"]["msgId"] for one in messages[-2:]] == [message.msg_id for message in said[:2]]
    asked = await sim.world.arrived(AskedOld, lambda asked: asked.last_id == said[-1].msg_id)
    assert asked.what == ("group messages" if kind == GROUP else "user messages")


async def test_old_reactions(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str
) -> None:
    message = await lan.says("hay quá", group=group)
    await lan.reacts(message, "/-strong")
    await listening.call("listener.requestOldReactions", kind, None)
    reactions, in_group = await listening.hears("old_reactions")
    newest = reactions[-1]
    assert (in_group, newest["isGroup"], newest["threadId"]) == (kind == GROUP, kind == GROUP, thread)
    assert newest["data"]["uidFrom"] == lan.uid
    assert message.msg_id in newest["data"]["content"]  # left as text, as the client leaves it


async def test_a_finished_upload(sim: Simulator, listening: Client, lan: Person) -> None:
    source = {"data": b"xin chao", "filename": "chào.txt", "metadata": {"totalSize": 8}}
    (uploaded,) = await listening.call("uploadAttachment", source, lan.uid, USER)
    (event,) = await listening.hears("upload_attachment")
    assert event == {"fileUrl": uploaded["fileUrl"], "fileId": uploaded["fileId"]}


# The connection


async def test_it_is_told_the_key_of_the_connection(node: Node, sim: Simulator) -> None:
    client = node.client()
    await client.log_in(sim.world.account("Người Mới Nối"))
    await client.call("listener.start", {})
    await client.hears("connected")
    (key,) = await client.hears("cipher_key")
    assert len(base64.b64decode(key)) == 16


@pytest.mark.parametrize("code", [1000, 1006, 3000, 3003, 4001])
async def test_a_close_code(sim: Simulator, node: Node, code: int) -> None:
    client, account = node.client(), sim.world.account(f"Người Bị Ngắt {code}")
    await client.log_in(account)
    await client.listen()
    await sim.drop(code, account)
    assert (await client.hears("disconnected"))[0] == code
    assert (await client.hears("closed"))[0] == code


async def test_a_second_listener_of_the_session_makes_it_go(sim: Simulator, node: Node) -> None:
    client, account = node.client(), sim.world.account("Người Bị Thay")
    await client.log_in(account)
    await client.listen()
    await sim.world.second_listener(account)
    assert (await client.hears("closed"))[0] == 3000
    gone = await sim.world.arrived(Disconnected, lambda gone: gone.account == account.uid)
    assert gone.code == 3000


async def test_it_connects_again_after_codes_the_settings_name(
    sim: Simulator, node: Node, lan: Person
) -> None:
    client, account = node.client(), sim.world.account("Người Nối Lại")
    await client.log_in(account)
    await client.listen(retryOnClose=True)
    first = await sim.world.arrived(Connected, lambda opened: opened.account == account.uid)
    await sim.drop(4001, account)
    assert (await client.hears("disconnected"))[0] == 4001
    await client.hears("cipher_key")
    again = await sim.world.arrived(Connected, lambda opened: opened.account == account.uid, after=first.seq)
    assert again.host != first.host  # 4001 is a code to go to the next endpoint after
    message = await lan.says("đây rồi", to=account)
    await client.hears_message(message)
    assert client.unheard("closed") == []


async def test_it_stops(sim: Simulator, node: Node) -> None:
    client, account = node.client(), sim.world.account("Người Thôi Nghe")
    await client.log_in(account)
    await client.listen()
    await client.call("listener.stop")
    assert (await client.hears("closed"))[0] == 1000
    assert (await sim.world.arrived(Disconnected, lambda gone: gone.account == account.uid)).code == 1000


# What goes wrong with frames


@pytest.mark.parametrize(
    ("encrypt", "packing"), [(0, None), (1, "zlib"), (1, "gzip"), (2, "zlib"), (2, "gzip"), (3, None)]
)
async def test_every_way_a_frame_is_packed(
    sim: Simulator, listening: Client, lan: Person, encrypt: Any, packing: Packing | None
) -> None:
    sim.world.faults.add(Packed(encrypt=encrypt, packing=packing))
    message = await lan.says("đóng gói 📦")
    heard = await listening.hears_message(message)
    assert heard["data"]["content"] == "đóng gói 📦"


async def test_frames_nobody_can_decode_are_errors_and_later_ones_still_arrive(
    sim: Simulator, listening: Client, lan: Person
) -> None:
    sim.world.faults.add(Undecodable())
    message = await lan.says("vẫn sống")
    await listening.hears_message(message)
    assert (await listening.throws())["name"] == "ZcaApiError"  # shorter than a header: nothing catches it
    for _ in range(3):
        await listening.hears("error")


async def test_bad_items_cost_the_reference_the_rest_of_their_frame(
    sim: Simulator, listening: Client, lan: Person
) -> None:
    sim.world.faults.add(Spoiled())
    await lan.says("mất")
    await listening.hears("error")
    message = await lan.says("không mất")
    await listening.hears_message(message)


async def test_frames_that_come_twice(sim: Simulator, listening: Client, lan: Person) -> None:
    sim.world.faults.add(Repeated(copies=2))
    twice = await lan.says("hai lần")
    for _ in range(2):
        await listening.hears_message(twice)


async def test_frames_that_come_in_another_order(program: str) -> None:
    # The reference unpacks frames side by side: only those that are not packed keep their order.
    plain = World(rules=Rules(sealing=Sealing(encrypt=0)))
    async with Simulator(plain) as sim, reference_node(sim, program) as node:
        client = node.client()
        await client.log_in()
        await client.listen()
        lan = sim.world.person("Trần Thị Lan")
        sim.world.faults.add(Swapped())
        first, second = await lan.says("trước"), await lan.says("sau")
        await client.hears_message(second)
        await client.hears_message(first)
