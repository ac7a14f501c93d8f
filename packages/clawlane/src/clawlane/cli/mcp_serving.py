"""Running the MCP server in the process of a command. What agents are told is English."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp.server import MCPServer

from clawlane.cli.failure import CliError
from clawlane.cli.listening import read_address_or_fail
from clawlane.cli.output import echo_line, echo_wrapped
from clawlane.credentials.mcp_token import read_token
from clawlane.mcp import serving
from clawlane.mcp.server import server
from clawlane.mcp.tool import Allow
from clawlane.ops.asking import SocketAsks
from clawlane.ops.operation import Caller
from clawlane.texts import ENGLISH, in_locale, locale, t


def serve_pipes(allowed: Collection[str]) -> None:
    """Serve until the client closes the pipes, or Ctrl-C."""
    own = locale()

    async def main() -> None:
        if sys.stdin.isatty():  # told in here, where Ctrl-C ends it as the sentence says
            with in_locale(own):
                _tell_who_typed_it()
        await serving.serve_pipes(_server(allowed))

    with in_locale(ENGLISH), suppress(KeyboardInterrupt):
        asyncio.run(main())


def serve_http(allowed: Collection[str], listen: str, token_file: Path) -> None:
    """Serve until Ctrl-C. Raises `CliError` and `TokenUnusable`."""
    address = read_address_or_fail(listen, "--http")
    if not address.loopback:
        raise CliError(
            t("{address} can be reached from other machines", address=address), t("listen on 127.0.0.1")
        )
    token, own = read_token(token_file), locale()

    def ready(url: str) -> None:
        with in_locale(own):
            echo_line(t("The MCP server listens on {url}", url=url))

    try:
        with in_locale(ENGLISH), suppress(KeyboardInterrupt):
            asyncio.run(serving.serve_http(_server(allowed), address, token, ready))
    except OSError as error:
        told = t("{address} cannot be listened on: {why}", address=address, why=error.strerror or "")
        raise CliError(told, t("give another port with --http")) from None


def _tell_who_typed_it() -> None:
    told = t("A client starts this command by itself and speaks MCP with it; here it waits for none.")
    echo_wrapped(f"{told} {t('Ctrl-C ends it.')}", err=True)


def _server(allowed: Collection[str]) -> MCPServer[Any]:
    return server(SocketAsks(Caller.MCP, os.environ), {Allow(one) for one in allowed})
