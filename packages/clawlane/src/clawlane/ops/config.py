"""Checks the config file, reads values from it, and lets a running gateway apply it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import ConfigError, KeyPath, Problem, did_you_mean, format_path
from clawlane.config.masking import masked
from clawlane.ops.config_paths import in_data, not_set, steps, value_at
from clawlane.ops.context import OpContext
from clawlane.ops.findings import Finding, merged
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.errors import StoreUnusable
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.load import Config

_NOTHING = object()


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
    """Check the whole file as it is now; without `config_file` the one that counts here."""

    config_file: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """What the file says at a path, without secrets."""

    value: Any


@dataclass(frozen=True, slots=True)
class Get(Request[Value]):
    """The value at a path, such as `channels.zalouser.groups['Work Chat'].allow`; the whole file without."""

    path: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The config in force, what that changed about who gets in, and the accounts that started anew."""

    revision: str
    exposure: list[str]
    restarted: list[str]


@dataclass(frozen=True, slots=True)
class Apply(Request[Applied]):
    """Let the running gateway work by the file as it is, whatever that widens.

    With a `revision`, only if the file is still the one of that revision.
    """

    revision: str = ""


@operation(changes=True)
async def apply(ctx: OpContext, request: Apply) -> Applied:
    """Nothing changes if the file cannot be used, or is another: that raises `ConfigError` or `OpError`."""
    from clawlane.agents.errors import AgentsUnusable
    from clawlane.channel import ChannelUnusable
    from clawlane.ops.exposure_text import sentences

    if ctx.live_config is None:
        raise OpError(later("no gateway runs: the next start applies the file"), "openclaw gateway run")
    try:
        changes, restarted = await ctx.live_config.apply((ctx.caller, ctx.operation), request.revision)
    except (AgentsUnusable, ChannelUnusable) as error:
        raise OpError("; ".join(str(error).splitlines())) from error
    told = [*sentences(changes.widens), *sentences(changes.narrows)]
    return Applied(ctx.live_config.applied.source.revision, told, restarted)


@operation
async def validate(ctx: OpContext, request: Validate) -> Checked:
    written = ctx.as_written(request.config_file)
    path = str(written.paths.config_file)
    try:
        config = await asyncio.to_thread(lambda: written.config)
    except ConfigError as error:
        return Checked(path, exists=True, problems=error.problems, warnings=())
    found = await asyncio.to_thread(posture, written, config)
    return Checked(path, config.source.exists, (), config.warnings, tuple(found))


@operation
async def get(ctx: OpContext, request: Get) -> Value:
    """Raises `ConfigError` for a file that cannot be used, and `OpError` for what is not set."""
    written = ctx.as_written()
    config = await asyncio.to_thread(lambda: written.config)
    data = config.source.data
    path = in_data(steps(request.path), data)
    found = value_at(masked(data), path, _NOTHING)  # whether a word is a secret, the words beside it say
    if found is _NOTHING:
        raise await asyncio.to_thread(_absent, ctx, data, path, request.path)
    return Value(_plain(found))


def _absent(ctx: OpContext, data: Mapping[str, Any], path: KeyPath, written: str) -> OpError:
    """The error for what the file does not say: it is no key at all, or its built-in value counts."""
    from clawlane.config.json_schema import config_schema
    from clawlane.config.reference import keys, schema_at

    error = not_set(data, path, written)
    schema = config_schema(ctx.registry.manifests(), ctx.registry.installable())
    known = [one.path for one in keys(schema)]
    if schema_at(schema, path) is None:
        return OpError(
            later("{path} is no key of the config", path=written), error.help or did_you_mean(written, known)
        )
    named = any(f"{one}.".startswith(f"{format_path(path)}.") for one in known)
    if error.help and not named:  # a group or an account, called otherwise
        return error
    shown = f"openclaw config get --effective {shlex.quote(written)}"
    return OpError(error.args[0], later("what counts: {command}", command=shown))


def posture(ctx: OpContext, config: Config) -> list[Finding]:
    """What a config opens to everybody, and which entries cannot mean what they say."""
    from clawlane.access.in_force import Rules
    from clawlane.ops.access_findings import (
        Directory,
        groups_among_senders,
        of_rules,
        people_among_groups,
    )

    found: list[Finding] = []
    with suppress(StoreUnusable), ctx.read() as reader:
        for account in (one for block in config.channels.values() for one in block.accounts if one.enabled):
            known = Directory.read(reader, account)
            found += of_rules(Rules.of(config, account), account, known.pins)
            found += groups_among_senders(config, account, known.group_ids)
            people = frozenset(one.id for one in reader.known(str(account)).peers)
            found += people_among_groups(config, account, people - known.group_ids)
    return merged(one for one in found if one.severity.fails)


def _plain(value: Any) -> Any:
    """Plain numbers instead of those that remember how they were written, so that JSON can carry them."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return int(value) if isinstance(value, int) else float(value)
