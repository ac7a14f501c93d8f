"""What tests ask about processes that they did not start themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def stand_still_until(holds: Callable[[], bool]) -> None:
    """Keep this process from doing anything else meanwhile, as a busy machine does."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def children_of(parent: int, word: str) -> list[int]:
    """The children of a process that have this in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(status[1]) == parent and word in (folder / "cmdline").read_text():
                    found.append(int(folder.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
