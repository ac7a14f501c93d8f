"""What the shell may complete `--channel` and `--account` with, read quickly from the state directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import click


def channels(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The installed channels. Nothing where the record cannot be read: a shell is no place for errors."""
    import json

    from clawlane.config.paths import Paths

    try:
        told = json.loads(Paths.from_env(os.environ).plugins_file.read_bytes())
        ids = [str(one["channel"]) for one in told["plugins"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return [one for one in ids if one.startswith(incomplete)]


def accounts(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The accounts of the running gateway, else the profiles that are logged in.

    Those of a database take too long to be asked for: then all of the config.
    """
    wanted = ctx.params.get("channel")
    found = {account for channel, account in _accounts() if wanted in (None, channel)}
    return sorted(one for one in found if one.startswith(incomplete))


def _accounts() -> Iterator[tuple[str, str]]:
    """Pairs of channel and account."""
    from urllib.parse import unquote

    from clawlane.config.paths import Paths
    from clawlane.ops.client import ControlError, ask_gateway
    from clawlane.ops.operation import Caller
    from clawlane.ops.process import GetProcess

    paths = Paths.from_env(os.environ)
    try:
        for one in ask_gateway(paths, GetProcess(), Caller.CLI).accounts:
            yield one.channel, one.id
    except ControlError:
        if not (files := list(paths.vault_dir.glob("*.session"))):
            yield from _configured(paths.config_file)
        for file in files:
            channel, _, profile = file.name.removesuffix(".session").partition("+")
            yield unquote(channel), unquote(profile)


def _configured(config: Path) -> Iterator[tuple[str, str]]:
    """Pairs of channel and account of a config that has its store in a database, unchecked as it is."""
    from clawlane.config.errors import ConfigError
    from clawlane.config.source import read_source

    try:
        source = read_source(config)
    except ConfigError:
        return
    blocks = source.at(("channels",)) if source.at(("store", "url")) else None
    for channel in blocks if isinstance(blocks, dict) else ():
        named = source.at(("channels", channel, "accounts"))
        for account in named if isinstance(named, dict) and named else ("default",):
            yield channel, account
