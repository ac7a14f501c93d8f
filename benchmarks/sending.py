"""Our client sending one file: to the person, and from the path, that the arguments name.

It logs in with the credentials in CREDENTIALS and prints the most memory it ever held, in KiB, before it sent
the file and after.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

from benchmarks.counting import logged_in
from zaloweb import Connected, Pace, Thread, ThreadKind, Zalo


async def main(user_id: str, path: str) -> None:
    """Connect, send, tell."""
    async with Zalo(await logged_in(), pace=Pace.off()) as zalo, aclosing(zalo.events()) as events:
        async for event in events:
            if isinstance(event, Connected):
                before = peak_kib()
                await zalo.send_file(Thread(ThreadKind.USER, user_id), path)
                print(before, peak_kib())
                return


def peak_kib() -> int:
    """The most memory this process has held. What getrusage tells includes the process it was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
