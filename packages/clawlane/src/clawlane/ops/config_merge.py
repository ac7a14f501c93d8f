"""Puts what an imported config says into one that is here: only what is missing, and never over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clawlane.config.errors import KeyPath, format_path
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import Put

_OF_BLOCK = ("accounts", "defaultAccount", "profile", "name", "enabled")
"""Keys of a channel's block that an account does not inherit."""

_STAYS = later("says something else here, and stays")


@dataclass(slots=True)
class Merge:
    """The edits of the config that is here, and the paths at which it says something else and stays."""

    edits: list[Put] = field(default_factory=list)
    conflicts: list[tuple[str, str]] = field(default_factory=list)


def merge(here: Mapping[str, Any], given: Mapping[str, Any]) -> Merge:
    """What `given` adds to `here`. Objects are merged by their keys, everything else is taken as a whole."""
    made = Merge()
    for key, value in given.items():
        if key == "channels" and isinstance(value, Mapping):
            for channel, block in value.items():
                _channel(made, here.get("channels", {}).get(channel), channel, block)
        elif key != "$schema":
            _value(made, here, (key,), value)
    return made


def _channel(made: Merge, here: Any, channel: str, block: Any) -> None:
    """One channel. Accounts that are new bring all of their settings along.

    What the block says for all accounts would reach those that are here, so it is not put beside them.
    """
    path: KeyPath = ("channels", channel)
    if not here and here is not None:
        made.edits.append(_put(path, block))
        return
    if not isinstance(here, Mapping) or not isinstance(block, Mapping) or channel == "defaults":
        _value(made, {"channels": {channel: here}} if here is not None else {}, path, block)
        return
    found = (here.get("accounts"), block.get("accounts"))
    own, theirs = (one if isinstance(one, Mapping) else {} for one in found)
    if bool(own) != bool(theirs):
        one_sided = later(
            "one of the two has `accounts` and the other has not, so all of it stays as it is here"
        )
        made.conflicts.append((format_path(path), one_sided))
        return
    if not theirs:
        _keys(made, here, path, block)
        return
    shared = {key: value for key, value in block.items() if key not in _OF_BLOCK}
    off = {"enabled": False} if block.get("enabled") is False else {}
    names = {name.strip().lower(): name for name in own}
    for name, account in theirs.items():
        full = {**shared, **account, **off}
        if (known := names.get(name.strip().lower())) is None:
            made.edits.append(_put((*path, "accounts", name), full))
        else:
            _account(made, here, (*path, "accounts", known), full)


def _account(made: Merge, here: Mapping[str, Any], path: KeyPath, given: Mapping[str, Any]) -> None:
    """One account that is on both sides. What it inherits here from its block is not missing."""
    own = here["accounts"][path[-1]] or {}
    for key, value in given.items():
        if key not in own and key in here and key not in _OF_BLOCK:
            if not _same(here[key], value):
                made.conflicts.append((format_path((*path, key)), _STAYS))
        else:
            _keys(made, own, path, {key: value})


def _keys(made: Merge, here: Mapping[str, Any], path: KeyPath, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if key not in here:
            made.edits.append(_put((*path, key), value))
        elif isinstance(here[key], Mapping) and isinstance(value, Mapping):
            _keys(made, here[key], (*path, key), value)
        elif not _same(here[key], value):
            made.conflicts.append((format_path((*path, key)), _STAYS))


def _value(made: Merge, here: Mapping[str, Any], path: KeyPath, value: Any) -> None:
    above: Any = here
    for key in path[:-1]:
        above = above.get(key, {}) if isinstance(above, Mapping) else {}
    _keys(made, above if isinstance(above, Mapping) else {}, path[:-1], {str(path[-1]): value})


def _put(path: KeyPath, value: Any) -> Put:
    from clawlane.config.edit import Put

    return Put(path, value)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same; an id counts as the same with and without quotes."""
    if isinstance(one, list) and isinstance(other, list):
        return list(map(str, one)) == list(map(str, other))
    return bool(one == other)
