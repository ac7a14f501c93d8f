"""Serving: over the pipes of this process, or over HTTP on this machine for who has the token."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from clawlane.config.console import Address, own_names
from clawlane.ops.listening import bound

PATH = "/mcp"
_LARGEST_BODY = 1 << 20
_AT_ONCE = 64
_ENDS_S = 2


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
        listening.listen()
        port = listening.getsockname()[1]
        app = server.streamable_http_app(
            streamable_http_path=PATH,
            json_response=True,
            stateless_http=True,
            max_request_body_size=_LARGEST_BODY,
            transport_security=_own_names(port),
        )
        config = uvicorn.Config(
            _Guarded(app, token),
            log_config=None,
            access_log=False,
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_ENDS_S,
            server_header=False,
        )
        ready(f"http://{Address(address.host, port)}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listening])


def _own_names(port: int) -> TransportSecuritySettings:
    """Only the names of this machine, with the port: a name elsewhere may point here as well."""
    hosts = list(own_names(port))
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[f"http://{one}" for one in hosts])


class _Guarded:
    """Lets in who has the token. Being on this machine is not enough: every program here is."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._has_token(scope):
            await _refuse(send)
            return
        await self._app(scope, receive, send)

    def _has_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


async def _refuse(send: Send) -> None:
    body = json.dumps({"error": "give the token: Authorization: Bearer TOKEN"}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
