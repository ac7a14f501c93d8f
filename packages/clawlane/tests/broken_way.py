"""A way to a server that breaks when a test wants it: at certain bytes, or for a while."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import TracebackType

from psycopg.conninfo import conninfo_to_dict

from clawlane.store.postgres.opening import Address

_PIECE = 1 << 16


def socket_of(place: Address) -> Path:
    """The socket of a server."""
    told = conninfo_to_dict(place.url)
    return Path(str(told["host"]), f".s.PGSQL.{told.get('port', 5432)}")


def through(broken: BrokenWay, place: Address) -> str:
    """The address of a database at the other end of the way."""
    name = conninfo_to_dict(place.url)["dbname"]
    return f"postgresql://clawlane@127.0.0.1:{broken.port}/{name}?sslmode=disable"


class Break(Enum):
    BEFORE = "before"
    """The bytes never arrive, and both ends see the connection end."""

    AFTER = "after"
    """They arrive, and the answer to them does not."""

    SILENT = "silent"
    """Nothing arrives any more, in either direction, and nobody is told."""


class Lost(Enum):
    """What a silent way loses."""

    ALL = "all"
    ANSWERS = "answers"


class BrokenWay:
    """Listens on loopback for a server behind a Unix socket, in a thread of its own."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._loop = asyncio.new_event_loop()
        self._armed: tuple[bytes, Break] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self._slow_s = 0.0
        self._lost: Lost | None = None
        self.broken = threading.Event()
        self.port = 0
        self.sent = 0
        """How often a client has sent something: once for each time it then waits, unless that was long."""

    def __enter__(self) -> BrokenWay:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="broken-way")
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def arm(self, words: bytes, how: Break) -> None:
        """Break once, when a client sends these bytes."""
        self.broken.clear()
        self._armed = (words, how)

    def cut(self) -> None:
        """End every connection, and take no new one until it is mended."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._end_all)

    def slow(self, seconds: float) -> None:
        """Pass on each piece this much later, in either direction, until it is mended."""
        self._slow_s = seconds

    def silence(self, lost: Lost = Lost.ALL) -> None:
        """Lose what is sent, the ends of connections too, until it is mended; nobody is told.

        A connection that has lost something stays dead, and its other end open, after that.
        """
        self._lost = lost

    def mend(self) -> None:
        """Be a good way again, for connections that are left and for new ones."""
        self._is_cut, self._slow_s, self._lost = False, 0.0, None

    def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._ended = asyncio.Event()
        async with await asyncio.start_server(self._relay, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._ended.wait()
            self._end_all()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._is_cut:
            writer.close()
            return
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_unix_connection(self._path)
            try:
                answering = asyncio.create_task(self._pass(there, writer))
                await self._watch(reader, back, answering)
                answering.cancel()
            finally:
                back.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _watch(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, answering: asyncio.Task[None]
    ) -> None:
        while data := await reader.read(_PIECE):
            self.sent += 1
            armed = self._armed
            if armed is None or armed[0] not in data:
                await self._pass_on(data, back, Lost.ALL)
                continue
            self._armed = None
            answering.cancel()
            with suppress(asyncio.CancelledError):
                await answering
            if armed[1] is Break.AFTER:
                back.write(data)
                await back.drain()
            self.broken.set()
            if armed[1] is Break.SILENT:
                await self._ended.wait()
            return
        await self._hear(Lost.ALL)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the server was killed
            while data := await reader.read(_PIECE):
                await self._pass_on(data, writer, Lost.ANSWERS)
        await self._hear(Lost.ANSWERS)
        writer.close()

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter, loses: Lost) -> None:
        """Write it, unless a way that `loses` things loses it: then nothing follows it, ever."""
        if self._slow_s:
            await asyncio.sleep(self._slow_s)
        await self._hear(loses)
        writer.write(data)

    async def _hear(self, loses: Lost) -> None:
        """Returns where the way loses nothing now, and never where it does."""
        if self._lost is Lost.ALL or self._lost is loses:
            await self._ended.wait()
