"""Metrics inside the gateway: what it does is counted only while the config wants that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from clawlane.config.console import Address
from clawlane.config.metrics import INSTALL, Metrics
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.services import keep
from clawlane.ops.operation import Caller
from clawlane.ops.serving import ServiceUnusable
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.metrics.page import Page

log = logging.getLogger(__name__)


class LiveMetrics:
    """The metrics of the config in force: counted while `keep` runs, served here or by the console."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._page: Page | None = None
        """Made when metrics are first on, and kept: within a process no counter falls."""

    async def keep(self) -> None:
        """Count and serve as the config in force says; see `services.keep`."""
        await keep(self._accounts, "metrics", lambda: self._settings, self._served)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The page as the console serves it: only where it has no address of its own."""
        settings = self._settings
        if self._page is None or not settings.enabled or settings.listen is not None:
            raise web.HTTPNotFound
        return await self._page.answer(request, settings)

    @property
    def _settings(self) -> Metrics:
        return self._accounts.config.root.metrics

    @asynccontextmanager
    async def _served(self, settings: Metrics) -> AsyncIterator[str]:
        """Count while entered; gives the address of their own, empty for none."""
        if not settings.enabled:
            yield ""
            return
        page = self._page = self._page or self._made()
        store = self._accounts.store
        store.observed_by(page.counters)
        looking = asyncio.create_task(page.counters.watch_loop())
        try:
            if settings.listen is None:
                yield ""
            else:
                async with self._listening(settings, settings.listen, page) as url:
                    yield url
        finally:
            looking.cancel()
            store.observed_by(None)

    @asynccontextmanager
    async def _listening(self, settings: Metrics, listen: Address, page: Page) -> AsyncIterator[str]:
        from clawlane.metrics.listener import listening

        async def answer(request: web.Request) -> web.StreamResponse:
            return await page.answer(request, settings)

        async with listening(listen, answer) as url:
            log.info("metrics are served on %s", url)
            yield url

    def _made(self) -> Page:
        try:
            from clawlane.metrics.page import Page  # nothing of it is imported where nobody wants it
        except ImportError as error:
            told = later(
                "the library for metrics cannot be used ({error}); {install}",
                error=str(error),
                install=INSTALL,
            )
            raise ServiceUnusable(told) from None
        return Page.of(lambda: self._accounts.context(Caller.GATEWAY), self._accounts.environ)
