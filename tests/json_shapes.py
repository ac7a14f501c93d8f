"""Holds what `--json` prints to the shapes that docs/operating.md describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_KEY = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]*")
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]*/[^/\s]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
_FORMER = {"user_id", "user_name", "identity", "consent"}
"""Who is logged in, and an accepted risk, in other shapes."""

_NOT_OURS = {"world", "value", "diff"}
"""What a simulator, the config or the operator has under keys of its own."""


def shaped(told: Any, path: str = "") -> Any:
    """The same again; an assertion fails that says where a shape is another."""
    if isinstance(told, list):
        for place, one in enumerate(told):
            shaped(one, f"{path}[{place}]")
    elif isinstance(told, dict):
        for key, value in told.items():
            here = f"{path}.{key}"
            named = path.endswith((".accounts", ".channels"))
            assert named or _KEY.fullmatch(key), f"{here}: not snake_case"
            assert key not in _FORMER, f"{here}: a shape of its own"
            assert key not in _SHAPES or _SHAPES[key](value), f"{here}: {value!r}"
            if key not in _NOT_OURS:
                shaped(value, here)
    return told


def _account(value: Any) -> bool:
    return value == "" or bool(_ACCOUNT.fullmatch(value))


def _by_name(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(pattern.fullmatch, value))


def _user(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and value.keys() == {"id", "name"} and bool(value["id"]))


def _risk(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or value.keys() != {
        "label",
        "text",
        "accepted_ms",
        "expendable",
        "others",
    }:
        return False
    accepted_ms, expendable = value["accepted_ms"], value["expendable"]
    return bool(value["text"]) and isinstance(accepted_ms, int) == bool(expendable)


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "ok": lambda value: isinstance(value, bool),
    "channel": lambda value: bool(_CHANNEL.fullmatch(value)),
    "channels": _by_name(_CHANNEL),
    "account": _account,
    "default_account": _account,
    "accounts": _by_name(_ACCOUNT),
    "concerns": lambda value: all(map(_account, value)),
    "user": _user,
    "risk": _risk,
    "time": lambda value: bool(_TIME.fullmatch(value)),
}
