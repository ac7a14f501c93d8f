"""An aiohttp application on a port of this machine, for as long as it is entered."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Final, Self

from aiohttp import web

LOOPBACK: Final = "127.0.0.1"
_PATIENCE = 0.05  # seconds a handler that is still waiting gets at the end; 0 would mean for ever


class Served:
    """`port` 0 takes a free port; read it from `port` once entered. Without `tls` it is plain HTTP.

    A handler whose client goes away is cancelled.
    """

    def __init__(self, app: web.Application, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self._tls = tls
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_PATIENCE
        )

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, LOOPBACK, self.port, ssl_context=self._tls).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
