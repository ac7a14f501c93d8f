"""Notices that the config file has changed: in place, renamed over, behind its link, removed or created."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from clawlane.backoff import Sleep
from clawlane.config.errors import ConfigError
from clawlane.config.source import revision_of
from clawlane.ops.context import GONE, UNREADABLE

EVERY_S = 0.2
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Look:
    """The file as it was at one moment. `revision` is that of its text, or `GONE` or `UNREADABLE`.

    `place` tells apart files of one text: a save may write the same text again.
    """

    revision: str
    place: tuple[int, ...] = ()


def look(file: Path) -> Look:
    """Look at a file, or at what it links to. Its text counts, too: times of files are too coarse."""
    try:
        found = os.stat(file)
        place = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        return Look(revision_of(file) or GONE, place)
    except FileNotFoundError:
        return Look(GONE)
    except (OSError, ConfigError):
        return Look(UNREADABLE)


class ConfigWatch:
    """Looks at a config file a few times a second.

    What changed counts once two looks agree, so that a half-written save is left alone; `hurry` makes the
    next look at once, and count by itself; so does the first look after the seconds given to `again`.
    """

    def __init__(
        self,
        file: Path,
        revision: str,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`revision` is that of the config in force; without a file it is empty."""
        self._file = file
        self._seen = revision or GONE
        self._sleep = sleep
        self._clock = clock
        self._again: float | None = None
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Look now. Gives the file even if it did not change."""
        self._hurry.set()

    def again(self, wait: float | None) -> None:
        """Give the file once more after so many seconds, even if it did not change; None: only if it does."""
        self._again = None if wait is None else self._clock() + wait

    async def changes(self) -> AsyncIterator[Look]:
        """The file whenever its text is another than before. Never ends."""
        before = await asyncio.to_thread(look, self._file)
        while True:
            hurried = await self._rest()
            now = await asyncio.to_thread(look, self._file)
            if hurried or self._due() or (now == before and now.revision != self._seen):
                self._seen, self._again = now.revision, None
                yield now
            before = now

    def _due(self) -> bool:
        return self._again is not None and self._clock() >= self._again

    async def _rest(self) -> bool:
        """Until the next look. Whether that was asked for."""
        resting = asyncio.ensure_future(self._sleep(EVERY_S))
        hurrying = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait([resting, hurrying], return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Awaiting them here could swallow the cancellation of this task, and nothing would end it then.
            resting.cancel()
            hurrying.cancel()
        hurried = self._hurry.is_set()
        self._hurry.clear()
        return hurried
