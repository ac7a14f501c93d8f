"""Questions to the store, over a connection that cannot write and is open only while they are asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from clawlane.access.names import Pins
from clawlane.access.pairing import Requests
from clawlane.messages import Thread, ThreadKind
from clawlane.store import (
    catch_up,
    decisions,
    directory,
    events,
    marker,
    notices,
    pairing,
    pauses,
    send_log,
    turns,
)
from clawlane.store.catch_up import Gap
from clawlane.store.codec import thread_of
from clawlane.store.connection import connect_nothing, connect_reader
from clawlane.store.decisions import Recorded
from clawlane.store.models import Activity, Approved, ChunkState, PairingRequest, Rejected
from clawlane.store.notices import NotedItem
from clawlane.store.pauses import Pause
from clawlane.store.send_log import HeldThread
from clawlane.store.turns import DeadLetter

_NEWEST = 50
"""How many chunks are listed that did not arrive and are past deciding."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One chunk. `part` of `parts` is its place in its reply; a challenge or notice answers no message.

    `sent_ms` is when it was last given to the channel, `looked_up_ms` when the platform was asked about it.
    Until `settling_ms` look-ups may settle its unknown fate; until `held_until_ms` pacing holds it.
    """

    id: int
    account: str
    thread: Thread
    answers: str
    part: int
    parts: int
    state: ChunkState
    reason: str
    text: str
    tries: int
    created_ms: int
    sent_ms: int | None
    looked_up_ms: int | None
    settling_ms: int | None = None
    held_until_ms: int | None = None

    @property
    def needs_decision(self) -> bool:
        """Whether only the operator can say what becomes of it: look-ups do not settle it any more."""
        return self.state is ChunkState.UNKNOWN and self.settling_ms is None


_PARTS = (
    "SELECT chunk.*, messages.message_id,"
    " (SELECT count(*) FROM outbox WHERE account = chunk.account AND turn = chunk.turn) AS parts,"
    " (SELECT count(*) FROM outbox WHERE account = chunk.account AND turn = chunk.turn"
    "  AND id <= chunk.id) AS part FROM outbox AS chunk"
    " LEFT JOIN messages ON messages.account = chunk.account AND messages.seq = chunk.turn"
)


def listed(connection: sqlite3.Connection, *, settled: bool) -> list[Listed]:
    """What is open, over all accounts, in order; with `settled` also the newest that did not arrive."""
    rows = connection.execute(f"{_PARTS} WHERE chunk.settled_ms IS NULL ORDER BY chunk.id").fetchall()
    if settled:
        rows += connection.execute(
            f"{_PARTS} WHERE chunk.state IN ('refused', 'cancelled', 'expired')"
            " ORDER BY chunk.id DESC LIMIT ?",
            (_NEWEST,),
        ).fetchall()
    return [_listed(row) for row in sorted(rows, key=lambda row: int(row["id"]))]


def account_of(connection: sqlite3.Connection, chunk_id: int) -> str | None:
    """Whose chunk that is (`channel/id`)."""
    row = connection.execute(
        "SELECT outbox.account FROM accounts CROSS JOIN outbox"
        " ON outbox.account = accounts.account AND outbox.id = ?",
        (chunk_id,),
    ).fetchone()
    return str(row["account"]) if row else None


def _listed(row: sqlite3.Row) -> Listed:
    columns = dict(row)  # a store that no newer gateway has opened yet lacks the later ones
    return Listed(
        id=row["id"],
        account=row["account"],
        thread=thread_of(row),
        answers=row["message_id"] or "",
        part=row["part"] or 1,
        parts=row["parts"] or 1,
        state=ChunkState(row["state"]),
        reason=row["reason"],
        text=json.loads(row["body"])["text"] if row["body"] else "",
        tries=row["attempts"],
        created_ms=row["created_ms"],
        sent_ms=columns.get("sent_ms"),
        looked_up_ms=columns.get("looked_up_ms"),
        settling_ms=columns.get("settling_ms"),
        held_until_ms=columns.get("held_until_ms"),
    )


class Reader:
    """Questions to the store as it is now."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None) -> None:
        self._path = path
        self._connection = connection

    def requests(self, now_ms: int) -> list[PairingRequest]:
        """Who waits for the owner, over all accounts, friends first, then the oldest first."""
        return pairing.open_requests(self._connection, now_ms)

    def rejected(self, now_ms: int) -> list[Rejected]:
        """Whom the owner turned away, over all accounts, the newest last."""
        return pairing.rejected(self._connection, now_ms)

    def approved(self, account: str) -> list[Approved]:
        """Whom the owner let in on one account."""
        rows = self._connection.execute(
            "SELECT account, sender_id, sender_name, approved_ms FROM approved WHERE account = ?"
            " ORDER BY approved_ms, sender_id",
            (account,),
        )
        return [Approved(*row) for row in rows]

    def approvals(self) -> list[Approved]:
        """Whom the owner let in, over all accounts, oldest first."""
        rows = self._connection.execute(
            "SELECT account, sender_id, sender_name, approved_ms FROM approved"
            " ORDER BY approved_ms, account, sender_id"
        )
        return [Approved(*row) for row in rows]

    def pairing_state(self, account: str, sender_id: str, now_ms: int) -> Requests:
        """The requests of an account as a sender would meet them now."""
        return pairing.requests(self._connection, account, sender_id, now_ms)

    def decided(self, message_id: str) -> list[Recorded]:
        """What was decided about the message of this id, on every account that read it."""
        return decisions.of_message(self._connection, message_id)

    def newest_decided(self, limit: int, *, dropped: bool) -> list[Recorded]:
        """What was decided about the messages that were read last, the newest first."""
        return decisions.newest(self._connection, limit, dropped=dropped)

    def events(self, after: str, account: str | None, limit: int) -> events.Page:
        """What the event feed tells next; see `clawlane.store.events.page`. Raises `CursorUnknown`."""
        found = events.page(self._connection, after, account, limit)
        return found if self._path is not None else replace(found, cursor="")

    def noted(self, message_id: str) -> list[NotedItem]:
        """The notices, and items that nobody could read, with this id."""
        return notices.of_message(self._connection, message_id)

    def newest_noted(self, limit: int) -> list[NotedItem]:
        """The notices, and items that nobody could read, that came last, the newest first."""
        return notices.newest(self._connection, limit)

    def too_old_in_a_row(self, account: str, among: int) -> int:
        """How many of the newest messages were too old when they were read, if all of them were, else 0."""
        return decisions.too_old_in_a_row(self._connection, account, among)

    def used_code(self, code: str) -> Approved | None:
        """Whom a code let in that was used before."""
        row = self._connection.execute(
            "SELECT account, sender_id, sender_name, approved_ms FROM approved WHERE code = ?", (code,)
        ).fetchone()
        return Approved(*row) if row else None

    def activity(self, account: str) -> Activity:
        """What one account did so far."""
        counters = self._connection.execute(
            "SELECT reason, n FROM counters WHERE account = ? ORDER BY reason", (account,)
        )
        chunks = self._connection.execute(
            "SELECT state, count(*) FROM outbox WHERE account = ? AND settled_ms IS NULL GROUP BY state",
            (account,),
        )
        times = self._connection.execute(
            "SELECT last_inbound_ms, last_outbound_ms FROM accounts WHERE account = ?", (account,)
        ).fetchone()
        inbound_ms, outbound_ms = times or (None, None)
        return Activity(dict(map(tuple, counters)), dict(map(tuple, chunks)), inbound_ms, outbound_ms)

    def check_marker(self) -> None:
        """Whether this is the store that was made here. Raises `StoreUnusable`."""
        if self._path is not None:
            marker.check_opened(self._connection, self._path)

    def message_count(self) -> int:
        """How many messages are known, over all accounts."""
        return int(self._connection.execute("SELECT count(*) FROM messages").fetchone()[0])

    def gaps(self, account: str, since_ms: int) -> list[Gap]:
        """Where the account could not catch up, as noted since then, the oldest first."""
        return catch_up.gaps(self._connection, account, since_ms)

    def all_gaps(self) -> list[Gap]:
        """Where any account could not catch up, the oldest first."""
        return catch_up.all_gaps(self._connection)

    def outbox(self, *, settled: bool = False) -> list[Listed]:
        """What waits to be sent, over all accounts; with `settled` also the newest that did not arrive."""
        return listed(self._connection, settled=settled)

    def account_of_chunk(self, chunk_id: int) -> str | None:
        """Whose chunk that is (`channel/id`)."""
        return account_of(self._connection, chunk_id)

    def dead_letters(self) -> list[DeadLetter]:
        """What was set aside, over all accounts, in the order of admission."""
        return turns.dead_letters(self._connection)

    def known(self, account: str) -> directory.Known:
        """Whom and what the account knew when it was last looked up."""
        return directory.known(self._connection, account)

    def looked_up(self, account: str) -> list[directory.LookedUp]:
        """What the names in the account's config stand for."""
        return directory.of_account(self._connection, account)

    def pins(self, account: str) -> Pins:
        """The same, as the access rules take it."""
        return Pins.of(one.pin for one in self.looked_up(account))

    def pauses(self) -> list[Pause]:
        """What is paused, over all accounts."""
        return pauses.pauses(self._connection)

    def held(self, account: str, now_ms: int) -> list[HeldThread]:
        """What pacing holds, as the gateway noted it last."""
        return send_log.held(self._connection, account, now_ms)

    def undecided_sends(self, account: str) -> int:
        """How many messages wait for the operator to say whether they arrived."""
        row = self._connection.execute(
            "SELECT count(*) FROM outbox WHERE account = ? AND settled_ms IS NULL"
            " AND state = 'unknown' AND settling_ms IS NULL",
            (account,),
        ).fetchone()
        return int(row[0])

    def dead_letter_count(self, account: str) -> int:
        """How many messages of an account were set aside, and wait for the operator."""
        row = self._connection.execute(
            "SELECT count(*) FROM turns WHERE account = ? AND state = 'dead'", (account,)
        ).fetchone()
        return int(row[0])

    def returned(self, account: str) -> list[ThreadKind]:
        """The kinds of thread in which look-ups have been seen to find what the account sent."""
        return catch_up.returned(self._connection, account)

    def waiting_turns(self, account: str) -> int:
        """How many turns have not begun, or have a reply that has not left."""
        row = self._connection.execute(
            "SELECT count(*) FROM turns WHERE account = ? AND settled_ms IS NULL"
            " AND state IN ('waiting', 'replied')",
            (account,),
        ).fetchone()
        return int(row[0])

    def expired(self, account: str) -> int:
        """How many turns expired when the account or one of its threads was resumed the last time."""
        return pauses.expired(self._connection, account)

    def threads(self, account: str, id_: str) -> list[Thread]:
        """The threads with this id from which the account has read messages."""
        query = "SELECT 1 FROM messages WHERE account = ? AND thread_kind = ? AND thread_id = ? LIMIT 1"
        return [
            Thread(kind, id_)
            for kind in ThreadKind
            if self._connection.execute(query, (account, kind, id_)).fetchone()
        ]


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A reader for the time of a few questions. Raises `StoreUnusable`; the file must exist."""
    with closing(connect_reader(path)) as connection:
        yield Reader(connection, path)


@contextmanager
def reading_nothing() -> Iterator[Reader]:
    """A reader of an empty store, where none was made yet."""
    with closing(connect_nothing()) as connection:
        yield Reader(connection)
