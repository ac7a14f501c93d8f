"""Whom the operator means: `user:ID`, `group:ID`, or the id or name of one friend or group.

A bare id has to be known, because the same digits can be those of a person and of a group. A name has to be
that of exactly one friend or group, as the account's owner sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.access.context import shortened
from clawlane.access.names import fold_name
from clawlane.config.phones import is_phone_number
from clawlane.config.senders import is_numeric_id
from clawlane.messages import Group, Person, Thread, ThreadKind
from clawlane.ops.operation import OpError
from clawlane.store.directory import Known
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.ops.context import Target
    from clawlane.store.reader import Reader

LONGEST_TARGET = 200
"""Characters of a target as it is written."""

_LONGEST_ID = 32
_MOST_NAMED = 5
_KINDS = {"user": ThreadKind.DM, "dm": ThreadKind.DM, "group": ThreadKind.GROUP}
_WORDS = {ThreadKind.DM: "user", ThreadKind.GROUP: "group"}
_WRITE = later("write user:ID or group:ID")
_Candidate = tuple[ThreadKind, Person | Group]


@dataclass(frozen=True, slots=True)
class Written:
    """A target as it was written: an id or a name, and what it is said to be of (None: it does not say)."""

    kind: ThreadKind | None
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a target means. `known` is a friend, or a group that the account is in; their `name`, or empty."""

    thread: Thread
    name: str
    known: bool


class NobodyKnown(OpError):
    """A bare id or a name fits nobody who is known. A newer directory may know more."""


def target_words(thread: Thread) -> str:
    """`user:ID` or `group:ID`."""
    return f"{_WORDS[thread.kind]}:{thread.id}"


def read_target(written: str, prefixes: Sequence[str], shortest_id: int, find: str = "") -> Written:
    """What is written as a target. Raises `OpError`.

    `prefixes` are the names of the channel, which may stand before it; `shortest_id` is the least number of
    digits in an id of the platform, and `find` the command that finds ids.
    """
    bare = written.strip()
    if not bare or len(bare) > LONGEST_TARGET:
        raise OpError(
            later("a target has 1 to {longest_target} characters", longest_target=LONGEST_TARGET), _WRITE
        )
    bare = _without(bare, prefixes)
    head, colon, rest = bare.partition(":")
    kind = _KINDS.get(head.strip().lower()) if colon else None
    if kind is not None:
        bare = rest.strip()
    shown = shortened(bare)
    if not bare:
        raise OpError(later("'{written}' names nobody", written=shortened(written)), _WRITE)
    if is_numeric_id(bare) and (kind is not None or not is_phone_number(bare, shortest_id)):
        if len(bare) > _LONGEST_ID or not bare.strip("0"):
            raise OpError(later("'{shown}' is no id", shown=shown), find)
        return Written(kind, id=bare)
    if is_phone_number(bare, shortest_id):
        raise OpError(
            later("'{shown}' looks like a telephone number, and no id is one; write the id", shown=shown),
            find,
        )
    if all(one.isdecimal() for one in bare):
        raise OpError(later("'{shown}' is no id: ids are written with the digits 0 to 9", shown=shown), find)
    return Written(kind, name=bare)


def _without(bare: str, prefixes: Sequence[str]) -> str:
    head, colon, rest = bare.partition(":")
    return rest.strip() if colon and head.strip().lower() in prefixes else bare


def find_recipient(written: Written, known: Known, own_id: str = "", find: str = "") -> Recipient:
    """Whom a target means among the friends and groups that are known. Raises `OpError`."""
    if not written.id:
        return _by_name(written, known, find)
    people, groups = _called(known.peers, written.id), _called(known.groups, written.id)
    kind = written.kind
    if kind is None and people and groups:
        raise OpError(
            later("{id} is the id of a friend and of a group", id=written.id),
            later("write user:{id} or group:{id}", id=written.id),
        )
    if kind is None and not (people or groups):
        raise NobodyKnown(
            later("{id} is no friend or group that the account knows", id=written.id),
            later("{first}; {then}", first=_WRITE, then=find),
        )
    if kind is None:
        kind = ThreadKind.DM if people else ThreadKind.GROUP
    own, other = (people, groups) if kind is ThreadKind.DM else (groups, people)
    if other and not own:
        id_, name = written.id, shortened(other[0].name)
        if kind is ThreadKind.DM:
            raise OpError(
                later("{id} is a group ({name})", id=id_, name=name), later("write group:{id}", id=id_)
            )
        raise OpError(later("{id} is a friend ({name})", id=id_, name=name), later("write user:{id}", id=id_))
    if kind is ThreadKind.DM and written.id == own_id:
        raise OpError(later("{id} is the account itself", id=written.id), find)
    return Recipient(Thread(kind, written.id), own[0].name if own else "", bool(own))


def _called(found: Iterable[Person | Group], id_: str) -> list[Person | Group]:
    return [one for one in found if one.id == id_]


def _by_name(written: Written, known: Known, find: str) -> Recipient:
    """The one friend or group of this name; another name of a friend counts if nobody else has it."""
    people = () if written.kind is ThreadKind.GROUP else known.peers
    groups = () if written.kind is ThreadKind.DM else known.groups
    wanted = fold_name(written.name)
    exact: list[_Candidate] = [(ThreadKind.DM, one) for one in people if fold_name(one.name) == wanted]
    exact += [(ThreadKind.GROUP, one) for one in groups if fold_name(one.name) == wanted]
    exact = exact or [(ThreadKind.DM, one) for one in people if wanted in map(fold_name, one.aliases)]
    shown = shortened(written.name)
    if len(exact) > 1:
        raise OpError(
            later("several are called '{shown}': {listed}", shown=shown, listed=_listed(exact)),
            later("write one of these ids"),
        )
    if not exact:
        from clawlane.lookup import search

        close: list[_Candidate] = [(ThreadKind.DM, one) for one in search(people, written.name)]
        close += [(ThreadKind.GROUP, one) for one in search(groups, written.name)]
        hint = later("{first}; {then}", first=_WRITE, then=find)
        if close:
            hint = later("did you mean {names}?", names=_listed(close))
        raise NobodyKnown(later("no friend or group is called '{shown}'", shown=shown), hint)
    [(kind, one)] = exact
    return Recipient(Thread(kind, one.id), one.name, known=True)


def target_of(target: Target, written: str, kind: ThreadKind | None = None) -> tuple[Written, str]:
    """What is written as a target of an account, and the command that finds ids there. Raises `OpError`."""
    manifest, shortest_id = target.manifest, type(target.account.settings).shortest_id
    listing = "groups" if kind is ThreadKind.GROUP else "peers"
    find = later(
        "find ids: {command}", command=f"openclaw directory {listing} list {target.words} --query NAME"
    )
    return read_target(written, (manifest.id, *manifest.aliases), shortest_id, find), find


def person_stored(reader: Reader, target: Target, written: str, group_id: str = "") -> Recipient:
    """The person that is meant: a friend, somebody who wrote or was approved, or a member of the group.

    Raises `OpError`.
    """
    return _stored(reader, target, written, ThreadKind.DM, group_id)


def group_stored(reader: Reader, target: Target, written: str) -> Recipient:
    """The group that is meant, by what the store knows. Raises `OpError`."""
    return _stored(reader, target, written, ThreadKind.GROUP)


def thread_stored(reader: Reader, target: Target, written: str) -> Recipient:
    """The person or group that is meant, by what the store knows. Raises `OpError`."""
    return _stored(reader, target, written, None)


def _stored(
    reader: Reader, target: Target, written: str, kind: ThreadKind | None, group_id: str = ""
) -> Recipient:
    account = str(target.account)
    meant, find = target_of(target, written, kind)
    if kind is not None and meant.kind not in (None, kind):
        shown = shortened(written)
        if kind is ThreadKind.DM:
            raise OpError(later("'{shown}' is a group, not a person", shown=shown), find)
        raise OpError(later("'{shown}' is a person, not a group", shown=shown), find)
    reach = reader.reach(account)
    members = reader.members(account, group_id) if group_id else ()
    people = {one.id: one for one in (*reach.seen, *reach.approved, *members, *reach.friends)}
    known = Known(peers=tuple(people.values()), groups=reach.groups)
    found = find_recipient(replace(meant, kind=kind or meant.kind), known, "", find)
    return found if found.name else replace(found, name=reader.thread_name(account, found.thread))


def _listed(found: Sequence[_Candidate]) -> str:
    named = [f"{_WORDS[kind]}:{one.id} ({shortened(one.name)})" for kind, one in found[:_MOST_NAMED]]
    more = len(found) - len(named)
    names = ", ".join(named)
    return later("{names} and {more} more", names=names, more=more) if more else names
