"""The values in force, with where each was set: of the running gateway, or else of the file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import KeyPath, did_you_mean, format_path
from clawlane.ops.config_paths import in_data, steps, value_at
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.ops.rules_from import RulesFrom, rules_from
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.effective import Setting

_ACCOUNTS = "accounts"
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Values(AccountRequest["Effective"]):
    """The values at a path and below it, or all of them; of one account if that is named.

    `config_file` is the file that the answer is compared with.
    """

    path: str = ""
    config_file: str = ""


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """A value in force. `account` is `channel/id`, empty for a key outside the channels.

    `origin` is account, channel, defaults, file or built-in, and `set_at` with `line` where it is set; both
    are None for a built-in value.
    """

    path: str
    account: str
    value: Any
    origin: str
    set_at: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Effective:
    """The values that were asked for, in the order of the schema, and where they were read."""

    values: list[EffectiveValue]
    rules: RulesFrom


@operation
async def values(ctx: OpContext, request: Values) -> Effective:
    """Raises `ConfigError`, and `OpError` for a path that is no key."""
    return await asyncio.to_thread(_values, ctx, request)


def _values(ctx: OpContext, request: Values) -> Effective:
    from clawlane.config.effective import settings
    from clawlane.config.load import unconfigured

    config = ctx.config
    others = [
        unconfigured(one, config.source, ctx.environ)
        for one in ctx.registry.manifests()
        if one.id not in config.channels
    ]
    account = None
    if request.channel is not None or request.account is not None:
        account = str(ctx.target(request.channel, request.account).account)
    path = steps(request.path)
    if path[:1] == ("channels",) and path[2:3] == (_ACCOUNTS,) and len(path) > 3:
        account = f"{path[1]}/{str(path[3]).strip().lower()}"
        path = (*path[:2], *path[4:])
    all = list(settings(config, others))
    if account is not None and not any(one.account == account for one in all):
        known = ", ".join(sorted({one.account for one in all if one.account})) or later("none")
        channel, _, name = account.partition("/")
        waits = ctx.account_waits(channel, name)
        raise waits or OpError(
            later("there is no account {account}", account=account),
            later("the accounts are: {known}", known=known),
        )
    found = [value for one in all for value in _at(one, path) if account in (None, one.account)]
    if not found:
        of_channel = path[:1] == ("channels",) and len(path) > 1
        if of_channel and (missing := ctx.registry.missing(str(path[1]))):
            raise missing
        raise _unknown(path, all, request.path)
    return Effective(found, rules_from(ctx, request.config_file))


def _at(setting: Setting, path: KeyPath) -> Iterator[EffectiveValue]:
    """The setting, if it stands at or below a path; or what it has there."""
    same = min(len(path), len(setting.path))
    if list(map(str, setting.path[:same])) != list(map(str, path[:same])):
        return
    below = in_data(path[len(setting.path) :], setting.value)
    value = value_at(setting.value, below, _NOTHING)
    if value is not _NOTHING:
        origin = setting.origin
        place = format_path((*setting.path, *below))
        set_at = None if origin.layer == "built-in" else origin.path
        yield EffectiveValue(place, setting.account, value, str(origin.layer), set_at, origin.line)


def _unknown(path: KeyPath, all: list[Setting], written: str) -> OpError:
    """The error for a path that is no key, with the key of that place that is most like it."""
    unknown = later("{path} is no key of the config", path=written)
    known: list[str] = []
    for length in range(len(path), 0, -1):
        above = list(map(str, path[: length - 1]))
        known = [
            str(one.path[length - 1])
            for one in all
            if len(one.path) >= length and list(map(str, one.path[: length - 1])) == above
        ]
        if known:
            hint = did_you_mean(str(path[length - 1]), known)
            return OpError(unknown, hint or _few(known))
    return OpError(unknown)


def _few(known: list[str]) -> str:
    return later("known there: {keys}", keys=", ".join(dict.fromkeys(known)))
