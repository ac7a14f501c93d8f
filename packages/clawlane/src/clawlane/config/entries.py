"""Where the entries that an account goes by are written in the config file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawlane.channel import Account, Manifest
from clawlane.config.problems import KeyPath
from clawlane.config.senders import ListContext, read_entry
from clawlane.config.source import Source

GROUPS = "groups"
_MEMBERS_OF = "accessGroup:"


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """One entry: `text` as the account's settings hold it, and its place. A key of `groups` is `at_key`."""

    text: str
    path: KeyPath
    at_key: bool = False


def entries(source: Source, account: Account, manifest: Manifest, key: str) -> list[WrittenEntry]:
    """The entries of a sender list, or the keys of `groups`, in the order of the file.

    Members of access groups count as entries of the list that names their group.
    """
    base = _base(source, account, key)
    held = _at(source.data, base)
    if key == GROUPS:
        return [WrittenEntry(name, (*base, name), at_key=True) for name in held or {}]
    return list(_of_list(source, held, base, manifest))


def _of_list(source: Source, held: Any, base: KeyPath, manifest: Manifest) -> Iterator[WrittenEntry]:
    context = ListContext((manifest.id, *manifest.aliases))
    for index, value in enumerate(held or []):
        text, path = read_entry(value, context), (*base, index)
        if not text.startswith(_MEMBERS_OF):
            yield WrittenEntry(text, path)
            continue
        for members in (manifest.id, "*"):
            place = ("accessGroups", text.removeprefix(_MEMBERS_OF), "members", members)
            people = _at(source.data, place) or []
            yield from (WrittenEntry(read_entry(one, context), (*place, at)) for at, one in enumerate(people))


def _base(source: Source, account: Account, key: str) -> KeyPath:
    """Where the account's value of a key is written: among its own keys, else in the channel's block."""
    channel: KeyPath = ("channels", account.channel)
    for name in _at(source.data, (*channel, "accounts")) or {}:
        own = (*channel, "accounts", name, key)
        if name.strip().lower() == account.id and own in source.values:
            return own
    return (*channel, key)


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        if not isinstance(data, Mapping) or step not in data:
            return None
        data = data[step]
    return data
