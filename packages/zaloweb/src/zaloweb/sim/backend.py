"""The state of the simulated Zalo."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

from zaloweb.sim.clock import ServerClock
from zaloweb.sim.connections import Connections
from zaloweb.sim.contents import MediaFactory
from zaloweb.sim.event_log import EventLog
from zaloweb.sim.faults import Faults
from zaloweb.sim.friendships import Friendships
from zaloweb.sim.groups import Groups
from zaloweb.sim.media import MediaHost, Uploads
from zaloweb.sim.message_store import MessageStore
from zaloweb.sim.qr import QrCodes
from zaloweb.sim.receipts import Receipts
from zaloweb.sim.registry import Registry, User
from zaloweb.sim.rules import Rules
from zaloweb.sim.sessions import Sessions
from zaloweb.transport.clock import Clock, SystemClock


class BackgroundTasks:
    """Tasks that outlive the call that started them. They start in order and are cancelled with the world."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this as a task, even if the client that caused it disconnects."""
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel the running tasks; no more are started."""
        self._closed = True
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Backend:
    """What the API, the login pages and the WebSocket share.

    With `pushes_backlog` an account gets at its next connect what was written while it was not connected.
    All methods belong to one event loop.
    """

    def __init__(self, *, rules: Rules | None = None, clock: Clock | None = None) -> None:
        self.rules = rules or Rules()
        self.clock = ServerClock(clock or SystemClock())
        self.pushes_backlog = False
        self.log = EventLog(self.clock, self.rules.recorded)
        self.registry = Registry()
        self.sessions = Sessions()
        self.codes = QrCodes()
        self.connections = Connections()
        self.message_store = MessageStore(self.registry, self.connections, self.clock, self.rules.remembered)
        self.groups = Groups(self.registry, self.clock)
        self.friendships = Friendships(self.registry)
        self.receipts = Receipts(self.registry, self.clock)
        self.media = MediaHost(self.rules.media_bytes)
        self.uploads = Uploads(self.media, self.rules.chunk_bytes)
        self.media_factory = MediaFactory(self.media)
        self.background_tasks = BackgroundTasks()
        self.faults = Faults(Random(self.rules.fault_seed))  # noqa: S311 - chance that can be repeated

    @property
    def first_account(self) -> User:
        """The account that is meant if none is named."""
        return next(iter(self.registry.accounts.values()))

    async def close(self) -> None:
        """End all waits and background tasks, cut the connections, drop the files."""
        await self.background_tasks.close()
        self.codes.close()
        self.log.close()
        await self.connections.close()
        self.media.close()
