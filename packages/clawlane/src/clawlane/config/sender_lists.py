"""Every list of people in the config: where it is, and how its entries are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from clawlane.channel import Manifest
from clawlane.config.errors import KeyPath
from clawlane.config.senders import ListContext, read_entry
from clawlane.config.source import Source

_LISTS = ("allowFrom", "groupAllowFrom")
_GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class SenderList:
    """One list. `channel` is empty for one that belongs to several, `account` for one of all accounts."""

    path: KeyPath
    context: ListContext
    channel: str = ""
    account: str = ""

    def entries(self, source: Source) -> Iterator[tuple[int, str]]:
        """The entries that can be read, with their places; loading reports the others."""
        found = source.at(self.path)
        for index, value in enumerate(found if isinstance(found, list) else ()):
            with suppress(ValueError):
                yield index, read_entry(value, self.context)


def sender_lists(
    source: Source, manifests: Sequence[Manifest], shortest_ids: Mapping[str, int]
) -> Iterator[SenderList]:
    """The lists of these channels and of their groups, then those outside the channel blocks."""
    for manifest in manifests:
        context = ListContext((manifest.id, *manifest.aliases), {}, shortest_ids[manifest.id])
        for account, place in channel_blocks(source, manifest):
            for path in (*((*place, key) for key in _LISTS), *_of_groups(source, place)):
                yield SenderList(path, context, manifest.id, account)
    shortest = max(shortest_ids.values(), default=1)
    prefixes = tuple(prefix for manifest in manifests for prefix in (manifest.id, *manifest.aliases))
    only = next(iter(shortest_ids)) if len(shortest_ids) == 1 else ""
    for path in _outside(source, {*shortest_ids, "*"}):
        channel = path[-1] if path[-1] in shortest_ids else only
        yield SenderList(path, ListContext(prefixes, {}, shortest), str(channel))


def channel_blocks(source: Source, manifest: Manifest) -> Iterator[tuple[str, KeyPath]]:
    """The block of a channel and those of its accounts, each with the account's name (empty for all)."""
    block: KeyPath = ("channels", manifest.id)
    accounts = source.at((*block, "accounts"))
    yield "", block
    for name in accounts if isinstance(accounts, Mapping) else ():
        yield name.strip().lower(), (*block, "accounts", name)


def _of_groups(source: Source, place: KeyPath) -> Iterator[KeyPath]:
    groups = source.at((*place, _GROUPS))
    for name in groups if isinstance(groups, Mapping) else ():
        yield (*place, _GROUPS, name, "allowFrom")


def _outside(source: Source, channels: Collection[str]) -> Iterator[KeyPath]:
    """The lists outside the channel blocks that an installed channel reads."""
    yield "commands", "ownerAllowFrom"
    groups = source.at(("accessGroups",))
    for name in groups if isinstance(groups, Mapping) else ():
        members = source.at(("accessGroups", name, "members"))
        for channel in members if isinstance(members, Mapping) else ():
            if channel in channels:
                yield "accessGroups", name, "members", channel
