"""One MCP server: connected in the background, again whenever it is lost, and a bounded list of its tools."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from mcp.client import Client
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    Tool,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from clawlane import __version__
from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.mcp_transport import KeyRefused, Streams
from clawlane.backoff import Backoff
from clawlane.config.mcp import ToolFilter

log = logging.getLogger(__name__)

MOST_TOOLS = 64
"""Tools of one server that a model is shown."""

LARGEST_SCHEMA = 32 * 1024
"""Characters of the JSON schema of a tool's arguments."""

LONGEST_NAME = 128
"""Characters of a tool's own name."""

_MOST_PAGES = 20
_LARGEST_LIST = 2 * 2**20
"""Characters of all schemas of a server together; what comes after them is not read."""

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0
"""Seconds between two tries to connect."""

_STEADY = 60.0
"""Seconds after which a connection has worked: the next one is tried soon."""

_LOOK = 5.0
"""Seconds that a server may take to list its tools again."""

_WRITE = 2.0
"""Seconds that a server may take to read a call, beside the time that it has for the call."""

_AWAY = "the server went away"
_ENDED = "it ended, or answers no more"

# What these loggers write holds what servers send.
for _name in ("mcp", "client", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool as its server lists it. Nothing of it is to be trusted."""

    name: str
    description: str
    parameters: dict[str, Any]
    read_only: bool


class CallFailed(Exception):
    """A call that gave no result; `answered` if the server itself said so, and it did not just vanish."""

    def __init__(self, reason: str, *, answered: bool) -> None:
        super().__init__(reason)
        self.answered = answered


class McpServer:
    """A server while `run` runs. `tools` are those that can be called now, by their own names.

    `open_way` gives the way to it, and is told what to call when that ends by itself. `place` is its place in
    the config, for the log.
    """

    def __init__(
        self,
        name: str,
        place: str,
        open_way: Callable[[Callable[[], None]], AbstractAsyncContextManager[Streams]],
        tool_filter: ToolFilter,
        connect_s: float,
        request_s: float,
    ) -> None:
        self.name = name
        self.tools: Mapping[str, RemoteTool] = {}
        self.problem = "not connected yet"
        """Why its tools are not there; empty while they are."""
        self.tried = asyncio.Event()
        """Set once it was connected, or could not be."""
        self._place = place
        self._open_way = open_way
        self._filter = tool_filter
        self._connect_s = connect_s
        self._request_s = request_s
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._outdated = False
        self._listing = asyncio.Lock()

    async def run(self) -> None:
        """Keep the server connected until this is cancelled."""
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT, random.random)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._connected()
            except Exception as error:
                self._gone(_reason(error))
            self.tried.set()
            if loop.time() - began > _STEADY:
                backoff.reset()
            wait = backoff.next()
            log.warning("%s: no tools: %s; next try in %.0f s", self._place, self.problem, wait)
            await asyncio.sleep(wait)

    async def refresh(self) -> None:
        """List the tools again if the server said that they changed, or a call went wrong."""
        async with self._listing:
            if not self._outdated or self._client is None:
                return
            self._outdated = False
            try:
                async with asyncio.timeout(_LOOK):
                    self.tools = await self._list(self._client)
            except (MCPError, ValidationError, TimeoutError, RuntimeError):
                self.tools = {}
                self._lost.set()

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool by its own name. Raises `CallFailed`; cancelling cancels the call at the server."""
        if self._client is None:
            raise CallFailed("the server of this tool is not connected", answered=True)
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        try:
            async with asyncio.timeout(self._request_s + _WRITE):
                # `call_tool` would check the result by a schema of the server, with patterns that never end.
                return await self._client.session.send_request(
                    request, CallToolResult, request_read_timeout_seconds=self._request_s
                )
        except TimeoutError:  # it does not even read what it is asked
            self._lost.set()
            raise CallFailed(
                f"the server did not read the call within {_WRITE:g} s", answered=False
            ) from None
        except MCPError as error:
            self._outdated = True
            if error.code == REQUEST_TIMEOUT:
                reason = f"the server gave no result within {self._request_s:g} s"
                raise CallFailed(reason, answered=False) from None
            answered = error.code != CONNECTION_CLOSED
            reason = (
                f"the server refused the call (error {error.code})" if answered else "the server went away"
            )
            raise CallFailed(reason, answered=answered) from None
        except ValidationError:
            raise CallFailed("the server gave back what is no result", answered=False) from None
        except RuntimeError:  # the client was closed meanwhile
            raise CallFailed(_AWAY, answered=False) from None

    async def _connected(self) -> None:
        """One connection, until it is lost."""
        self._lost = asyncio.Event()
        self._outdated = False
        client = Client(
            self._open_way(self._lost.set),
            # Calls have their own limit; connecting may take longer than one of them.
            read_timeout_seconds=max(self._connect_s, self._request_s),
            message_handler=self._heard,
            client_info=Implementation(name="clawlane", version=__version__),
            cache=None,
        )
        connecting = asyncio.timeout(self._connect_s)
        try:
            async with connecting, client:
                tools = await self._list(client)
                connecting.reschedule(None)
                self.tools, self.problem, self._client = tools, "", client
                self.tried.set()
                log.info("%s: connected, %d tools", self._place, len(tools))
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(self._listen(client))
                    await self._lost.wait()
                    self._gone(_ENDED)
                    listening.cancel()
        finally:
            self._client = None

    def _gone(self, reason: str) -> None:
        self.tools, self.problem, self._client = {}, reason, None

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._outdated = True

    async def _listen(self, client: Client) -> None:
        """Hear of changed tools from a server that has to be asked to tell."""
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    async for _ in changes:
                        self._outdated = True
            except MCPError:
                return  # it does not tell
            except (SubscriptionLost, TimeoutError):
                self._outdated = True
            await asyncio.sleep(backoff.next())

    async def _list(self, client: Client) -> dict[str, RemoteTool]:
        found: dict[str, RemoteTool] = {}
        size, cursor = 0, None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                schema_size = len(json.dumps(tool.input_schema))
                size += schema_size
                if self._usable(tool, schema_size, found):
                    read_only = tool.annotations is not None and tool.annotations.read_only_hint is True
                    description = tool.description or ""
                    found[tool.name] = RemoteTool(tool.name, description, tool.input_schema, read_only)
            cursor = page.next_cursor
            if cursor is None or size > _LARGEST_LIST:
                break
        if len(found) > MOST_TOOLS:
            message = "%s: %d tools; the first %d are used, see `toolFilter`"
            log.warning(message, self._place, len(found), MOST_TOOLS)
        return dict(list(found.items())[:MOST_TOOLS])

    def _usable(self, tool: Tool, schema_size: int, found: Mapping[str, RemoteTool]) -> bool:
        if not self._filter.passes(tool.name) or tool.name in found:
            return False
        if schema_size > LARGEST_SCHEMA or len(tool.name) > LONGEST_NAME:
            log.warning("%s: a tool is left out: its name or its schema is too long", self._place)
            return False
        return True


def _reason(error: BaseException) -> str:
    """Why a connection failed, without a word of what the server wrote."""
    match error:
        case BaseExceptionGroup():
            return _reason(error.exceptions[0])
        case AgentMisconfigured():
            return str(error).rpartition("command: ")[2]
        case KeyRefused():
            return f"it refused the key (HTTP {error.status}); see `headers`"
        case TimeoutError():
            return "it did not answer in time"
        case MCPError() if error.code == CONNECTION_CLOSED:
            return "it ended before it answered"
        case MCPError():
            return f"it refused (error {error.code})"
    return f"it cannot be reached ({type(error).__name__})"
