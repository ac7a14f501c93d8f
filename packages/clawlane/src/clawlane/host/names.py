"""Whom a name can mean, and what a search finds."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from clawlane.abilities import Group, Person
from clawlane.access.pins import Match, Name, NameList, Pin
from clawlane.access.slug import folded, slug
from clawlane.store.pins import LookedUp

_Named = TypeVar("_Named", Person, Group)


def look_up(
    names: Iterable[Name], people: Sequence[Person], groups: Sequence[Group], now_ms: int
) -> list[LookedUp]:
    """What each name means now: senders are looked up among the people, keys of `groups` among the groups."""
    return [
        _group(name, groups, now_ms) if name.where is NameList.GROUPS else _person(name, people, now_ms)
        for name in names
    ]


def search(found: Iterable[_Named], query: str) -> list[_Named]:
    """Whose id or one of whose names holds the query; who is called exactly that comes first.

    Case and diacritics do not count: `nguyen` finds `Nguyễn`, and `dang` finds `Đặng`.
    """
    wanted = _bare(query)
    hits = [one for one in found if any(wanted in text for text in _texts(one))]
    return sorted(hits, key=lambda one: wanted not in _texts(one))


def _person(name: Name, people: Sequence[Person], now_ms: int) -> LookedUp:
    """By the name that the owner sees, and only if nobody has it, by the other names."""
    wanted = folded(name.entry)
    named = _having(people, lambda one: folded(one.name) == wanted)
    named = named or _having(people, lambda one: wanted in map(folded, one.aliases))
    return _looked_up(name, named, Match.EXACT, now_ms)


def _group(name: Name, groups: Sequence[Group], now_ms: int) -> LookedUp:
    """By the exact name, and only if no group has it, by the slug."""
    wanted, short = folded(name.entry), slug(name.entry)
    if named := _having(groups, lambda one: folded(one.name) == wanted):
        return _looked_up(name, named, Match.EXACT, now_ms)
    slugged = _having(groups, lambda one: bool(short) and slug(one.name) == short)
    return _looked_up(name, slugged, Match.SLUG, now_ms)


def _having(found: Iterable[_Named], has: Callable[[_Named], bool]) -> dict[str, str]:
    return {one.id: one.name for one in found if has(one)}


def _looked_up(name: Name, named: dict[str, str], match: Match, now_ms: int) -> LookedUp:
    return LookedUp(Pin(name, tuple(named), match, now_ms), tuple(named.values()))


def _texts(one: Person | Group) -> list[str]:
    aliases = one.aliases if isinstance(one, Person) else ()
    return [_bare(text) for text in (one.id, one.name, *aliases)]


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", folded(text).replace("đ", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
