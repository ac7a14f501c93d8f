"""What the console and metrics cost: nothing while they are off, little while they are on.

Memory is that of a gateway with one account, with both on and with both off, at rest and after every page was
opened and the metrics were read. A page is timed beside a handler of aiohttp that says one word, in the same
minutes: the quickest of many tries, for others use the machine. Turns a second are those of `lane_turns`,
without the console and with browsers that read its feed.
"""

from __future__ import annotations

import asyncio
import http.client
import math
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.figure import Figure
from benchmarks.lane_stage import Stage, staged
from benchmarks.lane_turns import Turns, measured, people, write
from clawlane.console.menu import BRAKE, PAGES

_RUNS = 3
_TIMES = 30
_PATHS = (*(page.path for page in (*PAGES, BRAKE)), "/metrics")
READERS = 20
_THREADS, _TURNS = 30, 600
_UNHEARD = 3
"""Messages in a group for each turn, which the feed tells as well: 200 events a second at 50 turns."""

_MOST_MB, _MOST_PAGE_MS, _LEAST_TURNS = 12.0, 50.0, 0.9


def run() -> Iterator[Figure]:
    """MiB that are added, milliseconds of a page, and the share of turns a second that is left."""
    yield from _memory()
    yield from _pages()
    yield from _feed()


def on(port: int = 0) -> Mapping[str, Any]:
    """The config of both, on one address."""
    return {"console": {"enabled": True, "listen": f"127.0.0.1:{port}"}, "metrics": {"enabled": True}}


@dataclass(frozen=True, slots=True)
class Browser:
    """One that is signed in."""

    host: str
    cookie: str

    @classmethod
    def of(cls, stage: Stage) -> Browser:
        """Signed in by a new link."""
        stage.gateway.said("the console listens on")
        link = urlsplit(stage.operator.run("console").stdout.split()[-1])
        base = f"{link.scheme}://{link.netloc}"
        headers = {
            "Origin": base,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection = http.client.HTTPConnection(link.netloc, timeout=30)
        body = urlencode({"link": link.query.removeprefix("link=")})
        connection.request("POST", link.path, body, headers)
        came = connection.getresponse()
        return cls(link.netloc, (came.headers["Set-Cookie"] or "").partition(";")[0])

    def get(self, path: str) -> float:
        """Read a page; gives the milliseconds. Raises `RuntimeError` for what is no page."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", path, headers={"Cookie": self.cookie})
        came = connection.getresponse()
        came.read()
        took_ms = 1000 * (time.perf_counter() - started)
        connection.close()
        if came.status != 200:
            raise RuntimeError(f"{path}: {came.status}")
        return took_ms


def _memory() -> Iterator[Figure]:
    off, rest, used = [], [], []
    for _ in range(_RUNS):
        with staged() as stage:
            stage.start()
            off.append(stage.resident_mb())
        with staged(more=on()) as stage:
            stage.start()
            browser = Browser.of(stage)
            rest.append(stage.resident_mb())
            for _ in range(3):
                for path in _PATHS:
                    browser.get(path)
            used.append(stage.resident_mb())
    without = statistics.median(off)
    note = f"beside {without:.0f} MiB with both off"
    yield Figure("console and metrics, memory at rest", statistics.median(rest) - without, "MiB", note)
    name, more = "console and metrics, every page read", statistics.median(used) - without
    yield Figure(name, more, "MiB", note, limit=_MOST_MB)


def _pages() -> Iterator[Figure]:
    with staged(more=on()) as stage, bare() as plain:
        write(stage, people(stage, 30), 200)
        stage.start()
        for _ in range(200):
            stage.zalo.wait("sent")
        browser, beside = Browser.of(stage), Browser(plain, "")
        for path in _PATHS:
            browser.get(path)
            times = [(browser.get(path), beside.get("/")) for _ in range(_TIMES)]
            page, plain_ms = (min(one) for one in zip(*times, strict=True))
            note = f"{page:.1f} ms, a bare handler {plain_ms:.1f}; the median {_median(times):.1f}"
            yield Figure(f"console, {path}", page - plain_ms, "ms", note, limit=_MOST_PAGE_MS)


def _median(times: Sequence[tuple[float, float]]) -> float:
    return statistics.median(page - plain_ms for page, plain_ms in times)


_BARE = """
from aiohttp import web
app = web.Application()
async def answer(_): return web.Response(text="hello")
app.router.add_get("/", answer)
web.run_app(app, host="127.0.0.1", port=0)
"""


@contextmanager
def bare() -> Iterator[str]:
    """Where a handler of aiohttp listens that says one word."""
    process = subprocess.Popen([sys.executable, "-uc", _BARE], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://([\d.:]+)", process.stdout.readline())
        assert found is not None
        yield found[1]
    finally:
        process.terminate()
        process.wait()


def _feed() -> Iterator[Figure]:
    """The best of several runs of each, taken in turn: another process makes a run slower, never faster."""
    alone, read = Best(), Best()
    for _ in range(_RUNS):
        with staged() as stage:
            alone.take(measured(stage, _THREADS, _TURNS, unheard=_UNHEARD))
        with staged(more=on(_free_port())) as stage:
            stage.start()
            browser = Browser.of(stage)
            stage.gateway.stop()
            read.take(measured(stage, _THREADS, _TURNS, partial(readers, browser), unheard=_UNHEARD))
    events = read.per_second * (1 + _UNHEARD)
    turns = f"{read.per_second:.0f} of {alone.per_second:.0f} turns/s, {events:.0f} events/s, best of {_RUNS}"
    share = read.per_second / alone.per_second
    name = f"turns with {READERS} readers of the feed"
    yield Figure(name, share, "×", turns, limit=_LEAST_TURNS, at_least=True)
    yield Figure(f"{name}, CPU", read.cpu_ms - alone.cpu_ms, "ms", "more for each turn, of the gateway")


@dataclass
class Best:
    """The most turns a second and the least CPU of several runs."""

    per_second: float = 0.0
    cpu_ms: float = math.inf

    def take(self, turns: Turns) -> None:
        self.per_second = max(self.per_second, turns.per_second)
        self.cpu_ms = min(self.cpu_ms, turns.cpu_ms)


@contextmanager
def readers(browser: Browser) -> Iterator[None]:
    """Read the feed as `READERS` pages do, in a thread. Raises `RuntimeError` if one was told nothing."""
    ended, told = threading.Event(), [0] * READERS

    async def read(number: int) -> None:
        host, port = browser.host.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        request = f"GET /now/events HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n"
        writer.write(request.encode())
        with closing(writer):
            while piece := await reader.read(1 << 16):
                told[number] += piece.count(b"\ndata:")

    async def read_all() -> None:
        reading = [asyncio.create_task(read(number)) for number in range(READERS)]
        await asyncio.to_thread(ended.wait)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(read_all(),))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if not all(told):
        raise RuntimeError(f"{told.count(0)} readers of the feed were told nothing")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
