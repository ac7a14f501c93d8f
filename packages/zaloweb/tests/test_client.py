"""An account on the simulator: hearing, answering, coming back, and being given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest
from packages.zaloweb.tests.live_account import Events, hearing, logged_in, until

from vectors_harness.watched_clock import WatchedClock
from zaloweb import (
    BeforeSending,
    CipherKey,
    Connected,
    Disconnected,
    Kicked,
    Mention,
    Message,
    OldMessages,
    OldReactions,
    Quoted,
    Replaced,
    Session,
    SessionExpired,
    SettingsError,
    Style,
    SystemClock,
    TextStyle,
    Thread,
    ThreadKind,
    Zalo,
)
from zaloweb.sim import event_log
from zaloweb.sim.server import Simulator


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def session(sim: Simulator) -> Session:
    return await logged_in(sim)


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock(SystemClock().now_ms())


@pytest.fixture
async def zalo(sim: Simulator, session: Session, clock: WatchedClock) -> AsyncIterator[Zalo]:
    async with Zalo(session, network=sim.network, clock=clock, random=Random(1)) as client:
        yield client


async def come_back(clock: WatchedClock, events: Events) -> Disconnected:
    """Take the end of a connection and let its wait pass, until there is a key again."""
    gone = await until(Disconnected, events)
    assert gone.retry_in_ms is not None
    waiting = asyncio.ensure_future(anext(events))
    await clock.until_asleep(gone.retry_in_ms / 1000)
    clock.advance(gone.retry_in_ms / 1000)
    assert isinstance(await waiting, CipherKey)
    assert isinstance(await anext(events), Connected)
    return gone


# Hearing and answering


async def test_a_message_is_heard_and_answered(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Trần Thị Lan")
    async with hearing(zalo) as events:
        await lan.says("xin chào 👋")
        message = await until(Message, events)
        assert (message.text, message.thread, message.sender_name) == (
            "xin chào 👋",
            Thread(ThreadKind.USER, lan.uid),
            "Trần Thị Lan",
        )
        sent = await zalo.send_text(message.thread, "chào Lan", client_id=1700000000001)
        arrived_there = await sim.world.next_sent()
        assert (arrived_there.text, arrived_there.msg_id) == ("chào Lan", sent.msg_id)


async def test_the_echo_of_an_own_message_has_its_client_id(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    async with hearing(zalo) as events:
        sent = await zalo.send_text(Thread(ThreadKind.USER, lan.uid), "chào", client_id=1700000000001)
        echo = await until(Message, events)
        assert (echo.is_self, echo.msg_id, echo.cli_msg_id) == (True, sent.msg_id, "1700000000001")
        assert echo.thread == Thread(ThreadKind.USER, lan.uid)


async def test_messages_keep_their_order(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    async with hearing(zalo) as events:
        for number in range(50):
            await lan.says(f"tin {number}")
        heard = [(await until(Message, events)).text for _ in range(50)]
        assert heard == [f"tin {number}" for number in range(50)]


async def test_a_group_hears_mentions_styles_and_quotes(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    group = sim.world.group("Nhóm", [lan])
    async with hearing(zalo) as events:
        await lan.says("ai đi?", group=group)
        asked = await until(Message, events)
        await zalo.send_text(
            asked.thread,
            "👋 @Lan đi",
            client_id=1700000000002,
            mentions=[Mention(lan.uid, 2, 4)],
            styles=[Style(7, 2, TextStyle.BOLD)],
            quote=Quoted.of(asked),
        )
        sent = await sim.world.next_sent()
        assert sent.mentions == [{"pos": 3, "uid": lan.uid, "len": 4, "type": 0}]
        assert sent.styles == [{"start": 8, "len": 2, "st": "b"}]
        assert sent.quoted == asked.msg_id


async def test_calls_need_no_connection(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    group = sim.world.group("Nhóm", [lan])
    await zalo.send_text(Thread(ThreadKind.USER, lan.uid), "chào", client_id=1)
    me = await zalo.account_info()
    assert (me.id, me.name) == (zalo.own_id, "Nguyễn Minh Anh")
    assert [(friend.id, friend.name) for friend in await zalo.friends()] == [(lan.uid, "Lan")]
    assert await zalo.group_ids() == (group.gid,)
    [found] = await zalo.groups()
    assert (found.id, found.name, set(found.members())) == (group.gid, "Nhóm", set(group.members))
    await zalo.keep_alive()


async def test_no_groups_are_asked_for_where_there_are_none(sim: Simulator, zalo: Zalo) -> None:
    before = sim.world.log.last
    assert await zalo.groups([]) == []
    assert sim.world.log.since(before) == []


async def test_old_messages_and_reactions_can_be_asked_for(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    group = sim.world.group("Nhóm", [lan])
    await lan.says("lỡ rồi")
    await lan.says("cả nhóm lỡ", group=group)
    async with hearing(zalo) as events:
        await zalo.request_old_messages(ThreadKind.USER)
        await zalo.request_old_messages(ThreadKind.GROUP)
        await zalo.request_old_reactions(ThreadKind.USER)
        old = [await until(OldMessages, events) for _ in range(2)]
        assert [[item.text for item in one.items if isinstance(item, Message)] for one in old] == [
            ["lỡ rồi"],
            ["cả nhóm lỡ"],
        ]
        assert (await until(OldReactions, events)).items == ()


async def test_asking_over_the_socket_without_one_fails_before_sending(zalo: Zalo) -> None:
    with pytest.raises(BeforeSending):
        await zalo.request_old_messages(ThreadKind.USER)


# Coming back


async def test_a_lost_line_is_taken_up_again_with_a_new_key(
    sim: Simulator, zalo: Zalo, clock: WatchedClock
) -> None:
    lan = sim.world.person("Lan")
    async with hearing(zalo) as events:
        await sim.drop(1006)
        assert (await come_back(clock, events)).code == 1006
        await lan.says("còn đó không?")
        assert (await until(Message, events)).text == "còn đó không?"


async def test_calls_work_while_the_line_is_down(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    async with hearing(zalo) as events:
        await sim.drop(1006)
        await until(Disconnected, events)
        await zalo.send_text(Thread(ThreadKind.USER, lan.uid), "vẫn gửi", client_id=2)
        assert (await sim.world.next_sent()).text == "vẫn gửi"


async def test_whoever_asks_for_events_anew_takes_over(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    async with hearing(zalo) as first:
        async with hearing(zalo) as second:
            await lan.says("ai nghe?")
            assert (await until(Message, second)).text == "ai nghe?"
        assert [event async for event in first] == []


async def test_breaking_off_and_beginning_again_listens_again(sim: Simulator, zalo: Zalo) -> None:
    lan = sim.world.person("Lan")
    async for event in zalo.events():
        if isinstance(event, Connected):
            break
    async with hearing(zalo) as events:
        await lan.says("lần hai")
        assert (await until(Message, events)).text == "lần hai"


async def test_leaving_closes_the_connection_properly(sim: Simulator, session: Session) -> None:
    async with Zalo(session, network=sim.network) as zalo:
        events = zalo.events()
        await until(Connected, events)
    assert (await sim.world.arrived(event_log.Disconnected)).code == 1000
    assert [event async for event in events] == []


# Being given back


async def test_an_account_opened_somewhere_else_is_given_back(sim: Simulator, zalo: Zalo) -> None:
    elsewhere = Zalo(await logged_in(sim), network=sim.network)
    async with hearing(zalo) as events, elsewhere, hearing(elsewhere):
        gone = await until(Disconnected, events)
        assert (gone.code, gone.retry_in_ms) == (3000, None)
        with pytest.raises(Replaced):
            await anext(events)


async def test_an_ended_session_is_given_back(sim: Simulator, zalo: Zalo) -> None:
    async with hearing(zalo) as events:
        await sim.kick()
        with pytest.raises(Kicked):
            await until(Message, events)


async def test_dead_cookies_ask_for_a_login_over_both_ways(sim: Simulator, zalo: Zalo) -> None:
    sim.world.expire_session()
    with pytest.raises(SessionExpired):
        await zalo.account_info()
    with pytest.raises(SessionExpired):
        await until(Message, zalo.events())


# Keeping the session


async def test_whoever_keeps_the_session_is_told_when_its_cookies_changed(
    sim: Simulator, session: Session
) -> None:
    kept: list[bytes] = []

    async def keep(changed: Session) -> None:
        kept.append(changed.to_json())

    async with Zalo(session, network=sim.network, on_session=keep) as zalo:
        await zalo.account_info()
        assert kept == []
        sim.world.refresh_cookies()
        await zalo.account_info()
        await zalo.account_info()
    assert len(kept) == 1
    async with Zalo(Session.from_json(kept[0]), network=sim.network) as again:
        assert (await again.account_info()).id == session.uid


async def test_nothing_secret_is_shown(zalo: Zalo, session: Session) -> None:
    shown = repr(zalo) + repr(session)
    secrets = [session.secret_key, session.credentials.imei, *(cookie.value for cookie in session.jar)]
    assert [secret for secret in secrets if secret in shown] == []


async def test_a_session_that_cannot_be_kept_does_not_make_a_sent_message_look_unsent(
    sim: Simulator, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: Session) -> None:
        raise OSError("the disk is full")

    lan = sim.world.person("Lan")
    async with Zalo(session, network=sim.network, on_session=refuse) as zalo:
        sim.world.refresh_cookies()
        sent = await zalo.send_text(Thread(ThreadKind.USER, lan.uid), "chào", client_id=3)
    assert sent.msg_id == (await sim.world.next_sent()).msg_id
    assert "could not be kept" in caplog.text


async def test_a_session_without_endpoints_says_so(sim: Simulator, session: Session) -> None:
    async with Zalo(replace(session, ws_urls=()), network=sim.network) as zalo:
        with pytest.raises(SettingsError, match="log in again"):
            await anext(zalo.events())
