"""The event feed: decisions, recalls, states of accounts, and what was changed, in the order of commits.

Every row has a number from one sequence over all accounts and kinds. Numbers are given out in the order of
commits, so a reader that is at a number has missed nothing before it. A cursor is such a number with the
id of the store: text that stays valid over restarts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TypeAlias

from clawlane.access.decision import Outcome, Reason
from clawlane.channel import Phase
from clawlane.messages import Thread
from clawlane.store import audit_log
from clawlane.store.audit_told import Kind
from clawlane.store.codec import thread_of
from clawlane.store.errors import CursorUnknown
from clawlane.store.rows import insert, of_accounts, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.transaction import Noted, Tx, lazy, next_event
from clawlane.texts import later

NEWEST = "newest"
"""The cursor behind everything that is stored now."""

_CURSOR = re.compile(r"([0-9a-f]{8})\.(\d{1,18})\Z")


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about a message; `stage` is `admission`, or `run` for what its turn was told later."""

    cursor: str
    account: str
    at_ms: int
    message: int
    message_id: str
    thread: Thread
    sender_id: str
    stage: str
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An account came into another phase, or has another code for it; empty where the phase says it all."""

    cursor: str
    account: str
    at_ms: int
    phase: Phase
    code: str


@dataclass(frozen=True, slots=True)
class OperatorChanged:
    """Somebody changed something by an operation. `change` is the transition (`pairing.approve`).

    `details` says what it was about: ids, numbers, enum words and flags only.
    """

    cursor: str
    account: str
    at_ms: int
    caller: str
    operation: str
    change: str
    details: dict[str, Noted]


class Edit(StrEnum):
    """What became of an edit of the config: it is in force, it waits to be applied, or it cannot be used."""

    IN_FORCE = "in_force"
    WAITS = "waits"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """The config file was edited, and what became of that for an account. `revision` is that of the file.

    `widens` and `narrows` give the kinds of change to who gets in, each with the number of known people or
    groups that it concerns. While an edit waits, what it narrows counts already.
    """

    cursor: str
    account: str
    at_ms: int
    revision: str
    edit: Edit
    widens: dict[str, int]
    narrows: dict[str, int]


@dataclass(frozen=True, slots=True)
class MessageRecalled:
    """A message was taken back. `who` is `author`, or `owner` for one who deleted it on this side."""

    cursor: str
    account: str
    at_ms: int
    message: int
    message_id: str
    thread: Thread
    sender_id: str
    who: str


Event: TypeAlias = Decided | MessageRecalled | StateChanged | OperatorChanged | ConfigChanged


@dataclass(frozen=True, slots=True)
class Page:
    """Events in their order, the cursor behind them, and whether there are more.

    `truncated` says that retention has taken events behind the cursor that was asked with.
    """

    events: list[Event]
    cursor: str
    more: bool
    truncated: bool = False


@lazy
def note_state(tx: Tx, at_ms: int, phase: Phase, code: str, last: tuple[Phase, str] | None = None) -> None:
    """Record that an account has been in a phase since `at_ms`, unless it is the `last` one recorded.

    None for that where the caller does not know it.
    """
    if (last or _last_state(tx)) != (phase, code):
        insert(tx, "state_log", id=next_event(tx), at_ms=at_ms, phase=phase, code=code)
        audit_log.add(tx, Kind.STATE, phase, code=code, since_ms=at_ms)


def _last_state(tx: Tx) -> tuple[Phase, str] | None:
    query = "SELECT phase, code FROM state_log WHERE account = ? ORDER BY id DESC LIMIT 1"
    row = tx.db.execute(query, (tx.account,)).fetchone()
    return row and (Phase(row["phase"]), row["code"])


def note_change(tx: Tx, caller: str, operation: str, change: str) -> None:
    """Record who changed something, in the transaction of the change."""
    insert(
        tx,
        "operator_log",
        id=next_event(tx),
        at_ms=tx.now_ms,
        caller=caller,
        operation=operation,
        change=change,
        details=json.dumps(tx.noted),
    )
    audit_log.note_change(tx, caller, operation, change)


def note_config(
    tx: Tx, revision: str, edit: Edit, widens: Mapping[str, int], narrows: Mapping[str, int]
) -> None:
    """Record what became of an edit of the config."""
    kinds = {"widens": json.dumps(dict(widens)), "narrows": json.dumps(dict(narrows))}
    tx.note(revision=revision, edit=edit)
    insert(tx, "config_log", id=next_event(tx), at_ms=tx.now_ms, revision=revision, edit=edit, **kinds)
    counts = {
        f"{way}_{code}": count
        for way, changes in (("widens", widens), ("narrows", narrows))
        for code, count in changes.items()
    }
    audit_log.note_edit(tx, edit, revision, counts, in_force=edit is Edit.IN_FORCE)


def page(connection: Database, after: str, account: str | None, limit: int) -> Page:
    """The next events after a cursor, of one account (`channel/id`) or of all; empty: from the oldest kept.

    Raises `CursorUnknown` for a cursor of another store.
    """
    store, last = _store(connection), newest(connection)
    position = last if after == NEWEST else _position(after, store, last)
    # Rows up to `last` are committed: what is written while this reads comes with the next page.
    found = sorted(_rows(connection, account, position, last, limit), key=itemgetter(0))
    events = [event(row, f"{store}.{number}") for number, event, row in found[:limit]]
    more = len(found) >= limit
    truncated = bool(after) and position < _gone(connection, account)
    return Page(events, events[-1].cursor if more else f"{store}.{last}", more, truncated)


def newest(connection: Database) -> int:
    """The number of the last event."""
    last = connection.last_number("event")
    return int(last)


def cursor_at(connection: Database, number: int) -> str:
    """The cursor behind the event of a number."""
    return f"{_store(connection)}.{number}"


def number_of(cursor: str) -> int:
    """The number in a cursor of this store."""
    return int(cursor.rpartition(".")[2])


def _store(connection: Database) -> str:
    query = "SELECT value FROM properties WHERE name = 'id'"
    return str(connection.execute(query).fetchone()["value"])[:8]


def _gone(connection: Database, account: str | None) -> int:
    """The number of the newest event that was pruned."""
    query = "SELECT max(gone_event) FROM accounts WHERE account = coalesce(?, account)"
    (gone,) = connection.execute(query, (account,)).fetchone()
    return gone or 0


def _position(cursor: str, store: str, last: int) -> int:
    if not cursor:
        return 0
    found = _CURSOR.match(cursor)
    if found is None or found[1] != store or int(found[2]) > last:
        told = later("the cursor is not one of this store; read the events from the start")
        raise CursorUnknown(told)
    return int(found[2])


def _rows(
    connection: Database, account: str | None, after: int, last: int, limit: int
) -> Iterator[tuple[int, _ToEvent, Row]]:
    """The next rows of every account and table: number, how to make an event of it, row."""
    for query, event in _TABLES if after < last else ():
        rows: Iterable[Row] = (
            connection.execute(query, (account, after, last, limit))
            if account
            else of_accounts(connection, query, after, last, limit)
        )
        for row in rows:
            yield row["id"], event, row


def _decided(row: Row, cursor: str) -> Event:
    outcome, reason = Outcome(row["outcome"]), Reason(row["reason"])
    return value_of(Decided, row, cursor=cursor, thread=thread_of(row), outcome=outcome, reason=reason)


def _message_recalled(row: Row, cursor: str) -> Event:
    return value_of(MessageRecalled, row, cursor=cursor, thread=thread_of(row))


def _state_changed(row: Row, cursor: str) -> Event:
    return value_of(StateChanged, row, cursor=cursor, phase=Phase(row["phase"]))


def _operator_changed(row: Row, cursor: str) -> Event:
    return value_of(OperatorChanged, row, cursor=cursor, details=json.loads(row["details"]))


def _config_changed(row: Row, cursor: str) -> Event:
    kinds = {name: json.loads(row[name]) for name in ("widens", "narrows")}
    return value_of(ConfigChanged, row, cursor=cursor, edit=Edit(row["edit"]), **kinds)


_ToEvent: TypeAlias = Callable[[Row, str], Event]
_RANGE = "WHERE account = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?"
_TABLES: tuple[tuple[str, _ToEvent], ...] = (
    (
        "SELECT event AS id, decisions.account, at_ms, stage, outcome, reason, message, message_id,"
        " thread_kind, thread_id, sender_id FROM decisions"
        " JOIN messages ON messages.account = decisions.account AND seq = message"
        " WHERE decisions.account = ? AND event > ? AND event <= ? ORDER BY event LIMIT ?",
        _decided,
    ),
    (
        "SELECT id, recall_log.account, at_ms, who, message, message_id, thread_kind, thread_id, sender_id"
        " FROM recall_log JOIN messages ON messages.account = recall_log.account AND seq = message"
        " WHERE recall_log.account = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
        _message_recalled,
    ),
    (f"SELECT * FROM state_log {_RANGE}", _state_changed),  # noqa: S608 — our own text only
    (f"SELECT * FROM operator_log {_RANGE}", _operator_changed),  # noqa: S608
    (f"SELECT * FROM config_log {_RANGE}", _config_changed),  # noqa: S608
)
