"""The console inside the gateway: its pages run operations where the accounts are."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar, cast

from aiohttp import web

from clawlane.config.console import Console
from clawlane.config.paths import Paths
from clawlane.finishing import finished
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.services import keep
from clawlane.ops.operation import Caller, Request, Stream, operation_of
from clawlane.zone import Zone

R = TypeVar("R")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


class GatewayAsks:
    """Runs operations in this process."""

    inside = True

    def __init__(self, accounts: Accounts, paths: Paths) -> None:
        self._accounts = accounts
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
        result = operation.run(self._accounts.context(Caller.CONSOLE), request)
        return cast(R, await finished(result, operation.name))

    @asynccontextmanager
    async def follow(self, request: Stream[R]) -> AsyncIterator[AsyncIterator[R]]:
        run = operation_of(request).run
        async with aclosing(run(self._accounts.context(Caller.CONSOLE), request)) as events:
            yield events


async def keep_console(accounts: Accounts, paths: Paths, metrics: Answer) -> None:
    """Serve the console while and as the config in force says; see `keep`.

    `metrics` answers who asks for them there.
    """

    @asynccontextmanager
    async def served(settings: Console) -> AsyncIterator[str]:
        if not settings.enabled:
            yield ""
            return
        from clawlane.console.listener import console  # nothing of it is imported where nobody wants it

        async with console(settings, GatewayAsks(accounts, paths), accounts.environ, metrics) as url:
            log.info("the console listens on %s; to open it: openclaw console --open", url)
            yield url

    await keep(accounts, "console", lambda: accounts.config.root.console, served)
