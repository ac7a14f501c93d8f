"""Entries of sender lists and groups, as an operator types them, as ids: exact, or asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from clawlane.access.names import fold_name, slug
from clawlane.config.phones import is_phone_number
from clawlane.config.senders import ANYONE, ListContext, access_group_in, is_numeric_id, read_entry
from clawlane.lookup import search
from clawlane.messages import Group, Person
from clawlane.ops.setup_answers import Named
from clawlane.texts import later

_MOST_NEAR = 5
_Named = TypeVar("_Named", Person, Group)


class Doubt(StrEnum):
    """Why an entry is no id yet."""

    SEVERAL = "several"
    UNKNOWN = "unknown"
    PHONE = "phone"
    GROUP = "group"
    PERSON = "person"
    EVERYBODY = "everybody"
    MALFORMED = "malformed"
    NOT_LOOKED_UP = "not_looked_up"


@dataclass(frozen=True, slots=True)
class Directory:
    """The people and groups that an account knows. `known` is false where nobody could be asked."""

    people: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an entry stands for: `found`, or a doubt. `candidates` are those to choose from, or near names."""

    entry: str
    found: Named | None = None
    doubt: Doubt | None = None
    candidates: tuple[Person | Group, ...] = ()
    text: str = ""


def find_sender(entry: str, directory: Directory, context: ListContext, *, anyone: bool) -> Resolved:
    """A person by id, or by exact name among the people of the directory. `anyone`: whether `*` may stand."""
    try:
        wanted = read_entry(entry, context)
    except ValueError as error:
        return Resolved(entry, doubt=Doubt.MALFORMED, text=str(error))
    if wanted == ANYONE:
        return Resolved(entry, Named(ANYONE)) if anyone else Resolved(entry, doubt=Doubt.EVERYBODY)
    if access_group_in(wanted) is not None:
        return Resolved(entry, Named(wanted))
    if is_phone_number(wanted, context.shortest_id):
        return Resolved(entry, doubt=Doubt.PHONE)
    if is_numeric_id(wanted):
        return _by_id(entry, wanted, directory.people, directory.groups, Doubt.GROUP)
    if not directory.known:
        return Resolved(entry, doubt=Doubt.NOT_LOOKED_UP)
    folded = fold_name(wanted)
    exact = [one for one in directory.people if fold_name(one.name) == folded]
    exact = exact or [one for one in directory.people if folded in map(fold_name, one.aliases)]
    return _among(entry, wanted, exact, directory.people)


def find_group(entry: str, directory: Directory, context: ListContext) -> Resolved:
    """A group by id, `group:ID`, or by exact name or slug among the groups of the directory."""
    wanted = entry.strip()
    kind, colon, rest = wanted.partition(":")
    if colon and kind.lower() in ("group", *context.prefixes):
        wanted = rest.strip()
    if not wanted or wanted == ANYONE:
        return Resolved(
            entry, doubt=Doubt.EVERYBODY if wanted else Doubt.MALFORMED, text=later("it is empty")
        )
    if is_phone_number(wanted, context.shortest_id):
        return Resolved(entry, doubt=Doubt.PHONE)
    if is_numeric_id(wanted):
        return _by_id(entry, wanted, directory.groups, directory.people, Doubt.PERSON)
    if not directory.known:
        return Resolved(entry, doubt=Doubt.NOT_LOOKED_UP)
    folded, short = fold_name(wanted), slug(wanted)
    exact = [one for one in directory.groups if fold_name(one.name) == folded]
    exact = exact or [one for one in directory.groups if short and slug(one.name) == short]
    return _among(entry, wanted, exact, directory.groups)


def _by_id(
    entry: str,
    wanted: str,
    here: Iterable[Person | Group],
    elsewhere: Iterable[Person | Group],
    misplaced: Doubt,
) -> Resolved:
    """An id counts as it is, known or not, unless it is known to be one of the other kind."""
    name = next((one.name for one in here if one.id == wanted), None)
    if name is None and (other := [one for one in elsewhere if one.id == wanted]):
        return Resolved(entry, doubt=misplaced, candidates=tuple(other))
    return Resolved(entry, Named(wanted, name or ""))


def _among(entry: str, wanted: str, exact: Sequence[_Named], known: Sequence[_Named]) -> Resolved:
    if len(exact) == 1:
        return Resolved(entry, Named(exact[0].id, exact[0].name))
    if exact:
        return Resolved(entry, doubt=Doubt.SEVERAL, candidates=tuple(exact))
    return Resolved(entry, doubt=Doubt.UNKNOWN, candidates=_near(wanted, known))


def _near(wanted: str, known: Sequence[_Named]) -> tuple[_Named, ...]:
    """Those whose name contains what was typed, then those whose name is similar."""
    by_name = {fold_name(one.name): one for one in known}
    similar = [by_name[name] for name in get_close_matches(fold_name(wanted), list(by_name), n=_MOST_NEAR)]
    found = {one.id: one for one in search(known, wanted)}
    found |= {one.id: one for one in similar}
    return tuple(found.values())[:_MOST_NEAR]
