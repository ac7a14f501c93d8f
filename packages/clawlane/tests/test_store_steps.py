"""Steps of a model in a real store, what its tools send with them, and what stops that from leaving."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from packages.clawlane.tests.opened_store import Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Text, Thread, ThreadKind
from clawlane.store import due, inbox, steps, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, History, NewMessage
from clawlane.store.outbox import Listed
from clawlane.store.steps import ToolSend

LAN = Thread(ThreadKind.DM, "11")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))


def says(*texts: str, step: int = 1, call: int = 0, thread: Thread = LAN) -> ToolSend:
    return ToolSend(step, call, tuple(Text(thread, text) for text in texts))


@dataclass
class Desk:
    store: Store
    account_store: AccountStore
    clock: Clock
    runs: dict[int, int] = field(default_factory=dict)
    read: int = 0

    async def read_message(self, command: str = "") -> int:
        """A message of Lan's. Gives its turn, which has not begun."""
        self.read += 1
        admit = Decision(ADMIT.outcome, ADMIT.reason, ADMIT.rule, command=command)
        inbound = Inbound("default", f"m{self.read}", LAN, "11", "Lan", f"chào {self.read}", self.clock.ms)
        [admitted] = await self.account_store.run(
            inbox.admit_all, [NewMessage(inbound, admit, PairingReply.CODE, self.clock.ms)]
        )
        assert isinstance(admitted, AdmittedMessage)
        return admitted.seq

    async def begin(self, turn: int | None = None) -> int:
        """A turn that is with its model."""
        turn = turn or await self.read_message()
        started = await self.account_store.run(turns.start, turn, History.INCLUDE)
        assert started is not None
        self.runs[turn] = started.run
        return turn

    async def step(self, turn: int, number: int, body: str = "{}", *sends: ToolSend) -> bool:
        return await self.account_store.run(steps.add, turn, self.runs[turn], number, body, sends)

    async def stored(self, turn: int) -> tuple[str, ...]:
        return await self.account_store.run(steps.stored, turn)

    async def texts(self) -> list[str]:
        """What may leave now: the next chunk of each thread."""
        return [chunk.out.text for chunk in (await self.account_store.run(due.waiting)).chunks]

    def rows(self) -> list[Listed]:
        with self.store.read() as reader:
            return reader.outbox(settled=True)

    def states(self) -> list[tuple[str, str]]:
        return [(row.text, row.state) for row in self.rows()]


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


async def test_a_step_is_stored_with_what_its_calls_send(desk: Desk) -> None:
    turn = await desk.begin()
    assert await desk.step(turn, 1, '"a"', says("one", "two"), says("three", call=1))
    assert await desk.step(turn, 2, '"b"')
    assert await desk.stored(turn) == ('"a"', '"b"')
    assert desk.states() == [("one", "queued"), ("two", "queued"), ("three", "queued")]


async def test_a_step_that_is_stored_again_changes_nothing(desk: Desk) -> None:
    turn = await desk.begin()
    assert await desk.step(turn, 1, '"a"', says("one"))
    assert await desk.step(turn, 1, '"other"', says("other"))
    assert await desk.step(turn, 2, '"b"', says("the same call"))
    assert await desk.stored(turn) == ('"a"', '"b"')
    assert desk.states() == [("one", "queued")]


async def test_a_void_run_writes_nothing(desk: Desk) -> None:
    turn = await desk.begin()
    before = desk.runs[turn]
    await desk.begin(turn)
    desk.runs[turn] = before
    assert not await desk.step(turn, 1, '"a"', says("one"))
    assert (await desk.stored(turn), desk.states()) == ((), [])


async def test_after_a_crash_the_next_run_finds_the_steps(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"))
    await desk.account_store.run(turns.recover)
    await desk.begin(turn)
    assert await desk.stored(turn) == ('"a"',)
    assert await desk.step(turn, 2, '"b"')
    assert desk.states() == [("one", "queued")]
