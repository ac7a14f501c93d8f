"""A client in a process of its own that meets a hostile server: what it says of it, and the memory it took.

Reads `{"do", "credentials"}` from its input; writes `{"said", "grown"}`, the bytes its peak grew by after a
first answer that was as it should be.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path

from zaloweb import Connected, Credentials, Message, Zalo, ZaloError, log_in, qr_login
from zaloweb.transport.qr import Failed, ShowQr


def peak() -> int:
    """The most memory this program has had; `ru_maxrss` counts that of the process that started it, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def events(zalo: Zalo) -> str:
    """Reads until the message behind the hostile frame."""
    async with aclosing(zalo.events()) as stream:
        async for event in stream:
            if isinstance(event, Connected):
                print("connected", flush=True)
            if isinstance(event, Message):
                return f"heard {event.text}"
    return "ended"


async def download(zalo: Zalo) -> str:
    with tempfile.TemporaryDirectory() as folder:
        await zalo.download("https://files.example/a", Path(folder) / "a", max_bytes=1 << 20)
    return "kept it"


async def friends(zalo: Zalo) -> str:
    return f"{len(await zalo.friends())} friends"


async def meet(what: str, credentials: Credentials) -> tuple[str, int]:
    if what == "qr":
        rest = peak()
        async with aclosing(qr_login()) as steps:
            async for step in steps:
                if isinstance(step, Failed | ShowQr):
                    return str(step.error) if isinstance(step, Failed) else "shown", peak() - rest
    session = await log_in(credentials)
    async with Zalo(session) as zalo:
        await zalo.account_info()
        gc.collect()
        rest = peak()
        try:
            said = await {"friends": friends, "download": download, "events": events}[what](zalo)
        except ZaloError as error:
            said = f"{type(error).__name__}: {error}"
        return said, peak() - rest


def main() -> None:
    told = json.loads(sys.stdin.readline())
    credentials = Credentials.from_object(told["credentials"])
    said, grown = asyncio.run(meet(told["do"], credentials))
    print(json.dumps({"said": said, "grown": grown}))


if __name__ == "__main__":
    main()
