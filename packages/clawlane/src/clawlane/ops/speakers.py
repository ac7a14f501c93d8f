"""Who may speak in an account's groups, with names, as `channels status`, the log and the audit tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from clawlane.access.decision import Reason
from clawlane.access.who import Who
from clawlane.texts import t, tn

if TYPE_CHECKING:
    from clawlane.access.in_force import Rules
    from clawlane.access.names import Pins
    from clawlane.access.speakers import Speakers
    from clawlane.channel import Account

NAMED = 3
"""People of a list that are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person on a list. `name` is empty where nobody knows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class GroupSpeakers:
    """Who may speak in one group; with an empty `group`, in all groups without an entry of their own.

    `who` is anyone, listed or nobody. `people` are the first of `count`, and `unresolved` the names that let
    nobody in. `path` and `line` say where the list or the closed door is set; `line` is None for what is not
    in the file. `own_list` says that it is the list of the group alone, `others` that groups with an entry of
    their own stand beside this one.
    """

    group: str
    name: str
    key: str
    who: Who
    count: int
    people: list[Member]
    unresolved: list[str]
    require_mention: bool
    reason: Reason | None
    path: str
    line: int | None
    own_list: bool
    others: bool


class Book(Protocol):
    """What people and groups are called."""

    def names_of(self, account: str, ids: Collection[str]) -> Mapping[str, str]: ...


def who_may_speak(account: Account, rules: Rules, pins: Pins, book: Book | None) -> list[GroupSpeakers]:
    """Each group that is let in, then all others. Without a book nobody has a name."""
    from clawlane.access.speakers import speakers_in_force

    found = speakers_in_force(rules, pins)
    ids = {id for one in found for id in (one.group, *one.people[:NAMED]) if id}
    names = book.names_of(str(account), ids) if book and ids else {}
    return [_told(one, names, len(found) > 1) for one in found]


def _told(one: Speakers, names: Mapping[str, str], others: bool) -> GroupSpeakers:
    return GroupSpeakers(
        group=one.group,
        name=names.get(one.group, ""),
        key=one.key,
        who=one.who,
        count=len(one.people),
        people=[Member(id, names.get(id, "")) for id in one.people[:NAMED]],
        unresolved=list(one.unresolved[:NAMED]),
        require_mention=one.require_mention,
        reason=one.reason,
        path=one.rule.path,
        line=one.rule.line,
        own_list=one.own_list,
        others=others and not one.group,
    )


def speakers_text(one: GroupSpeakers) -> str:
    """`Work Chat (98…): 2 people (Lan, 14…), when mentioned`."""
    return f"{_where(one)}: {_who(one)}"


def _where(one: GroupSpeakers) -> str:
    if not one.group:
        return t("any other group") if one.others else t("any group")
    name = one.name or ("" if one.key.strip().endswith(one.group) else one.key)
    return f"{name} ({one.group})" if name else t("group {id}", id=one.group)


def _who(one: GroupSpeakers) -> str:
    if one.who is Who.NOBODY:
        return t("nobody: {why}", why=_why_nobody(one))
    if one.who is Who.ANYONE:
        return t("anyone, when mentioned") if one.require_mention else t("anyone, without a mention")
    lost = ", ".join(map(repr, one.unresolved))
    if not one.count:
        why = t("{key} lists only names that are pinned to nobody ({names})", key=_key(one), names=lost)
        return t("nobody: {why}", why=why)
    told = ", ".join(person.name or person.id for person in one.people)
    told += ", …" if one.count > len(one.people) else ""
    also = t(", but not {names}, pinned to nobody", names=lost) if lost else ""
    if one.require_mention:
        people = tn(
            "1 person ({names}), when mentioned",
            "{n} people ({names}), when mentioned",
            one.count,
            names=told,
        )
    else:
        people = tn(
            "1 person ({names}), without a mention",
            "{n} people ({names}), without a mention",
            one.count,
            names=told,
        )
    return people + also


def _why_nobody(one: GroupSpeakers) -> str:
    key = _key(one)
    match one.reason:
        case Reason.GROUP_DISABLED:
            return t("{key} is 'disabled'", key=key)
        case Reason.GROUP_ENTRY_DISABLED:
            return t("groups['*'] is closed")
        case Reason.GROUP_DENY_UNRESOLVED:
            return t("an entry of groups shuts out a group that nobody knows by its name")
        case Reason.GROUP_SENDER_LIST_EMPTY:
            empty = t("{key} is []", key=key)
            return empty if one.line is not None else t("groupAllowFrom and allowFrom name nobody")
        case Reason.GROUP_SENDER_NOT_ALLOWED:
            return t("the config in force and the edit that waits list no one in common")
        case Reason.GROUP_NO_ALLOWLIST:
            return t("no group is listed in groups")
    return t("no entry of groups lets a known group in")


def _key(one: GroupSpeakers) -> str:
    """The key that decides, without the path above it."""
    key = one.path.rpartition(".")[2]
    return t("its {key}", key=key) if one.own_list else key
