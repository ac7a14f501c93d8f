"""One account while it runs: its admission, scheduler, sender and channel, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from clawlane.abilities import Ability
from clawlane.access.decision import Reason
from clawlane.agents.arrivals import Arrivals
from clawlane.agents.disclosure import disclosure_text, lead
from clawlane.channel import Cursor, Phase, State, Vault
from clawlane.credentials.vault import ProfileVault
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.admission import Admission, CaughtUp
from clawlane.lane.catching_up import CatchingUp
from clawlane.lane.commands import Commands
from clawlane.lane.decision_log import DecisionLog
from clawlane.lane.inbound_media import InboundMedia
from clawlane.lane.outgoing_files import OutgoingFiles
from clawlane.lane.own_thread import OwnThread
from clawlane.lane.proofs import Proofs, is_simulated
from clawlane.lane.scheduler import ThreadScheduler
from clawlane.lane.sender import Sender
from clawlane.lane.signals import after_decision, with_reply
from clawlane.lane.turn import DrainableAgents, TurnRunner
from clawlane.lane.upkeep import Upkeep
from clawlane.messages import Fact, Inbound, Person, ThreadKind
from clawlane.store import beginning, directory, owner_takeovers
from clawlane.store import turns as store_turns
from clawlane.store.account_store import AccountStore
from clawlane.store.beginning import Begun
from clawlane.store.errors import StoreError
from clawlane.store.models import (
    AdmittedMessage,
    Judged,
    NoteResult,
    OpenTurn,
    RecallResult,
    RecoveryResult,
    TakeoverTerms,
)
from clawlane.store.states import TurnState
from clawlane.store.told import Resumed

_PARK = 10.0
"""Seconds a stop waits for chunks in flight to be answered, and for what was read to be stored."""

_THINK = 5.0
"""Seconds a stop waits for running agents."""

_SHOWN = 256
"""How many turns are remembered that were shown as seen with their reply."""

_BATCH = 500
_CAN_SEND = (Phase.READY, Phase.DEGRADED)
log = logging.getLogger(__name__)


class Runner:
    """Runs one account; fulfils `clawlane.channel.Host` for its channel."""

    def __init__(self, deps: AccountDeps, account_store: AccountStore, vault: ProfileVault) -> None:
        self._deps = deps
        self._store = account_store
        self._vault = vault
        self._state: State | None = None
        settings = deps.settings
        self._proofs = Proofs(account_store, deps.now_ms)
        self.sender = Sender(
            account_store,
            deps.gate,
            deps.now_ms,
            deps.jitter,
            lambda: vault.generation,
            lambda: settings.now.settle_ms,
            deps.trouble,
            deps.evidence,
            lambda: settings.now.draft_ms,
            self._answered,
            deps.alarms,
            self._proofs,
            self._lead,
        )
        self.sender.judge = self._judge
        deps.gate.outgoing = deps.outgoing
        self._files = (
            OutgoingFiles(deps.outgoing, account_store, self.sender.file_sent) if deps.outgoing else None
        )
        self._access = AccessChecker(
            account_store,
            settings.rules,
            deps.grants,
            quiet=lambda: deps.gate.quiet(deps.now_ms()) is not None,
        )
        self._agents = DrainableAgents(deps.agents)
        self._media = (
            InboundMedia(
                deps.account,
                deps.channel,
                deps.media,
                lambda: settings.now.media,
                self.sender.opened,
                lambda: self._proofs.saw(Ability.READ_FILE),
            )
            if deps.media
            else None
        )
        commands = Commands(
            account_store, self._access, lambda: settings.now.answering, deps.now_ms, deps.act
        )
        self._own_thread = (
            OwnThread(
                account_store,
                deps.channel,
                lambda: settings.now,
                self._access,
                self.sender,
                deps.act,
                deps.now_ms,
            )
            if deps.act
            else None
        )
        self.arrivals = Arrivals()
        turns = TurnRunner(
            lambda: settings.now,
            account_store,
            self.sender,
            deps.channel,
            self._agents,
            self._access,
            deps.gate,
            deps.ready,
            deps.slots,
            commands,
            deps.sleep,
            vault,
            lambda: self._state,
            self._media,
            self.arrivals,
        )
        self.scheduler = ThreadScheduler(turns.run, turns.stop, turns.read, commands.overtakes)
        self._reading = asyncio.Event()
        self._reading.set()
        self._decision_log = DecisionLog(deps.account)
        self._shown: deque[int] = deque(maxlen=_SHOWN)
        self._past = CatchingUp(deps, account_store, self._access, self.sender, vault)
        self._upkeep = Upkeep(deps, account_store, self._media, self.recalled)
        self._admission = Admission(
            account_store,
            self._access,
            deps.ready,
            self._act,
            self._noted,
            self._past.finish,
            deps.now_ms,
            lambda: vault.generation,
        )

    @property
    def vault(self) -> Vault:
        return self._vault

    async def admit(self, inbound: Inbound) -> None:
        await self._reading.wait()
        await self._admission.admit(inbound)

    async def observe(self, fact: Fact) -> None:
        await self._reading.wait()
        if self._own_thread is not None:
            await self._own_thread.observe(fact)
        await self._admission.observe(fact)

    async def cursor(self, kind: ThreadKind) -> Cursor:
        await self._admission.drained()
        return await self._past.cursor(kind)

    async def caught_up(
        self, kind: ThreadKind, back_to_ms: int, own_ids: frozenset[str] = frozenset()
    ) -> None:
        await self._admission.observe(CaughtUp(kind, back_to_ms, own_ids))

    async def keep_peers(self, people: Sequence[Person]) -> bool:
        kept = await self._store.run(directory.keep_peers, people)
        self._deps.alarms.friends(kept.before, len(people))
        if not kept.doubted:
            self._deps.gate.friends_listed()
            self.sender.wake()
        return not kept.doubted

    async def is_peer(self, user_id: str) -> bool:
        return await self._store.run(directory.is_friend, user_id)

    def report(self, state: State) -> None:
        self._state = state
        if state.close_code and (observer := self._store.observer) is not None:
            observer.disconnected(str(self._deps.account), state.close_code)
        if state.phase is not Phase.READY:
            self._past.disconnected()
        if state.phase in _CAN_SEND:
            self._proofs.saw(Ability.LOGIN)
            self.sender.open()
            self._upkeep.connected()
        else:
            self.sender.close()
        self._deps.report(state)

    async def run(self) -> None:
        """Continue where the last run stopped, then run the channel.

        Returns when the channel does.
        """
        begun = await self._begin()
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(self._admission.run())
            others = [
                group.create_task(work)
                for work in (
                    self.sender.run(),
                    self._upkeep.prune(at_once=begun.forgetting),
                    self._upkeep.expire_drafts(at_once=begun.drafts),
                    self._past.look_up_unknown(at_once=bool(begun.open_chunks)),
                    self._deps.pin(),
                )
            ]
            if self._files is not None:
                others.append(group.create_task(self._files.run(at_once=bool(begun.files))))
            if self._own_thread is not None:
                others.append(group.create_task(self._own_thread.run(at_once=begun.owner_texts)))
            try:
                await self._deps.channel.run(self._deps.account, self)
            finally:
                if not storing.done():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_PARK):
                            await self._admission.drained()
                for task in (storing, *others):
                    task.cancel()

    async def _begin(self) -> Begun:
        """Put in order what the last run has left, and take up what goes on."""
        gate, changes = self._deps.gate, self._deps.gate.changes
        begun = await self._store.run(
            beginning.begin,
            self._terms(),
            self._deps.settings.now.settle_ms,
            _BATCH,
            simulated=is_simulated(self._deps.channel),
        )
        self._log_recovery(begun.recovered)
        if self._files is not None:
            await self._files.sweep(begun.files)
        gate.begin(self._access, changes, begun.open_chunks, begun.sent)
        if not begun.open_chunks:
            self.sender.found_empty()
        self._take(begun.judged)
        async for turn in self._open_turns(begun.turns):
            gate.met(turn.inbound)
            self.scheduler.put(turn)
        return begun

    async def resumed(self, resumed: Resumed) -> None:
        """A pause has ended: expired turns are over, and flushed ones queue again."""
        for overdue in resumed.expired:
            self.sender.settled(overdue.turn)
        flushed = frozenset(resumed.flushed)
        if flushed:
            first = await self._store.run(store_turns.open_turns, 0, _BATCH)
            async for turn in self._open_turns(first):
                if turn.seq in flushed:
                    self.scheduler.put(turn)
        self.sender.wake()

    async def _open_turns(self, batch: Sequence[OpenTurn]) -> AsyncIterator[OpenTurn]:
        """The unsettled turns in order, from a first batch on: others can write between two of them."""
        while batch:
            for turn in batch:
                yield turn
            if len(batch) < _BATCH:
                return
            batch = await self._store.run(store_turns.open_turns, batch[-1].seq, _BATCH)

    async def look_up(self, kind: ThreadKind) -> bool:
        """Ask the platform for past messages of this kind of thread. False if the channel cannot."""
        return await self._past.look_up(kind)

    async def park(self) -> None:
        """Prepare to stop: read nothing more, and wait for running agents and chunks in flight.

        What does not finish in time continues at the next start.
        """
        self._reading.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_THINK):
                await self._agents.finish()
        self.sender.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARK):
                await self.sender.quiet()

    def _log_recovery(self, found: RecoveryResult) -> None:
        account = self._deps.account
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

    def recalled(self, recalled: RecallResult) -> None:
        """Messages were taken back: what waits for them ends, or begins anew."""
        self._noted(NoteResult(recalled=recalled))

    def _act(self, admitted: AdmittedMessage) -> None:
        """Follow up on a message that is on the disk: signals, its lane, or its challenge."""
        inbound, decision = admitted.inbound, admitted.decision
        self._decision_log.log(inbound, decision)
        if (observer := self._store.observer) is not None:
            observer.decided(str(self._deps.account), decision.outcome, decision.reason)
        self._deps.gate.met(inbound)
        self._deps.alarms.read(inbound)
        self._proofs.read(admitted, self._access.grants().own_id)
        mode, _ = self._deps.gate.outbound(inbound.thread)
        for signal in after_decision(inbound, decision, admitted.acks, mode):
            self.sender.show(signal)
        if decision.admitted and not admitted.joined:
            state, ready_ms = TurnState.WAITING, admitted.ready_ms
            turn = OpenTurn(
                admitted.seq, admitted.decided, admitted.read_ms, state, decision.command, ready_ms
            )
            self.scheduler.put(turn)
        elif decision.reason is Reason.DM_PAIRING_REQUIRED:
            self.sender.wake()

    def _lead(self, whom: str) -> str:
        """What stands before a reply that tells of a program, as the config says it now."""
        now, language = self._deps.settings.now, self._deps.grants().language
        return lead(now.disclosure, disclosure_text(now.disclosure, language, now.disclosure_text), whom)

    async def _answered(self, seq: int) -> None:
        """A part of the reply to a turn has arrived: it is shown as seen, where that waited for it."""
        if seq in self._shown:
            return
        self._shown.append(seq)
        messages = await self._store.run(store_turns.messages, seq)
        if not messages:
            return
        self._deps.gate.answered(messages)
        mode, _ = self._deps.gate.outbound(messages[0].thread)
        shown = [with_reply(messages, policy.acks, mode) for policy in self._access.rules()]
        for signal in min(shown, key=len):
            self.sender.show(signal)

    def _noted(self, noted: NoteResult) -> None:
        if noted.alarmed is not None:
            self._deps.alarms.alarmed(noted.alarmed)
        self.sender.settled(noted.turn)
        if noted.turn is not None or noted.recalled.messages:
            self.sender.file_sent.set()
        for seq in noted.recalled.ended:
            self.scheduler.end(seq)
            self.sender.settled(seq)
        for turn in noted.recalled.again:
            self.scheduler.again(turn)
        if self._media is not None:
            self._media.forget(noted.recalled.messages)
        if noted.judged is not None:
            self._take(noted.judged)
            self.sender.wake()

    def _terms(self) -> TakeoverTerms:
        return self._access.takeover_terms(self._vault.generation)

    async def _judge(self) -> None:
        self._take(await self._store.run(owner_takeovers.judge, self._terms()))

    def _take(self, judged: Judged) -> None:
        """Hold back where the owner wrote by hand: what runs there ends, and what waits is not answered."""
        self._deps.gate.take(judged)
        for one in judged.taken:
            for seq in one.ended:
                self.scheduler.end(seq)
                self.sender.settled(seq)
            if one.ended:
                count = len(one.ended)
                log.info("%s: the owner wrote; %d message(s) are left to them", one.thread, count)
                self.sender.file_sent.set()
        if judged.switched_off:
            log.warning("%s: takeovers are off: what is sent comes back under other ids", self._deps.account)


@asynccontextmanager
async def runner(
    deps: AccountDeps, account_store: AccountStore, vault: ProfileVault
) -> AsyncIterator[Runner]:
    """A runner whose turns live as long as this is entered."""
    made = Runner(deps, account_store, vault)
    try:
        async with made.scheduler:
            yield made
    finally:
        with suppress(StoreError):
            await made.sender.put_back()
            await account_store.run(store_turns.put_back)
