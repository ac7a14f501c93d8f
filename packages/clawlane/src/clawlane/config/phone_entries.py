"""Where the config has telephone numbers in the place of ids: in sender lists, access groups and `groups`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clawlane.channel import Manifest
from clawlane.config.entries import is_phone_number
from clawlane.config.errors import KeyPath
from clawlane.config.senders import ListContext, read_entry
from clawlane.config.source import Source

PHONE_NUMBER = "phone_number"
_LISTS = ("allowFrom", "groupAllowFrom")
_GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class PhoneEntry:
    """One entry that looks like a telephone number, as it is written.

    `channel` and `account` say in whose block it stands, empty outside of one. A key of `groups` is `at_key`.
    """

    text: str
    path: KeyPath
    channel: str = ""
    account: str = ""
    at_key: bool = False


def phone_numbers(
    source: Source, manifests: Sequence[Manifest], shortest_ids: Mapping[str, int]
) -> Iterator[PhoneEntry]:
    """All of them, in no particular order. `shortest_ids` says it for each channel.

    What is no entry at all is told elsewhere.
    """
    for manifest in manifests:
        yield from _of_channel(source, manifest, shortest_ids[manifest.id])
    shortest = max(shortest_ids.values(), default=1)
    prefixes = tuple(prefix for manifest in manifests for prefix in (manifest.id, *manifest.aliases))
    only = next(iter(shortest_ids)) if len(shortest_ids) == 1 else ""
    for path in _outside(source.data, {*shortest_ids, "*"}):
        channel = path[-1] if path[-1] in shortest_ids else only
        yield from _in_list(source, path, ListContext(prefixes, {}, shortest), str(channel))


def _of_channel(source: Source, manifest: Manifest, shortest: int) -> Iterator[PhoneEntry]:
    context = ListContext((manifest.id, *manifest.aliases), {}, shortest)
    block: KeyPath = ("channels", manifest.id)
    accounts = _at(source.data, (*block, "accounts"))
    named = accounts if isinstance(accounts, Mapping) else {}
    places = [("", block), *((name.strip().lower(), (*block, "accounts", name)) for name in named)]
    for account, place in places:
        for key in _LISTS:
            yield from _in_list(source, (*place, key), context, manifest.id, account)
        groups = _at(source.data, (*place, _GROUPS))
        for name in groups if isinstance(groups, Mapping) else ():
            if is_phone_number(name, shortest):
                yield PhoneEntry(name, (*place, _GROUPS, name), manifest.id, account, at_key=True)


def _outside(data: Any, channels: set[str]) -> Iterator[KeyPath]:
    """The lists that belong to no channel's block, as far as an installed channel reads them."""
    yield "commands", "ownerAllowFrom"
    groups = _at(data, ("accessGroups",))
    for name in groups if isinstance(groups, Mapping) else ():
        members = _at(data, ("accessGroups", name, "members"))
        for channel in members if isinstance(members, Mapping) else ():
            if channel in channels:
                yield "accessGroups", name, "members", channel


def _in_list(
    source: Source, path: KeyPath, context: ListContext, channel: str, account: str = ""
) -> Iterator[PhoneEntry]:
    found = _at(source.data, path)
    for index, value in enumerate(found if isinstance(found, list) else ()):
        with suppress(ValueError):
            text = read_entry(value, context)
            if is_phone_number(text, context.shortest_id):
                yield PhoneEntry(text, (*path, index), channel, account)


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        if not isinstance(data, Mapping) or step not in data:
            return None
        data = data[step]
    return data
