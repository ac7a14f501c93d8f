"""The one gate of an account: everything sent passes it. Pauses, quiet hours and pacing hold it back here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane import clock
from clawlane.access.in_force import Rules
from clawlane.access.names import Pins
from clawlane.access.outbound import OutboundPolicy, Verdict
from clawlane.channel import Account, Channel, NotSent
from clawlane.config.choices import OutboundMode, QuietDo
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.correspondence import may_go_on
from clawlane.lane.hours import Quiet, QuietHours
from clawlane.lane.outgoing_files import located
from clawlane.lane.pacing import GAP, Pacer
from clawlane.lane.warm_up import WarmUp
from clawlane.messages import Inbound, Receipt, Seen, Signal, Thread, Typing, Undo
from clawlane.store import directory, owner_takeovers, pairing, send_log, turns
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import QUIET_HOURS, Chunk, Hold, Judged, Purpose
from clawlane.store.send_log import SentChunk
from clawlane.store.told import Pause, PauseLevel

if TYPE_CHECKING:
    from clawlane.config.settings import Pacing


_ANSWERED = 256
"""How many answered messages are remembered until their seen is shown."""


_OF_OWNER = (Purpose.OPERATOR, Purpose.ALERT, Purpose.OWNER)
"""What the owner sends or is told, which is not about other people's rest."""


class Objection(StrEnum):
    """Why a queued chunk must not leave any more."""

    NOT_ADMITTED = "the sender is no longer admitted"
    NOT_CHALLENGED = "the sender is no longer sent a code"
    NOT_THERE = "the account may no longer write there"
    TAKEN_OVER = owner_takeovers.REASON
    NOT_APPROVED = "outbound_approve"
    OUTBOUND_OFF = "outbound_off"


class Gate:
    """Says when a chunk may leave. Nothing else calls the channel's `send` and `signal`.

    Lives as long as the gateway, across all runs of its account, and holds the pauses in force.
    """

    def __init__(
        self, account: Account, channel: Channel, pacer: Pacer | None = None, now_ms: Clock = clock.now_ms
    ) -> None:
        """Without a `pacer` only pauses hold anything, and the owner's own messages."""
        self._now_ms = now_ms
        self._taken_over: dict[Thread, int] = {}
        """The threads in which the owner writes by hand, and until when the agent holds back there."""
        self.in_question = Judged()
        """The threads in which nobody knows yet whether the owner wrote."""
        self.account = account
        self.outgoing: Path | None = None
        """The folder of the files that wait to be sent."""
        self._channel = channel
        self._pacer = pacer
        self._access: AccessChecker | None = None
        self._waited: set[int] = set()
        self._changes = self._marked = 0
        """How often the rules have changed, and after how many changes the open chunks were last marked."""
        self._passed: dict[int, object] = {}
        """The chunks that may leave, and the rules that they were checked by."""
        self._holds: dict[int, tuple[Thread, Hold]] = {}
        self._pauses: dict[Thread | None, Pause] = {}
        self.quiet_hours = QuietHours()
        self._warm_up: WarmUp | None = None
        self._always_warms_up = False
        self._changed = asyncio.Event()
        self._answered: deque[str] = deque(maxlen=_ANSWERED)

    @property
    def changes(self) -> int:
        """How often the access rules have changed."""
        return self._changes

    def begin(
        self, access: AccessChecker, changes: int, open_chunks: Iterable[int], sent: Iterable[SentChunk]
    ) -> None:
        """Take up what was sent before, so that a new run has no fresh budgets.

        A reply that had to wait leaves only if `access` still admits its sender. The rules had changed so
        often (`changes`) when the chunks were read that are not settled.
        """
        self._access = access
        self._mark(open_chunks, changes)
        self._passed.clear()
        if self._pacer is not None:
            self._pacer.remember(sent)

    async def _recall(self, pacer: Pacer, account_store: AccountStore) -> None:
        pacer.remember(await account_store.run(send_log.sends))

    def friends_listed(self) -> None:
        """The store has the friends of now, which pacing goes by."""
        if self._pacer is not None:
            self._pacer.friends_listed()
            self._holds.clear()

    def narrowed(self) -> None:
        """The access rules have changed: nothing leaves unchecked until `mark_open` has run."""
        self._changes += 1

    async def mark_open(self, account_store: AccountStore) -> list[int]:
        """Have access checked again before any of the chunks leaves that are not settled now. Gives these.

        One that is on its way, of unknown fate, or held behind such a one may still have to leave later.
        """
        changes = self._changes
        open_chunks = await account_store.run(send_log.open_chunks)
        self._mark(open_chunks, changes)
        return open_chunks

    def _mark(self, open_chunks: Iterable[int], changes: int) -> None:
        self._waited.update(open_chunks)
        self._marked = changes

    async def follow(
        self, pacing: Pacing, jitter: Callable[[], float], account_store: AccountStore | None
    ) -> None:
        """Pace by other limits. What was sent before counts by them, too.

        If that cannot be read, the limits hold all the same, for what is sent from now on.
        """
        warm_up = self._warm_up if pacing.warm_up or self._always_warms_up else None
        if not pacing.enabled and warm_up is None:
            self._pacer = None
        elif self._pacer is not None:
            self._pacer.follow(pacing, warm_up)
        else:
            self._pacer = pacer = Pacer(pacing, jitter, warm_up)
            if account_store is not None:
                await self._recall(pacer, account_store)
        self._holds.clear()

    def keep_quiet(self, quiet_hours: QuietHours) -> None:
        """Hold back, or drop, by these hours from now on."""
        self.quiet_hours = quiet_hours
        self._holds.clear()

    def quiet(self, now_ms: int) -> Quiet | None:
        """Whether it is quiet now, what becomes of replies, and until when."""
        return self.quiet_hours.now(now_ms)

    def session_begun(self, begun_ms: int, *, always_warms_up: bool) -> None:
        """The session warms up from this time on, if the config says so, or always. Call `follow` then."""
        self._warm_up, self._always_warms_up = WarmUp(begun_ms), always_warms_up

    def met(self, inbound: Inbound) -> None:
        """Note from a message whether its sender is a friend, which pacing needs to know."""
        if self._pacer is not None and self._pacer.met(inbound):
            self._holds = {id_: hold for id_, hold in self._holds.items() if hold[0] != inbound.thread}

    def shut(self) -> frozenset[Thread] | None:
        """The paused threads; None if the whole account is paused."""
        return None if None in self._pauses else frozenset(filter(None, self._pauses))

    def rests_until_ms(self, now_ms: int) -> int:
        """Until when nothing of the account may leave, because something just did."""
        return self._pacer.rests_until_ms(now_ms) if self._pacer else now_ms

    def held_until(self, now_ms: int) -> dict[int, int]:
        """The chunks that a rule holds, and until when: they need not be asked about before."""
        self._holds = {id_: hold for id_, hold in self._holds.items() if hold[1].until_ms > now_ms}
        return {id_: hold.until_ms for id_, (_, hold) in self._holds.items()}

    @property
    def last_ms(self) -> dict[Thread, int]:
        """When each thread last received something; empty without pacing.

        The thread that has waited longest comes first, so one with many chunks does not block the others.
        """
        return self._pacer.last_ms() if self._pacer else {}

    def wait_ms(self, chunk: Chunk, now_ms: int) -> int | None:
        """0 if the chunk may leave now, the milliseconds until it may, None while it is paused.

        Ask it of the first open chunk of a thread. After 0 call `sent` before the next await, so that two
        chunks do not use one budget. Wake the sender after a pause ends.
        """
        held = self.held(chunk, now_ms)
        if held is None:
            return 0
        self._waited.add(chunk.id)
        return max(1, held.until_ms - now_ms) if isinstance(held, Hold) else None

    def delay(self, chunk_ids: Iterable[int]) -> None:
        """These chunks have to wait: access is checked again before they leave."""
        self._waited.update(chunk_ids)

    def noted(self, chunk: Chunk, now_ms: int) -> Hold | None:
        """The rule that holds a chunk now, if it is new and so has to be stored."""
        hold = self._hold(chunk, now_ms)
        if hold is None or hold.reason == GAP:
            return None
        known = self._holds.get(chunk.id)
        self._holds[chunk.id] = (chunk.out.thread, hold)
        return hold if known is None or known[1] != hold else None

    def held(self, chunk: Chunk, now_ms: int) -> Pause | Hold | None:
        """The pause, the quiet hours or the pacing rule that keep a chunk from leaving now."""
        return self._pause_for(chunk) or self._hold(chunk, now_ms)

    def drops(self, chunk: Chunk, now_ms: int) -> bool:
        """Whether a chunk is not sent at all, because it is quiet now. A paused one still waits."""
        if self._pause_for(chunk) is not None:
            return False
        quiet = self._quiet_for(chunk, now_ms)
        return quiet is not None and quiet.do is QuietDo.DROP

    def _hold(self, chunk: Chunk, now_ms: int) -> Hold | None:
        """What holds a chunk longest. What quiet hours drop is held by nothing."""
        quiet = self._quiet_for(chunk, now_ms)
        if quiet is not None and quiet.do is QuietDo.DROP:
            return None
        paced = self._pacer.hold(chunk, now_ms) if self._pacer else None
        if quiet is None or (paced is not None and paced.until_ms > quiet.until_ms):
            return paced
        return Hold(QUIET_HOURS, quiet.until_ms)

    def _quiet_for(self, chunk: Chunk, now_ms: int) -> Quiet | None:
        """The quiet hours as they hold for a chunk: what the operator sends, or is told, passes them.

        A draft that the owner approved waits for their end, whatever becomes of other replies.
        """
        quiet = None if chunk.purpose in _OF_OWNER else self.quiet(now_ms)
        return replace(quiet, do=QuietDo.HOLD) if quiet and chunk.draft is not None else quiet

    def sent(self, chunk: Chunk, now_ms: int) -> SentChunk | None:
        """Count a chunk that is about to leave; one that is retried counts once.

        Returns the record to store.
        """
        self._holds.pop(chunk.id, None)
        return self._pacer.note(chunk, now_ms) if self._pacer else None

    def unsent(self, chunk: Chunk) -> None:
        """Uncount a chunk that did not leave after all."""
        self._passed.pop(chunk.id, None)
        if self._pacer is not None:
            self._pacer.forget(chunk.id)

    async def send(self, chunk: Chunk) -> Receipt:
        """Hand the chunk to the channel. Raises a `SendFailed`.

        A pause that came after `wait_ms` makes it `NotSent`, and so do other rules than it was checked by.
        """
        if self._pause_for(chunk) is not None:
            raise NotSent("paused just before it left", 0.0)
        rules = self._rules()
        if self._passed.pop(chunk.id, rules) is not rules:
            self._waited.add(chunk.id)
            raise NotSent("the access rules changed just before it left", 0.0)
        return await self._channel.send(self.account, located(chunk.out, self.outgoing))

    async def objection(self, chunk: Chunk, account_store: AccountStore) -> Objection | None:
        """Why a chunk must not leave any more; None lets it leave.

        Checked is what had to wait, and what a tool or a client sends always: the turn may have begun long
        before.
        """
        of_agent = chunk.answers is not None or chunk.by_client
        answers = of_agent and chunk.draft is None and not chunk.to_owner
        if (chunk.challenge or answers) and self.is_taken_over(chunk.out.thread):
            return Objection.TAKEN_OVER
        while True:
            rules = self._rules()
            found = await self._objection(chunk, account_store)
            if self._rules() is rules:
                break
        self._waited.discard(chunk.id)
        if found is None:
            self._passed[chunk.id] = rules
        return found

    async def _objection(self, chunk: Chunk, account_store: AccountStore) -> Objection | None:
        access = self._access
        if objection := self._of_mode(chunk):
            return objection
        unchecked = chunk.id not in self._waited and self._marked == self._changes
        by_itself = chunk.by_turn is not None or chunk.by_client or chunk.draft is not None
        if access is None or (unchecked and not by_itself):
            return None
        if chunk.challenge:
            friend = await account_store.run(pairing.knows_friend, chunk.out.thread.id)
            asks = access.rules().challenges(chunk.out.thread.id, access.grants(), friend)
            return None if asks else Objection.NOT_CHALLENGED
        if chunk.answers is not None:
            turn = await account_store.run(turns.whole, chunk.answers)
            if turn and await access.recheck(turn.inbound):
                return Objection.NOT_ADMITTED
        return None if await self._may_go_there(chunk, account_store, access) else Objection.NOT_THERE

    def _of_mode(self, chunk: Chunk) -> Objection | None:
        """What the outbound mode of its thread says to a chunk. What takes something back shows nothing."""
        mode, _ = self.outbound(chunk.out.thread)
        if mode is OutboundMode.OFF and not isinstance(chunk.out, Undo):
            return Objection.NOT_CHALLENGED if chunk.challenge else Objection.OUTBOUND_OFF
        waits = mode is OutboundMode.APPROVE and chunk.by_agent and chunk.draft is None
        return Objection.NOT_APPROVED if waits else None

    def outbound(self, thread: Thread) -> Verdict:
        """What may leave in a thread, and the setting that says so."""
        if self._access is None:
            return OutboundPolicy().decide(thread, Pins())
        return self._access.rules().outbound(thread, self._access.grants().pins)

    async def _may_go_there(self, chunk: Chunk, account_store: AccountStore, access: AccessChecker) -> bool:
        """Whether what a tool sends to another thread than its own may still go there.

        Whoever may be written to is decided when the tool is called, and can change until the chunk leaves.
        The same holds for what a client sends.
        """
        if chunk.by_client:
            return await may_go_on(account_store, access, chunk.out.thread)
        if chunk.by_turn is None or chunk.turn is not None:
            return True
        thread = chunk.out.thread
        turn = await account_store.run(turns.whole, chunk.by_turn)
        if turn is None or turn.inbound.thread == thread:
            return True
        known = await account_store.run(directory.acquaintance, thread)
        return access.rules().may_write_to(thread, access.grants(), known)

    def _rules(self) -> Rules | None:
        return self._access.rules() if self._access else None

    def answered(self, messages: Iterable[Inbound]) -> None:
        """Something of the answer to these has arrived: that they were seen is no secret any more."""
        self._answered.extend(message.message_id for message in messages)

    async def show(self, signal: Signal, now_ms: int) -> None:
        """Show a signal. Raises `NotSent` while its thread is paused and in quiet hours.

        So it does for a signal that tells more than the outbound mode of its thread allows. Raises what the
        channel raises, too.
        """
        if self._pause_of(signal.thread) is not None:
            raise NotSent("paused", 0.0)
        if isinstance(signal, Typing) and self.is_taken_over(signal.thread):
            raise NotSent(owner_takeovers.REASON, 0.0)
        if self.quiet(now_ms) is not None:
            raise NotSent(QUIET_HOURS, 0.0)
        mode, rule = self.outbound(signal.thread)
        tells = isinstance(signal, Typing) or (
            signal.message_id not in self._answered and (isinstance(signal, Seen) or signal.seen)
        )
        if mode is OutboundMode.OFF or (mode is OutboundMode.APPROVE and tells):
            raise NotSent(f"outbound is '{mode}' ({rule.path})", 0.0)
        await self._channel.signal(self.account, signal)

    async def opened(self, thread: Thread) -> None:
        """Returns once nothing pauses the thread: a turn waits here before it starts."""
        while self._pause_of(thread) is not None:
            await self._changed.wait()

    def pause(self, pauses: Iterable[Pause]) -> None:
        """Replace the pauses in force."""
        self._pauses = {pause.thread: pause for pause in pauses}
        self._holds.clear()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def pauses(self) -> list[Pause]:
        """The pauses in force."""
        return list(self._pauses.values())

    async def changed(self) -> None:
        """Returns once the pauses in force change."""
        await self._changed.wait()

    @property
    def offline(self) -> Pause | None:
        """The pause that keeps the whole account from being connected."""
        whole = self._pauses.get(None)
        return whole if whole and whole.level is PauseLevel.OFFLINE else None

    def _pause_for(self, chunk: Chunk) -> Pause | None:
        """The pause that holds a chunk: none holds what the owner takes back, for that shows nothing.

        The owner hears what became of a command, a pause among them. The pause of an alarm holds this, too:
        what looks like the beginning of a ban is no time to send.
        """
        if chunk.takes_back:
            return None
        whole = self._pauses.get(None)
        if chunk.to_owner and whole is not None and not whole.reason:
            return self._pauses.get(chunk.out.thread)
        return self._pause_of(chunk.out.thread)

    def take(self, judged: Judged) -> None:
        """Hold back where the owner wrote, and where nobody knows yet; everywhere else nothing changes."""
        if judged.off:
            self._taken_over.clear()
        self._taken_over |= {one.thread: one.until_ms for one in judged.taken}
        self.in_question = judged

    def give_back(self, thread: Thread) -> None:
        """The takeover of a thread has ended before its time."""
        self._taken_over.pop(thread, None)
        self.in_question = Judged(
            in_question=tuple(one for one in self.in_question.in_question if one != thread),
            again_ms=self.in_question.again_ms,
        )

    def is_taken_over(self, thread: Thread) -> bool:
        """Whether the agent holds back in a thread because its owner writes there."""
        until_ms = self._taken_over.get(thread)
        if until_ms is not None and until_ms <= self._now_ms():
            del self._taken_over[thread]
            return False
        return until_ms is not None

    def _pause_of(self, thread: Thread) -> Pause | None:
        return self._pauses.get(None) or self._pauses.get(thread)
