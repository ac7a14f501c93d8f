"""Removes the private copies of files once the chunks that send them are settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from clawlane.messages import Media, Outgoing, Photos
from clawlane.store import outgoing_files
from clawlane.store.account_store import AccountStore
from clawlane.store.errors import StoreFailed

_EVERY = 60.0
"""Seconds between two looks where nothing was sent: a reply may also be cancelled, or expire."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class OutgoingFiles:
    """The files of one account, in a folder of their own. Set `sent` when one may not be needed any more."""

    folder: Path
    account_store: AccountStore
    sent: asyncio.Event = field(default_factory=asyncio.Event)

    async def sweep(self, noted: Collection[str]) -> None:
        """Remove what is not noted, as a crash may leave it. Before any agent of the account runs."""
        left = [path.name for path in _files(self.folder) if path.name not in noted]
        if left:
            await asyncio.to_thread(self._remove, left)

    async def run(self, *, at_once: bool = True) -> None:
        """Remove files when their chunks are settled. Lives until cancelled.

        Unless `at_once`, there are none before one is sent.
        """
        if not at_once:
            await self._news()
        while True:
            self.sent.clear()
            try:
                done = await self.account_store.run(outgoing_files.done)
                if done:
                    await asyncio.to_thread(self._remove, done)
                    await self.account_store.run(outgoing_files.forget, done)
            except StoreFailed as error:
                log.warning("%s; files that were sent are removed later", error)
            await self._news()

    async def _news(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_EVERY):
                await self.sent.wait()

    def _remove(self, names: list[str] | tuple[str, ...]) -> None:
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                log.warning("a file that was sent cannot be removed: %s", error.strerror)


def located(out: Outgoing, folder: Path | None) -> Outgoing:
    """A chunk with its files where they are now: the state directory may have been moved, or restored."""
    if folder is None:
        return out
    match out:
        case Media():
            return replace(out, path=_at(folder, out.path))
        case Photos():
            return replace(out, paths=tuple(_at(folder, path) for path in out.paths))
        case _:
            return out


def _at(folder: Path, stored: str) -> str:
    here = folder / PurePath(stored).name
    return str(here) if here.exists() else stored


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
