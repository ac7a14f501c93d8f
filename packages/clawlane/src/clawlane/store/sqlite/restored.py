"""A store that is put back: another may have answered and sent since, so nothing in it goes on by itself.

Plain statements over all accounts: a copy from before an upgrade has older tables than the transitions know.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from clawlane.store.codec import is_message
from clawlane.store.errors import StoreUnusable
from clawlane.store.moved import MOVED
from clawlane.store.sqlite import marker, schema
from clawlane.store.sqlite.connection import connect_writer
from clawlane.texts import later
from clawlane.zone import shown

_OLDEST = 7
"""The migration from which on stores have the tables that are changed here."""

_WAITS = "nobody knows whether it left since the copy of {when} was made"
_EXPIRED = "the store was put back to {when}: it may have been answered since"


def put_in_order(store: Path, copied_ms: int, now_ms: int, accounts: Iterable[str]) -> int:
    """Make a store from a backup one that starts paused, under a new id. Gives how many sends are undecided.

    `copied_ms` is when the backup was made, `accounts` are those that it had besides the ones of the store.
    What was sent before the first connection of an account is not answered. Raises `StoreUnusable`.
    """
    with closing(connect_writer(store, now_ms, keep_old=False, even_moved=True)) as connection:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM properties WHERE name = ?", (MOVED,))  # it is in force here
        connection.executemany(
            "INSERT INTO accounts (account) VALUES (?) ON CONFLICT DO NOTHING", [(one,) for one in accounts]
        )
        undecided = _distrust(connection, copied_ms, now_ms)
        connection.execute("UPDATE accounts SET restored_ms = ?", (now_ms,))
        connection.execute("UPDATE owners SET epoch = epoch + 1")
        # Positions in the event feed of the other store are none of this one.
        connection.execute("UPDATE properties SET value = ? WHERE name = 'id'", (secrets.token_hex(16),))
        connection.execute("COMMIT")
        marker.marker_of(store).unlink(missing_ok=True)
        marker.mark(connection, store)
    return undecided


def put_back(copy: Path, made_ms: int, now_ms: int) -> int:
    """The same for a copy from before an upgrade, whose tables stay as they are. It keeps its id.

    Turns that wait expire: an older version does not know that they may have been answered. Idempotent.
    """
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        if schema.check(connection, copy) < _OLDEST:
            told = later("{file} is of a version before the first release; put it back by hand", file=copy)
            raise StoreUnusable(told)
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN")
        undecided = _distrust(connection, made_ms, now_ms)
        connection.execute(
            "UPDATE turns SET state = 'expired', settled_ms = ?, reason = ? WHERE settled_ms IS NULL"
            " AND state IN ('waiting', 'running')",
            (now_ms, _EXPIRED.format(when=_minute(made_ms))),
        )
        connection.execute("COMMIT")
    return undecided


def _distrust(connection: sqlite3.Connection, copied_ms: int, now_ms: int) -> int:
    """Pause all accounts, leave every open send to the operator, and answer nothing from before `now_ms`.

    Messages that were not decided about count as too old. Gives how many sends wait for a decision.
    """
    connection.execute(
        "INSERT INTO pauses (account, thread_kind, thread_id, level, since_ms)"
        " SELECT account, '', '', 'mute', ? FROM accounts WHERE TRUE"
        " ON CONFLICT (account, thread_kind, thread_id) DO UPDATE SET until_ms = NULL, ended_ms = NULL,"
        " since_ms = excluded.since_ms,"
        " level = CASE WHEN pauses.ended_ms IS NULL THEN pauses.level ELSE excluded.level END",
        (now_ms,),
    )
    connection.execute("UPDATE accounts SET kept_from_ms = ? WHERE kept_from_ms < ?", (now_ms, now_ms))
    rows = connection.execute("SELECT account, id, body FROM outbox WHERE settled_ms IS NULL").fetchall()
    reason = _WAITS.format(when=_minute(copied_ms))
    connection.executemany(
        "UPDATE outbox SET state = 'unknown', settling_ms = NULL, held_until_ms = NULL, looked_up_ms = ?,"
        " sent_ms = coalesce(sent_ms, created_ms), reason = ? WHERE account = ? AND id = ?",
        # Look-ups show messages, and neither reactions nor what was taken back.
        [(None if is_message(row["body"]) else now_ms, reason, row["account"], row["id"]) for row in rows],
    )
    connection.execute(
        "UPDATE turns SET state = 'needs_decision' WHERE settled_ms IS NULL AND EXISTS"
        " (SELECT 1 FROM outbox WHERE outbox.account = turns.account AND outbox.turn = turns.turn"
        "  AND outbox.settled_ms IS NULL)"
    )
    _decide(connection, now_ms)
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'drafts'").fetchone():
        # It may have been approved since: approving it here asks first.
        connection.execute(
            "UPDATE drafts SET overtaken_ms = ? WHERE decided_ms IS NULL AND overtaken_ms IS NULL", (now_ms,)
        )
    return len(rows)


def _decide(connection: sqlite3.Connection, now_ms: int) -> None:
    """What waits for its decision is not answered, and its text goes."""
    connection.execute(
        "INSERT INTO decisions"
        " (account, message, stage, at_ms, outcome, reason, rule_path, rule_origin, trail)"
        " SELECT account, message, 'admission', ?, 'drop', 'too_old', 'retention', 'built-in', '[]'"
        " FROM undecided WHERE TRUE ON CONFLICT DO NOTHING",
        (now_ms,),
    )
    connection.execute(
        "UPDATE messages SET body = NULL WHERE EXISTS (SELECT 1 FROM undecided"
        " WHERE undecided.account = messages.account AND undecided.message = messages.seq)"
    )
    connection.execute("DELETE FROM undecided")


def _minute(ms: int) -> str:
    return f"{shown().at(ms):%Y-%m-%d %H:%M}"
