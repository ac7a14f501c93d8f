"""A simulator for the tests of programs that use this library: the fixture `zalo_sim`.

    pytest_plugins = ["zaloweb.sim.pytest_plugin"]      # in the conftest.py of the tests

    async def test_it_answers(zalo_sim):
        session = await log_in(zalo_sim.credentials())
        ...                                             # start what is tested; it reaches this simulator only
        zalo_sim.control("/say", {"from": "Trần Thị Lan", "text": "xin chào"})
        sent = await zalo_sim.next("sent")
        assert sent["text"] == "chào bạn"

It is no entry point of pytest's, since that would import this library into every run.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest

from zaloweb.session import Credentials
from zaloweb.sim.control import Control
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World, starting_world
from zaloweb.transport.network import VARIABLE, Network

_START_S = 30.0


class ZaloSim:
    """A simulator that runs in a thread of its own, with an account, two friends, a stranger and a group.

    `network` is for clients in this process, `environment` for other processes. `url` is the control
    interface, which docs/simulator.md describes.
    """

    def __init__(self, world: World, network: Network, environment: Mapping[str, str], url: str) -> None:
        self.network = network
        self.environment = dict(environment)
        self.url = url
        self._world = world
        self._taken = 0

    def credentials(self) -> Credentials:
        """The credentials of the account, which is logged in already: pass them to `log_in`."""
        return Credentials.from_object(self._world.credentials())

    def control(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The answer of the control interface: to a POST with this body, or to a GET without one.

        Raises `ValueError` with its error message if it refuses.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data)  # noqa: S310 - always http on loopback
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{path}: {error.read().decode()}") from None
        return answer

    async def next(self, kind: str, *, deadline: float = 10.0) -> dict[str, Any]:
        """The next record of this kind, such as "sent"; records of other kinds before it are skipped.

        Raises `TimeoutError` when none comes within `deadline` seconds.
        """
        async with asyncio.timeout(deadline):
            while True:
                # A short wait: the thread cannot be interrupted when the deadline is over.
                answer = await asyncio.to_thread(self.control, f"/arrived?after={self._taken}&wait=0.2")
                for record in answer["arrived"]:
                    self._taken = record["seq"]
                    if record["kind"] == kind:
                        found: dict[str, Any] = record
                        return found


@pytest.fixture
def zalo_sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[ZaloSim]:
    """A fresh simulator for one test. `ZALOWEB_NETWORK` points to it, so nothing reaches the real Zalo."""
    with running() as sim:
        monkeypatch.setenv(VARIABLE, sim.environment[VARIABLE])
        yield sim


@contextmanager
def running() -> Iterator[ZaloSim]:
    """A simulator while entered; the caller needs no event loop."""
    started: Future[tuple[ZaloSim, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        world, stop = starting_world(), asyncio.Event()
        async with Simulator(world) as sim, Control(world) as control:
            url = f"http://127.0.0.1:{control.port}"
            made = ZaloSim(world, sim.network, sim.environment, url)
            started.set_result((made, asyncio.get_running_loop(), stop))
            await stop.wait()

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=work, name="zalo simulator", daemon=True)
    thread.start()
    sim, loop, stop = started.result(_START_S)
    try:
        yield sim
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)
