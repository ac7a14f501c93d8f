"""What the shell may complete `--channel` and `--account` with, read quickly from the state directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """The accounts of the running gateway, else the profiles that are logged in."""
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
        for file in paths.vault_dir.glob("*.session"):
            channel, _, profile = file.name.removesuffix(".session").partition("+")
            yield unquote(channel), unquote(profile)
