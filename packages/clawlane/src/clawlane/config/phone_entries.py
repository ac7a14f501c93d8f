"""Finds telephone numbers where the config needs ids: in lists of people, and as keys of `groups`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clawlane.channel import Manifest
from clawlane.config.errors import KeyPath
from clawlane.config.phones import LOOKS_LIKE, find_the_id, is_phone_number, visible
from clawlane.config.sender_lists import channel_blocks, sender_lists
from clawlane.config.source import Source
from clawlane.config.validation import Located

PHONE_NUMBER = "phone_number"


def phone_numbers(
    source: Source, manifests: Sequence[Manifest], shortest_ids: Mapping[str, int]
) -> Iterator[Located]:
    """A problem for each, in no particular order. `shortest_ids` is the shortest length of an id by channel.

    Skips values that are not entries; loading reports those.
    """
    for manifest in manifests:
        for account, place in channel_blocks(source, manifest):
            groups = source.at((*place, "groups"))
            for name in groups if isinstance(groups, Mapping) else ():
                if is_phone_number(name, shortest_ids[manifest.id]):
                    yield _problem(name, (*place, "groups", name), manifest.id, account, is_group=True)
    for listed in sender_lists(source, manifests, shortest_ids):
        for index, text in listed.entries(source):
            if is_phone_number(text, listed.context.shortest_id):
                yield _problem(text, (*listed.path, index), listed.channel, listed.account)


def _problem(text: str, path: KeyPath, channel: str, account: str, *, is_group: bool = False) -> Located:
    hint = find_the_id(channel or "CHANNEL", account, group=is_group)
    return path, f"'{visible(text)}' {LOOKS_LIKE}", hint, is_group
