"""What the owner of an account writes with: `run` carries out a named transition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from clawlane.backoff import Backoff, Sleep
from clawlane.observing import Observer
from clawlane.store import events
from clawlane.store.errors import StoreFailed, StoreLost
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx, is_lazy, note_time
from clawlane.store.writer import Writer
from clawlane.texts import later
from clawlane.trouble_log import TroubleLog

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], int]
"""Milliseconds since 1970."""

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
log = logging.getLogger(__name__)


class AccountStore:
    """The right to write for one account. Every transition checks that it still holds."""

    def __init__(
        self,
        writer: Writer,
        account: str,
        epoch: int,
        now_ms: Clock,
        trouble: TroubleLog,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._writer = writer
        self._epoch = epoch
        self._now_ms = now_ms
        self._trouble = trouble
        self._sleep = sleep
        self._by: tuple[str, str] | None = None
        self.account = account

    @property
    def observer(self) -> Observer | None:
        """Who counts what happens; None while nobody does."""
        return self._writer.observer

    def by(self, caller: str, operation: str) -> AccountStore:
        """The same right, in the name of somebody who asked for an operation: what it changes is recorded."""
        bound = copy(self)
        bound._by = (caller, operation)
        return bound

    def unrecorded(self) -> AccountStore:
        """The same right for the parts of a change that is recorded as a whole."""
        bound = copy(self)
        bound._by = None
        return bound

    async def rewrite(self) -> None:
        """Write the file of the store anew, so that nothing that was deleted is left in it.

        Raises `StoreFailed`.
        """
        await self._writer.rewrite()

    async def run(self, transition: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a transition, tried again until the disk takes it.

        Raises `StoreLost` when another owner took the account over, and what the transition raises.
        """
        backoff: Backoff | None = None
        while True:
            try:
                result = await self._submit(transition, *args, **kwargs)
            except StoreFailed as error:
                backoff = backoff or Backoff(_FIRST_WAIT, _LONGEST_WAIT)
                wait = backoff.next()
                self._trouble.error("%s; trying again in %.1f s", error, wait)
                await self._sleep(wait)
                continue
            if backoff:
                self._trouble.over()
            return result

    async def attempt(
        self, transition: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same, tried once: raises `StoreFailed` when the disk fails. For commands.

        What the transition changed is on the disk, unless it is marked `lazy`.
        """
        return await self._submit(transition, *args, **kwargs)

    def post(self, transition: Callable[Concatenate[Tx, P], None], *args: P.args, **kwargs: P.kwargs) -> None:
        """The same for what nobody waits for. It is written before the store closes; a failure is logged."""
        self._submit(transition, *args, **kwargs).add_done_callback(_log_failure)

    def _submit(
        self, transition: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        now_ms, config, substance = self._now_ms(), self._writer.config, self._writer.substance

        def checked(db: Database) -> T:
            tx = Tx(
                db,
                self.account,
                now_ms,
                self._writer.scrub,
                partial(self._writer.news, self.account),
                caller=self._by[0] if self._by else "gateway",
                config=config,
                substance=substance,
                heads=self._writer.heads,
            )
            if note_time(tx, self._last_seen_ms(db)):
                del self._writer.owners[self.account]
            before = db.total_changes if self._by is not None else 0
            result = transition(tx, *args, **kwargs)
            if self._by is not None and db.total_changes != before:
                events.note_change(tx, *self._by, _name(transition))
            return result

        return self._writer.submit(checked, account=self.account, lazy=is_lazy(transition))

    def _last_seen_ms(self, db: Database) -> int:
        """The time of the latest change. Raises `StoreLost` if another owner took the account over."""
        owners = self._writer.owners
        found = owners.get(self.account)
        if found is None:
            row = db.owner(self.account)
            found = owners[self.account] = (row["epoch"], row["last_seen_ms"]) if row else (0, 0)
        epoch, last_seen_ms = found
        if epoch != self._epoch:
            raise StoreLost(later("{account} is run by another gateway now", account=self.account))
        return last_seen_ms


def _name(transition: Callable[..., object]) -> str:
    """`pairing.approve`: the module and the function."""
    module = transition.__module__.rpartition(".")[2]
    return f"{module}.{transition.__name__}"


def _log_failure(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.error("a change was not stored: %s", error)
