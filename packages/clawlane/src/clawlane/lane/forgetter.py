"""Removes what somebody said from the store and from the folders of files, batch after batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from clawlane.store import forgetting, media, outgoing_files
from clawlane.store.account_store import AccountStore
from clawlane.store.forgetting import Whom
from clawlane.store.media_files import MediaFiles
from clawlane.store.models import RecallResult


@dataclass(frozen=True, slots=True)
class Forgetter:
    """Carries out requests of one account.

    `files` came with messages; `outgoing` is the folder of copies that wait to be sent. `recalled` is told
    what each batch took back. Everything here raises `StoreFailed` and `OSError`; what is removed by then
    stays removed, and the request goes on later.
    """

    account_store: AccountStore
    files: MediaFiles
    outgoing: Path
    recalled: Callable[[RecallResult], None] = lambda _: None

    async def run(self, whom: Whom, id_: str) -> AsyncIterator[int]:
        """Remove everything, and write the store anew. Gives the number of each batch."""
        batches = self.account_store.unrecorded()
        number, more = 0, True
        while more:
            step = await batches.attempt(forgetting.step, whom, id_)
            self.recalled(step.recalled)
            more, number = step.more, number + 1
            yield number
        files = await self._remove_files(batches)
        if files:
            await batches.attempt(forgetting.add, whom, id_, {"files": files})
        await self._remove_outgoing(batches)
        await self.account_store.rewrite()

    async def _remove_files(self, account_store: AccountStore) -> int:
        """Remove the files of messages whose text is gone. Gives of how many messages."""
        account = account_store.account
        numbers = await asyncio.to_thread(self.files.messages, account)
        gone = await account_store.attempt(media.forgotten, sorted(numbers))
        await asyncio.to_thread(self.files.remove, account, gone)
        return len(gone)

    async def _remove_outgoing(self, account_store: AccountStore) -> None:
        """Remove the copies that nothing sends any more."""
        done = await account_store.attempt(outgoing_files.done)
        for name in done:
            await asyncio.to_thread((self.outgoing / name).unlink, missing_ok=True)
        if done:
            await account_store.attempt(outgoing_files.forget, done)
