"""Finds telephone numbers where the config needs ids: in sender lists, access groups and `groups`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from clawlane.channel import Manifest
from clawlane.config.errors import KeyPath
from clawlane.config.phones import LOOKS_LIKE, find_the_id, is_phone_number, visible
from clawlane.config.senders import ListContext, read_entry
from clawlane.config.source import Source
from clawlane.config.validation import Located

PHONE_NUMBER = "phone_number"
_LISTS = ("allowFrom", "groupAllowFrom")
_GROUPS = "groups"


def phone_numbers(
    source: Source, manifests: Sequence[Manifest], shortest_ids: Mapping[str, int]
) -> Iterator[Located]:
    """A problem for each, in no particular order. `shortest_ids` is the shortest length of an id by channel.

    Skips values that are not entries; loading reports those.
    """
    for manifest in manifests:
        yield from _of_channel(source, manifest, shortest_ids[manifest.id])
    shortest = max(shortest_ids.values(), default=1)
    prefixes = tuple(prefix for manifest in manifests for prefix in (manifest.id, *manifest.aliases))
    only = next(iter(shortest_ids)) if len(shortest_ids) == 1 else ""
    for path in _outside(source, {*shortest_ids, "*"}):
        channel = path[-1] if path[-1] in shortest_ids else only
        yield from _in_list(source, path, ListContext(prefixes, {}, shortest), str(channel))


def _of_channel(source: Source, manifest: Manifest, shortest: int) -> Iterator[Located]:
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
            yield from _in_list(source, (*place, _GROUPS, name, "allowFrom"), context, manifest.id, account)
            if is_phone_number(name, shortest):
                yield _problem(name, (*place, _GROUPS, name), manifest.id, account, is_group=True)


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
) -> Iterator[Located]:
    found = source.at(path)
    for index, value in enumerate(found if isinstance(found, list) else ()):
        with suppress(ValueError):
            text = read_entry(value, context)
            if is_phone_number(text, context.shortest_id):
                yield _problem(text, (*path, index), channel, account)


def _problem(text: str, path: KeyPath, channel: str, account: str, *, is_group: bool = False) -> Located:
    hint = find_the_id(channel or "CHANNEL", account, group=is_group)
    return path, f"'{visible(text)}' {LOOKS_LIKE}", hint, is_group
