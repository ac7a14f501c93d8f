"""The world of the simulator without any socket: who there is, what is remembered, what can be waited for."""

from __future__ import annotations

import asyncio

import pytest

from zaloweb.sim.errors import Impossible, NothingArrived, Unknown
from zaloweb.sim.event_log import AskedOld, Pinged, Sent
from zaloweb.sim.message_store import RingBuffer
from zaloweb.sim.qr import QrState
from zaloweb.sim.rules import Rules
from zaloweb.sim.world import World


async def test_a_world_has_an_account_and_knows_people_and_groups_by_name_and_id() -> None:
    world = World("Nguyễn Minh Anh")
    lan = world.person("Trần Thị Lan")
    work = world.group("Nhóm Làm Việc", [lan])
    assert world.registry.find_account("Nguyễn Minh Anh") is world.me
    assert world.registry.find_person(lan.uid) is world.registry.find_person("Trần Thị Lan") is lan
    assert world.registry.find_group("Nhóm Làm Việc") is work
    assert list(work.members) == [world.me.uid, lan.uid]
    assert work.creator is world.me


async def test_a_name_that_is_nobodys_is_answered_with_those_there_are() -> None:
    world = World("Nguyễn Minh Anh")
    world.person("Trần Thị Lan")
    with pytest.raises(
        Unknown, match=r"no person is called 'Bảo'; there are: Nguyễn Minh Anh, Trần Thị Lan$"
    ):
        world.registry.find_person("Bảo")
    with pytest.raises(Unknown, match=r"no group is called 'Nhóm'; there are: none$"):
        world.registry.find_group("Nhóm")


async def test_of_several_with_one_name_each_has_to_be_named_by_id() -> None:
    world = World("Nguyễn Minh Anh")
    lan, other = world.person("Trần Thị Lan"), world.person("Trần Thị Lan")
    first, second = world.group("Nhóm", [lan]), world.group("Nhóm", [other])
    with pytest.raises(Impossible, match=rf"several .* by id, one of {lan.uid}, {other.uid}$"):
        world.registry.find_person("Trần Thị Lan")
    with pytest.raises(Impossible, match=rf"several .* by id, one of {first.gid}, {second.gid}$"):
        world.registry.find_group("Nhóm")
    assert world.registry.find_person(other.uid) is other
    assert world.registry.find_group(second.gid) is second
    await lan.renames(first, "Nhóm Họp")
    assert world.registry.find_group("Nhóm") is second


async def test_two_with_one_name_are_mentioned_one_after_the_other() -> None:
    world = World()
    lan, other = world.person("Lan"), world.person("Lan")
    group = world.group("Nhóm", [lan, other])
    message = await lan.says("@Lan và @Lan", group=group, mentions=[other, lan])
    assert [(one["uid"], one["pos"]) for one in message.mentions] == [(other.uid, 0), (lan.uid, 8)]


async def test_a_free_uid_is_nobodys() -> None:
    world = World()
    taken = world.person("Lan", uid=str(int(world.me.uid) + 2))
    assert world.person("Bảo").uid not in {world.me.uid, taken.uid}


async def test_friends_are_those_of_one_account() -> None:
    world = World()
    second = world.account("Hoàng Gia Huy")
    lan = world.person("Trần Thị Lan")
    bao = world.person("Phạm Quốc Bảo", of=second)
    world.person("Người Lạ", friend=False)
    assert world.registry.friends(world.me) == [lan]
    assert world.registry.friends(second) == [bao]


async def test_the_reader_sees_the_sender_and_the_sender_sees_zero() -> None:
    world = World()
    lan = world.person("Trần Thị Lan")
    message = await lan.says("xin chào")
    to_me = message.item_for(world.me.uid)
    assert (to_me["uidFrom"], to_me["idTo"], to_me["dName"]) == (lan.uid, world.me.uid, "Trần Thị Lan")
    assert (to_me["msgId"], to_me["content"], to_me["cmd"]) == (message.msg_id, "xin chào", 501)
    from_me = (await world.me.says("chào Lan", to=lan)).item_for(world.me.uid)
    assert (from_me["uidFrom"], from_me["idTo"]) == ("0", lan.uid)


async def test_ids_rise_strictly() -> None:
    world = World()
    lan = world.person("Trần Thị Lan")
    told = [await lan.says(str(number)) for number in range(50)]
    for ids in ([int(m.msg_id) for m in told], [int(m.cli_msg_id) for m in told]):
        assert ids == sorted(set(ids))


async def test_mentions_count_in_utf16_units() -> None:
    world = World("Minh Anh")
    lan = world.person("Trần Thị Lan")
    work = world.group("Nhóm Làm Việc", [lan])
    message = await lan.says("👩‍👩‍👧‍👦 @Minh Anh ơi", group=work, mentions=[world.me])
    assert message.item_for(world.me.uid)["mentions"] == [
        {"uid": world.me.uid, "pos": 12, "len": 9, "type": 0}
    ]
    with pytest.raises(Impossible, match="the text does not contain @Minh Anh"):
        await lan.says("ơi", group=work, mentions=[world.me])


async def test_a_quote_names_the_message_it_answers() -> None:
    world = World()
    lan = world.person("Trần Thị Lan")
    asked = await world.me.says("mấy giờ?", to=lan)
    answer = (await lan.says("9 giờ", quote=asked)).item_for(world.me.uid)["quote"]
    assert (answer["globalMsgId"], answer["ownerId"]) == (int(asked.msg_id), int(world.me.uid))
    assert (answer["msg"], answer["fromD"]) == ("mấy giờ?", world.me.name)


async def test_nobody_writes_to_themselves_or_into_a_group_of_others() -> None:
    world = World()
    bao = world.person("Phạm Quốc Bảo")
    with pytest.raises(Impossible, match="nobody writes to themselves"):
        await world.me.says("ghi chú")
    with pytest.raises(Impossible, match="Phạm Quốc Bảo is not in the group Nhóm"):
        await bao.says("xin chào", group=world.group("Nhóm"))


async def test_missed_messages_are_remembered_up_to_a_bound_and_paged_backwards() -> None:
    world = World(rules=Rules(remembered=5))
    lan = world.person("Trần Thị Lan")
    told = [await lan.says(str(number)) for number in range(8)]
    newest = world.me.remembered(group=False, before=None, count=3)
    assert newest == told[5:]
    assert world.me.remembered(group=False, before=newest[0].msg_id, count=3) == told[3:5]
    assert world.me.remembered(group=True, before=None, count=3) == []


async def test_a_ring_buffer_is_bounded_paged_and_drops_items() -> None:
    kept: RingBuffer[int] = RingBuffer(5, lambda number: number)
    for number in range(1, 100):
        kept.add(number)
    assert (len(kept), kept.before(None, 9)) == (5, [95, 96, 97, 98, 99])
    assert kept.before(97, 9) == [95, 96]
    assert kept.before(96, 9) == [95]
    kept.drop(98)
    kept.drop(4)
    assert kept.before(None, 2) == [97, 99]
    kept.forget(1)
    assert kept.before(None, 9) == [99]


async def test_background_tasks_end_with_the_world_and_none_starts_after_it() -> None:
    world = World()
    begun, never = asyncio.Event(), asyncio.Event()

    async def wait(begin: asyncio.Event) -> None:
        begin.set()
        await asyncio.Event().wait()

    world.background_tasks.start(wait(begun))
    await begun.wait()
    await world.close()
    world.background_tasks.start(wait(never))
    await asyncio.sleep(0)
    assert not never.is_set()


async def test_a_blocked_person_is_not_heard_and_zalo_may_forget() -> None:
    world = World()
    lan, bao = world.person("Trần Thị Lan"), world.person("Phạm Quốc Bảo")
    world.me.blocked.add(bao.uid)
    await bao.says("alô")
    told = [await lan.says(str(number)) for number in range(3)]
    assert world.me.remembered(group=False, before=None, count=9) == told
    world.me.forget(keep=1)
    assert world.me.remembered(group=False, before=None, count=9) == told[2:]


def sent(text: str) -> Sent:
    return Sent(thread="user", thread_id="1", text=text, msg_id="2", client_id="3", path="/", params={})


async def test_what_arrived_already_is_found_and_what_comes_is_waited_for() -> None:
    world = World()
    world.log.add(sent("một"))
    assert (await world.next_sent()).text == "một"
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(world.next_sent())
        await asyncio.sleep(0)
        world.log.add(Pinged(event_id=1))
        world.log.add(sent("hai"))
    assert waiting.result().text == "hai"
    assert [record.seq for record in world.log.since()] == [1, 2, 3]
    assert [record.text for record in world.sent] == ["một", "hai"]


async def test_a_condition_and_a_starting_point_narrow_the_wait() -> None:
    world = World()
    for event_id in (1, 2, 1):
        world.log.add(Pinged(event_id=event_id))
    assert (await world.arrived(Pinged, lambda ping: ping.event_id == 2)).seq == 2
    assert (await world.arrived(Pinged, lambda ping: ping.event_id == 1, after=1)).seq == 3


async def test_a_wait_that_runs_out_says_what_came_instead() -> None:
    world = World()
    with pytest.raises(NothingArrived, match=r"no Sent that fits in 0 s; meanwhile came: nothing$"):
        await world.next_sent(deadline=0)


async def test_the_log_forgets_its_oldest_records_and_keeps_counting() -> None:
    world = World(rules=Rules(recorded=10))
    for number in range(1, 101):
        world.log.add(Pinged(event_id=number))
    kept = world.log.since()
    assert 10 <= len(kept) < 20
    assert [record.seq for record in kept] == list(range(101 - len(kept), 101))
    assert [record.seq for record in world.log.since(98)] == [99, 100]
    assert world.log.since(100) == []


async def test_the_end_of_the_world_ends_all_waits() -> None:
    world = World()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(world.log.first(AskedOld, None, 0))
        await asyncio.sleep(0)
        await world.close()
    assert waiting.result() is None


async def test_a_phone_scans_then_decides() -> None:
    world = World()
    with pytest.raises(Impossible, match="no QR code is waiting to be scanned: start a login first"):
        world.phone.scan()
    code = world.codes.show()
    with pytest.raises(Impossible, match="nothing to confirm"):
        world.phone.confirm()
    world.phone.scan()
    assert (code.state, code.account) == (QrState.SCANNED, world.me)
    world.phone.confirm()
    assert code.state is QrState.CONFIRMED
    with pytest.raises(Impossible, match="nothing to decline"):
        world.phone.decline()


async def test_each_account_has_a_phone_of_its_own() -> None:
    world = World()
    second = world.account("Hoàng Gia Huy")
    code = world.codes.show()
    second.phone.scan()
    with pytest.raises(Impossible, match="this phone has scanned no QR code"):
        world.phone.confirm()
    second.phone.confirm()
    assert code.account is second


async def test_an_open_code_can_expire_before_and_after_the_scan() -> None:
    world = World()
    shown, scanned = world.codes.show(), world.codes.show()
    world.phone.scan()
    world.phone.expire()
    assert (shown.state, scanned.state) == (QrState.SHOWN, QrState.EXPIRED)
    world.phone.expire()
    assert shown.state is QrState.EXPIRED
    with pytest.raises(Impossible, match="no QR code is open"):
        world.phone.expire()


async def test_credentials_are_those_of_the_live_session() -> None:
    world = World()
    first, second = world.credentials(), world.credentials()
    assert first["cookie"] == second["cookie"]
    assert len(first["imei"]) == 36 + 1 + 32
    world.expire_session()
    assert world.credentials()["cookie"] != first["cookie"]
    with pytest.raises(Impossible, match="nobody is logged in"):
        world.refresh_cookies(world.account("Hoàng Gia Huy"))
    with pytest.raises(Impossible, match="no client is listening"):
        await world.drop(1006)
