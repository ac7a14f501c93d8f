"""What older programs for the same account left behind: variables, files, and processes that still run.

A session that another program holds can act as the account, and a program that still listens ends ours.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import ConfigError
from clawlane.config.regular_file import read_regular
from clawlane.ops.findings import Finding, Severity

if TYPE_CHECKING:
    from clawlane.config.load import ChannelConfig
    from clawlane.config.settings import ChannelSettings

_OPENCLAW = ".openclaw"
"""The folder of OpenClaw, the JavaScript gateway: its config, its plugins, and until 2026 its credentials."""

_LONGEST_CONFIG = 1 << 20
_LONGEST_COMMAND = 4096
_RUNNERS = ("node", "nodejs", "bun", "deno")
"""Programs that run a command-line tool written in JavaScript: its name is then the next argument."""


def leftovers(
    block: ChannelConfig, environ: Mapping[str, str], proc: Path = Path("/proc")
) -> Iterator[Finding]:
    """What is found for a channel in the environment, the home directory and the list of processes."""
    channel = block.manifest.id
    settings: ChannelSettings = block.accounts[0].settings
    home = Path(environ.get("HOME") or Path.home())
    newest, *older = settings.profile_env or ("",)
    for name in older:
        if value := environ.get(name, "").strip():
            yield Finding(Severity.NOTE, "old_variable", name, {"value": value, "name": newest})
    data = {"channel": channel}
    for path in sorted((home / _OPENCLAW / "credentials" / channel).glob("credentials*.json")):
        yield Finding(Severity.WARNING, "old_credentials", str(path), data)
    for folder in settings.old_folders:
        if (path := home / folder).is_dir():
            yield Finding(Severity.WARNING, "old_credentials", str(path), data)
    yield from _other_gateway(home / _OPENCLAW, channel)
    for name, pid in running(settings.old_programs, proc):
        yield Finding(Severity.WARNING, "old_process", name, {"pid": str(pid)})


def _other_gateway(folder: Path, channel: str) -> Iterator[Finding]:
    """An OpenClaw that is set up for the same channel, and the plugin that it installed."""
    if (plugin := folder / "extensions" / channel).is_dir():
        yield Finding(Severity.NOTE, "old_plugin", str(plugin))
    file = folder / "openclaw.json"
    block = _block(file, channel)
    if block is not None and block.get("enabled") is not False:
        yield Finding(Severity.WARNING, "other_gateway", str(file), {"channel": channel})


def _block(file: Path, channel: str) -> Mapping[str, Any] | None:
    """What the config of OpenClaw says of a channel; None if that cannot be read."""
    from clawlane.config.source import parse_source

    try:
        raw = read_regular(file, _LONGEST_CONFIG)
        if len(raw) > _LONGEST_CONFIG:
            return None
        block = parse_source(file, raw).at(("channels", channel))
    except (OSError, ValueError, ConfigError):
        return None
    return block if isinstance(block, Mapping) else None


def running(names: Collection[str], proc: Path) -> Iterator[tuple[str, int]]:
    """The processes of this user that have one of these names, with their ids. Linux only.

    Of other programs' command lines nothing is kept or told but that name.
    """
    for folder in sorted(proc.glob("[0-9]*"), key=lambda one: int(one.name)) if names else ():
        try:
            if folder.stat().st_uid != os.geteuid() or int(folder.name) == os.getpid():
                continue
            with (folder / "cmdline").open("rb") as stream:
                words = stream.read(_LONGEST_COMMAND).split(b"\0")
            called = (folder / "comm").read_bytes().strip()
        except OSError:
            continue  # it has ended meanwhile
        told = [called, *words[:1]]
        if _name(words[0]) in _RUNNERS:
            told += words[1:2]
        if found := next((name for one in told if (name := _name(one)) in names), None):
            yield found, int(folder.name)


def _name(word: bytes) -> str:
    """`zca` for `/usr/local/bin/zca` and `zca.js`."""
    return os.fsdecode(word).rpartition("/")[2].removesuffix(".js")
