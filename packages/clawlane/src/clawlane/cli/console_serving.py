"""Serving the console in the process of a command, until it is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable

from clawlane.cli.failure import CliError
from clawlane.cli.listening import read_address_or_fail
from clawlane.config.console import Console, read_address
from clawlane.config.errors import ConfigError
from clawlane.console.listener import console as serving
from clawlane.credentials.console_access import ConsoleAccess
from clawlane.ops.asking import SocketAsks
from clawlane.ops.client import Client
from clawlane.ops.operation import Caller
from clawlane.ops.serving import ServiceUnusable
from clawlane.texts import t

_CONNECT_S = 1.0


def served_elsewhere(client: Client) -> bool:
    """Whether a console listens for this state directory."""
    place = ConsoleAccess(client.paths.console_dir).place()
    if place is None:
        return False
    try:
        with socket.create_connection(read_address(place.listens), _CONNECT_S):
            return True
    except (OSError, ValueError):
        return False


def serve(listen: str | None, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C; `ready` is called once it listens."""
    try:
        asyncio.run(_serve(_settings(listen), ready))
    except ServiceUnusable as error:
        raise CliError(error.sentence, t("give another address with --listen")) from None


async def _serve(settings: Console, ready: Callable[[], None]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    asks = SocketAsks(Caller.CONSOLE, os.environ)
    async with serving(settings, asks, os.environ):
        await asyncio.to_thread(ready)
        await ended.wait()


def _settings(listen: str | None) -> Console:
    """The settings of the config, or what is built in if it cannot be read: the console shows why."""
    from clawlane.config.load import load
    from clawlane.config.paths import Paths
    from clawlane.plugins.registry import Registry

    paths = Paths.from_env(os.environ)
    try:
        settings = load(paths, Registry(paths), os.environ).root.console
    except ConfigError:
        settings = Console()
    if listen is None:
        return settings
    address = read_address_or_fail(listen, "--listen")
    if settings.public is None and not address.loopback:
        raise CliError(
            t("{address} can be reached from other machines", address=address),
            t("listen on 127.0.0.1, or set console.public with a password and TLS"),
        )
    return settings.model_copy(update={"listen": address})
