"""The outbox as the operator reads it: what waits, what will not be sent, and what has left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from clawlane.store import directory
from clawlane.store.codec import kind_of, said_in, thread_of
from clawlane.store.models import Purpose
from clawlane.store.rows import value_of
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState
from clawlane.store.taken_back import TAKEN_BACK
from clawlane.threads import Thread

_NEWEST = 50
"""How many chunks are listed that did not arrive and are past deciding."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One chunk. `part` of `parts` is its place in its reply; a challenge or notice answers no message.

    What a tool sent `by_tool` while a message was answered has its place in what that call sends, and what
    the operator sent (`by_operator`) in what was sent at once. `name` is what the thread is called, `kind`
    what it is (`text`, `photo`, `reaction` …): both are empty where nobody knows.
    `sent_ms` is when it was last given to the channel, `looked_up_ms` when the platform was asked about it.
    Until `settling_ms` look-ups may settle its unknown fate; until `held_until_ms` pacing holds it.
    `message_ids` are those under which others see it.
    """

    id: int
    account: str
    thread: Thread
    name: str
    kind: str
    purpose: Purpose
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
    by_tool: bool = False
    by_operator: bool = False
    message_ids: tuple[str, ...] = ()

    @property
    def needs_decision(self) -> bool:
        """Whether only the operator can say what becomes of it: look-ups do not settle it any more."""
        return self.state is ChunkState.UNKNOWN and self.settling_ms is None

    @property
    def taken_back(self) -> bool:
        """Whether it arrived, and others do not see it any more."""
        return self.state is ChunkState.SENT and self.reason == TAKEN_BACK


_OF_CALL = "account = chunk.account AND by_turn = chunk.by_turn AND step = chunk.step AND call = chunk.call"
_OF_BATCH = "account = chunk.account AND batch = chunk.batch"
_PARTS = (
    "SELECT chunk.*, messages.message_id AS answers, chunk.by_turn IS NOT NULL AS by_tool,"  # noqa: S608
    " (SELECT count(*) FROM outbox WHERE account = chunk.account AND turn = chunk.turn)"
    f" + (SELECT count(*) FROM outbox WHERE {_OF_CALL})"
    f" + (SELECT count(*) FROM outbox WHERE {_OF_BATCH}) AS parts,"
    " (SELECT count(*) FROM outbox WHERE account = chunk.account AND turn = chunk.turn AND id <= chunk.id)"
    f" + (SELECT count(*) FROM outbox WHERE {_OF_CALL} AND id <= chunk.id)"
    f" + (SELECT count(*) FROM outbox WHERE {_OF_BATCH} AND id <= chunk.id) AS part"
    " FROM outbox AS chunk LEFT JOIN messages ON messages.account = chunk.account"
    " AND messages.seq = coalesce(chunk.turn, chunk.by_turn)"
)


def listed(connection: Database, *, settled: bool = False) -> list[Listed]:
    """What is open, over all accounts, in order; with `settled` also the newest that did not arrive."""
    rows = connection.execute(f"{_PARTS} WHERE chunk.settled_ms IS NULL ORDER BY chunk.id").fetchall()
    if settled:
        rows += connection.execute(
            f"{_PARTS} WHERE chunk.state IN ('refused', 'cancelled', 'expired')"
            " ORDER BY chunk.id DESC LIMIT ?",
            (_NEWEST,),
        ).fetchall()
    return _told(connection, sorted(rows, key=lambda row: int(row["id"])))


@dataclass(frozen=True, slots=True)
class Search:
    """What left since `since_ms` on a channel; on one account of it and in one thread, if they are named.

    With `numbers` only these.
    """

    since_ms: int
    channel: str
    account: str | None = None
    thread: Thread | None = None
    numbers: tuple[int, ...] = ()


_SEEN = f"chunk.reason <> '{TAKEN_BACK}'" + "".join(
    f' AND chunk.body NOT LIKE \'{{"kind": "{kind}"%\'' for kind in ("reaction", "undo")
)
"""Messages that others see, by what `codec.outgoing_body` begins with."""


def to_take_back(connection: Database, search: Search, limit: int) -> list[Listed]:
    """The newest messages that others see, or may see, in the order in which they left."""
    return sent(connection, search, limit, only=_SEEN)


def sent(connection: Database, search: Search, limit: int, *, only: str = "TRUE") -> list[Listed]:
    """The newest that others see, or may see, in the order in which it left; `only` is a condition in SQL."""
    accounts = [str(row["account"]) for row in connection.execute("SELECT account FROM accounts")]
    named = (search.channel, search.account)
    rows = [
        row
        for account in accounts
        if named in ((account.partition("/")[0], None), (*account.split("/", 1),))
        for row in _sent(connection, account, search, limit, only)
    ]
    rows.sort(key=lambda row: (int(row["sent_ms"]), int(row["id"])))
    return _told(connection, rows[-limit:])


def _sent(connection: Database, account: str, search: Search, limit: int, only: str) -> list[Row]:
    where = "chunk.account = ? AND chunk.sent_ms >= ? AND chunk.state IN ('sent', 'unknown', 'sending')"
    values: list[object] = [account, search.since_ms]
    if search.thread is not None:
        where += " AND chunk.thread_kind = ? AND chunk.thread_id = ?"
        values += [search.thread.kind, search.thread.id]
    if search.numbers:
        where += f" AND chunk.id IN ({', '.join('?' * len(search.numbers))})"
        values += search.numbers
    newest = "ORDER BY chunk.sent_ms DESC, chunk.id DESC LIMIT ?"
    return connection.execute(f"{_PARTS} WHERE {where} AND {only} {newest}", (*values, limit)).fetchall()


def _told(connection: Database, rows: Iterable[Row]) -> list[Listed]:
    @cache
    def name(account: str, thread: Thread) -> str:
        return directory.thread_name(connection, account, thread)

    return [
        value_of(
            Listed,
            row,
            thread=thread_of(row),
            name=name(row["account"], thread_of(row)),
            kind=kind_of(row["body"]),
            purpose=Purpose(row["purpose"]),
            answers=row["answers"] or "",
            part=row["part"] or 1,
            parts=row["parts"] or 1,
            state=ChunkState(row["state"]),
            text=said_in(row["body"]) if row["body"] else "",
            tries=row["attempts"],
            by_tool=bool(row["by_tool"]),
            by_operator=row["batch"] is not None,
            message_ids=tuple(filter(None, json.loads(row["receipt"]))) if row["receipt"] else (),
        )
        for row in rows
    ]
