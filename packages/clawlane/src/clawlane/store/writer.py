"""The one thread that writes: it groups transitions into one transaction, and undoes those that fail."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from traceback import clear_frames
from typing import Any, TypeVar

from clawlane.observing import Observer
from clawlane.store.audit_heads import Heads
from clawlane.store.engine import Engine
from clawlane.store.errors import StoreError, StoreFailed, StoreUnusable
from clawlane.store.sql import Database, savepoint
from clawlane.texts import later

T = TypeVar("T")
Transition = Callable[[Database], T]
"""One named change of the store. It must not commit, and must leave nothing behind when it raises."""

_GROUP = 256
_SCRUB_EVERY = 1.0
"""Seconds between two attempts to empty the write-ahead log."""

_HEADS_AFTER = 0.5
"""Seconds without a change after which the heads of the records follow what was committed lazily."""

STUCK_S = 15.0
"""Seconds after which what is being written counts as never finished. The database breaks off sooner."""

_LAST_SCRUB_S = 2.0
"""How long the end of the process waits for readers of the log."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    transition: Transition[Any]
    future: asyncio.Future[Any]
    account: str
    lazy: bool
    alone: bool = False


class Writer:
    """Owns the engine, with the one connection that writes.

    `submit` belongs to the event loop; transitions run in the writer's thread.
    """

    def __init__(
        self, engine: Engine, heads: Heads | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` is in seconds."""
        self.owners: dict[str, tuple[int, int]] = {}
        """Epoch and latest time of each account that the current group has read: it reads them once."""
        self.heads = heads or Heads()
        """The heads of the records, beside the database."""
        self.config = ""
        """The revision of the config in force, for the record."""
        self.substance = ""
        """A digest of what that config says."""
        self.observer: Observer | None = None
        """Who counts what happens; None while nobody does."""
        self._engine = engine
        self._failing = ""
        self._clock = clock
        self._since: float | None = None
        """Since when the thread does what it does now; None while it waits, or does what takes its time."""
        self._news: set[str] = set()
        self._listeners: dict[asyncio.Event, str] = {}
        self._to_scrub = True  # an earlier process may have been killed before it did that
        self._scrubbed_at = -_SCRUB_EVERY
        self._loop = asyncio.get_running_loop()
        self.dead: asyncio.Future[StoreUnusable] = self._loop.create_future()
        """Why nothing can be written any more, once that is so."""
        self._closed = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._next: _Job | None = None
        self._thread = threading.Thread(target=self._work, name="clawlane-store")
        self._thread.start()

    def submit(
        self, transition: Transition[T], *, account: str = "", lazy: bool = False
    ) -> asyncio.Future[T]:
        """The result of a transition once it is on the disk. They take effect in the order of submission.

        One that asks who owns an account names it.

        A `lazy` one outlives the process, but is safe from a power cut only with the next that is not lazy.
        The future fails with what the transition raised, with `StoreFailed` when the disk did, or with
        `StoreUnusable` when the writing thread has died, or has ended.
        """
        return self._submit(transition, account=account, lazy=lazy)

    def rewrite(self) -> asyncio.Future[None]:
        """Write the whole file anew, and empty the log: nothing that was deleted is left between its pages.

        Meanwhile nothing else is stored. Fails with `StoreFailed`, for example where there is no room.
        """
        return self._submit(lambda _: None, alone=True)

    def _submit(
        self, transition: Transition[T], *, account: str = "", lazy: bool = False, alone: bool = False
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        if self.dead.done():
            future.set_exception(self.dead.result())
        elif self._closed:  # nobody would ever take it
            future.set_exception(StoreUnusable(later("the store is closed")))
        else:
            self._jobs.put(_Job(transition, future, account, lazy, alone))
        return future

    @property
    def failing(self) -> str:
        """Why the last change could not be stored; empty once one was stored again."""
        return self.stuck or self._failing

    @property
    def stuck(self) -> str:
        """Why no change can be expected to end, one that begins now included; empty while that is not so."""
        since = self._since
        lasts_s = 0.0 if since is None else self._clock() - since
        if lasts_s <= STUCK_S:
            return ""
        told = later("nothing has been stored for {seconds} s: the change that is being written does not end")
        return later(told, seconds=f"{lasts_s:.0f}")

    def scrub(self) -> None:
        """Empty the write-ahead log soon: a text was deleted that must not stay in it.

        For transitions, in the writer's thread.
        """
        self._to_scrub = True

    def news(self, account: str) -> None:
        """Wake who listens to an account once this is committed. For transitions, in the writer's thread."""
        self._news.add(account)

    @contextmanager
    def listening(self, account: str = "") -> Iterator[asyncio.Event]:
        """An event that is set after every commit with news, for whoever clears it again.

        Of one account, or of all.
        """
        heard = asyncio.Event()
        self._listeners[heard] = account
        try:
            yield heard
        finally:
            del self._listeners[heard]

    async def close(self) -> None:
        """Finish what was submitted, checkpoint and close the file."""
        self._closed = True
        self._engine.end()
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _work(self) -> None:
        group: list[_Job] = []
        try:
            while group := self._next_group():
                self._since = None if group[0].alone else self._clock()
                outcomes = [self._rewrite()] if group[0].alone else self._write(group)
                self._loop.call_soon_threadsafe(self._tell, group, outcomes, self._news)
                group, outcomes = [], []  # what they hold may be large, and the next may be long in coming
            self._settle_heads()
            if self._to_scrub:
                self._scrub(_LAST_SCRUB_S)
        except BaseException as error:
            log.critical("the thread that writes the store has died", exc_info=error)
            self._loop.call_soon_threadsafe(self._die, group, error)
        finally:
            self._engine.close()

    def _tell(self, group: list[_Job], outcomes: list[Any], news: set[str]) -> None:
        _resolve(group, outcomes)
        if news:
            for heard, account in self._listeners.items():
                if not account or account in news:
                    heard.set()

    def tell_listeners(self) -> None:
        """Wake everybody who listens. Belongs to the event loop."""
        for heard in self._listeners:
            heard.set()

    def _die(self, group: list[_Job], error: BaseException) -> None:
        """Fail what was being written and all that waits. Runs on the loop, as `submit` does."""
        told = StoreUnusable(
            later(
                "the store can no longer be written ({reason}); start the gateway again",
                reason=type(error).__name__,
            )
        )
        self.dead.set_result(told)
        if self._next is not None:
            group.append(self._next)
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                group.append(job)
        _resolve(group, [told] * len(group))

    def _next_group(self) -> list[_Job]:
        """Everything that waits, up to a limit; empty when the end was asked for."""
        first = self._next_job()
        group: list[_Job] = [first] if first else []
        while first and not first.alone and len(group) < _GROUP and not self._jobs.empty():
            job = self._jobs.get()
            if job is not None and job.alone:
                self._next = job
                break
            if job is None:
                self._jobs.put(None)
                break
            group.append(job)
        return group

    def _next_job(self) -> _Job | None:
        """Waits for a job. Meanwhile, and between busy groups, the log is emptied where that is due.

        The heads of the records follow once it has been quiet for a moment.
        """
        if self._next is not None:
            job, self._next = self._next, None
            return job
        while self._to_scrub or self.heads.behind:
            wait = _HEADS_AFTER
            if self._to_scrub:
                wait = self._scrubbed_at + _SCRUB_EVERY - time.monotonic()
            if wait <= 0:
                self._scrub(0)
                continue
            with suppress(queue.Empty):
                return self._awaited(wait)
            self._settle_heads()
        return self._awaited(None)

    def _awaited(self, wait_s: float | None) -> _Job | None:
        """Raises `queue.Empty` after so many seconds."""
        self._since = None
        try:
            return self._jobs.get(timeout=wait_s)
        finally:
            self._since = self._clock()

    def _settle_heads(self) -> None:
        """Have the disk keep what was committed lazily, and write the heads that name it."""
        if not self.heads.behind:
            return
        engine = self._engine
        try:
            self._begin(lazy=False)
            engine.db.execute("UPDATE numbers SET last = last WHERE name = 'event'")
            self._end(lazy=False)
        except engine.errors as error:
            engine.roll_back()
            log.debug("the heads of the records could not be written (%s)", error)

    def _rewrite(self) -> StoreFailed | None:
        try:
            self._engine.rewrite()
        except self._engine.errors as error:
            anew = later(
                "the store could not be written anew ({error}); check free space: it takes its size twice"
            )
            return StoreFailed(later(anew, error=self._engine.reason(error)))
        self._scrub(_LAST_SCRUB_S)
        if self._to_scrub:
            read = later("the log of the store could not be emptied: somebody reads it; try again")
            return StoreFailed(read)
        return None

    def _scrub(self, patience_s: float) -> None:
        """Empty the write-ahead log. A reader may delay that."""
        self._scrubbed_at = time.monotonic()
        self._to_scrub = not self._engine.scrub(patience_s)

    def _write(self, group: list[_Job]) -> list[Any]:
        self._news = set()
        engine = self._engine
        started, before = time.perf_counter(), engine.db.total_changes
        lazy = all(job.lazy for job in group)
        try:
            outcomes = self._commit(group, lazy=lazy)
        except engine.errors as error:
            _without_questions(error)
            engine.roll_back()
            self._failing = engine.reason(error)
            return [StoreFailed(engine.unstored(error))] * len(group)
        took_s = time.perf_counter() - started
        if engine.db.total_changes != before:  # an empty transaction asks nothing of the disk
            self._failing = ""
            if self.observer is not None:
                self.observer.committed(took_s)
        log.debug(
            "stored %d changes in %.1f ms%s", len(group), 1000 * took_s, "" if lazy else ", on the disk"
        )
        return outcomes

    def _commit(self, group: list[_Job], *, lazy: bool) -> list[Any]:
        """The outcomes of a group that is committed, without what a failed transition changed.

        Few transitions fail, so nothing is prepared for it: then the group is undone and carried out again,
        each transition in a savepoint. Like a retry, that gives the others the same results. What is wrong
        with a statement may show only with a later one, or at the end.
        """
        engine = self._engine
        self._begin(lazy=lazy)
        if len(accounts := {job.account for job in group} - {""}) > 1:
            self.owners |= engine.db.owners(accounts)
        outcomes: list[Any] = []
        for job in group:
            before = engine.db.asked_changes
            outcomes.append(_outcome(job.transition, engine.db))
            failed = isinstance(outcomes[-1], Exception) and engine.db.asked_changes != before
            if failed or engine.spoiled:
                outcomes = self._again(group, lazy=lazy)
                break
        try:
            self._end(lazy=lazy)
        except engine.errors as error:
            if engine.db.failed_below(error):
                raise
            outcomes = self._again(group, lazy=lazy)
            self._end(lazy=lazy)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, StoreError):
                log.error("a change of the store failed", exc_info=outcome)
        return outcomes

    def _again(self, group: list[_Job], *, lazy: bool) -> list[Any]:
        self._engine.roll_back()
        self._begin(lazy=lazy)
        db = self._engine.db
        db.careful = True
        try:
            return [_outcome_in_savepoint(job.transition, db) for job in group]
        finally:
            db.careful = False

    def _end(self, *, lazy: bool) -> None:
        """Commit, and learn the heads of the records."""
        asked = self.heads.asked(self._engine.db)
        self._engine.commit()
        with suppress(self._engine.errors):  # what is committed is committed
            self.heads.committed(asked, synced=not lazy)

    def _begin(self, *, lazy: bool) -> None:
        self._engine.begin(lazy=lazy)
        self.owners.clear()


def _outcome(transition: Transition[Any], db: Database) -> Any:
    """The result or the exception of a transition. A database that fails is not its fault: that is raised."""
    try:
        return transition(db)
    except Exception as error:
        if db.failed_below(error):
            raise
        return _without_questions(error)


def _outcome_in_savepoint(transition: Transition[Any], db: Database) -> Any:
    """The same. What a failed transition changed is undone."""
    try:
        with savepoint(db):
            return transition(db)
    except Exception as error:
        if db.failed_below(error):
            raise
        return _without_questions(error)


def _without_questions(error: Exception) -> Exception:
    """An error whose frames hold no rows that were asked for and not read: those keep a file locked."""
    clear_frames(error.__traceback__)
    return error


def _resolve(group: list[_Job], outcomes: list[Any]) -> None:
    for job, outcome in zip(group, outcomes, strict=True):
        if job.future.done():
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)
