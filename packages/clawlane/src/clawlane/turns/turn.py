"""One turn: access once more, the agent, its reply as chunks in the store, the wait until they are out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from clawlane.access.decide import decide
from clawlane.access.decision import Decision, Outcome, Reason
from clawlane.access.policy import Grants, Policy
from clawlane.agents.contract import Agent, TurnInput
from clawlane.channel import Channel
from clawlane.messages import Outgoing
from clawlane.store.journal import Journal
from clawlane.store.records import OpenTurn, TurnState
from clawlane.turns.outbox import Outbox
from clawlane.turns.patience import until_stored

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turns:
    """What every turn of one account needs. `slots` caps how many agents run at once, over all accounts."""

    journal: Journal
    outbox: Outbox
    channel: Channel
    agent: Agent
    policy: Policy
    grants: Callable[[], Grants]
    slots: asyncio.Semaphore

    async def run(self, turn: OpenTurn) -> None:
        """Bring a turn to its end. What the agent or the channel raise ends the turn, not the lane."""
        with self.outbox.expecting(turn.seq) as settled:
            replied = turn.state is TurnState.REPLIED or await self._answer(turn)
            if replied and await until_stored(partial(self.journal.pending, turn.seq)):
                await settled.wait()

    async def _answer(self, turn: OpenTurn) -> bool:
        """Whether there is now something to send."""
        revoked = self._revoked(turn)
        if revoked is not None:
            await until_stored(partial(self.journal.revoke, turn.seq, revoked))
            log.info("turn %d: the sender is not admitted any more", turn.seq)
            return False
        async with self.slots:
            if not await until_stored(partial(self.journal.start, turn.seq)):
                return False
            outs = await self._ask(turn)
            if outs is None or not await until_stored(partial(self.journal.reply, turn.seq, outs)):
                return False
        self.outbox.wake()
        return True

    async def _ask(self, turn: OpenTurn) -> list[Outgoing] | None:
        """The reply as chunks; none for silence; None when it failed, which is then recorded."""
        try:
            reply = await self.agent.run(TurnInput(self.journal.account, turn.inbound))
            return self.channel.plan(turn.inbound.thread, reply) if reply else []
        except Exception as error:
            log.exception("turn %d failed", turn.seq)
            await until_stored(partial(self.journal.fail, turn.seq, f"{type(error).__name__}: {error}"))
            return None

    def _revoked(self, turn: OpenTurn) -> Decision | None:
        """The second decision, if it closes the door. Age counts as it did when the message was read."""
        again = decide(turn.inbound, self.policy, self.grants(), turn.read_ms)
        if again.admitted:
            return None
        return replace(again, outcome=Outcome.DROP, reason=Reason.REVOKED_BEFORE_RUN)
