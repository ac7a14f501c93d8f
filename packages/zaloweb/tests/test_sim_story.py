"""What the simulator is for: our own client lives a day in its world."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from random import Random

import pytest

from zaloweb.client import Zalo
from zaloweb.errors import Kicked, SessionExpired
from zaloweb.events import CipherKey, Disconnected, Event, Message, Thread, ThreadKind
from zaloweb.session import Session
from zaloweb.sim.event_log import Connected, Login, QrLogin, Refused
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World
from zaloweb.transport.qr import Confirmed, Declined, Done, Expired, Scanned, ShowQr, Step, qr_login


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(World(rules=Rules(poll_seconds=0.05))) as simulator:
        yield simulator


def steps_of(sim: Simulator) -> AsyncGenerator[Step, None]:
    return qr_login(sim.network, random=Random(1), pause=0.01)


async def logged_in(sim: Simulator) -> Session:
    """The session of a login whose code the owner scans and confirms."""
    async with aclosing(steps_of(sim)) as steps:
        async for step in steps:
            if isinstance(step, ShowQr):
                sim.world.phone.scan()
            elif isinstance(step, Scanned):
                assert step.name == sim.world.me.name
                sim.world.phone.confirm()
            elif isinstance(step, Done):
                return step.session
            else:
                assert isinstance(step, Confirmed)
    raise AssertionError("the login ended without a session")


async def next_event(events: AsyncGenerator[Event, None], kind: type[Event]) -> Event:
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the events ended before a {kind.__name__}")


async def test_a_scanned_and_confirmed_code_becomes_a_session(sim: Simulator) -> None:
    session = await logged_in(sim)
    assert session.uid == sim.world.me.uid
    assert (await sim.world.arrived(QrLogin)).account == session.uid
    assert (await sim.world.arrived(Login)).imei == session.credentials.imei


async def test_a_declined_code_is_told(sim: Simulator) -> None:
    async with aclosing(steps_of(sim)) as steps:
        assert isinstance(await anext(steps), ShowQr)
        sim.world.phone.scan()
        assert isinstance(await anext(steps), Scanned)
        sim.world.phone.decline()
        assert isinstance(await anext(steps), Declined)


async def test_an_expired_code_ends_the_login(sim: Simulator) -> None:
    async with aclosing(steps_of(sim)) as steps:
        assert isinstance(await anext(steps), ShowQr)
        sim.world.phone.expire()
        assert isinstance(await anext(steps), Expired)


async def test_a_stranger_writes_the_client_answers_the_line_drops_and_nothing_is_lost(
    sim: Simulator,
) -> None:
    world = sim.world
    bao = world.person("Phạm Quốc Bảo", friend=False)
    async with Zalo(await logged_in(sim), network=sim.network) as zalo, aclosing(zalo.events()) as events:
        await next_event(events, CipherKey)
        await bao.says("xin chào")
        heard = await next_event(events, Message)
        assert isinstance(heard, Message)
        assert (heard.sender_id, heard.sender_name, heard.text) == (bao.uid, "Phạm Quốc Bảo", "xin chào")

        receipt = await zalo.send_text(Thread(ThreadKind.USER, bao.uid), "chào bạn", client_id=1700000000001)
        sent = await world.next_sent()
        assert (sent.text, sent.msg_id, sent.client_id) == ("chào bạn", receipt.msg_id, "1700000000001")

        before = world.log.last
        await sim.drop(1006)
        await next_event(events, Disconnected)
        await next_event(events, CipherKey)
        await world.arrived(Connected, after=before)
        await bao.says("còn đó không?")
        texts = []
        while "còn đó không?" not in texts:
            heard = await next_event(events, Message)
            assert isinstance(heard, Message)
            texts.append(heard.text)
    assert not [record for record in world.log.since() if isinstance(record, Refused)]


async def test_who_is_there_is_what_the_world_holds(sim: Simulator) -> None:
    world = sim.world
    lan, _ = world.person("Trần Thị Lan"), world.person("Người Lạ", friend=False)
    work = world.group("Nhóm Làm Việc", [lan])
    async with Zalo(await logged_in(sim), network=sim.network) as zalo:
        assert [friend.name for friend in await zalo.friends()] == ["Trần Thị Lan"]
        assert list(await zalo.group_ids()) == [work.gid]
        assert [group.name for group in await zalo.groups()] == ["Nhóm Làm Việc"]


async def test_a_new_login_kicks_the_one_before(sim: Simulator) -> None:
    async with Zalo(await logged_in(sim), network=sim.network) as old, aclosing(old.events()) as events:
        await next_event(events, CipherKey)
        new = await logged_in(sim)
        with pytest.raises(Kicked):
            await next_event(events, Message)
        with pytest.raises(SessionExpired):
            await old.friends()
    async with Zalo(new, network=sim.network) as zalo:
        assert (await zalo.account_info()).id == sim.world.me.uid
