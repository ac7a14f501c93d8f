"""How the gateway process ends: for good, or to begin again in the same process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

log = logging.getLogger(__name__)


class Ending:
    """The wish that the gateway ends. Once it is to end for good, nothing makes it begin again."""

    def __init__(self) -> None:
        self._wanted = asyncio.Event()
        self._for_good = False
        self._again = False

    def stop(self) -> None:
        """End for good."""
        self._for_good = True
        self._wanted.set()

    def restart(self) -> None:
        """End, and begin again as the same process."""
        self._again = True
        self._wanted.set()

    @property
    def restarts(self) -> bool:
        """Whether it begins again, as things are now."""
        return self._again and not self._for_good

    async def wait(self) -> None:
        """Returns once the gateway has to end."""
        await self._wanted.wait()


def begin_again(environ: Mapping[str, str]) -> NoReturn:
    """Replace this process by a new one of the same command line: same pid, folder, terminal and parent.

    Code that was upgraded meanwhile is the code that runs then. Raises `OSError` if Python has gone.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606 (our own command line)
