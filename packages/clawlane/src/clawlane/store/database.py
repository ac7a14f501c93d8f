"""The store of one state directory: one SQLite file, one process that writes, one owner an account."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from clawlane.backoff import Backoff
from clawlane.observing import Observer
from clawlane.store import audit_log, claims, moved, unknown_sends
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.audit_heads import Heads, folder_of
from clawlane.store.claims import Claimant
from clawlane.store.engine import Engine
from clawlane.store.errors import StoreError, StoreFailed, StoreOwned, StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.reader import Reader, reading
from clawlane.store.sql import Database
from clawlane.store.sqlite.connection import connect_writer
from clawlane.store.sqlite.engine import SqliteEngine
from clawlane.store.transaction import Tx, is_lazy
from clawlane.store.writer import Writer
from clawlane.texts import later
from clawlane.trouble_log import TroubleLog

P = ParamSpec("P")
T = TypeVar("T")

_AsNode = tuple[Callable[[], Claimant], Callable[[], bool]]
"""Who claims, and whether it may release."""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_LONGEST_RELEASE = 2.0
log = logging.getLogger(__name__)


class Store:
    """The open store. `own` gives the right to write for an account, `read` is for everybody."""

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[Reader]],
        writer: Writer,
        now_ms: Clock,
        aside: Callable[[], Engine] | None = None,
    ) -> None:
        self._aside = aside
        self._reading = reading
        self._writer = writer
        self._now_ms = now_ms
        self._owned: set[str] = set()
        self._trouble = TroubleLog(log)
        self._hands = asyncio.Event()
        self._node: _AsNode | None = None

    def claim_as(self, node: Callable[[], Claimant], holds: Callable[[], bool]) -> None:
        """From now on accounts are run for a node, and released by it while `holds` says that it may."""
        self._node = (node, holds)

    @asynccontextmanager
    async def own(
        self, account: str, *, patient: bool = False, to_run: bool = False
    ) -> AsyncIterator[AccountStore]:
        """Become the one owner of an account (`channel/id`). An earlier owner can no longer write.

        When this process owns it already, a `patient` one waits, and any other raises `StoreOwned`. With a
        node, one that is `to_run` is claimed for that, and given up by it afterwards; any other is taken for
        the moment. Raises `NotOwned` where that may not be.
        """
        node = self._node if to_run else None
        while account in self._owned:
            if not patient:
                raise StoreOwned(
                    later("{account} is run by this process already", account=account), os.getpid()
                )
            await self.handed_over()
        self._owned.add(account)
        try:
            epoch = await self._writer.submit(partial(self._claim, account, self._now_ms(), node))
            self._tell_hands()
            try:
                yield AccountStore(self._writer, account, epoch, self._now_ms, self._trouble)
            finally:
                await self._release(account, epoch, node)
        finally:
            self._owned.discard(account)
            self._tell_hands()

    async def handed_over(self) -> None:
        """Returns when an account is owned, or is owned no more."""
        await self._hands.wait()

    def _tell_hands(self) -> None:
        self._hands.set()
        self._hands = asyncio.Event()

    def _claim(self, account: str, now_ms: int, node: _AsNode | None, db: Database) -> int:
        writer = self._writer
        writer.owners.pop(account, None)
        news = partial(writer.news, account)
        tx = Tx(db, account, now_ms, writer.scrub, news, config=writer.config, heads=writer.heads)
        if node is None:
            instance = self._node[0]().instance if self._node else ""
            epoch = claims.take(db, account, os.getpid(), instance)
        else:
            claimed = claims.claim(db, account, node[0](), os.getpid())
            epoch = claimed.epoch
            if claimed.doubtful:
                unknown_sends.doubt(tx)
        moved.check(db, later("of this gateway"))
        audit_log.begin(tx)
        return epoch

    async def _release(self, account: str, epoch: int, node: _AsNode | None) -> None:
        """Let other nodes claim an account at once. Until told they wait for this node to be lost."""
        backoff = Backoff(_FIRST_WAIT, _LONGEST_RELEASE)
        while node is not None and node[1]():
            try:
                await self.change(claims.release, account, epoch)
            except StoreFailed as error:
                told = "%s could not be given to other nodes, which is tried again: %s"
                self._trouble.error(told, account, error)
                await asyncio.sleep(backoff.next())
            except StoreError as error:
                log.warning("%s could not be given to other nodes: %s", account, error)
                return
            else:
                return

    async def change(
        self,
        transition: Callable[Concatenate[Database, int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The result of a change that belongs to no account. It is given the time, and is recorded nowhere.

        What it changed outlives this process; one marked `lazy` may be lost to a power cut.
        Raises `StoreFailed`, at once while the store is `stuck`, and what the change raises.
        """
        if stuck := self.stuck:
            raise StoreFailed(stuck)
        now_ms = self._now_ms()

        def changed(db: Database) -> T:
            return transition(db, now_ms, *args, **kwargs)

        return await self._writer.submit(changed, lazy=is_lazy(transition))

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[Store]:
        """This store, whose changes wait for no other one: they have a session of their own.

        Where there can be only one that writes, they wait. Raises `StoreUnusable`.
        """
        if self._aside is None:
            yield self
            return
        writer = Writer(await asyncio.to_thread(self._aside))
        try:
            yield Store(self._reading, writer, self._now_ms)
        finally:
            await writer.close()

    def news(self) -> None:
        """Wake who listens to the event feed, although it has not grown."""
        self._writer.tell_listeners()

    def work_by(self, revision: str, substance: str = "") -> None:
        """From now on the config of this revision is in force: the record says so.

        `substance` is the same for configs that say the same on several machines.
        """
        self._writer.config, self._writer.substance = revision, substance

    def observed_by(self, observer: Observer | None) -> None:
        """Tell somebody what happens from now on, or nobody any more."""
        self._writer.observer = observer

    async def died(self) -> StoreUnusable:
        """Returns when nothing can be written any more, with the reason."""
        return await asyncio.shield(self._writer.dead)

    @property
    def failing(self) -> str:
        """Why the last change could not be stored; empty while the disk takes them."""
        return self._writer.failing

    @property
    def stuck(self) -> str:
        """Why no change can be expected to end; empty while that is not so."""
        return self._writer.stuck

    def listening(self, account: str = "") -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever the event feed has grown, for whoever clears it again.

        That of one account, or of all.
        """
        return self._writer.listening(account)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Read what is stored. Never writes, and may be used in any thread.

        Raises `StoreFailed` while a database cannot be reached.
        """
        with self._reading() as reader:
            yield reader

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """The answer of a reader, asked in a worker thread, and again until the store can be reached."""

        def answer() -> T:
            with self.read() as reader:
                return question(reader)

        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        while True:
            try:
                return await asyncio.to_thread(answer)
            except StoreFailed as error:
                wait = backoff.next()
                log.error("%s; asking again in %.1f s", error, wait)
            await asyncio.sleep(wait)


@asynccontextmanager
async def open_store(
    path: Path, lock_file: Path, now_ms: Clock, *, checked: bool = True
) -> AsyncIterator[Store]:
    """The store, for the one process that may write.

    Without `checked` a damaged page is found only when it is read: for a command that touches a few rows.
    Raises `StoreOwned` with the owner's pid, or `StoreUnusable`.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(ProcessLock(lock_file))
        connection = connect_writer(path, now_ms(), checked=checked)
        try:
            heads = Heads(folder_of(path))
        except BaseException:
            connection.close()
            raise
        writer = Writer(SqliteEngine(connection), heads)
        stack.push_async_callback(writer.close)
        yield Store(partial(reading, path), writer, now_ms)
