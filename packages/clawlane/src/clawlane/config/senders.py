"""The entries of sender lists: ids, `*`, access groups and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from clawlane.channel import Account, Manifest
from clawlane.config.entries import LOOKS_LIKE, find_the_id, is_phone_number, visible
from clawlane.config.errors import KeyPath, did_you_mean
from clawlane.config.source import OddInt, Source, WrittenFloat

_MEMBERS_OF = "accessGroup:"


@dataclass(frozen=True, slots=True)
class ListContext:
    """What reading a list needs to know: its channel's prefixes, and who is behind each access group.

    `shortest_id` is how many digits an id has at least, as `ChannelSettings` says.
    """

    prefixes: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shortest_id: int = 1

    @property
    def channel(self) -> str:
        """The channel that the list belongs to, or a word that stands for one."""
        return self.prefixes[0] if self.prefixes else "CHANNEL"


_NOWHERE = ListContext()


def read_entry(value: object, context: ListContext = _NOWHERE) -> str:
    """One entry as digits, `*`, `accessGroup:NAME`, or a name. Raises `ValueError` saying what to write."""
    if isinstance(value, bool | OddInt | WrittenFloat) or (isinstance(value, int) and value < 0):
        shown = str(value).lower() if isinstance(value, bool) else str(getattr(value, "raw", value))
        refuse_phone_number(shown, context)
        raise ValueError(f"{shown} is no id; write the id as plain digits, best in quotes")
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("an entry is an id, a name or '*'; remove this one")
    return _read_text(value, context)


def refuse_phone_number(written: str, context: ListContext) -> None:
    """Raises `ValueError` if what stands for a person is a telephone number."""
    if is_phone_number(written, context.shortest_id):
        raise ValueError(f"'{visible(written.strip())}' {LOOKS_LIKE}; {find_the_id(context.channel)}")


def _read_text(value: str, context: ListContext) -> str:
    entry = _strip_prefix(value.strip(), context.prefixes)
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


def _strip_prefix(entry: str, prefixes: tuple[str, ...]) -> str:
    kind, colon, rest = entry.partition(":")
    return rest.strip() if colon and kind.lower() in prefixes else entry


def _check_entry(value: object, info: ValidationInfo) -> str:
    context = context_of(info)
    entry = read_entry(value, context)
    name = entry.removeprefix(_MEMBERS_OF)
    if name != entry and name not in context.groups:
        hint = did_you_mean(name, context.groups) or "define it under accessGroups"
        raise ValueError(f"there is no access group '{name}'; {hint}")
    return entry


def _check_list(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list, such as ['1471383327500481391']; [] is nobody")
    return value


def _expand(entries: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    groups = context_of(info).groups
    people = (
        groups.get(entry.removeprefix(_MEMBERS_OF), (entry,)) if _is_group(entry) else (entry,)
        for entry in entries
    )
    return tuple(dict.fromkeys(person for some in people for person in some))


def _is_group(entry: str) -> bool:
    return entry.startswith(_MEMBERS_OF)


def context_of(info: ValidationInfo) -> ListContext:
    """What the loader handed to a validation; nothing where there was no loader."""
    return info.context if isinstance(info.context, ListContext) else ListContext()


def _check_person(value: object, info: ValidationInfo) -> str:
    entry = read_entry(value, context_of(info))
    if _is_group(entry):
        raise ValueError("an access group cannot name another one; write its members here")
    return entry


_Entry = Annotated[str, BeforeValidator(_check_entry)]

SenderList = Annotated[tuple[_Entry, ...], BeforeValidator(_check_list), AfterValidator(_expand)]
"""People in a config list, with access groups replaced by their members: digits, `*` or names, none twice."""

PeopleList = Annotated[
    tuple[Annotated[str, BeforeValidator(_check_person)], ...], BeforeValidator(_check_list)
]
"""A list that must not name access groups: the members of one."""

GROUPS = "groups"


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
