"""Official MCP clients of `openclaw mcp serve`, over its pipes and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from demo.stage import PATIENCE, Operator, running


class Reader:
    """A client with its answers as values."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tools(self) -> dict[str, Any]:
        return {tool.name: tool for tool in (await self._client.list_tools()).tools}

    @property
    def instructions(self) -> str:
        return self._client.instructions or ""

    async def call(self, tool: str, **arguments: object) -> Any:
        """The answer of a tool that succeeds."""
        done = await self._client.call_tool(tool, arguments)
        assert not done.is_error, done.content
        return done.structured_content

    async def content(self, tool: str, **arguments: object) -> Any:
        """What stands beside that."""
        done = await self._client.call_tool(tool, arguments)
        assert not done.is_error, done.content
        return done.content

    async def fails(self, tool: str, **arguments: object) -> bool:
        return (await self._client.call_tool(tool, arguments)).is_error is True

    async def refused(self, tool: str, **arguments: object) -> str:
        """The one line of a tool that fails."""
        done = await self._client.call_tool(tool, arguments)
        assert done.is_error
        [told] = done.content
        assert "\n" not in told.text
        assert "Traceback" not in told.text
        return str(told.text)


@asynccontextmanager
async def over_pipes(operator: Operator, *flags: str) -> AsyncIterator[Reader]:
    command, *words = operator.command("mcp", "serve", *flags)
    pipes = stdio_client(StdioServerParameters(command=command, args=words, env=operator.env))
    async with Client(pipes) as client:
        yield Reader(client)


@contextmanager
def served(operator: Operator, token_file: Path, *flags: str) -> Iterator[str]:
    """The server over HTTP; gives its URL."""
    if not token_file.exists():
        assert operator.run("mcp", "token", str(token_file)).returncode == 0
    words = ("mcp", "serve", "--http", "127.0.0.1:0", "--token-file", str(token_file), *flags)
    with running(operator.command(*words), operator.env) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rpartition(" ")[2]


@asynccontextmanager
async def over_http(url: str, token: str) -> AsyncIterator[Reader]:
    head = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=head, timeout=PATIENCE) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield Reader(client)
