"""Names that nobody answers for: who asked waits, and nothing else does."""

from __future__ import annotations

import asyncio
import socket
from threading import Event

import pytest

from clawlane import event_loop
from clawlane.event_loop import MOST_LOOKUPS


def test_a_silent_name_server_holds_up_neither_threads_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers.wait())

    async def main() -> str:
        loop = asyncio.get_running_loop()
        lookups = [loop.getaddrinfo("silent.example", 443) for _ in range(MOST_LOOKUPS + 8)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.gather(*lookups)
        return await asyncio.to_thread(str, "read")

    try:
        assert event_loop.run(main()) == "read"
    finally:
        answers.set()


def test_a_name_is_found_or_not() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(2 * MOST_LOOKUPS):
            [first, *_] = await loop.getaddrinfo("127.0.0.1", 443, type=socket.SOCK_STREAM)
            assert first[4] == ("127.0.0.1", 443)
            with pytest.raises(socket.gaierror):
                await loop.getaddrinfo("no/name", 443, flags=socket.AI_NUMERICHOST)

    event_loop.run(main())
