"""How a window on the lane runs operations: in the gateway that serves it, or over its control socket.

await asks.call(Requests())          the result
async with asks.follow(…) as events: the events of a stream, as they come
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Protocol, TypeVar

import aiohttp

from clawlane.capabilities import DirectoryError
from clawlane.channel import ChannelUnusable, VaultError
from clawlane.clock import now_ms
from clawlane.config.errors import ConfigError
from clawlane.config.paths import Paths
from clawlane.credentials.files import CredentialsError
from clawlane.ops.client import LOCALE_FIELD, Client, ControlError, GatewayDown, OtherVersion, find_socket
from clawlane.ops.context import OpContext
from clawlane.ops.operation import (
    Caller,
    OpError,
    Request,
    Stream,
    decode,
    decode_event,
    encode,
    operation_of,
)
from clawlane.plugins.errors import PluginError
from clawlane.store.errors import StoreError
from clawlane.texts import later, locale
from clawlane.zone import Zone

R = TypeVar("R")
OURS = (
    ChannelUnusable,
    ConfigError,
    ControlError,
    CredentialsError,
    DirectoryError,
    OpError,
    PluginError,
    StoreError,
    VaultError,
)
"""Errors of operations whose text is for the operator."""

_LONGEST_LINE = 4 << 20


class Asks(Protocol):
    """Runs operations for whoever is served."""

    @property
    def paths(self) -> Paths: ...

    @property
    def inside(self) -> bool:
        """Whether the gateway is this process, so that whoever is served here ends with it."""

    def zone(self) -> Zone:
        """The zone to show times in."""

    def locale(self) -> str:
        """The language that the config names for the operator; empty if none."""

    async def call(self, request: Request[R]) -> R:
        """The result of an operation. Raises what the operation raises, or `ControlError`."""

    def follow(self, request: Stream[R]) -> AbstractAsyncContextManager[AsyncIterator[R]]:
        """The events of an operation; leaving ends it. Raises the same."""


class SocketAsks:
    """Asks the gateway that runs for this state directory; without one, runs operations in this process."""

    inside = False

    def __init__(self, caller: Caller, environ: Mapping[str, str] = os.environ) -> None:
        self._caller = caller
        self._client = Client(caller=caller)
        self._environ = environ
        self.paths = self._client.paths

    def zone(self) -> Zone:
        return self._context().zone()

    def locale(self) -> str:
        try:
            return self._context().config.root.locale or ""
        except ConfigError:
            return ""

    async def call(self, request: Request[R]) -> R:
        return await asyncio.to_thread(self._client.call, request)

    @asynccontextmanager
    async def follow(self, request: Stream[R]) -> AsyncIterator[AsyncIterator[R]]:
        try:
            async with self._of_gateway(request) as events:
                yield events
                return
        except GatewayDown:
            pass
        async with self._context() as ctx, aclosing(operation_of(request).run(ctx, request)) as events:
            yield events

    def _context(self) -> OpContext:
        return OpContext(self.paths, self._environ, now_ms, self._caller)

    @asynccontextmanager
    async def _of_gateway(self, request: Stream[R]) -> AsyncIterator[AsyncIterator[R]]:
        operation = operation_of(request)
        socket = find_socket(self.paths)
        if socket is None:
            raise GatewayDown(self.paths)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        head = {"Caller": self._caller, LOCALE_FIELD: locale()}
        async with aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket)), timeout=timeout, read_bufsize=_LONGEST_LINE
        ) as http:
            url = f"http://gateway/op/{operation.name}"
            try:
                response = await http.post(url, data=encode(request), headers=head)
            except aiohttp.ClientError:
                raise GatewayDown(self.paths) from None
            async with response:
                if response.status != 200:
                    raise _refused(await response.content.read(_LONGEST_LINE))
                yield _events(response, operation.events)


async def _events(response: aiohttp.ClientResponse, events: dict[str, type]) -> AsyncIterator[R]:
    try:
        async for line in response.content:
            if line.startswith(b'{"message"'):
                raise _refused(line)
            yield decode_event(line, events)
    except aiohttp.ClientError:
        raise ControlError(later("the gateway ended before everything was told")) from None
    except KeyError:
        raise OtherVersion("") from None


def _refused(body: bytes) -> ControlError:
    told = decode(body, dict[str, object])
    return ControlError(str(told.get("message", "")), str(told.get("help", "")))
