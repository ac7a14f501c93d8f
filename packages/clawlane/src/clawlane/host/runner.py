"""One account while it runs: admission, lanes, outbox and the channel, started and stopped as one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from clawlane.access.decision import Outcome, Reason
from clawlane.access.policy import Grants, Policy
from clawlane.agents.contract import Agent
from clawlane.channel import Account, Channel, Phase, State, Vault
from clawlane.messages import Fact, Inbound, Own, Undone
from clawlane.store.journal import Clock, Journal
from clawlane.store.records import Admitted, OpenTurn, TurnState
from clawlane.turns.admit import Admission
from clawlane.turns.lane import Lanes
from clawlane.turns.outbox import Outbox
from clawlane.turns.patience import until_stored
from clawlane.turns.turn import Turns

_PARK = 10.0
"""Seconds that a stop waits for a chunk that is on its way, and for what was read."""

_CAN_SEND = (Phase.READY, Phase.DEGRADED)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an account runs with. `report` is told every state; `jitter` gives a number from 0 to 1."""

    account: Account
    channel: Channel
    agent: Agent
    policy: Policy
    grants: Callable[[], Grants]
    slots: asyncio.Semaphore
    now_ms: Clock
    jitter: Callable[[], float]
    report: Callable[[State], None]


class Runner:
    """Runs one account over and over; fulfils `clawlane.channel.Host` for its channel."""

    def __init__(self, parts: Parts, journal: Journal, vault: Vault, lanes: Lanes, outbox: Outbox) -> None:
        self._parts = parts
        self._journal = journal
        self._vault = vault
        self._lanes = lanes
        self._outbox = outbox
        self._admission = Admission(journal, parts.policy, parts.grants, self._act, parts.now_ms)

    @property
    def vault(self) -> Vault:
        return self._vault

    async def admit(self, inbound: Inbound) -> None:
        await self._admission.admit(inbound)

    async def observe(self, fact: Fact) -> None:
        match fact:
            case Own():
                await self._outbox.echoed(fact)
            case Undone():
                await until_stored(lambda: self._journal.recall(fact))

    def report(self, state: State) -> None:
        if state.phase in _CAN_SEND:
            self._outbox.open()
        else:
            self._outbox.close()
        self._parts.report(state)

    async def run(self) -> None:
        """Go on where the last run stopped, then live with the channel.

        Returns when the channel cannot go on.
        """
        lost = await until_stored(self._journal.recover)
        if lost:
            log.warning(
                "%s: %d messages may or may not have arrived before the stop", self._parts.account, lost
            )
        for turn in await until_stored(self._journal.open_turns):
            self._lanes.put(turn)
        async with asyncio.TaskGroup() as group:
            behind = [group.create_task(self._outbox.run()), group.create_task(self._admission.run())]
            try:
                await self._parts.channel.run(self._parts.account, self)
            finally:
                await self._store_the_rest()
                for task in behind:
                    task.cancel()

    async def park(self) -> None:
        """Before a stop: nothing more is sent, and what is on its way gets its answer."""
        self._outbox.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARK):
                await self._outbox.quiet()

    async def _store_the_rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARK):
                await self._admission.drained()

    def _act(self, admitted: Admitted) -> None:
        """What follows from a message that is on the disk."""
        inbound, decision = admitted.inbound, admitted.decision
        log.info(
            "%s: %s from %s in %s: %s",
            self._parts.account,
            decision.outcome,
            inbound.sender_id,
            inbound.thread,
            decision.reason,
        )
        if decision.outcome is Outcome.ADMIT:
            self._lanes.put(OpenTurn(admitted.seq, inbound, admitted.read_ms, TurnState.WAITING))
        elif decision.reason is Reason.DM_PAIRING_REQUIRED:
            self._outbox.wake()


@asynccontextmanager
async def runner(parts: Parts, journal: Journal, vault: Vault) -> AsyncIterator[Runner]:
    """A runner whose lanes live as long as this is entered."""

    outbox = Outbox(journal, lambda out: parts.channel.send(parts.account, out), parts.now_ms, parts.jitter)
    turns = Turns(journal, outbox, parts.channel, parts.agent, parts.policy, parts.grants, parts.slots)
    async with Lanes(turns.run) as lanes:
        yield Runner(parts, journal, vault, lanes, outbox)
