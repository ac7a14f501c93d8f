"""Warm-up: how a new session's budgets grow, what counts, and that neither restarts nor logins start over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import Bench, Echo, Wire, bench_in, message, until
from packages.clawlane.tests.opened_store import NOW, Clock, opened_store

from clawlane.config.settings import Pacing
from clawlane.lane.warm_up import DAYS, WarmUp, replies
from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import operator_sends, warm_ups
from clawlane.store.account_store import AccountStore

HOUR, DAY = 3_600_000, 86_400_000
LAN = Thread(ThreadKind.DM, "11")


def test_a_week_leads_from_ten_replies_to_the_normal_budget() -> None:
    days = range(1, DAYS + 1)
    assert [replies(Pacing(), "day", day) for day in days] == [10, 21, 46, 100, 215, 464, 1000]
    assert [replies(Pacing(), "hour", day) for day in days] == [8, 13, 23, 40, 68, 116, 200]
    assert [replies(Pacing(), "minute", day) for day in days] == [4, 4, 6, 7, 9, 12, 15]


@pytest.mark.parametrize("most", [1, 7, 10, 11, 10**9])
def test_it_never_shrinks_and_never_goes_beyond_the_normal_budget(most: int) -> None:
    pacing = Pacing.model_validate({"account": {"day": most}})
    limits = [replies(pacing, "day", day) for day in range(1, DAYS + 1)]
    assert limits == sorted(limits)
    assert limits[0] == min(10, most)
    assert limits[-1] in (most, most - 1)


@pytest.mark.parametrize(
    ("passed_ms", "day"),
    [(-HOUR, 1), (0, 1), (DAY - 1, 1), (DAY, 2), (6 * DAY - 1, 6), (6 * DAY, None), (99 * DAY, None)],
)
def test_a_day_is_24_hours_from_the_login(passed_ms: int, day: int | None) -> None:
    warm_up = WarmUp(NOW)
    assert warm_up.day(NOW + passed_ms) == day
    assert warm_up.next_ms(NOW + passed_ms) > NOW + passed_ms


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_in(tmp_path) as bench:
        yield bench


def pacing(**more: object) -> Pacing:
    return Pacing.model_validate({"gap": "0s", "gapJitter": "0s", **more})


async def warmed(bench: Bench, rules: Pacing, *, always: bool = False) -> None:
    bench.gate.session_begun(NOW, always_warms_up=always)
    await bench.gate.follow(rules, lambda: 0.0, bench.account_store)


def held(bench: Bench) -> list[tuple[str, int]]:
    with bench.store.read() as reader:
        return [(one.reason, one.until_ms) for one in reader.held("zalouser/default", bench.clock.ms)]


async def replies_of(bench: Bench, wire: Wire, count: int, first: int) -> None:
    """So many replies to different people, a quarter of an hour after each other."""
    for number in range(first, first + count):
        wire.incoming.put_nowait(message(number, str(1000 + number)))
        await wire.sent(1)
        bench.clock.ms += HOUR // 4


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_first_day_has_ten_replies_and_the_second_more(bench: Bench, enabled: bool) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()) as lane:
        await warmed(bench, pacing(enabled=enabled), always=True)
        await replies_of(bench, wire, 10, 0)
        wire.incoming.put_nowait(message(50, "2000"))
        await until(lambda: bool(held(bench)))
        assert held(bench) == [("pacing.warmUp day 1 of 7 (day: 10)", NOW + DAY)]
        with bench.store.read() as reader:
            assert reader.reply_count("zalouser/default", bench.clock.ms - DAY) == 10
        bench.clock.ms = NOW + DAY
        lane.sender.wake()
        assert await wire.sent(1) == ["2000: 50"]
        await replies_of(bench, wire, 10, 60)


async def test_a_restart_knows_what_was_sent(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        await warmed(bench, pacing(enabled=False), always=True)
        await replies_of(bench, wire, 10, 0)
    again = Wire()
    async with bench.running(again, Echo()):
        await warmed(bench, pacing(enabled=False), always=True)
        again.incoming.put_nowait(message(50, "2000"))
        await until(lambda: bool(held(bench)))
        assert again.outgoing.empty()


async def test_minutes_and_hours_are_short_as_well(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()) as lane:
        await warmed(bench, pacing(warmUp=True))
        for number in range(9):
            wire.incoming.put_nowait(message(number, str(1000 + number)))
        await wire.sent(4)
        await until(lambda: bool(held(bench)))
        assert ("pacing.warmUp day 1 of 7 (minute: 4)", NOW + 60_000) in held(bench)
        bench.clock.ms += 60_000
        lane.sender.wake()
        await wire.sent(4)
        await until(lambda: bool(held(bench)))
        assert held(bench) == [("pacing.warmUp day 1 of 7 (hour: 8)", NOW + HOUR)]


async def test_what_the_operator_sends_counts_and_passes(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()) as lane:
        await warmed(bench, pacing(warmUp=True))
        for number in range(4):
            await bench.account_store.run(operator_sends.queue, [Text(LAN, f"by hand {number}")])
            lane.sender.wake()
            await wire.sent(1)
        wire.incoming.put_nowait(message(1, "2000"))
        await until(lambda: bool(held(bench)))
        assert held(bench) == [("pacing.warmUp day 1 of 7 (minute: 4)", NOW + 60_000)]


async def test_a_long_reply_counts_once(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        await warmed(bench, pacing(warmUp=True))
        wire.incoming.put_nowait(message(1, text="a|b|c|d|e"))
        assert len(await wire.sent(5)) == 5
        with bench.store.read() as reader:
            assert reader.reply_count("zalouser/default", 0) == 1


@pytest.mark.parametrize(
    ("rules", "always"),
    [({}, False), ({"enabled": False}, False), ({"enabled": False, "warmUp": True}, True)],
)
async def test_without_a_word_of_it_nothing_warms_up(
    bench: Bench, rules: dict[str, object], always: bool
) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        bench.gate.session_begun(NOW - 6 * DAY if always else NOW, always_warms_up=always)
        await bench.gate.follow(pacing(**rules), lambda: 0.0, bench.account_store)
        for number in range(9):
            wire.incoming.put_nowait(message(number, str(1000 + number)))
        await wire.sent(9)


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[tuple[AccountStore, Clock]]:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (_, account_store):
        yield account_store, clock


async def test_a_session_warms_up_from_its_login(stored: tuple[AccountStore, Clock]) -> None:
    account_store, clock = stored
    assert await account_store.run(warm_ups.begin, "42", NOW - 3 * DAY) == NOW - 3 * DAY
    clock.ms += DAY
    assert await account_store.run(warm_ups.begin, "42", NOW - 3 * DAY) == NOW - 3 * DAY


async def test_a_new_login_of_the_same_user_goes_on(stored: tuple[AccountStore, Clock]) -> None:
    account_store, clock = stored
    await account_store.run(warm_ups.begin, "42", NOW)
    clock.ms += 5 * DAY
    await account_store.run(warm_ups.seen)
    clock.ms += 14 * DAY
    assert await account_store.run(warm_ups.begin, "42", clock.ms) == NOW


async def test_a_login_after_a_long_time_and_one_of_somebody_else_begin_anew(
    stored: tuple[AccountStore, Clock],
) -> None:
    account_store, clock = stored
    await account_store.run(warm_ups.begin, "42", NOW)
    clock.ms += 14 * DAY + 1
    assert await account_store.run(warm_ups.begin, "42", clock.ms) == clock.ms
    clock.ms += DAY
    assert await account_store.run(warm_ups.begin, "43", clock.ms) == clock.ms


async def test_an_account_that_only_rested_does_not_begin_anew(stored: tuple[AccountStore, Clock]) -> None:
    account_store, clock = stored
    await account_store.run(warm_ups.begin, "42", NOW)
    clock.ms += 60 * DAY
    assert await account_store.run(warm_ups.begin, "42", NOW) == NOW


async def test_a_session_that_does_not_tell_its_login_counts_from_its_first_run(
    stored: tuple[AccountStore, Clock],
) -> None:
    account_store, clock = stored
    assert await account_store.run(warm_ups.begin, "42", None) == NOW
    clock.ms += 30 * DAY
    assert await account_store.run(warm_ups.begin, "42", None) == NOW


async def test_a_login_in_the_future_counts_from_now(stored: tuple[AccountStore, Clock]) -> None:
    account_store, _ = stored
    assert await account_store.run(warm_ups.begin, "42", NOW + DAY) == NOW


async def test_a_restored_session_counts_from_its_own_login(stored: tuple[AccountStore, Clock]) -> None:
    account_store, _ = stored
    await account_store.run(warm_ups.begin, "42", NOW)
    assert await account_store.run(warm_ups.begin, "42", NOW - 30 * DAY) == NOW - 30 * DAY
