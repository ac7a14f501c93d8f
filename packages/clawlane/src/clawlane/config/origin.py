"""Which layer of the config set a value: the account, the channel, the shared defaults, or none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import KeyPath, format_path

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.source import Source


class Layer(StrEnum):
    """The layers of the config, the strongest first. `file` is a key that no account can override."""

    ACCOUNT = "account"
    CHANNEL = "channel"
    DEFAULTS = "defaults"
    FILE = "file"
    BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set. For a built-in value, `path` is where it can be changed."""

    layer: Layer
    path: str
    line: int | None = None

    def __str__(self) -> str:
        return str(self.layer) if self.layer is Layer.BUILT_IN else f"{self.path}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Effective:
    """The value in force, and where it was set."""

    value: Any
    origin: Origin


_INHERITED: Mapping[str, KeyPath] = {
    "groupPolicy": ("channels", "defaults", "groupPolicy"),
    "historyLimit": ("messages", "groupChat", "historyLimit"),
    "responsePrefix": ("messages", "responsePrefix"),
}
"""Keys whose default for all channels is set outside the channel blocks."""

_LONGEST = 400
"""Characters of a setting that are shown."""


def inherited(source: Source) -> dict[str, Any]:
    """The defaults for all channels that the file sets, by their key in a channel block."""
    found = {key: source.at(path) for key, path in _INHERITED.items()}
    return {key: value for key, value in found.items() if value is not None}


def effective(source: Source, account: Account, key: str) -> Effective:
    """The value of a channel key (`groupPolicy`) for an account, and where it was set."""
    channel: KeyPath = ("channels", account.channel)
    for layer, path in (
        (Layer.ACCOUNT, (*account_path(source, account), key)),
        (Layer.CHANNEL, (*channel, key)),
        (Layer.DEFAULTS, _INHERITED.get(key, ())),
    ):
        position = source.values.get(path) if path else None
        if position is not None:
            return Effective(_setting(account, key), Origin(layer, format_path(path), position.line))
    return Effective(_setting(account, key), Origin(Layer.BUILT_IN, format_path((*channel, key))))


def account_path(source: Source, account: Account) -> KeyPath:
    """Where the account's own keys are written, or would be."""
    name = source.account_names.get((account.channel, account.id), account.id)
    return ("channels", account.channel, "accounts", name)


def _setting(account: Account, key: str) -> Any:
    for name, field in type(account.settings).model_fields.items():
        if (field.alias or name) == key:
            return getattr(account.settings, name)
    raise KeyError(key)


def setting_text(source: Source, path: KeyPath | None) -> str:
    """`groupPolicy: 'open'`, cut if it is long; empty for a path that is not in the file."""
    if not path or path not in source.values:
        return ""
    from clawlane.config.writing import Style

    style = Style()
    text = f"{style.key(str(path[-1]), quoted=False)}: {style.on_one_line(source.at(path))}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
