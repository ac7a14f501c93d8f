"""What observers are told of the frames and calls of an account, and what they are never told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from packages.zaloweb.tests.live_account import hearing
from packages.zaloweb.tests.test_debug_log import (
    ANSWERED,
    CAPTION,
    FILE_NAME,
    GROUP_NAME,
    NEW_NAME,
    SAID,
    converse,
    sim,
)

from zaloweb import (
    Credentials,
    Pace,
    SessionExpired,
    Trace,
    Traced,
    TracedCall,
    TracedFrame,
    Zalo,
    log_in,
)
from zaloweb.sim.faults import Error
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import starting_world

__all__ = ["sim"]  # the fixture


async def test_a_conversation_is_told_by_kind_size_time_and_code(sim: Simulator, tmp_path: Path) -> None:
    trace, told = Trace(), list[Traced]()
    with trace.told(told.append):
        session = await log_in(
            Credentials.from_object(sim.world.credentials()), network=sim.network, trace=trace
        )
        async with Zalo(session, network=sim.network, pace=Pace.off(), trace=trace) as zalo:
            key = await converse(sim, zalo, tmp_path)
    calls = [one for one in told if isinstance(one, TracedCall)]
    assert [(one.name, one.method, one.status, one.code) for one in calls[:3]] == [
        ("getLoginInfo", "GET", 200, 0),
        ("getServerInfo", "GET", 200, 0),
        ("connect", "GET", 101, None),
    ]
    results = {(one.name, one.status, one.code, one.error) for one in calls}
    assert ("send text", 200, 0, "") in results
    assert ("send text", 200, 114, "InvalidParameters") in results
    assert ("friends", None, None, "NoAnswer") in results
    assert ("friends", 200, 0, "") in results
    assert ("download", 200, None, "") in results
    assert all(one.ms >= 0 for one in calls)
    assert any(one.sent > 5000 and one.received for one in calls)  # an upload counts its whole form
    frames = [one for one in told if isinstance(one, TracedFrame)]
    assert {"cipher key", "user messages"} <= {one.kind for one in frames if not one.outgoing}
    assert TracedFrame("lost", False, 0, 1006) in frames
    assert all(one.size > 4 for one in frames if one.kind == "user messages")
    secrets = [SAID, ANSWERED, CAPTION, FILE_NAME, GROUP_NAME, NEW_NAME, "mật khẩu", "Trần Thị Lan"]
    secrets += [session.secret_key, session.credentials.imei, key.hex(), session.uid]
    secrets += [*sim.world.registry.people, *sim.world.registry.groups]
    secrets += [cookie.value for cookie in session.jar]
    written = repr(told)
    assert [one for one in secrets if one in written or quote(one) in written] == []


async def test_nobody_is_told_after_the_end_and_one_that_fails_harms_nothing(
    sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    trace, told = Trace(), list[Traced]()

    def fail(_: Traced) -> None:
        raise ValueError

    session = await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)
    async with Zalo(session, network=sim.network, trace=trace) as zalo:
        with trace.told(fail), trace.told(told.append), trace.told(told.append):
            await zalo.friends()
        assert not trace.on
        await zalo.friends()
    assert [one.name for one in told if isinstance(one, TracedCall)] == ["friends", "friends"]
    assert "an observer of frames and calls failed" in caplog.text


async def test_heartbeats_and_ends_are_named() -> None:
    trace, told, answered = Trace(), list[Traced](), asyncio.Event()

    def observe(one: Traced) -> None:
        told.append(one)
        if isinstance(one, TracedFrame) and one.kind == "pong":
            answered.set()

    async with Simulator(starting_world(Rules(ping_interval_ms=250))) as sim:
        session = await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)
        with trace.told(observe):
            async with Zalo(session, network=sim.network, trace=trace) as zalo, hearing(zalo):
                await answered.wait()
    frames = [(one.kind, one.outgoing, one.code) for one in told if isinstance(one, TracedFrame)]
    assert frames[:3] == [("cipher key", False, None), ("ping", True, None), ("pong", False, None)]
    assert ("close", True, 1000) in frames


async def test_a_refused_login_has_its_code(sim: Simulator) -> None:
    trace, told = Trace(), list[Traced]()
    sim.world.faults.add(Error(code=102, message=SAID, call="getLoginInfo"))
    with trace.told(told.append), pytest.raises(SessionExpired):
        await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network, trace=trace)
    [refused] = told
    assert isinstance(refused, TracedCall)
    assert (refused.name, refused.status, refused.code) == ("getLoginInfo", 200, 102)
