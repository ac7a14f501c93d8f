"""The one sender of an account: queued chunks leave in order in each thread, threads side by side."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from clawlane.abilities import Ability
from clawlane.channel import NeedsLogin, NotSent, Refused, Unknown
from clawlane.lane.alarm_feed import AlarmFeed, NoFeed
from clawlane.lane.evidence import Evidence
from clawlane.lane.gate import Gate, Objection
from clawlane.lane.pacing import held_words
from clawlane.lane.proofs import Proofs
from clawlane.lane.send_record import SendRecord, SendTrouble
from clawlane.lane.signals import SignalQueue
from clawlane.messages import Delivered, Media, Photos, Seen, Signal, Thread, Typing, Undo
from clawlane.observing import Attempt
from clawlane.store import drafts, due, pairing, quiet_drops, sending
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import QUIET_HOURS, Chunk, Hold, LostSend, SendOutcome
from clawlane.store.send_log import SentChunk
from clawlane.texts import later

AT_ONCE = 4
"""How many chunks, each of another thread, are on their way at once."""

ANSWER_DEADLINE = 120.0
"""Seconds after which a send without an answer counts as unknown, whatever the channel waits for."""

FILE_DEADLINE = 900.0
"""The same for files, which are uploaded first."""

_SHOWN = {Typing: Ability.TYPING, Delivered: Ability.DELIVERED, Seen: Ability.SEEN}

_AT_A_TIME = 64
"""How many chunks are read at once when the first of those that wait may not leave."""

_LONGEST_RETRY = 300.0
_LONGEST_ASKED = 3600.0
"""Seconds that the platform may ask for before the next try."""

log = logging.getLogger(__name__)


async def _nobody_to_judge() -> None:
    """No message is in question."""


class Sender:
    """Sends the queued chunks of one account while it is open, and records what became of each."""

    def __init__(
        self,
        account_store: AccountStore,
        gate: Gate,
        now_ms: Clock,
        jitter: Callable[[], float],
        session: Callable[[], str],
        settle_ms: Callable[[], int],
        report_trouble: Callable[[SendTrouble | None], None],
        evidence: Evidence,
        draft_ms: Callable[[], int],
        answered: Callable[[int], Awaitable[None]],
        alarms: AlarmFeed | None = None,
        proofs: Proofs | None = None,
        lead: drafts.Lead = drafts.no_lead,
    ) -> None:
        """`jitter` gives a number from 0 to 1, by which retries are spread.

        `session` names the login that sends now. `settle_ms` is how long look-ups may settle an unknown send
        before the operator has to, 0 if they may not. `report_trouble` is called when sending stops working,
        and with None when it works again. `evidence` keeps what became of signals, `alarms` is told of
        sends. `draft_ms` is how long a draft lives, and `answered` is called with a turn once a part of its
        reply has arrived. `proofs` is told what was seen to work, `lead` gives what stands before a reply
        that tells of a program. `file_sent` is set whenever a file may not be needed any more.
        """
        self._store = account_store
        self._gate = gate
        self._signals = SignalQueue(self._show, self.wake, self._note_signal)
        self._evidence = evidence
        self._alarms = alarms or NoFeed()
        self._proofs = proofs or Proofs(account_store, now_ms)
        self._draft_ms = draft_ms
        self._answered = answered
        self._lead = lead
        self._now_ms = now_ms
        self._jitter = jitter
        self._session = session
        self._settle_ms = settle_ms
        self._record = SendRecord(report_trouble)
        self._open = asyncio.Event()
        self.file_sent = asyncio.Event()
        self.lost = asyncio.Event()
        """Set when nobody knows whether a chunk arrived."""
        self._news = asyncio.Event()
        self._empty = False
        """Whether nothing can be waiting, as long as nobody says so."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._on_their_way = 0
        self.judge: Callable[[], Awaitable[None]] = _nobody_to_judge
        """Says whose the messages in question were, as far as that is known now."""
        self._rules_changed = False
        self._unhanded: set[int] = set()
        self._expected: dict[int, asyncio.Event] = {}

    def wake(self) -> None:
        """There may be something new to send."""
        self._empty = False
        self._news.set()

    def found_empty(self) -> None:
        """A run begins, and nothing waited to be sent: it looks once there may be something."""
        self._empty = not self._news.is_set()

    def rules_changed(self) -> None:
        """The access rules are others now: what is queued is checked again before anything leaves."""
        self._gate.narrowed()
        self._rules_changed = True
        self.wake()

    def open(self) -> None:
        """The channel can send now."""
        self._open.set()
        if not self._empty:
            self._news.set()

    async def opened(self) -> None:
        """Returns once the channel can be used."""
        await self._open.wait()

    def close(self) -> None:
        """The channel cannot send; chunks wait. One that is on its way is finished."""
        self._open.clear()

    async def quiet(self) -> None:
        """Returns when no chunk is between sending and its answer."""
        await self._idle.wait()

    @contextmanager
    def expecting(self, turn: int) -> Iterator[asyncio.Event]:
        """An event that is set once nothing of this turn waits to be sent.

        Enter before the chunks are written.
        """
        settled = self._expected.setdefault(turn, asyncio.Event())
        try:
            yield settled
        finally:
            self._expected.pop(turn, None)

    def settled(self, turn: int | None, *, of_file: bool = True) -> None:
        """Something settled a chunk or a draft, and maybe its turn; one `of_file` may have sent a file."""
        if of_file:
            self.file_sent.set()
        if turn is not None and turn in self._expected:
            self._expected[turn].set()
        self.wake()

    def show(self, signal: Signal) -> None:
        """Show others something soon, if the channel can send now. Never waits and never fails."""
        if self._open.is_set():
            self._signals.put(signal)
        else:
            self._note_signal(signal, "left out: the account was not connected")

    async def _show(self, signal: Signal) -> None:
        await self._gate.show(signal, self._now_ms())

    def _note_signal(self, signal: Signal, error: str) -> None:
        if not error:
            self._proofs.saw(_SHOWN[type(signal)])
        self._evidence.note_signal(signal, self._now_ms(), error)

    async def run(self) -> None:
        """Send while open. Lives until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._signals.run())
            while True:
                await self._open.wait()
                if self._empty:
                    await self._news.wait()
                    continue
                self._news.clear()
                if self._rules_changed:
                    await self._check_queued()
                await self._rest(await self._round(group))

    async def put_back(self) -> None:
        """After a stop: chunks that were marked as on their way but not handed to the channel wait again."""
        if self._unhanded:
            await self._store.run(sending.put_back, tuple(self._unhanded))
            self._unhanded.clear()

    async def _round(self, group: asyncio.TaskGroup) -> int | None:
        """Send what may leave now. Gives when more may, None if that needs something new.

        Not idle from before a chunk is taken, so that a stop does not fall in between.
        """
        looked_at: set[Thread] = set()
        others: list[int] = []
        beyond: tuple[int, ...] = ()
        all_passed = True
        self._idle.clear()
        try:
            if self._gate.in_question.in_question:
                await self.judge()
                if (again_ms := self._gate.in_question.again_ms) is not None:
                    others.append(again_ms)
            while self._open.is_set() and self._on_their_way < AT_ONCE:
                shut, now_ms = self._gate.shut(), self._now_ms()
                if (rests_ms := self._gate.rests_until_ms(now_ms)) > now_ms:
                    self._gate.delay(beyond)
                    others.append(rests_ms)
                    break
                held, last_ms = self._gate.held_until(now_ms), self._gate.last_ms
                passed_over = looked_at | self._signals.typing_first() | self._in_question()
                limit = AT_ONCE - self._on_their_way if all_passed else _AT_A_TIME
                waiting = await self._store.run(due.waiting, passed_over, held, last_ms, limit, shut)
                for turn in waiting.expired:
                    self.settled(turn)
                passing, gate_ms = await self._passing(waiting.chunks)
                for chunk in await self._begin(passing):
                    self._on_their_way += 1
                    group.create_task(self._carry(chunk))
                others += (ms for ms in (waiting.due_ms, gate_ms) if ms is not None)
                if not waiting.beyond:
                    break
                beyond = waiting.beyond
                looked_at.update(chunk.out.thread for chunk in waiting.chunks)
                all_passed = len(passing) == len(waiting.chunks)
        finally:
            self._maybe_idle()
        return min(others, default=None)

    def _in_question(self) -> frozenset[Thread]:
        """The threads in which nothing leaves before it is known whether the owner wrote there."""
        return frozenset(self._gate.in_question.in_question)

    async def _passing(self, chunks: tuple[Chunk, ...]) -> tuple[dict[Chunk, SentChunk | None], int | None]:
        """As many chunks as may leave at once, and when the next one may that has to wait at the gate."""
        passing: dict[Chunk, SentChunk | None] = {}
        holds: dict[int, Hold] = {}
        others: list[int] = []
        for chunk in chunks:
            if not self._open.is_set() or self._on_their_way + len(passing) >= AT_ONCE:
                break
            now_ms = self._now_ms()
            if self._gate.drops(chunk, now_ms):
                await self._drop(chunk)
                continue
            wait_ms = self._gate.wait_ms(chunk, now_ms)
            if wait_ms is not None and wait_ms > 0:
                others.append(now_ms + wait_ms)
                if hold := self._gate.noted(chunk, now_ms):
                    holds[chunk.id] = hold
                    zone = self._gate.quiet_hours.zone
                    log.info("message %d to %s is %s", chunk.id, chunk.out.thread, held_words(hold, zone))
            elif wait_ms == 0 and self._signals.answered(chunk.out.thread) and await self._admitted(chunk):
                passing[chunk] = self._gate.sent(chunk, self._now_ms())
        if holds:
            for turn in await self._store.run(sending.hold, holds):
                self.settled(turn)
            self.wake()  # what the operator sends may be first now
        return passing, min(others, default=None)

    async def _admitted(self, chunk: Chunk) -> bool:
        """Whether a reply that had to wait may still leave; otherwise it is over."""
        reason = await self._gate.objection(chunk, self._store)
        match reason:
            case None:
                return True
            case Objection.NOT_ADMITTED:
                outcome = await self._store.run(sending.not_admitted, chunk.id, reason)
            case Objection.TAKEN_OVER if not chunk.challenge:
                outcome = await self._store.run(sending.cancelled, chunk.id, reason)
            case Objection.NOT_THERE:
                outcome = await self._store.run(sending.refused, chunk.id, reason)
            case Objection.NOT_CHALLENGED | Objection.TAKEN_OVER:
                await self._store.run(pairing.withdraw, chunk.out.thread.id, reason)
                outcome = SendOutcome(None, "")
            case Objection.OUTBOUND_OFF:
                outcome = await self._store.run(sending.forbidden, chunk.id, reason)
            case Objection.NOT_APPROVED:
                self.settled(await self._hold_back(chunk))
                return False
        self.settled(_warn(chunk, f"was not sent: {reason}", outcome))
        return False

    async def _drop(self, chunk: Chunk) -> None:
        """End what quiet hours drop: the rest of its reply does not leave either."""
        if chunk.challenge:
            await self._store.run(pairing.hold_back, chunk.out.thread.id, QUIET_HOURS)
        else:
            self.settled(await self._store.run(quiet_drops.drop, chunk.id))
        log.info("message %d to %s is not sent: %s", chunk.id, chunk.out.thread, QUIET_HOURS)
        self.wake()

    async def _hold_back(self, chunk: Chunk) -> int | None:
        """Make what was queued a draft, because its thread needs approval now. Gives the turn that ended."""
        _, rule = self._gate.outbound(chunk.out.thread)
        terms = (rule.path, self._draft_ms(), self._lead)
        number, turn = await self._store.run(drafts.hold_back, chunk.id, *terms)
        log.info(
            "message %d to %s waits for approval: openclaw drafts show %d", chunk.id, chunk.out.thread, number
        )
        return turn

    async def _check_queued(self) -> None:
        """End what is queued and must not leave by the rules of now, before its time to leave comes."""
        self._rules_changed = False
        for chunk_id in await self._gate.mark_open(self._store):
            chunk = await self._store.run(due.still_queued, chunk_id)
            if chunk is not None:
                await self._admitted(chunk)

    async def _begin(self, passing: dict[Chunk, SentChunk | None]) -> list[Chunk]:
        """Mark the chunks as on their way and count them, in one. Gives those that still were to leave."""
        if not passing:
            return []
        ids = [chunk.id for chunk in passing]
        counted = [sent for sent in passing.values() if sent is not None]
        self._unhanded.update(ids)
        begun = await self._store.run(sending.begin, ids, counted, self._session())
        for chunk in passing:
            if chunk.id not in begun:
                self._unhanded.discard(chunk.id)
                self._gate.unsent(chunk)
        return [chunk for chunk in passing if chunk.id in begun]

    async def _carry(self, chunk: Chunk) -> None:
        try:
            turn = await self._attempt(chunk)
        finally:
            self._on_their_way -= 1
            self._maybe_idle()
        self.settled(turn, of_file=isinstance(chunk.out, Media | Photos))

    def _maybe_idle(self) -> None:
        if not self._on_their_way:
            self._idle.set()

    async def _attempt(self, chunk: Chunk) -> int | None:
        """Send one chunk and record what became of it. Gives the turn whose lane may go on."""
        self._unhanded.discard(chunk.id)
        started = time.perf_counter()
        try:
            try:
                async with asyncio.timeout(_deadline(chunk)):
                    receipt = await self._gate.send(chunk)
            finally:
                took_ms = 1000 * (time.perf_counter() - started)
                log.debug("chunk %d: attempt %d took %.1f ms", chunk.id, chunk.attempts, took_ms)
        except NotSent as error:
            self._record.failed(later("did not leave: {error}", error=str(error)))
            if error.retry_in:  # else the gate took it back, and the platform was not asked
                self._count(Attempt.NOT_SENT)
                self._alarms.failed()
            self._note_limit(chunk, error)
            await self._retry(chunk, str(error), error.retry_in)
            return None
        except NeedsLogin as error:
            self._count(Attempt.NOT_SENT)
            self.close()
            await self._retry(chunk, str(error), 0.0)
            return None
        except Refused as error:
            self._count(Attempt.REFUSED)
            self._record.refused(chunk.out.thread, later("was refused: {error}", error=str(error)))
            self._note_limit(chunk, error)
            outcome = await self._store.run(sending.refused_by_platform, chunk.id, str(error))
            if outcome is None:
                self.wake()
                return None
            return _warn(chunk, f"was refused: {error}", outcome)
        except Exception as error:
            return await self._lost(chunk, error)
        self._count(Attempt.ARRIVED)
        self._record.arrived()
        self._alarms.arrived(chunk.out.thread)
        log.debug("chunk %d arrived", chunk.id)
        turn = await self._store.run(sending.sent, chunk.id, receipt)
        if chunk.turn is not None:
            await self._answered(chunk.turn)
        return turn

    def _count(self, attempt: Attempt) -> None:
        if (observer := self._store.observer) is not None:
            observer.attempted(self._store.account, attempt)

    async def _lost(self, chunk: Chunk, error: Exception) -> int | None:
        self._count(Attempt.UNKNOWN)
        reason = _why_unknown(error, chunk)
        taken = isinstance(error, Unknown) and error.taken
        arrived = error.arrived if isinstance(error, Unknown) else ()
        lost = LostSend(reason, taken=taken, settle_ms=self._settle_ms(), arrived=arrived)
        self._record.failed(later("may or may not have arrived: {error}", error=reason))
        self._alarms.failed()
        outcome = await self._store.run(sending.unknown, chunk.id, lost)
        self.lost.set()
        return _warn(chunk, f"may or may not have arrived: {reason}", outcome)

    def _note_limit(self, chunk: Chunk, error: NotSent | Refused) -> None:
        """Taking something back may be refused for reasons of its own."""
        if error.limit_code and not isinstance(chunk.out, Undo):
            self._alarms.refused(chunk.out.thread, error.limit_code)

    async def _retry(self, chunk: Chunk, reason: str, retry_in: float) -> None:
        """Not before the platform said, and longer each time."""
        grown = min(retry_in * 2 ** min(chunk.attempts - 1, 10), _LONGEST_RETRY)
        wait = max(grown, min(retry_in, _LONGEST_ASKED)) * (1 + 0.1 * self._jitter())
        log.info("message %d to %s did not leave: %s", chunk.id, chunk.out.thread, reason)
        log.debug("chunk %d is tried again in %.1f s, after attempt %d", chunk.id, wait, chunk.attempts)
        due_ms = self._now_ms() + int(1000 * wait)
        await self._store.run(sending.retry, chunk.id, reason, due_ms)

    async def _rest(self, due_ms: int | None) -> None:
        """Until something new comes or the next chunk is due."""
        if self._news.is_set():
            return
        wait = None if due_ms is None else max(0.0, (due_ms - self._now_ms()) / 1000)
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            return


def _deadline(chunk: Chunk) -> float:
    return FILE_DEADLINE if isinstance(chunk.out, Media | Photos) else ANSWER_DEADLINE


def _why_unknown(error: Exception, chunk: Chunk) -> str:
    """Why it is unknown whether it arrived. Every surprise counts: bytes may have left."""
    if isinstance(error, Unknown):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no answer within {_deadline(chunk):.0f} s"
    return f"{type(error).__name__}: {error}"


def _warn(chunk: Chunk, what: str, outcome: SendOutcome) -> int | None:
    """Log what became of a chunk and its reply, and what the operator can do. Gives the turn that ended."""
    reply = f" ({outcome.summary})" if outcome.summary.startswith("of ") else ""
    log.warning("message %d to %s %s%s; see: openclaw outbox list", chunk.id, chunk.out.thread, what, reply)
    return outcome.turn
