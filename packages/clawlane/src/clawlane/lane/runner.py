"""One account while it runs: admission, lanes, outbox and the channel, started and stopped as one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from clawlane.access.decision import Decision, Reason, ack_signals
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import Agent
from clawlane.backoff import Sleep
from clawlane.capabilities import CanReconcile
from clawlane.channel import Account, Channel, Cursor, Phase, State, Vault
from clawlane.config.choices import Acks, ResendUnknown
from clawlane.credentials.vault import FileVault
from clawlane.lane.admission import AccessChecker, Admission, CaughtUp
from clawlane.lane.decision_log import DecisionLog
from clawlane.lane.gate import Gate
from clawlane.lane.scheduler import ThreadScheduler
from clawlane.lane.sender import Sender, Settling, Trouble
from clawlane.lane.turn import DrainableAgent, TurnRunner
from clawlane.messages import Delivered, Fact, Inbound, Person, Seen, Signal, ThreadKind
from clawlane.store import catch_up, directory, retention, unknown_sends
from clawlane.store import turns as store_turns
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.errors import StoreError, StoreFailed
from clawlane.store.models import Admitted, Noted, OpenTurn, Recovered, TurnState
from clawlane.store.pauses import Resumed
from clawlane.store.unknown_sends import LookUp


def after_decision(inbound: Inbound, decision: Decision, acks: Acks) -> list[Signal]:
    """What is shown at once; typing follows when the turn starts.

    Nothing of a message without a token: the platform did not say what it needs for that.
    """
    if not inbound.token:
        return []
    shown: list[Signal] = []
    wanted = ack_signals(decision.outcome, acks)
    if wanted.delivered:
        shown.append(Delivered(inbound.thread, inbound.message_id, wanted.seen, inbound.token))
    if wanted.seen:
        shown.append(Seen(inbound.thread, inbound.message_id, inbound.token))
    return shown


_EVERY = 5.0
"""Seconds. A reconnect asks at once; this is for chunks that become unknown in between."""

_AT_LEAST = 0.2


async def looking_up(
    account_store: AccountStore, ask: Callable[[ThreadKind], Awaitable[None]], gap_ms: int, sleep: Sleep
) -> None:
    """Ask about the kinds of thread in which something waits to be looked up. Lives until cancelled.

    `gap_ms` lies between the two look-ups that show that a message is absent.
    """
    while True:
        await sleep(min(_EVERY, max(gap_ms / 1000, _AT_LEAST)))
        for kind in await account_store.run(catch_up.to_look_up, gap_ms):
            await ask(kind)


_FORGET_EVERY = 3600.0
_BETWEEN = 0.05
log = logging.getLogger(__name__)


async def forgetting(account_store: AccountStore, sleep: Sleep) -> None:
    """Keep the store of one account small. Lives until cancelled."""
    while True:
        try:
            while await account_store.run(retention.prune):
                await sleep(_BETWEEN)
        except StoreFailed as error:
            log.warning("%s; nothing is forgotten until later", error)
        await sleep(_FORGET_EVERY)


_PARK = 10.0
"""Seconds that a stop waits for a chunk that is on its way, and for what was read."""

_THINK = 5.0
"""Seconds that a stop waits for answers that the agent is making."""

_BATCH = 500
_CAN_SEND = (Phase.READY, Phase.DEGRADED)


async def _nothing() -> None:
    """There are no names to look up."""


@dataclass(frozen=True, slots=True)
class AccountDeps:
    """What an account runs with. `report` is told every state; `jitter` gives a number from 0 to 1.

    `ready` returns once messages can be decided: `grants` knows the own id and what names stand for.
    `pin` looks up names while the account runs. `resend_unknown` says what becomes of a chunk that is not
    among what the platform has, as two look-ups show that are `look_up_gap_ms` apart. `trouble` hears when
    sending does not work, and None when it does.
    """

    account: Account
    channel: Channel
    agent: Agent
    policy: AccessPolicy
    gate: Gate
    grants: Callable[[], Grants]
    ready: Callable[[], Awaitable[None]]
    slots: asyncio.Semaphore
    now_ms: Clock
    jitter: Callable[[], float]
    report: Callable[[State], None]
    pin: Callable[[], Coroutine[None, None, None]] = _nothing
    resend_unknown: ResendUnknown = ResendUnknown.NEVER
    look_up_gap_ms: int = 60_000
    trouble: Callable[[Trouble | None], None] = lambda _: None
    sleep: Sleep = asyncio.sleep


class Runner:
    """Runs one account over and over; fulfils `clawlane.channel.Host` for its channel."""

    def __init__(
        self,
        parts: AccountDeps,
        account_store: AccountStore,
        vault: FileVault,
        lanes: ThreadScheduler,
        outbox: Sender,
        thinking: DrainableAgent,
        settling: Settling,
    ) -> None:
        self._parts = parts
        self._store = account_store
        self._vault = vault
        self._lanes = lanes
        self._outbox = outbox
        self._thinking = thinking
        self._settling = settling
        self._reading = asyncio.Event()
        self._reading.set()
        self._witness = DecisionLog(parts.account)
        self._asked_ms: dict[ThreadKind, int] = {}
        self._connected_all_along: set[ThreadKind] = set()
        self._judge = judge = AccessChecker(account_store, parts.policy, parts.grants)
        self._admission = Admission(
            account_store, judge, parts.ready, self._act, self._noted, self._caught_up, parts.now_ms
        )

    @property
    def vault(self) -> Vault:
        return self._vault

    async def admit(self, inbound: Inbound) -> None:
        await self._reading.wait()
        await self._admission.admit(inbound)

    async def observe(self, fact: Fact) -> None:
        await self._reading.wait()
        await self._admission.observe(fact)

    async def cursor(self, kind: ThreadKind) -> Cursor:
        await self._admission.drained()
        self._asked_ms[kind] = self._parts.now_ms()
        backlog_ms = self._parts.policy.backlog_max_age_ms
        skew_ms = self._judge.skew_ms
        return await self._store.run(catch_up.cursor, kind, backlog_ms, skew_ms)

    async def caught_up(
        self, kind: ThreadKind, back_to_ms: int, own_ids: frozenset[str] = frozenset()
    ) -> None:
        await self._admission.reached(CaughtUp(kind, back_to_ms, own_ids))

    async def keep_peers(self, people: Sequence[Person]) -> bool:
        kept = await self._store.run(directory.keep_peers, people)
        return not kept.doubted

    def report(self, state: State) -> None:
        if state.phase is not Phase.READY:
            self._connected_all_along.clear()
        if state.phase in _CAN_SEND:
            self._outbox.open()
        else:
            self._outbox.close()
        self._parts.report(state)

    async def run(self) -> None:
        """Go on where the last run stopped, then live with the channel.

        Returns when the channel cannot go on.
        """
        self._tell(await self._store.run(unknown_sends.recover, self._settling.settle_ms))
        await self._parts.gate.begin(self._store, self._judge)
        async for turn in self._open_turns():
            self._parts.gate.met(turn.inbound)
            self._lanes.put(turn)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._outbox.run())
            forgetting_ = group.create_task(forgetting(self._store, self._parts.sleep))
            storing = group.create_task(self._admission.run())
            asking = group.create_task(
                looking_up(self._store, self._ask, self._settling.gap_ms, self._parts.sleep)
            )
            pinning = group.create_task(self._parts.pin())
            try:
                await self._parts.channel.run(self._parts.account, self)
            finally:
                if not storing.done():
                    await self._store_the_rest()
                for task in (storing, sending, forgetting_, asking, pinning):
                    task.cancel()

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._outbox.wake()

    def settled(self, turn: int | None) -> None:
        """The operator decided about a chunk: its turn may be settled, and others may go."""
        self._outbox.settled(turn)

    def again(self, turn: OpenTurn) -> None:
        """A turn that was over goes to the end of its lane."""
        self._lanes.put(turn)

    async def resumed(self, resumed: Resumed) -> None:
        """A pause has ended: turns that expired are over, and those that were flushed queue again."""
        for overdue in resumed.expired:
            self._outbox.settled(overdue.turn)
        flushed = frozenset(resumed.flushed)
        if flushed:
            async for turn in self._open_turns():
                if turn.seq in flushed:
                    self._lanes.put(turn)
        self._outbox.wake()

    async def _open_turns(self) -> AsyncIterator[OpenTurn]:
        """What was admitted and has not settled, in order; read in batches, so that others may write."""
        after = 0
        while batch := await self._store.run(store_turns.open_turns, after, _BATCH):
            for turn in batch:
                yield turn
            after = batch[-1].seq

    async def park(self) -> None:
        """Before a stop: nothing more is read, and what the agent or the platform is at is waited for.

        What is not finished in time goes on at the next start.
        """
        self._reading.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_THINK):
                await self._thinking.finish()
        self._outbox.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARK):
                await self._outbox.quiet()

    def _tell(self, found: Recovered) -> None:
        account = self._parts.account
        if found.unknown:
            log.warning(
                "%s: %d messages may or may not have arrived before the stop; see: openclaw outbox list",
                account,
                found.unknown,
            )
        if found.set_aside:
            log.error(
                "%s: %d messages are set aside: the gateway crashed too often over them;"
                " see: openclaw channels dead-letters list",
                account,
                found.set_aside,
            )

    async def _store_the_rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARK):
                await self._admission.drained()

    def _act(self, admitted: Admitted) -> None:
        """What follows from a message that is on the disk."""
        inbound, decision = admitted.inbound, admitted.decision
        self._witness.tell(inbound, decision)
        self._parts.gate.met(inbound)
        for signal in after_decision(inbound, decision, self._parts.policy.acks):
            self._outbox.show(signal)
        if decision.admitted and not admitted.joined:
            state, ready_ms = TurnState.WAITING, admitted.ready_ms
            turn = OpenTurn(
                admitted.seq, admitted.decided, admitted.read_ms, state, decision.command, ready_ms
            )
            self._lanes.put(turn)
        elif decision.reason is Reason.DM_PAIRING_REQUIRED:
            self._outbox.wake()

    async def _caught_up(self, place: CaughtUp) -> None:
        """Everything since then is on the disk."""
        missed = place.kind not in self._connected_all_along
        self._connected_all_along.discard(place.kind)
        gap = await self._store.run(catch_up.caught_up, place.kind, place.back_to_ms, missed=missed)
        if gap is not None:
            log.warning(
                "%s: %s messages of %.0f s may be missing: the platform does not give them out any more",
                self._parts.account,
                gap.kind,
                (gap.to_ms - gap.from_ms) / 1000,
            )
        await self._look_up(place)

    async def _ask(self, kind: ThreadKind) -> None:
        channel = self._parts.channel
        if isinstance(channel, CanReconcile):
            self._connected_all_along.add(kind)
            await channel.look_up(self._parts.account, kind)

    async def _look_up(self, place: CaughtUp) -> None:
        """What is still of unknown fate is not among what was fetched."""
        asked_ms = self._asked_ms.get(place.kind, 0)
        asked = LookUp(place.kind, place.back_to_ms, asked_ms, place.own_ids, self._settling.session())
        again = await self._store.run(unknown_sends.absent, asked, self._settling.gap_ms)
        if again:
            log.warning("%s: %d messages did not arrive and are sent again", self._parts.account, again)
        self._outbox.wake()

    def _noted(self, noted: Noted) -> None:
        self._outbox.settled(noted.turn)
        for seq in noted.recalled.ended:
            self._lanes.end(seq)
            self._outbox.settled(seq)
        for turn in noted.recalled.again:
            self._lanes.again(turn)


@asynccontextmanager
async def runner(parts: AccountDeps, account_store: AccountStore, vault: FileVault) -> AsyncIterator[Runner]:
    """A runner whose lanes live as long as this is entered."""
    resends = parts.resend_unknown is ResendUnknown.WHEN_ABSENT
    settling = Settling(resends, parts.look_up_gap_ms, lambda: vault.generation)
    outbox = Sender(account_store, parts.gate, parts.now_ms, parts.jitter, settling, parts.trouble)
    judge = AccessChecker(account_store, parts.policy, parts.grants)
    thinking = DrainableAgent(parts.agent)
    turns = TurnRunner(
        account_store,
        outbox,
        parts.channel,
        thinking,
        judge,
        parts.gate,
        parts.ready,
        parts.slots,
        parts.sleep,
    )
    try:
        async with ThreadScheduler(turns.run, turns.stop, turns.read) as lanes:
            yield Runner(parts, account_store, vault, lanes, outbox, thinking, settling)
    finally:
        with suppress(StoreError):
            await outbox.put_back()
            await account_store.run(store_turns.put_back)
