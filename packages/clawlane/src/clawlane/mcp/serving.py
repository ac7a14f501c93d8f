"""Serving: over the pipes of this process, or over HTTP on this machine for who has the token."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from clawlane.config.console import Address, own_names
from clawlane.ops.connections import Connections
from clawlane.ops.listening import bound

PATH = "/mcp"
_LARGEST_BODY = 1 << 20
_AT_ONCE = 64
_MOST_CONNECTIONS = 128
_ENDS_S = 2
_ASKS_FOR_TOKEN = (b"www-authenticate", b"Bearer")


async def serve_pipes(server: MCPServer[Any]) -> None:
    """Serve on stdin and stdout until the client closes them."""
    await server.run_stdio_async()


async def serve_http(
    server: MCPServer[Any], address: Address, token: str, ready: Callable[[str], None]
) -> None:
    """Serve on an address of this machine until a signal comes; `ready` is called with the URL.

    Raises `OSError` for an address that cannot be listened on.
    """
    with bound(address) as listening:
        port = listening.getsockname()[1]
        app = server.streamable_http_app(
            streamable_http_path=PATH,
            json_response=True,
            stateless_http=True,
            max_request_body_size=_LARGEST_BODY,
            transport_security=_own_names(port),
        )
        connections = Connections(_MOST_CONNECTIONS)
        config = uvicorn.Config(
            _Guarded(app, token, connections),
            ws="none",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_ENDS_S,
            server_header=False,
        )
        serving = _Server(config, listening, connections)
        listening.listen()
        ready(f"http://{Address(address.host, port)}{PATH}")
        await serving.serve(sockets=[])


class _Server(uvicorn.Server):
    """Serves what `connections` accept, rather than as many as come."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket, connections: Connections) -> None:
        super().__init__(config)
        self._listening, self._connections = listening, connections

    async def main_loop(self) -> None:
        async with self._connections.accepted(self._listening, self._protocol):
            await super().main_loop()

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _own_names(port: int) -> TransportSecuritySettings:
    """Only the names of this machine, with the port: a name elsewhere may point here as well."""
    hosts = list(own_names(port))
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[f"http://{one}" for one in hosts])


class _Guarded:
    """Lets in who has the token. Being on this machine is not enough: every program here is."""

    def __init__(self, app: ASGIApp, token: str, connections: Connections) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._connections = connections
        self._answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not self._has_token(scope):
            await _refuse(send, 401, "give the token: Authorization: Bearer TOKEN", _ASKS_FOR_TOKEN)
        elif scope["method"] in ("GET", "HEAD"):  # there is nothing that would be pushed on an open answer
            await _refuse(send, 405, "send a POST", (b"allow", b"POST"))
        elif self._answering >= _AT_ONCE:
            await _refuse(send, 503, f"{_AT_ONCE} calls run already; wait for one")
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._connections.answering(scope["client"]) as connection:
            if connection is not None:
                connection.known = True
            self._answering += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._answering -= 1

    def _has_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


async def _refuse(send: Send, status: int, sentence: str, *more: tuple[bytes, bytes]) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
