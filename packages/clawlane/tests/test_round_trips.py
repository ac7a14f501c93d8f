"""How often the lane waits for the database, counted on the way there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from packages.clawlane.tests.broken_way import BrokenWay, socket_of, through
from packages.clawlane.tests.opened_store import LANE, NOW, POSTGRES, Clock, way

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Receipt, Text, Thread, ThreadKind
from clawlane.store import due, inbox, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.models import AdmittedMessage, History, NewMessage
from clawlane.store.postgres.opening import Address, open_database

pytestmark = [pytest.mark.long, pytest.mark.parametrize("engine", [POSTGRES], indirect=True)]
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))
MESSAGES = 20

ADMISSION = 4
"""Who owns the account, what is known of the message, the number of the event, the commit."""

TURN = 20
"""A start, a reply, a look for what may leave, its beginning and its end: five transactions."""

BESIDE = 4
"""For what the store does now and then."""


@asynccontextmanager
async def counted(folder: Path) -> AsyncIterator[tuple[BrokenWay, AccountStore]]:
    straight = way(folder)
    with BrokenWay(str(socket_of(straight))) as broken:
        place = Address(through(broken, straight), straight.password)
        async with open_database(place, folder / "audit", Clock()) as store, store.own(LANE) as account:
            yield broken, account


def arrival(number: int) -> NewMessage:
    thread = Thread(ThreadKind.DM, str(number % 7))
    inbound = Inbound("default", f"m{number}", thread, "11", "Lan", "chào", NOW, client_id=f"c{number}")
    return NewMessage(inbound, ADMIT, PairingReply.CODE, NOW)


async def test_a_message_is_admitted_in_few_round_trips_and_many_at_once_in_one_each(tmp_path: Path) -> None:
    async with counted(tmp_path) as (there, account):
        before = there.sent
        for number in range(MESSAGES):
            await account.run(inbox.admit_all, [arrival(number)])
        assert there.sent - before <= ADMISSION * MESSAGES + BESIDE

        before = there.sent
        admitted = await account.run(inbox.admit_all, [arrival(number) for number in range(1000, 1200)])
        assert there.sent - before <= 200 + ADMISSION + BESIDE
    numbers = [one.seq for one in admitted if isinstance(one, AdmittedMessage)]
    assert len(numbers) == 200
    assert numbers == sorted(set(numbers))


async def test_a_turn_is_answered_in_few_round_trips(tmp_path: Path) -> None:
    async with counted(tmp_path) as (there, account):
        admitted = await account.run(inbox.admit_all, [arrival(number) for number in range(MESSAGES)])
        before = there.sent
        for one in admitted:
            assert isinstance(one, AdmittedMessage)
            started = await account.run(turns.start, one.seq, History.INCLUDE)
            assert started is not None
            await account.run(turns.reply, one.seq, [Text(one.inbound.thread, "chào")], started.run)
            [chunk] = (await account.run(due.waiting)).chunks
            await account.run(sending.begin, [chunk.id])
            receipt = Receipt((f"r{one.seq}",))
            assert await account.run(sending.sent, chunk.id, receipt) == one.seq
        assert there.sent - before <= TURN * MESSAGES + BESIDE
