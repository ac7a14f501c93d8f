"""The entries of sender lists: ids, `*`, access groups and names; what each means, and where it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from clawlane.config.errors import KeyPath
from clawlane.config.numbers import OddFloat, OddInt
from clawlane.config.origin import account_path
from clawlane.config.phones import LOOKS_LIKE, find_the_id, is_phone_number, visible

if TYPE_CHECKING:
    from clawlane.channel import Account, Manifest
    from clawlane.config.source import Source

ANYONE = "*"
GROUPS = "groups"
GROUP_SENDERS = "groups.allowFrom"
OWNERS = "commands.ownerAllowFrom"
SENDER_LISTS = ("allowFrom", "groupAllowFrom", GROUP_SENDERS, OWNERS)
"""The lists of people that count for an account, as `entries` takes them."""

_MEMBERS_OF = "accessGroup:"


@dataclass(frozen=True, slots=True)
class ListContext:
    """What reading a list depends on: its channel's prefixes, and the members of each access group.

    `shortest_id` is the least number of digits in an id (`ChannelSettings.shortest_id`).
    """

    prefixes: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shortest_id: int = 1

    @property
    def channel(self) -> str:
        """The channel that the list belongs to, or a placeholder for hints."""
        return self.prefixes[0] if self.prefixes else "CHANNEL"


_NOWHERE = ListContext()


def is_numeric_id(entry: str) -> bool:
    """Whether a text can be the id of a person or a group: ASCII digits, any number of them."""
    return entry.isascii() and entry.isdecimal()


def read_entry(value: object, context: ListContext = _NOWHERE) -> str:
    """One entry as digits, `*`, `accessGroup:NAME`, or a name. Raises `ValueError` saying what to write."""
    if isinstance(value, bool | OddInt | OddFloat) or (isinstance(value, int) and value < 0):
        shown = str(value).lower() if isinstance(value, bool) else str(getattr(value, "raw", value))
        refuse_phone_number(shown, context)
        raise ValueError(f"{shown} is not an id; write the id as plain digits, best in quotes")
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("an entry is an id, a name or '*'; remove this one")
    entry = value.strip()
    kind, colon, rest = entry.partition(":")
    if colon and kind.lower() in context.prefixes:
        entry = rest.strip()
    if not entry:
        raise ValueError("an entry must not be empty; write an id, a name or '*', or remove it")
    kind, colon, rest = entry.partition(":")
    if colon and kind.lower() == "user":
        refuse_phone_number(rest, context)
        raise ValueError(f"'user:' does not belong in a sender list; write the id alone: '{rest.strip()}'")
    if colon and kind.lower() == "group":
        raise ValueError("a group does not belong in a sender list; write it as a key of `groups`")
    if colon and kind.lower() == "accessgroup":
        return _MEMBERS_OF + rest.strip()
    return entry


def refuse_phone_number(written: str, context: ListContext) -> None:
    """Raises `ValueError` for a telephone number in place of an id."""
    if is_phone_number(written, context.shortest_id):
        raise ValueError(f"'{visible(written.strip())}' {LOOKS_LIKE}; {find_the_id(context.channel)}")


def access_group_in(entry: str) -> str | None:
    """The name in `accessGroup:NAME`; None for every other entry."""
    return entry.removeprefix(_MEMBERS_OF) if entry.startswith(_MEMBERS_OF) else None


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One entry: `text` as in the account's settings, and its path. A key of `groups` is `at_key`.

    `group` is the key of `groups` above the list of one group.
    """

    text: str
    path: KeyPath
    at_key: bool = False
    group: str = ""


def entries(source: Source, account: Account, manifest: Manifest, key: str) -> list[ConfigEntry]:
    """The entries of a sender list, or the keys of `groups`, in the order of the file.

    `key` is that of a channel block, `GROUP_SENDERS` for the lists of all single groups, or `OWNERS`. Members
    of access groups count as entries of the list that names their group.
    """
    context = ListContext((manifest.id, *manifest.aliases))
    if key == OWNERS:
        return _entries_of(source, ("commands", "ownerAllowFrom"), context)
    if key not in (GROUPS, GROUP_SENDERS):
        return _entries_of(source, list_path(source, account, key), context)
    path = list_path(source, account, GROUPS)
    names = list(source.at(path) or {})
    if key == GROUPS:
        return [ConfigEntry(name, (*path, name), at_key=True) for name in names]
    return [
        replace(one, group=name)
        for name in names
        for one in _entries_of(source, (*path, name, "allowFrom"), context)
    ]


def list_path(source: Source, account: Account, key: str) -> KeyPath:
    """Where a key of a channel block is written that counts for an account, or would be for all."""
    own = (*account_path(source, account), key)
    return own if own in source.values else ("channels", account.channel, key)


def _entries_of(source: Source, path: KeyPath, context: ListContext) -> list[ConfigEntry]:
    channel, *_ = context.prefixes
    found: list[ConfigEntry] = []
    for entry in _entries_at(source, path, context):
        group = access_group_in(entry.text)
        if group is None:
            found.append(entry)
            continue
        for whose in (channel, "*"):
            found += _entries_at(source, ("accessGroups", group, "members", whose), context)
    return found


def _entries_at(source: Source, path: KeyPath, context: ListContext) -> Iterator[ConfigEntry]:
    for index, value in enumerate(source.at(path) or []):
        yield ConfigEntry(read_entry(value, context), (*path, index))


_GROUP_PREFIX = "group:"


def bare_id(key: str) -> str:
    """The id in `group:9001`, else the key as it is."""
    bare = key.strip()
    return bare[len(_GROUP_PREFIX) :].strip() if bare.lower().startswith(_GROUP_PREFIX) else bare
