"""Values of the config in words: what counts, for which accounts, and where it was set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from clawlane.ops.config_values import EffectiveValue
from clawlane.texts import t

_LONGEST = 120
"""Characters of a value in a table."""

Row = tuple[str, EffectiveValue]
"""The accounts that a value is the same for, and the value."""


def rows(values: Iterable[EffectiveValue]) -> Iterator[Row]:
    """Each key with its accounts. Accounts that have it from one place share a row."""
    alike: dict[tuple[str, str, str | None, int | None], list[EffectiveValue]] = {}
    for one in values:
        key = (one.path, json.dumps(one.value), one.set_at, one.line)
        alike.setdefault(key, []).append(one)
    paths: dict[str, list[Row]] = {}
    for (path, *_), found in alike.items():
        accounts = ", ".join(one.account.partition("/")[2] for one in found if one.account)
        paths.setdefault(path, []).append((accounts, found[0]))
    for same in paths.values():
        yield from same


def origin(one: EffectiveValue) -> str:
    """The layer that sets a value, or for defaults their key, and the line."""
    return place(one.set_at if one.origin == "defaults" else one.origin, one.line)


def place(set_at: str | None, line: int | None) -> str:
    """Where something is set: the line of the config, or `built-in`."""
    return t("built-in") if line is None else t("{place}, line {line}", place=set_at, line=line)


def shown(value: Any) -> str:
    """A value as the config has it; texts without quotes."""
    if value is None:
        return t("not set")
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def cut(text: str) -> str:
    """A value as a table has room for it."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
