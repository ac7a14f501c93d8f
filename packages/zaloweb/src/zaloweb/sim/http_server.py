"""HTTP servers on loopback: plain, and over TLS with a certificate for any host name."""

from __future__ import annotations

import os
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import trustme
from aiohttp import web

LOOPBACK: Final = "127.0.0.1"
_SHUTDOWN_SECONDS = 0.05  # for a handler that is still waiting; 0 would wait forever
_LARGEST_BODY = 64 * 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """Serves an aiohttp application on loopback while entered; without `tls` as plain HTTP.

    `port` 0 takes a free port; the attribute holds it once entered. The handler of a client that disconnects
    is cancelled.
    """

    def __init__(self, app: web.Application, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self._tls = tls
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
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


class Authority:
    """A new certificate authority, which issues one certificate per host name and caches it."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="zaloweb simulator", key_type=trustme.KeyType.ECDSA)
        self._contexts: dict[str, ssl.SSLContext] = {}

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the public certificate as PEM; a client that trusts it trusts every name of this server."""
        self._ca.cert_pem.write_to_path(os.fspath(path))

    def context(self) -> ssl.SSLContext:
        """A server context that answers with the certificate of the requested name."""
        context = self._issue(LOOPBACK)  # a client that connects to an IP address sends no name
        context.sni_callback = self._answer_name
        return context

    def _answer_name(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None:
            return None
        if name not in self._contexts:
            try:
                self._contexts[name] = self._issue(name)
            except ValueError:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = self._contexts[name]
        return None

    def _issue(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name, key_type=trustme.KeyType.ECDSA).configure_cert(context)
        return context


class TlsServer(HttpServer):
    """Serves an application, or one handler for every request, over TLS on loopback while entered.

    The application sees the requested host name in `request.host`. `date` gives the `Date` of every answer,
    None for answers without one; by default it is this machine's time.
    """

    def __init__(
        self,
        app: web.Application | Handler,
        authority: Authority,
        port: int = 0,
        *,
        date: Callable[[], str | None] | None = None,
    ) -> None:
        if not isinstance(app, web.Application):
            app = _for_every_path(app)
        if date is not None:

            async def set_date(_: web.Request, response: web.StreamResponse) -> None:
                now = date()
                response.headers.popall("Date", None)
                if now is not None:
                    response.headers["Date"] = now

            app.on_response_prepare.append(set_date)
        super().__init__(app, port, authority.context())


def _for_every_path(handler: Handler) -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:  # a handler may be any callable
        return await handler(request)

    app = web.Application(client_max_size=_LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", answer)
    return app
