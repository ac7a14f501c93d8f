"""What agents spent, by day, sender and thread; and the budget that it counts to."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import Clock, store_in

from clawlane.agents.budget import Ledger, TurnLedger
from clawlane.agents.contract import Lane, TurnInput
from clawlane.agents.errors import BudgetSpent
from clawlane.config.agents import Agents
from clawlane.config.routing import settled
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.store import retention, spending
from clawlane.store.account_store import AccountStore
from clawlane.store.spending import KEPT_MS, DaySpent, Spent
from clawlane.zone import MACHINE, Zone

DAY = "2026-11-28"
LAN, BINH = "11", "12"
DM, OTHER_DM = Thread(ThreadKind.DM, LAN), Thread(ThreadKind.DM, BINH)
GROUP = Thread(ThreadKind.GROUP, "55")


async def test_it_adds_up_for_each_sender_and_thread_over_all_accounts(tmp_path: Path) -> None:
    async with (
        store_in(tmp_path, Clock()) as store,
        store.own("zalouser/a") as a,
        store.own("zalouser/b") as b,
    ):
        for account, thread, sender, spent in (
            (a, DM, LAN, Spent(10, 5, 0.5)),
            (a, DM, LAN, Spent(1, 1, 0.25)),
            (a, GROUP, LAN, Spent(100, 0)),
            (a, GROUP, BINH, Spent(200, 0)),
            (b, DM, LAN, Spent(1000, 0, 1.0)),
        ):
            await account.run(spending.add, "main", DAY, thread, sender, spent)
        await a.run(spending.add, "other", DAY, DM, LAN, Spent(7, 7, 7.0))
        await a.run(spending.add, "main", "2026-11-27", DM, LAN, Spent(7, 7, 7.0))
        assert await b.run(spending.day_spent, "main", DAY, GROUP, LAN) == DaySpent(
            total=Spent(1311, 6, 1.75), sender=Spent(1111, 6, 1.75), thread=Spent(300, 0)
        )
        assert await a.run(spending.spent, "main", DAY, GROUP, BINH) == Spent(200, 0)
        assert await a.run(spending.spent, "nobody", DAY) == Spent()


async def test_it_is_forgotten_after_a_month(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        store_in(tmp_path, clock) as store,
        store.own("zalouser/a") as account,
    ):
        day = MACHINE.day(clock.ms)
        await account.run(spending.add, "main", day, DM, LAN, Spent(1, 1))
        clock.ms += KEPT_MS
        await account.run(retention.prune)
        assert await account.run(spending.spent, "main", day) == Spent(1, 1)
        clock.ms += 86_400_000
        await account.run(retention.prune)
        assert await account.run(spending.spent, "main", day) == Spent()


class Desk:
    """An agent with a budget, and turns of people that it answers."""

    def __init__(self, account_store: AccountStore, clock: Clock, budget: dict[str, float]) -> None:
        agents = Agents.model_validate({"list": [{"id": "a", "model": "x/y", "budget": budget}]})
        [agent] = settled(agents)
        self.account_store = account_store
        self.ledger = Ledger(agent, clock)

    def turn(self, sender: str, thread: Thread | None = None, zone: Zone = MACHINE) -> TurnLedger:
        lane = Lane(None, self.account_store, None, 1, 1, zone=zone)  # type: ignore[arg-type]
        thread = thread or Thread(ThreadKind.DM, sender)
        inbound = Inbound("a", "m", thread, sender, "", "chào", 0)
        return self.ledger.of(TurnInput("zalouser/a", (inbound,), lane=lane))


async def test_each_share_silences_whom_it_is_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    async with (
        store_in(tmp_path, clock) as store,
        store.own("zalouser/a") as account_store,
    ):
        desk = Desk(account_store, clock, {"tokensPerDay": 100, "usdPerDay": 1, "perThread": 0.5})
        await desk.turn(LAN).add(Spent(20, 4, 0.24))
        await desk.turn(LAN).check()
        await desk.turn(LAN).add(Spent(0, 1))
        with pytest.raises(BudgetSpent, match=r"^agents\.list\[0\]\.budget\.perSender: 25 of 25 tokens"):
            await desk.turn(LAN, GROUP).check()
        await desk.turn(BINH, GROUP).check()

        await desk.turn("13", GROUP).add(Spent(0, 0, 0.5))
        with pytest.raises(BudgetSpent, match=r"perThread: 0\.5000 of 0\.5000 USD"):
            await desk.turn(BINH, GROUP).check()
        await desk.turn(BINH).check()

        await desk.turn("14", Thread(ThreadKind.GROUP, "56")).add(Spent(75, 0))
        for _ in range(3):
            with pytest.raises(BudgetSpent, match=r"tokensPerDay: 100 of 100 tokens"):
                await desk.turn(BINH).check()
        told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert [line.partition(":")[0] for line in told] == [
            "agent a is silent for sender 11 until midnight",
            f"agent a is silent in {GROUP} until midnight".partition(":")[0],
            "agent a is silent for everybody until midnight",
        ]

        clock.ms += 86_400_000
        await desk.turn(LAN).check()


async def test_a_date_has_one_budget_however_often_the_zone_changes(tmp_path: Path) -> None:
    """At 18:00 in London it is the next day in Saigon."""
    london, saigon = Zone("Europe/London"), Zone("Asia/Ho_Chi_Minh")
    clock = Clock(int(1000 * datetime(2026, 11, 28, 18, tzinfo=UTC).timestamp()))
    async with (
        store_in(tmp_path, clock) as store,
        store.own("zalouser/a") as account_store,
    ):
        desk = Desk(account_store, clock, {"tokensPerDay": 100, "perSender": 1, "perThread": 1})
        await desk.turn(LAN, zone=london).add(Spent(100, 0))
        with pytest.raises(BudgetSpent):
            await desk.turn(LAN, zone=london).check()
        await desk.turn(LAN, zone=saigon).check()
        await desk.turn(LAN, zone=saigon).add(Spent(60, 0))
        with pytest.raises(BudgetSpent):
            await desk.turn(LAN, zone=london).check()
        clock.ms += 6 * 3_600_000
        await desk.turn(LAN, zone=london).check()
        await desk.turn(LAN, zone=london).add(Spent(40, 0))
        for zone in (london, saigon):
            with pytest.raises(BudgetSpent, match=r"100 of 100 tokens"):
                await desk.turn(LAN, zone=zone).check()


async def test_nobody_is_counted_without_a_lane_or_stopped_without_a_budget(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        store_in(tmp_path, clock) as store,
        store.own("zalouser/a") as account_store,
    ):
        desk = Desk(account_store, clock, {})
        await desk.turn(LAN).add(Spent(10**12, 0))
        await desk.turn(LAN).check()
        asked = TurnInput("zalouser/a", (Inbound("a", "m", DM, LAN, "", "chào", 0),))
        await desk.ledger.of(asked).add(Spent(1, 1))
        await desk.ledger.of(asked).check()
        assert (await account_store.run(spending.spent, "a", MACHINE.day(clock.ms))).tokens == 10**12
