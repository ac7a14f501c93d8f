"""The platform's time, as its answers tell it: right whatever this machine's clock does."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from packages.zaloweb.tests.live_account import hearing, logged_in, until

from zaloweb import Connected, Disconnected, Message, SystemClock, Undo, Zalo
from zaloweb.sim.clock import ManualClock
from zaloweb.sim.server import Simulator
from zaloweb.transport.platform_clock import PlatformClock

NOW = 1_800_000_000_000
HOUR = 3600.0


def date(ms: float) -> str:
    return formatdate(ms / 1000, usegmt=True)


def told(clock: ManualClock, ahead_s: float = 0.0) -> PlatformClock:
    platform = PlatformClock(clock)
    answer(platform, clock, ahead_s)
    return platform


def answer(platform: PlatformClock, clock: ManualClock, ahead_s: float, took_s: float = 0.0) -> None:
    asked = clock.elapsed()
    clock.advance(took_s)
    platform.note(date(clock.now_ms() + 1000 * ahead_s), asked, clock.elapsed())


def test_nothing_is_known_before_an_answer() -> None:
    platform = PlatformClock(ManualClock(NOW))
    assert platform.now_ms() is None
    assert platform.skew_ms is None


@pytest.mark.parametrize("ahead_s", [0.0, 1200.0, -1200.0, 24 * HOUR, -24 * HOUR])
def test_the_skew_is_measured_to_a_second(ahead_s: float) -> None:
    skew_ms = told(ManualClock(NOW), ahead_s).skew_ms
    assert skew_ms is not None
    assert abs(skew_ms - 1000 * ahead_s) <= 1000


@pytest.mark.parametrize("set_back_s", [24 * HOUR, -24 * HOUR])
def test_setting_this_machines_clock_changes_the_skew_at_once_and_the_platforms_time_not(
    set_back_s: float,
) -> None:
    clock = ManualClock(NOW)
    platform = told(clock)
    before = platform.now_ms()
    clock.set_back(set_back_s)
    assert platform.now_ms() == before
    assert platform.skew_ms is not None
    assert abs(platform.skew_ms - 1000 * set_back_s) <= 1000


def test_time_that_passes_is_counted() -> None:
    clock = ManualClock(NOW)
    platform = told(clock)
    before = platform.now_ms()
    clock.advance(HOUR)
    assert before is not None
    assert platform.now_ms() == before + 3_600_000


def test_one_odd_answer_changes_nothing() -> None:
    clock = ManualClock(NOW)
    platform = told(clock)
    answer(platform, clock, 0.0)
    answer(platform, clock, 24 * HOUR)
    assert platform.skew_ms is not None
    assert abs(platform.skew_ms) <= 1000


def test_a_platform_whose_clock_is_set_is_followed() -> None:
    clock = ManualClock(NOW)
    platform = told(clock)
    for _ in range(3):
        answer(platform, clock, HOUR)
    assert platform.skew_ms is not None
    assert abs(platform.skew_ms - 3_600_000) <= 1000


def test_a_slow_answer_is_taken_in_its_middle() -> None:
    clock = ManualClock(NOW)
    platform = PlatformClock(clock)
    answer(platform, clock, 0.0, took_s=10.0)
    assert platform.skew_ms is not None
    assert abs(platform.skew_ms) <= 6000


@pytest.mark.parametrize(
    "rubbish",
    ["", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 99 Foo 2026 99:99:99 GMT", "Mon, 1", "9" * 5000],
)
def test_what_is_no_date_is_passed_over(rubbish: str) -> None:
    platform = PlatformClock(ManualClock(NOW))
    platform.note(rubbish, 0.0, 0.0)
    assert platform.skew_ms is None


async def test_every_answer_of_the_platform_is_a_measurement() -> None:
    async with Simulator() as sim:
        sim.world.clock.ahead_ms = 1_200_000
        platform = PlatformClock(SystemClock())
        session = await logged_in(sim, platform)
        assert_about(platform, 1_200_000)

        upgraded = PlatformClock(SystemClock())
        async with Zalo(session, network=sim.network, platform_clock=upgraded) as zalo, hearing(zalo):
            assert zalo.platform_clock is upgraded
            assert_about(upgraded, 1_200_000)


async def test_answers_without_a_date_tell_nothing() -> None:
    async with Simulator() as sim:
        sim.world.clock.shown = False
        platform = PlatformClock(SystemClock())
        await logged_in(sim, platform)
        assert platform.skew_ms is None


async def test_only_the_platforms_own_hosts_are_believed() -> None:
    async with Simulator() as sim:
        session = await logged_in(sim)
        platform = PlatformClock(SystemClock())
        async with Zalo(session, network=sim.network, platform_clock=platform) as zalo:
            transport = zalo._transport
            for host in ("zalo.me.example.com", "notzalo.me", "example.com"):
                async with transport.outside("GET", f"https://{host}/", name="anything"):
                    assert platform.skew_ms is None


async def test_a_connection_that_is_given_up_is_followed_by_another_at_once() -> None:
    async with Simulator() as sim:
        session = await logged_in(sim)
        async with Zalo(session, network=sim.network) as zalo, hearing(zalo) as events:
            zalo.reconnect()
            ended = await until(Disconnected, events)
            assert ended.retry_in_ms == 0
            await until(Connected, events)


async def test_the_wait_for_a_connection_is_cut_short() -> None:
    clock = ManualClock(NOW)
    async with Simulator() as sim:
        session = await logged_in(sim)
        async with Zalo(session, network=sim.network, clock=clock) as zalo, hearing(zalo) as events:
            await sim.drop()
            waiting = await until(Disconnected, events)
            assert waiting.retry_in_ms
            zalo.reconnect()
            await until(Connected, events)


async def test_a_backlog_can_be_pushed_at_the_next_connect() -> None:
    async with Simulator() as sim:
        session = await logged_in(sim)
        lan = sim.world.person("Lan")
        sim.world.pushes_backlog = True
        await lan.says("missed")
        taken_back = await lan.says("taken back")
        await lan.undoes(taken_back)
        async with Zalo(session, network=sim.network) as zalo, hearing(zalo) as events:
            assert (await until(Message, events)).text == "missed"
            await until(Undo, events)
        async with Zalo(session, network=sim.network) as zalo, hearing(zalo) as events:
            await lan.says("now")
            assert (await until(Message, events)).text == "now"


def assert_about(platform: PlatformClock, skew_ms: int) -> None:
    assert platform.skew_ms is not None
    assert abs(platform.skew_ms - skew_ms) < 30_000
