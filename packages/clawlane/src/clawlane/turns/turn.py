"""One turn: access once more, the agent, its reply as chunks in the store, the wait until they are out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from clawlane.access.acks import signals
from clawlane.access.commands import CLEARS_HISTORY
from clawlane.access.decision import Outcome
from clawlane.access.history import Pended
from clawlane.agents.contract import Agent, TurnInput
from clawlane.channel import Channel
from clawlane.messages import Outgoing, Typing
from clawlane.store.journal import Journal
from clawlane.store.records import Context, OpenTurn, TurnState
from clawlane.turns.gate import Gate
from clawlane.turns.judge import Judge
from clawlane.turns.outbox import Outbox
from clawlane.turns.patience import until_stored

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turns:
    """What every turn of one account needs. `slots` caps how many agents run at once, over all accounts.

    `ready` returns once the account knows what decisions need.
    """

    journal: Journal
    outbox: Outbox
    channel: Channel
    agent: Agent
    judge: Judge
    gate: Gate
    ready: Callable[[], Awaitable[None]]
    slots: asyncio.Semaphore

    async def run(self, turn: OpenTurn) -> None:
        """Bring a turn to its end. What the agent or the channel raise ends the turn, not the lane."""
        with self.outbox.expecting(turn.seq) as settled:
            replied = turn.state is TurnState.REPLIED or await self._answer(turn)
            if replied and await until_stored(partial(self.journal.pending, turn.seq)):
                await settled.wait()

    async def _answer(self, turn: OpenTurn) -> bool:
        """Whether there is now something to send."""
        await self.ready()
        await self.gate.opened(turn.inbound.thread)
        revoked = await self.judge.again(turn.inbound, turn.read_ms)
        if revoked is not None:
            await until_stored(partial(self.journal.revoke, turn.seq, revoked))
            log.info("turn %d: the sender is not admitted any more", turn.seq)
            return False
        async with self.slots:
            return await self._run_agent(turn)

    async def _run_agent(self, turn: OpenTurn) -> bool:
        history = await until_stored(partial(self.journal.start, turn.seq, _context(turn.command)))
        if history is None:
            return False
        if signals(Outcome.ADMIT, self.judge.policy.acks).typing:
            self.outbox.show(Typing(turn.inbound.thread))
        outs = await self._ask(turn, tuple(map(Pended.of, history)))
        if outs is None or not await until_stored(partial(self.journal.reply, turn.seq, outs)):
            return False
        self.outbox.wake()
        return True

    async def _ask(self, turn: OpenTurn, history: tuple[Pended, ...]) -> list[Outgoing] | None:
        """The reply as chunks; none for silence; None when it failed, which is then recorded."""
        try:
            reply = await self.agent.run(TurnInput(self.journal.account, turn.inbound, history))
            return self.channel.plan(turn.inbound.thread, reply) if reply else []
        except Exception as error:
            log.exception("turn %d failed", turn.seq)
            await until_stored(partial(self.journal.fail, turn.seq, f"{type(error).__name__}: {error}"))
            return None


def _context(command: str) -> Context:
    """Commands neither take the group's history nor clear it, but for those that start anew."""
    if not command:
        return Context.GIVE
    return Context.CLEAR if command in CLEARS_HISTORY else Context.LEAVE
