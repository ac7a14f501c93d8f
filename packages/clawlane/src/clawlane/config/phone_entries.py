"""Finds telephone numbers where the config needs ids: in sender lists, access groups and `groups`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from clawlane.channel import Manifest
from clawlane.config.errors import KeyPath
from clawlane.config.phones import is_phone_number
from clawlane.config.senders import ListContext, read_entry
from clawlane.config.source import Source

PHONE_NUMBER = "phone_number"
_LISTS = ("allowFrom", "groupAllowFrom")
_GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class PhoneEntry:
    """One entry that looks like a telephone number, as it is in the file.

    `channel` and `account` name the block it is in, empty outside of one. A key of `groups` is `at_key`.
    """

    text: str
    path: KeyPath
    channel: str = ""
    account: str = ""
    at_key: bool = False


def phone_numbers(
    source: Source, manifests: Sequence[Manifest], shortest_ids: Mapping[str, int]
) -> Iterator[PhoneEntry]:
    """All of them, in no particular order. `shortest_ids` has the shortest length of an id for each channel.

    Skips values that are no entries; loading reports those.
    """
    for manifest in manifests:
        yield from _of_channel(source, manifest, shortest_ids[manifest.id])
    shortest = max(shortest_ids.values(), default=1)
    prefixes = tuple(prefix for manifest in manifests for prefix in (manifest.id, *manifest.aliases))
    only = next(iter(shortest_ids)) if len(shortest_ids) == 1 else ""
    for path in _outside(source, {*shortest_ids, "*"}):
        channel = path[-1] if path[-1] in shortest_ids else only
        yield from _in_list(source, path, ListContext(prefixes, {}, shortest), str(channel))


def _of_channel(source: Source, manifest: Manifest, shortest: int) -> Iterator[PhoneEntry]:
    context = ListContext((manifest.id, *manifest.aliases), {}, shortest)
    block: KeyPath = ("channels", manifest.id)
    accounts = source.at((*block, "accounts"))
    named = accounts if isinstance(accounts, Mapping) else {}
    places = [("", block), *((name.strip().lower(), (*block, "accounts", name)) for name in named)]
    for account, place in places:
        for key in _LISTS:
            yield from _in_list(source, (*place, key), context, manifest.id, account)
        groups = source.at((*place, _GROUPS))
        for name in groups if isinstance(groups, Mapping) else ():
            if is_phone_number(name, shortest):
                yield PhoneEntry(name, (*place, _GROUPS, name), manifest.id, account, at_key=True)


def _outside(source: Source, channels: set[str]) -> Iterator[KeyPath]:
    """The lists outside the channel blocks that an installed channel reads."""
    yield "commands", "ownerAllowFrom"
    groups = source.at(("accessGroups",))
    for name in groups if isinstance(groups, Mapping) else ():
        members = source.at(("accessGroups", name, "members"))
        for channel in members if isinstance(members, Mapping) else ():
            if channel in channels:
                yield "accessGroups", name, "members", channel


def _in_list(
    source: Source, path: KeyPath, context: ListContext, channel: str, account: str = ""
) -> Iterator[PhoneEntry]:
    found = source.at(path)
    for index, value in enumerate(found if isinstance(found, list) else ()):
        with suppress(ValueError):
            text = read_entry(value, context)
            if is_phone_number(text, context.shortest_id):
                yield PhoneEntry(text, (*path, index), channel, account)
