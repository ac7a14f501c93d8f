"""Checks the config file, reads values from it, and lets a running gateway apply it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import ConfigError, KeyPath, Problem, did_you_mean
from clawlane.ops.context import OpContext
from clawlane.ops.findings import Finding, merged
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.errors import StoreUnusable

if TYPE_CHECKING:
    from clawlane.config.load import Config

_STEP = re.compile(r"\.?(?:([^.\[\]'\"]+)|\[(\d+)\]|\[(?:'([^']*)'|\"([^\"]*)\")\])")


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that is wrong with the file. Without problems it can be used.

    `findings` are about who may write by it, given what the store knows: open policies, groups among senders.
    """

    path: str
    exists: bool
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Validate(Request[Checked]):
    """Check the whole file as it is now."""


@dataclass(frozen=True, slots=True)
class Value:
    """What the file says at a path."""

    value: Any


@dataclass(frozen=True, slots=True)
class Get(Request[Value]):
    """The value at a path, such as `channels.zalouser.groups['Work Chat'].allow`."""

    path: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The config in force, what that changed about who gets in, and the accounts that started anew."""

    revision: str
    exposure: list[str]
    restarted: list[str]


@dataclass(frozen=True, slots=True)
class Apply(Request[Applied]):
    """Let the running gateway work by the file as it is, whatever that widens."""


@operation(changes=True)
async def apply(ctx: OpContext, request: Apply) -> Applied:  # noqa: ARG001
    """Nothing changes if the file cannot be used: that raises `ConfigError` or `OpError`."""
    from clawlane.agents.errors import AgentsUnusable
    from clawlane.channel import ChannelUnusable
    from clawlane.ops.exposure_text import sentences

    if ctx.live_config is None:
        raise OpError("no gateway runs: the next start applies the file", "openclaw gateway run")
    try:
        changes, restarted = await ctx.live_config.apply((ctx.caller, ctx.operation))
    except (AgentsUnusable, ChannelUnusable) as error:
        raise OpError("; ".join(str(error).splitlines())) from error
    told = [*sentences(changes.widens), *sentences(changes.narrows)]
    return Applied(ctx.live_config.applied.source.revision, told, restarted)


@operation
async def validate(ctx: OpContext, _request: Validate) -> Checked:
    written = ctx.as_written()
    path = str(written.paths.config_file)
    try:
        config = await asyncio.to_thread(lambda: written.config)
    except ConfigError as error:
        return Checked(path, exists=True, problems=error.problems, warnings=())
    found = await asyncio.to_thread(_access, written, config)
    return Checked(path, config.source.exists, (), config.warnings, tuple(found))


@operation
async def get(ctx: OpContext, request: Get) -> Value:
    """Raises `ConfigError` for a file that cannot be used, and `OpError` for what is not set."""
    written = ctx.as_written()
    config = await asyncio.to_thread(lambda: written.config)
    return Value(_plain(_at(config.source.data, _steps(request.path), request.path)))


def _access(ctx: OpContext, config: Config) -> list[Finding]:
    from clawlane.ops.access_findings import Directory, groups_among_senders, of_policy

    found: list[Finding] = []
    with suppress(StoreUnusable), ctx.read() as reader:
        for account in (one for block in config.channels.values() for one in block.accounts if one.enabled):
            known = Directory.read(reader, account)
            found += of_policy(config, account, known.pins)
            found += groups_among_senders(config, account, known.group_ids)
    return merged(one for one in found if one.severity.fails)


def _steps(path: str) -> KeyPath:
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if not found:
            raise OpError(f"'{path}' is no path", "write it as channels.zalouser.groups['Work Chat'].allow")
        key, index, single, double = found.groups()
        steps.append(int(index) if index is not None else key or single or double or "")
        at = found.end()
    return tuple(steps)


def _at(data: Any, steps: KeyPath, path: str) -> Any:
    for step in steps:
        if isinstance(step, str):
            there = isinstance(data, Mapping) and step in data
        else:
            there = isinstance(data, list) and step < len(data)
        if not there:
            known = list(data) if isinstance(data, Mapping) else []
            raise OpError(f"{path} is not set in the config file", did_you_mean(str(step), known))
        data = data[step]
    return data


def _plain(value: Any) -> Any:
    """Plain numbers instead of those that remember how they were written, so that JSON can carry them."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return int(value) if isinstance(value, int) else float(value)
