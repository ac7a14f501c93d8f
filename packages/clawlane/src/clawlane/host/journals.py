"""Writing for an account whether this process runs it right now or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from clawlane.store.journal import Journal
from clawlane.store.store import Store


class Journals:
    """`running` gives the journal of an account (`channel/id`) that is being run, or None."""

    def __init__(self, store: Store, running: Callable[[str], Journal | None]) -> None:
        self._store = store
        self._running = running

    @asynccontextmanager
    async def of(self, account: str) -> AsyncIterator[Journal]:
        """The journal of an account, owned by this process meanwhile."""
        journal = self._running(account)
        if journal is not None:
            yield journal
            return
        async with self._store.own(account) as journal:
            yield journal
