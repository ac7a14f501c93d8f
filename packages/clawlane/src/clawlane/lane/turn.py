"""One turn: access once more, the agent, its reply as chunks in the store, the wait until they are out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from clawlane.access.context import HistoryMessage
from clawlane.access.decision import Outcome, ack_signals
from clawlane.access.rules import CLEARS_HISTORY
from clawlane.agents.contract import Agent, TurnInput
from clawlane.backoff import Sleep
from clawlane.channel import Channel
from clawlane.lane.admission import AccessChecker
from clawlane.lane.gate import Gate
from clawlane.lane.sender import Sender
from clawlane.messages import Outgoing, Reply, Typing
from clawlane.store import turns
from clawlane.store.account_store import AccountStore
from clawlane.store.models import OPEN, History, OpenTurn, Started, TurnState

_FIRST_WAIT = 0.5
"""Seconds before the agent is asked again after a failure; twice as long each time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TurnRunner:
    """What every turn of one account needs. `slots` caps how many agents run at once, over all accounts.

    `ready` returns once the account knows what decisions need.
    """

    account_store: AccountStore
    outbox: Sender
    channel: Channel
    agent: Agent
    judge: AccessChecker
    gate: Gate
    ready: Callable[[], Awaitable[None]]
    slots: asyncio.Semaphore
    sleep: Sleep = asyncio.sleep

    async def run(self, turn: OpenTurn) -> None:
        """Bring a turn to its end. What the agent or the channel raise ends the turn, not the lane."""
        with self.outbox.expecting(turn.seq) as settled:
            if turn.state is TurnState.REPLIED:
                waits = await self.account_store.run(turns.pending, turn.seq)
            else:
                waits = await self._answer(turn)
            if waits:
                await settled.wait()

    async def read(self, seq: int) -> OpenTurn | None:
        """A turn that waited long, as it stands now; None if it is over."""
        turn = await self.account_store.run(turns.whole, seq)
        return turn if turn and turn.state in OPEN else None

    async def stop(self, turn: OpenTurn) -> list[int]:
        """What an authorised `/stop` ends: what runs in its thread, and what has not left of a reply."""
        await self.ready()
        if await self.judge.again(turn.inbound) is not None:
            return []
        stopped = await self.account_store.run(turns.stop, turn.seq)
        if stopped:
            log.info("%s was stopped by %s", turn.inbound.thread, turn.inbound.sender_id)
        return stopped

    async def _answer(self, turn: OpenTurn) -> bool:
        """Whether there is now something to send. A try that failed is followed by another, after a while."""
        wait = _FIRST_WAIT
        while True:
            await self.ready()
            await self.gate.opened(turn.inbound.thread)
            await self._joined(turn)
            if await self._revoked(turn):
                return False
            async with self.slots:
                replied = await self._run_agent(turn)
            if replied is not None:
                return replied
            await self.sleep(wait)
            wait *= 2

    async def _joined(self, turn: OpenTurn) -> None:
        """Wait for messages that may still join the turn."""
        while turn.ready_ms and (wait_ms := await self.account_store.run(turns.ready_in, turn.seq)):  # noqa: ASYNC110
            await asyncio.sleep(wait_ms / 1000)

    async def _revoked(self, turn: OpenTurn) -> bool:
        revoked = await self.judge.again(turn.inbound)
        if revoked is None:
            return False
        await self.account_store.run(turns.revoke, turn.seq, revoked)
        log.info("turn %d: the sender is not admitted any more", turn.seq)
        return True

    async def _run_agent(self, turn: OpenTurn) -> bool | None:
        """Whether there is something to send; None if the agent failed and may be asked again."""
        started = await self.account_store.run(turns.start, turn.seq, _context(turn.command))
        if started is None:
            return False
        if ack_signals(Outcome.ADMIT, self.judge.policy.acks).typing:
            self.outbox.show(Typing(turn.inbound.thread))
        try:
            outs = await self._ask(started)
        except asyncio.CancelledError as error:
            if _cancelled():
                raise
            return await self._failed(turn, error, started.run)
        except (Exception, SystemExit) as error:
            return await self._failed(turn, error, started.run)
        replied = await self.account_store.run(turns.reply, turn.seq, outs, started.run)
        if replied:
            self.outbox.wake()
        return replied

    async def _ask(self, started: Started) -> list[Outgoing]:
        """The reply as chunks; none for silence. Raises whatever the agent or the channel do."""
        history = tuple(map(HistoryMessage.of, started.history))
        turn = TurnInput(self.account_store.account, started.messages, history)
        reply = await self.agent.run(turn)
        return self.channel.plan(turn.thread, reply) if reply else []

    async def _failed(self, turn: OpenTurn, error: BaseException, run: int) -> bool | None:
        """What the error says may hold what people wrote: it stands in the dead letter, not in the log."""
        kind = type(error).__name__
        reason = f"{kind}: {error}"
        if not await self.account_store.run(turns.fail, turn.seq, reason, run):
            log.warning("turn %d failed and is tried again: %s", turn.seq, kind)
            return None
        log.error(
            "turn %d failed once more (%s); its message is set aside: openclaw channels dead-letters list",
            turn.seq,
            kind,
        )
        return False


def _cancelled() -> bool:
    """Whether a turn is really being cancelled, and the agent did not just let a `CancelledError` out."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _context(command: str) -> History:
    """Commands neither take the group's history nor clear it, but for those that start anew."""
    if not command:
        return History.INCLUDE
    return History.CLEAR if command in CLEARS_HISTORY else History.KEEP


class DrainableAgent:
    """Passes turns on to an agent until `finish`."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._running = 0

    async def run(self, turn: TurnInput) -> Reply | None:
        """The agent's answer. After `finish` nothing comes back: the turn waits until it is cancelled."""
        await self._open.wait()
        self._running += 1
        self._idle.clear()
        try:
            return await self._agent.run(turn)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def finish(self) -> None:
        """Begin no answer any more; returns once none is being made."""
        self._open.clear()
        await self._idle.wait()
