"""The live feed: what was read and decided, sent to every page that shows it, as it falls.

One stream of events is followed for all readers. It only says that something happened: what is shown is asked
for again, at most twice a second, and goes out if it changed. Each reader has room for a few of these; one
that does not read is dropped, and its page connects again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

from clawlane.console.rendering import fragment, server_sent
from clawlane.ops.asking import Asks
from clawlane.ops.events import Events
from clawlane.ops.why import Item, Why
from clawlane.store.events import NEWEST
from clawlane.texts import in_locale, locale
from clawlane.words.stories import lines
from clawlane.zone import show_in

SHOWN = 20
"""Messages in the feed."""

MOST_READERS = 100

_ROOM = 4
_LEAST_S, _MOST_S = 0.5, 5.0
_RESTS = 20
"""How many times as long as a look took it rests: a busy machine answers people first."""

_AFTERWARDS = 10
"""How many more times it is looked at after an event: what becomes of a reply is no event of its own."""

_AGAIN_S = 2.0
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Reader:
    """A page that shows the feed. `slow` says that it did not read what was sent."""

    language: str
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_ROOM))
    slow: bool = False


class Feed:
    """The readers of one console. It follows events only while there are any."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._readers: set[Reader] = set()
        self._running: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A reader while entered. Raises `HTTPServiceUnavailable` if there are too many."""
        if len(self._readers) >= MOST_READERS:
            raise web.HTTPServiceUnavailable
        reader = Reader(locale())
        self._readers.add(reader)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            if not self._readers and self._running is not None:
                self._running.cancel()
                self._running = None

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except Exception as error:
                log.warning("the feed of the console begins again: %s", type(error).__name__)
            await asyncio.sleep(_AGAIN_S)

    async def _follow(self) -> None:
        heard = asyncio.Event()
        async with self._asks.follow(Events(NEWEST, follow=True)) as events, asyncio.TaskGroup() as group:
            group.create_task(_hear(events, heard))
            group.create_task(self._tell(heard))

    async def _tell(self, heard: asyncio.Event) -> None:
        """Look after every event and a few times more, and send what changed. Lives until cancelled."""
        last: dict[str, str] = {}
        left = 1
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAST_S if left else None):
                    await heard.wait()
            left = _AFTERWARDS if heard.is_set() else left - 1
            heard.clear()
            began = time.monotonic()
            told = await self._asks.call(Why(last=SHOWN))
            for language in {one.language for one in self._readers}:
                html = rendered(told.items, language, self._asks)
                if last.get(language) != html:
                    last[language] = html
                    self._send(language, server_sent(html))
            rest = _RESTS * (time.monotonic() - began)
            await asyncio.sleep(min(max(_LEAST_S, rest), _MOST_S))

    def _send(self, language: str, event: bytes) -> None:
        for reader in self._readers:
            if reader.language != language:
                continue
            try:
                reader.queue.put_nowait(event)
            except asyncio.QueueFull:
                reader.slow = True


async def _hear(events: AsyncIterator[object], heard: asyncio.Event) -> None:
    async for _ in events:
        heard.set()


def rendered(items: list[Item], language: str, asks: Asks) -> str:
    """The messages as HTML, the newest first."""
    show_in(asks.zone)
    with in_locale(language):
        return fragment("feed.html", items=[list(lines(one)) for one in items])
