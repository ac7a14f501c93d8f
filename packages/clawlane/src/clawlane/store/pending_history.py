"""Transitions of pending history: what was said in a thread and not answered, until a turn used it."""

from __future__ import annotations

from collections.abc import Iterable

from clawlane.messages import Inbound
from clawlane.store.codec import inbound_of
from clawlane.store.models import History
from clawlane.store.rows import exists, insert
from clawlane.store.sql import Database, Rows
from clawlane.store.transaction import Tx, forget_texts

_ALL = 2**31 - 1


def keep(tx: Tx, seq: int, inbound: Inbound, limit: int) -> None:
    """Remember a stored message, and of its thread only the newest `limit`."""
    thread = inbound.thread
    insert(tx, "history", thread_kind=thread.kind, thread_id=thread.id, message=seq)
    rows = tx.db.execute(
        "SELECT message FROM history WHERE account = ? AND thread_kind = ? AND thread_id = ?"
        " ORDER BY message DESC LIMIT ? OFFSET ?",
        (tx.account, thread.kind, thread.id, _ALL, limit),
    ).fetchall()
    remove(tx, [row["message"] for row in rows])


def before(tx: Tx, turn: int) -> Rows:
    """What was kept of the thread of a turn before it, in order, for `give`."""
    this = "FROM messages WHERE account = :account AND seq = :turn"
    return tx.db.execute(
        "SELECT messages.* FROM history"  # noqa: S608 — our own text only
        " JOIN messages ON messages.account = history.account AND messages.seq = history.message"
        f" WHERE history.account = :account AND history.thread_kind = (SELECT thread_kind {this})"
        f" AND history.thread_id = (SELECT thread_id {this})"
        " AND history.message <"
        "  (SELECT max(message) FROM turn_messages WHERE account = :account AND turn = :turn)"
        " ORDER BY history.message",
        {"account": tx.account, "turn": turn},
    )


def give(tx: Tx, turn: int, context: History, kept: Rows) -> tuple[Inbound, ...]:
    """What goes with a turn that starts: what was kept of its thread, noted as given."""
    if context is History.KEEP:
        return ()
    rows = kept.fetchall()
    if context is History.CLEAR:
        remove(tx, [row["seq"] for row in rows])
        return ()
    tx.db.execute("DELETE FROM given WHERE account = ? AND turn = ?", (tx.account, turn))
    tx.db.executemany("INSERT INTO given VALUES (?, ?, ?)", [(tx.account, turn, row["seq"]) for row in rows])
    return tuple(map(inbound_of, rows))


def waits(connection: Database, account: str, seq: int) -> bool:
    """Whether a message waits to be given to the next turn of its thread."""
    return exists(connection, _WAITS, account, seq)


def given_to(tx: Tx, turn: int) -> tuple[Rows, Rows]:
    """What went with a turn, and a row where that is remembered, for `consume`."""
    query = "SELECT message FROM given WHERE account = ? AND turn = ?"
    return (
        tx.db.execute(query, (tx.account, turn)),
        tx.db.execute(f"{_REMEMBERED} AND turn = ?", (tx.account, turn)),
    )


def consume(tx: Tx, turn: int, asked: tuple[Rows, Rows] | None = None) -> None:
    """A turn has settled: exactly what went with it is not given again.

    The texts go, unless the turn is remembered: then they go with it. `asked` is what `given_to` gave before.
    """
    given, remembered = asked or given_to(tx, turn)
    messages = [row["message"] for row in given.fetchall()]
    if remembered.fetchone() is None:
        tx.db.execute("DELETE FROM given WHERE account = ? AND turn = ?", (tx.account, turn))
    remove(tx, messages)


def give_back(tx: Tx, turn: int) -> None:
    """A turn ended without settling, or is not remembered any more.

    What still waits goes with the next turn. Of the rest the texts are forgotten.
    """
    rows = tx.db.execute(
        "DELETE FROM given WHERE account = ? AND turn = ? RETURNING message", (tx.account, turn)
    ).fetchall()
    _forget_unused(tx, [row["message"] for row in rows])


def forget_given(tx: Tx, turn: int) -> None:
    """A turn was summed up: only the numbers of what went with it stay, not the texts."""
    query = "SELECT message FROM given WHERE account = ? AND turn = ?"
    rows = tx.db.execute(query, (tx.account, turn)).fetchall()
    _forget_unused(tx, [row["message"] for row in rows])


def remove(tx: Tx, seqs: Iterable[int]) -> None:
    """Take messages out of what is given to the next turn. Their texts go if no turn remembers them."""
    query = "DELETE FROM history WHERE account = ? AND message = ?"
    _forget_unused(tx, [seq for seq in seqs if tx.db.execute(query, (tx.account, seq)).rowcount])


_WAITS = "SELECT 1 FROM history WHERE account = ? AND message = ?"
_REMEMBERED = "SELECT 1 FROM session_turns WHERE account = ? AND summarised = 0"


def _forget_unused(tx: Tx, seqs: Iterable[int]) -> None:
    """Forget the texts of messages that wait for no turn, and that no turn remembers."""
    kept = (
        "SELECT 1 FROM given JOIN session_turns USING (account, turn)"
        " WHERE given.account = ? AND given.message = ? AND summarised = 0"
    )
    forget_texts(
        tx,
        [
            seq
            for seq in seqs
            if not exists(tx.db, _WAITS, tx.account, seq) and not exists(tx.db, kept, tx.account, seq)
        ],
    )
