"""The console inside the gateway: its pages run operations where the accounts are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar, cast

from aiohttp import web

from clawlane.config.console import Console
from clawlane.config.paths import Paths
from clawlane.console.errors import ConsoleUnusable
from clawlane.gateway.accounts import Accounts
from clawlane.ops.operation import Caller, Request, Stream, operation_of
from clawlane.ops.serving import Listening
from clawlane.zone import Zone

R = TypeVar("R")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)
_NAME = "console"
_AGAIN_S = 30.0


class GatewayAsks:
    """Runs operations in this process."""

    inside = True

    def __init__(self, accounts: Accounts, paths: Paths) -> None:
        self._accounts = accounts
        self._running: set[asyncio.Future[object]] = set()
        self.paths = paths

    def zone(self) -> Zone:
        return self._accounts.zone()

    def locale(self) -> str:
        return self._accounts.config.root.locale or ""

    async def call(self, request: Request[R]) -> R:
        """What changes something waits for the accounts, and ends by itself even if the browser goes away."""
        operation = operation_of(request)
        if operation.changes:
            await self._accounts.begun.wait()
        running = asyncio.ensure_future(operation.run(self._accounts.context(Caller.CONSOLE), request))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return cast(R, await asyncio.shield(running))

    @asynccontextmanager
    async def follow(self, request: Stream[R]) -> AsyncIterator[AsyncIterator[R]]:
        run = operation_of(request).run
        async with aclosing(run(self._accounts.context(Caller.CONSOLE), request)) as events:
            yield events


async def keep_console(accounts: Accounts, paths: Paths, metrics: Answer) -> None:
    """Serve the console while and as the config in force says. Lives until cancelled.

    One that cannot listen is logged and shown by `status`, and tried again every half minute and with the
    next config: the lane goes on without it. `metrics` answers who asks for them there.
    """
    while True:
        settings = accounts.config.root.console
        try:
            async with _served(settings, accounts, paths, metrics):
                await _until_other(settings, accounts)
        except ConsoleUnusable as error:
            if _NAME not in accounts.serves:
                log.error("%s; the gateway goes on without it", error)
            accounts.serves[_NAME] = Listening(str(settings.listen), error.sentence)
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await _until_other(settings, accounts)
                accounts.serves.pop(_NAME, None)


@asynccontextmanager
async def _served(
    settings: Console, accounts: Accounts, paths: Paths, metrics: Answer
) -> AsyncIterator[None]:
    if not settings.enabled:
        yield
        return
    from clawlane.console.listener import console  # nothing of it is imported where nobody wants it

    async with console(settings, GatewayAsks(accounts, paths), accounts.environ, metrics) as url:
        log.info("the console listens on %s; to open it: openclaw console --open", url)
        accounts.serves[_NAME] = Listening(url)
        try:
            yield
        finally:
            del accounts.serves[_NAME]


async def _until_other(settings: Console, accounts: Accounts) -> None:
    while accounts.config.root.console == settings:
        await accounts.next_config()
