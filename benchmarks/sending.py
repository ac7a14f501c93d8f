"""Our client sending one file: to the person, and from the path, that the arguments name.

It logs in with the credentials in CREDENTIALS and prints the most memory it ever held, in KiB, before it sent
the file and after.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing
from pathlib import Path

from benchmarks.counting import logged_in
from zaloweb import CipherKey, Thread, ThreadKind, Zalo


async def main(user_id: str, path: str) -> None:
    """Connect, send, tell."""
    async with Zalo(await logged_in()) as zalo, aclosing(zalo.events()) as events:
        async for event in events:
            if isinstance(event, CipherKey):
                before = peak_kib()
                thread, now_ms = Thread(ThreadKind.USER, user_id), time.time_ns() // 1_000_000
                await zalo.send_file(thread, path, client_id=now_ms)
                print(before, peak_kib())
                return


def peak_kib() -> int:
    """The most memory this process has held. What getrusage tells includes the process it was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
