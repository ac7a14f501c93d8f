"""Who set a value: the account, the channel, what all channels inherit, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from clawlane.channel import Account
from clawlane.config.errors import KeyPath, format_path

if TYPE_CHECKING:
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
            return Effective(_setting(account, key), Origin(level, format_path(path), position.line))
    return Effective(_setting(account, key), Origin(Level.BUILT_IN, format_path((*channel, key))))


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


_LONGEST = 400


def setting_text(source: Source, path: KeyPath | None) -> str:
    """`groupPolicy: 'open'`; empty for what is not written. Long ones are cut."""
    if not path:
        return ""
    value: Any = source.data
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return ""
        value = value[key]
    text = f"{_key(str(path[-1]))}: {_shown(value)}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)}: {_shown(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return _quoted(value) if isinstance(value, str) else str(getattr(value, "raw", value))


def _key(key: str) -> str:
    return key if key.isidentifier() else _quoted(key)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
