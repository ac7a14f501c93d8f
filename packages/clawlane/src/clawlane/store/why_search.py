"""Looks for messages and notices by person, group, reason, setting and time, in the order of reading.

The narrowest criterion walks an index of its own, for several ids and accounts side by side; the others are
checked on the way. The walk ends when enough was found, or when it has looked at `MOST_LOOKED`.

TooManyFit    more people, groups or settings fit what was written than can be walked side by side
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from clawlane.access.decision import Reason
from clawlane.access.names import fold_name, without_diacritics
from clawlane.messages import ThreadKind
from clawlane.store import decisions, notices
from clawlane.store.sql import Database, Row
from clawlane.store.told import NotedItem, Recorded

MOST_LOOKED = 20_000
"""Messages that one search looks at."""

MOST_FIT = 400
"""People, groups, or reasons with their settings that one search walks by."""

_CORRECTED_MS = 600_000
"""A clock may have been set back by as much: so much more is looked at around the times that are wanted."""

_END = 1 << 62


class TooManyFit(Exception):
    """What was written fits `count` of them."""

    def __init__(self, written: str, count: int) -> None:
        super().__init__(written)
        self.written, self.count = written, count


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; all of it has to fit, and what is empty fits everything.

    `person` and `group` are an id or a part of a name, `reason` is that of a decision or a part of the path
    of the setting that decided. Times are when it was read: from `since_ms`, before `until_ms`. The
    newest with a lower number than `before` are found, or the next ones with a higher number than `after`.
    """

    person: str = ""
    group: str = ""
    reason: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    dropped: bool = False
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What fits, the newest first. `more` says that there is more in the direction of the search.

    `gave_up_at` is the number at which the search ended before everything was looked at, else 0, and
    `gave_up_ms` the time of that.
    """

    items: list[Recorded | NotedItem]
    more: bool = False
    gave_up_at: int = 0
    gave_up_ms: int | None = None

    @property
    def messages(self) -> list[Recorded]:
        return [one for one in self.items if isinstance(one, Recorded)]

    @property
    def notices(self) -> list[NotedItem]:
        return [one for one in self.items if isinstance(one, NotedItem)]


@dataclass(frozen=True, slots=True)
class _Criteria:
    """The same for one account, by ids; None fits everything."""

    account: str
    people: frozenset[str] | None
    groups: frozenset[str] | None
    rules: frozenset[tuple[str, str]] | None


_Place = tuple[int, str, bool]
"""A number, its account, and whether it is a notice."""


def search(connection: Database, wanted: Wanted, limit: int) -> Found:
    """The newest that fit, or the next ones. Raises `TooManyFit`."""
    accounts = [str(row[0]) for row in connection.execute("SELECT account FROM accounts")]
    of_account = {account: _criteria(connection, account, wanted) for account in accounts}
    streams = [one for criteria in of_account.values() for one in _streams(connection, criteria, wanted)]
    found: list[Recorded | NotedItem] = []
    looked, last = 0, (0, "", False)
    for place in heapq.merge(*streams, reverse=not wanted.after):
        if place == last:
            continue
        if looked == MOST_LOOKED:
            gave_up_ms = _read_ms(connection, last)
            return Found(_newest_first(found), gave_up_at=last[0], gave_up_ms=gave_up_ms)
        looked, last = looked + 1, place
        row = _row(connection, place)
        if place[2]:
            found.append(notices.item(connection, row))
        elif _fits(connection, row, of_account[place[1]], wanted):
            found.append(decisions.recorded(connection, row))
        if len(found) > limit:
            return Found(_newest_first(found[:limit]), more=True)
    return Found(_newest_first(found))


def fits_rule(connection: Database, written: str) -> bool:
    """Whether any setting that decided has this in its path."""
    accounts = connection.execute("SELECT account FROM accounts").fetchall()
    return any(_rules(connection, str(account), written) for (account,) in accounts)


def _newest_first(found: list[Recorded | NotedItem]) -> list[Recorded | NotedItem]:
    return sorted(found, key=lambda one: one.seq, reverse=True)


def _criteria(connection: Database, account: str, wanted: Wanted) -> _Criteria:
    by_notice = wanted.reason in notices.COUNTED_AS
    return _Criteria(
        account,
        _people(connection, account, wanted.person) if wanted.person else None,
        _groups(connection, account, wanted.group) if wanted.group else None,
        _rules(connection, account, wanted.reason) if wanted.reason and not by_notice else None,
    )


_NAMES_OF_PEOPLE = (
    "SELECT user_id, name, aliases FROM known_people WHERE account = ?",
    "SELECT sender_id, sender_name, '[]' FROM pairing WHERE account = ?",
    "SELECT sender_id, sender_name, '[]' FROM approved WHERE account = ?",
    "SELECT sender_id, sender_name, '[]' FROM rejected WHERE account = ?",
)
_NEWEST_MESSAGES = (
    "SELECT sender_id, body FROM messages WHERE account = ? AND body IS NOT NULL"
    " ORDER BY admitted_ms DESC LIMIT 2000"
)


def _people(connection: Database, account: str, written: str) -> frozenset[str]:
    names = _names_of_people(connection, account)
    return _not_too_many({written, *(id_ for id_, name in names if name and _called(written, name))}, written)


def _names_of_people(connection: Database, account: str) -> Iterator[tuple[str, str]]:
    for query in _NAMES_OF_PEOPLE:
        for id_, name, aliases in connection.execute(query, (account,)):
            yield from ((str(id_), one) for one in (name, *json.loads(aliases)))
    # Strangers that are answered are called only as they write themselves.
    for id_, body in connection.execute(_NEWEST_MESSAGES, (account,)):
        yield str(id_), json.loads(body).get("name", "")


def _groups(connection: Database, account: str, written: str) -> frozenset[str]:
    rows = connection.execute("SELECT group_id, name FROM known_groups WHERE account = ?", (account,))
    found = {written, *(str(id_) for id_, name in rows if _called(written, name))}
    return _not_too_many(found, written)


def _called(written: str, name: str) -> bool:
    """Whether it is a part of a name. Written without any marks it fits names with them."""
    if written.isascii():
        return written.lower().strip() in without_diacritics(name.lower())
    return fold_name(written) in fold_name(name)


def _rules(connection: Database, account: str, written: str) -> frozenset[tuple[str, str]]:
    """The reasons with their settings that fit: one step in the index for each of them."""
    is_reason, found = written in set(Reason), set()
    for reason in [written] if is_reason else _each(connection, "reason", "", account):
        for path in _each(connection, "rule_path", "AND reason = ?", account, reason):
            if is_reason or written in path:
                found.add((reason, path))
    return _not_too_many(found, written)


def _each(connection: Database, column: str, where: str, *values: str) -> Iterator[str]:
    """The different values of a column of decisions, each found by the index."""
    query = f"SELECT min({column}) FROM decisions WHERE account = ? {where} AND {column} > ?"  # noqa: S608
    last = ""
    while (last := connection.execute(query, (*values, last)).fetchone()[0]) is not None:
        yield last


def _not_too_many(found: set, written: str) -> frozenset:  # type: ignore[type-arg]
    if len(found) > MOST_FIT:
        raise TooManyFit(written, len(found))
    return frozenset(found)


def _streams(connection: Database, criteria: _Criteria, wanted: Wanted) -> Iterator[Iterator[_Place]]:
    """Each gives the numbers of an index in order; together they have everything that fits."""
    account = criteria.account
    if wanted.reason not in notices.COUNTED_AS:
        between = _between(connection, "messages", "admitted_ms", account, wanted)
        for way in _ways(criteria, wanted):
            yield _walk(connection, account, way, between, upwards=bool(wanted.after))
    if not wanted.dropped and criteria.rules is None:
        between = _between(connection, "notices", "noted_ms", account, wanted)
        yield _walk(connection, account, _noted(criteria, wanted), between, upwards=bool(wanted.after))


class _Way(NamedTuple):
    """Rows of an account with numbers in a column, and what else they have to have."""

    table: str
    column: str
    where: str = "TRUE"
    values: tuple[object, ...] = ()


def _ways(criteria: _Criteria, wanted: Wanted) -> Iterator[_Way]:
    if criteria.rules is not None:
        for rule in sorted(criteria.rules):
            yield _Way("decisions", "message", "reason = ? AND rule_path = ?", rule)
    elif criteria.people is not None:
        for id_ in sorted(criteria.people):
            yield _Way("messages", "seq", "sender_id = ?", (id_,))
    elif criteria.groups is not None:
        for id_ in sorted(criteria.groups):
            yield _Way("messages", "seq", "thread_kind = ? AND thread_id = ?", (ThreadKind.GROUP, id_))
    elif wanted.dropped:
        yield _Way("decisions", "message", "outcome = 'drop'")
    else:
        yield _Way("messages", "seq")


def _noted(criteria: _Criteria, wanted: Wanted) -> _Way:
    """Notices have no index for this: there are few of them."""
    where, values = ["TRUE"], list[object]()
    for column, ids in (("actor_id", criteria.people), ("thread_id", criteria.groups)):
        if ids is not None:
            where.append(f"{column} IN ({', '.join('?' * len(ids))})")
            values += sorted(ids)
    if criteria.groups is not None:
        where.append("thread_kind = 'group'")
    for column, sign, ms in (("noted_ms", ">=", wanted.since_ms), ("noted_ms", "<", wanted.until_ms)):
        if ms is not None:
            where.append(f"{column} {sign} ?")
            values.append(ms)
    if wanted.reason:
        where.append("unreadable = ?")
        values.append(notices.COUNTED_AS.index(wanted.reason))
    return _Way("notices", "seq", " AND ".join(where), tuple(values))


def _between(connection: Database, table: str, time: str, account: str, wanted: Wanted) -> tuple[int, int]:
    """The numbers between which everything of the wanted times is."""
    low, high = wanted.after, wanted.before or _END
    edge = (
        "SELECT {pick}(seq) FROM {table} WHERE account = ? AND {time} ="
        " (SELECT {pick}({time}) FROM {table} WHERE account = ? AND {time} {sign} ?)"
    )
    for pick, sign, ms in (("min", ">=", wanted.since_ms), ("max", "<", wanted.until_ms)):
        if ms is None:
            continue
        about = ms - _CORRECTED_MS if pick == "min" else ms + _CORRECTED_MS
        query = edge.format(pick=pick, table=table, time=time, sign=sign)
        (seq,) = connection.execute(query, (account, account, about)).fetchone()
        if seq is None:
            return 0, 0
        low, high = (max(low, seq - 1), high) if pick == "min" else (low, min(high, seq + 1))
    return low, high


def _walk(
    connection: Database, account: str, way: _Way, between: tuple[int, int], *, upwards: bool
) -> Iterator[_Place]:
    order, column, is_notice = "ASC" if upwards else "DESC", way.column, way.table == "notices"
    query = (
        f"SELECT {column} FROM {way.table} WHERE account = ? AND {way.where}"  # noqa: S608 — our own names
        f" AND {column} > ? AND {column} < ? ORDER BY {column} {order}"
    )
    rows = connection.execute(query, (account, *way.values, *between))
    return ((int(row[0]), account, is_notice) for row in rows)


def _row(connection: Database, place: _Place) -> Row:
    seq, account, is_notice = place
    table = "notices" if is_notice else "messages"
    query = f"SELECT * FROM {table} WHERE account = ? AND seq = ?"  # noqa: S608
    row: Row = connection.execute(query, (account, seq)).fetchone()
    return row


def _read_ms(connection: Database, place: _Place) -> int:
    return int(_row(connection, place)["noted_ms" if place[2] else "admitted_ms"])


def _fits(connection: Database, row: Row, criteria: _Criteria, wanted: Wanted) -> bool:
    """Whether a message fits everything."""
    if criteria.people is not None and row["sender_id"] not in criteria.people:
        return False
    in_group = row["thread_kind"] == ThreadKind.GROUP
    if criteria.groups is not None and not (in_group and row["thread_id"] in criteria.groups):
        return False
    if wanted.since_ms is not None and row["admitted_ms"] < wanted.since_ms:
        return False
    if wanted.until_ms is not None and row["admitted_ms"] >= wanted.until_ms:
        return False
    if criteria.rules is None and not wanted.dropped:
        return True
    query = "SELECT reason, rule_path, outcome FROM decisions WHERE account = ? AND message = ?"
    made = connection.execute(query, (criteria.account, row["seq"])).fetchall()
    by_rule = criteria.rules is None or any((one[0], one[1]) in criteria.rules for one in made)
    return by_rule and (not wanted.dropped or any(one[2] == "drop" for one in made))
