"""Who set a value: the account, the channel, what all channels inherit, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from clawlane.channel import Account
from clawlane.config.problems import KeyPath, written
from clawlane.config.source import Source


class Level(StrEnum):
    """The places a value can come from, the strongest first."""

    ACCOUNT = "account"
    CHANNEL = "channel"
    DEFAULTS = "defaults"
    BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set. For a built-in value, `path` is where it can be changed."""

    level: Level
    path: str
    line: int | None = None

    def __str__(self) -> str:
        return str(self.level) if self.level is Level.BUILT_IN else f"{self.path}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Effective:
    """A value that counts, and who set it."""

    value: Any
    origin: Origin


_INHERITED: Mapping[str, KeyPath] = {
    "groupPolicy": ("channels", "defaults", "groupPolicy"),
    "historyLimit": ("messages", "groupChat", "historyLimit"),
    "responsePrefix": ("messages", "responsePrefix"),
}
"""Keys that a channel block may leave to a place outside it."""


def inherited(source: Source) -> dict[str, Any]:
    """The values that all channels inherit, by the key of the channel block that they stand in for."""
    found = {key: _value(source, path) for key, path in _INHERITED.items()}
    return {key: value for key, value in found.items() if value is not None}


def effective(source: Source, account: Account, key: str) -> Effective:
    """The value of a channel key (`groupPolicy`) for an account, and who set it."""
    channel: KeyPath = ("channels", account.channel)
    for level, path in (
        (Level.ACCOUNT, (*_account_path(source, account), key)),
        (Level.CHANNEL, (*channel, key)),
        (Level.DEFAULTS, _INHERITED.get(key, ())),
    ):
        position = source.values.get(path) if path else None
        if position is not None:
            return Effective(_setting(account, key), Origin(level, written(path), position.line))
    return Effective(_setting(account, key), Origin(Level.BUILT_IN, written((*channel, key))))


def _account_path(source: Source, account: Account) -> KeyPath:
    accounts: KeyPath = ("channels", account.channel, "accounts")
    for name in _value(source, accounts) or {}:
        if name.strip().lower() == account.id:
            return (*accounts, name)
    return (*accounts, account.id)


def _setting(account: Account, key: str) -> Any:
    for name, field in type(account.settings).model_fields.items():
        if (field.alias or name) == key:
            return getattr(account.settings, name)
    raise KeyError(key)


def _value(source: Source, path: KeyPath) -> Any:
    value: Any = source.data
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
