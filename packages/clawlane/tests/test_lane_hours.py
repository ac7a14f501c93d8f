"""Quiet hours: when they are, and what then becomes of replies, signals, codes and the operator's sends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import Bench, Echo, Wire, bench_in, message, until
from packages.clawlane.tests.opened_store import NOW

from clawlane.access.policy import AccessPolicy
from clawlane.config.choices import DmPolicy, QuietDo
from clawlane.config.quiet_hours import QuietSpan
from clawlane.config.settings import Pacing
from clawlane.lane.hours import Quiet, QuietHours
from clawlane.lane.pacing import Pacer
from clawlane.messages import Text, Thread, ThreadKind, Typing
from clawlane.store import operator_sends
from clawlane.store.told import Pause, PauseLevel
from clawlane.store.transaction import Tx
from clawlane.zone import Zone

BERLIN, SAIGON = Zone("Europe/Berlin"), Zone("Asia/Ho_Chi_Minh")
HOLD, DROP = QuietDo.HOLD, QuietDo.DROP
LAN = Thread(ThreadKind.DM, "11")


def ms(utc: str) -> int:
    return int(1000 * datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp())


def hours(zone: Zone, *spans: str) -> QuietHours:
    """From `22:00-07:00 hold`."""
    written = []
    for one in spans:
        span, do = one.split()
        begin, end = span.split("-")
        written.append(QuietSpan.model_validate({"from": begin, "to": end, "do": do}))
    return QuietHours.of(written, zone)


NIGHT = ("22:00-07:00 hold",)


@pytest.mark.parametrize(
    ("spans", "now", "quiet"),
    [
        (NIGHT, "2026-11-28T14:59:59.999", None),
        (NIGHT, "2026-11-28T15:00", (HOLD, "2026-11-29T00:00")),
        (NIGHT, "2026-11-28T23:59:59.999", (HOLD, "2026-11-29T00:00")),
        (NIGHT, "2026-11-29T00:00", None),
        (("12:00-13:00 drop",), "2026-11-28T05:30", (DROP, "2026-11-28T06:00")),
        (("12:00-13:00 drop",), "2026-11-28T06:00", None),
        (("00:00-07:00 hold", "22:00-00:00 hold"), "2026-11-28T16:00", (HOLD, "2026-11-29T00:00")),
        (("22:00-00:00 hold", "00:00-07:00 drop"), "2026-11-28T16:00", (HOLD, "2026-11-28T17:00")),
        (("22:00-00:00 hold", "00:00-07:00 drop"), "2026-11-28T17:00", (DROP, "2026-11-29T00:00")),
        (
            ("12:00-13:00 hold", "13:00-14:00 hold", "14:00-15:00 drop"),
            "2026-11-28T05:00",
            (HOLD, "2026-11-28T07:00"),
        ),
        ((), "2026-11-28T17:00", None),
    ],
)
def test_when_it_is_quiet_in_saigon(
    spans: tuple[str, ...], now: str, quiet: tuple[QuietDo, str] | None
) -> None:
    found = hours(SAIGON, *spans)
    expected = Quiet(quiet[0], ms(quiet[1])) if quiet else None
    assert found.now(ms(now)) == expected
    assert found.until_ms(ms(now)) == (expected and expected.until_ms)


@pytest.mark.parametrize(
    ("span", "now", "until"),
    [
        # In the night to the 29th of March the clock goes from 02:00 to 03:00, at 01:00 in UTC.
        ("02:30-06:00", "2026-03-29T00:59:59", None),
        ("02:30-06:00", "2026-03-29T01:00", "2026-03-29T04:00"),
        ("22:00-02:30", "2026-03-29T00:59:59", "2026-03-29T01:00"),
        ("22:00-02:30", "2026-03-29T01:00", None),
        ("02:10-02:50", "2026-03-29T01:00", None),
        ("22:00-07:00", "2026-03-28T21:30", "2026-03-29T05:00"),
        # In the night to the 25th of October it goes from 03:00 to 02:00, at 01:00 in UTC.
        ("02:30-06:00", "2026-10-25T00:29:59", None),
        ("02:30-06:00", "2026-10-25T00:30", "2026-10-25T05:00"),
        ("02:30-06:00", "2026-10-25T01:10", "2026-10-25T05:00"),
        ("22:00-02:30", "2026-10-25T00:45", "2026-10-25T01:30"),
        ("22:00-02:30", "2026-10-25T01:30", None),
        ("22:00-07:00", "2026-10-24T20:00", "2026-10-25T06:00"),
    ],
)
def test_when_it_is_quiet_in_a_night_in_which_the_clock_is_changed(
    span: str, now: str, until: str | None
) -> None:
    assert hours(BERLIN, f"{span} hold").until_ms(ms(now)) == (ms(until) if until else None)


def test_a_night_is_quiet_once_and_as_long_as_its_clock_says() -> None:
    """Hour by hour from one noon to another: nights of nine hours, a shorter and a longer one among them."""
    night = hours(BERLIN, *NIGHT)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    times = (noon + timedelta(hours=hour) for hour in range(260 * 24))
    quiet = [night.now(int(1000 * one.timestamp())) is not None for one in times]
    lengths = [len(list(stretch)) for is_quiet, stretch in groupby(quiet) if is_quiet]
    assert Counter(lengths) == {8: 1, 9: 258, 10: 1}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_in(tmp_path) as bench:
        yield bench


def around(bench: Bench, do: QuietDo) -> int:
    """It is quiet now, until the time that is given."""
    zone = Zone("UTC")
    begin = zone.at(NOW - 3_600_000)
    end = zone.at(NOW + 3_600_000)
    bench.quiet_hours = hours(zone, f"{begin:%H:%M}-{end:%H:%M} {do}")
    until_ms = bench.quiet_hours.until_ms(NOW)
    assert until_ms is not None
    return until_ms


async def test_replies_wait_for_the_end_and_then_leave_one_after_the_other(bench: Bench) -> None:
    wire = Wire()
    until_ms = around(bench, HOLD)
    bench.pacer = Pacer(Pacing.model_validate({"gap": "5s", "gapJitter": "0s"}), lambda: 0.0)
    async with bench.running(wire, Echo()) as lane:
        for number in range(3):
            wire.incoming.put_nowait(message(number, str(11 + number), text=f"{number}"))
        await until(lambda: bench.states().get("queued") == 3 and len(held(bench)) == 3)
        assert {(one.reason, one.until_ms) for one in held(bench)} == {("quiet hours", until_ms)}
        assert wire.outgoing.empty()
        assert wire.shown.empty()
        bench.clock.ms = until_ms
        lane.sender.wake()
        assert await wire.sent(1) == ["0"]
        await until(lambda: bench.states().get("queued") == 2)
        for text in ("1", "2"):
            assert wire.outgoing.empty()
            bench.clock.ms += 5000
            lane.sender.wake()
            assert await wire.sent(1) == [text]


def held(bench: Bench) -> list[object]:
    with bench.store.read() as reader:
        return list(reader.held("zalouser/default", bench.clock.ms))


async def rows(bench: Bench, query: str) -> list[tuple[object, ...]]:
    def read(tx: Tx) -> list[tuple[object, ...]]:
        return [tuple(row) for row in tx.db.execute(query)]

    return await bench.account_store.run(read)


TURNS = "SELECT state, reason FROM turns ORDER BY turn"
CHUNKS = "SELECT state, reason FROM outbox ORDER BY id"
SETTLED = "SELECT turn FROM turns WHERE settled_ms IS NOT NULL"


async def settled(bench: Bench, turns: int) -> None:
    while len(await rows(bench, SETTLED)) < turns:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_replies_are_not_sent_and_their_turns_are_over(bench: Bench) -> None:
    wire = Wire()
    until_ms = around(bench, DROP)
    async with bench.running(wire, Echo()) as lane:
        wire.incoming.put_nowait(message(1, text="at night"))
        wire.incoming.put_nowait(message(2, text="/new"))
        await settled(bench, 2)
        assert set(await rows(bench, CHUNKS)) == {("cancelled", "quiet_hours")}
        assert await rows(bench, TURNS) == [("stopped", "quiet_hours: not sent")] * 2
        assert wire.outgoing.empty()
        assert wire.shown.empty()
        bench.clock.ms = until_ms
        lane.sender.wake()
        wire.incoming.put_nowait(message(3, text="in the morning"))
        assert await wire.sent(1) == ["in the morning"]
        assert await wire.shown.get() == Typing(LAN)


async def test_what_pacing_holds_beyond_the_night_leaves_in_the_morning(bench: Bench) -> None:
    wire = Wire()
    around(bench, HOLD)
    bench.pacer = Pacer(Pacing.model_validate({"gap": "3h", "gapJitter": "0s"}), lambda: 0.0)
    async with bench.running(wire, Echo()) as lane:
        lane.sender.close()
        [number] = await bench.account_store.run(operator_sends.queue, [Text(LAN, "by hand")])
        lane.sender.open()
        assert await wire.sent(1) == ["by hand"]
        wire.incoming.put_nowait(message(1, text="hello"))
        await until(lambda: bench.states().get("queued") == 1)
        lane.sender.wake()
        assert number
        bench.clock.ms += 3 * 3_600_000
        lane.sender.wake()
        assert await wire.sent(1) == ["hello"]


async def test_what_the_operator_sends_passes_replies_that_wait(bench: Bench) -> None:
    wire = Wire()
    until_ms = around(bench, HOLD)
    async with bench.running(wire, Echo()) as lane:
        wire.incoming.put_nowait(message(1, text="hello"))
        await until(lambda: bool(held(bench)))
        for text in ("by hand", "twice"):
            await bench.account_store.run(operator_sends.queue, [Text(LAN, text)])
        lane.sender.wake()
        assert await wire.sent(2) == ["by hand", "twice"]
        bench.clock.ms = until_ms
        lane.sender.wake()
        assert await wire.sent(1) == ["hello"]


async def test_what_the_operator_sent_before_the_night_passes_as_well(bench: Bench) -> None:
    wire = Wire()
    around(bench, HOLD)
    async with bench.running(wire, Echo()) as lane:
        lane.sender.close()
        wire.incoming.put_nowait(message(1, text="hello"))
        await until(lambda: bench.states().get("queued") == 1)
        await bench.account_store.run(operator_sends.queue, [Text(LAN, "by hand")])
        lane.sender.open()
        assert await wire.sent(1) == ["by hand"]
        assert bench.states()["queued"] == 1


@pytest.mark.parametrize("do", [HOLD, DROP])
async def test_what_the_operator_sends_leaves_at_night(bench: Bench, do: QuietDo) -> None:
    wire = Wire()
    around(bench, do)
    async with bench.running(wire, Echo()) as lane:
        await bench.account_store.run(operator_sends.queue, [Text(LAN, "by hand")])
        lane.sender.wake()
        assert await wire.sent(1) == ["by hand"]


async def test_a_pause_keeps_what_quiet_hours_would_drop(bench: Bench) -> None:
    wire = Wire()
    until_ms = around(bench, DROP)
    bench.quiet_hours, night = QuietHours(), bench.quiet_hours
    async with bench.running(wire, Echo()) as lane:
        bench.gate.pause([Pause("zalouser/default", LAN, PauseLevel.MUTE, NOW)])
        await bench.account_store.run(operator_sends.queue, [Text(LAN, "by hand")])
        bench.gate.keep_quiet(night)
        lane.sender.wake()
        await until(lambda: bench.states().get("queued") == 1)
        bench.clock.ms = until_ms
        bench.gate.pause([])
        lane.sender.wake()
        assert await wire.sent(1) == ["by hand"]


@pytest.mark.parametrize("do", [HOLD, DROP])
async def test_strangers_get_their_code_with_a_message_by_day(bench: Bench, do: QuietDo) -> None:
    wire = Wire()
    bench.policy = AccessPolicy(dm=DmPolicy.PAIRING)
    until_ms = around(bench, do)
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await until(lambda: bench.counters().get("dm_pairing_held") == 1)
        assert bench.states() == {}
        bench.clock.ms = until_ms
        wire.incoming.put_nowait(replace(message(2), sent_ms=until_ms))
        [text] = await wire.sent(1)
        assert "11" in text


async def test_a_code_that_was_queued_before_the_night_is_held_back(bench: Bench) -> None:
    wire = Wire()
    bench.policy = AccessPolicy(dm=DmPolicy.PAIRING)
    until_ms = around(bench, DROP)
    bench.quiet_hours, night = QuietHours(), bench.quiet_hours
    async with bench.running(wire, Echo()) as lane:
        bench.gate.pause([Pause("zalouser/default", LAN, PauseLevel.MUTE, NOW)])
        wire.incoming.put_nowait(message(1))
        await until(lambda: bench.states().get("queued") == 1)
        bench.gate.keep_quiet(night)
        bench.gate.pause([])
        lane.sender.wake()
        await until(lambda: bench.states().get("queued", 0) == 0)
        assert await rows(bench, CHUNKS) == [("cancelled", "quiet hours")]
        assert await rows(bench, "SELECT reason, texted_ms FROM pairing") == [("dm_pairing_held", None)]
        bench.clock.ms = until_ms
        wire.incoming.put_nowait(replace(message(2), sent_ms=until_ms))
        [text] = await wire.sent(1)
        assert "11" in text
