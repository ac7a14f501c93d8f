"""Transitions of messages that were set aside: after so many tries nothing had answered them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import groupby

from clawlane.messages import Thread, merge_messages
from clawlane.store import turns
from clawlane.store.codec import inbound_of, storable, thread_of
from clawlane.store.errors import NoDeadLetter
from clawlane.store.models import OpenTurn, TurnState
from clawlane.store.transaction import Tx, forget_texts


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was set aside, with the reason of the last try."""

    account: str
    message_id: str
    thread: Thread
    sender_id: str
    sender_name: str
    text: str
    sent_ms: int
    set_aside_ms: int
    tries: int
    reason: str


def dead_letters(connection: sqlite3.Connection) -> list[DeadLetter]:
    """What was set aside, over all accounts, in the order of admission."""
    rows = connection.execute(
        "SELECT messages.*, turns.turn, turns.attempts, turns.reason, turns.settled_ms FROM turns"
        " CROSS JOIN turn_messages AS part ON part.account = turns.account AND part.turn = turns.turn"
        " CROSS JOIN messages ON messages.account = part.account AND messages.seq = part.message"
        " WHERE turns.state = 'dead' AND messages.body IS NOT NULL ORDER BY turns.turn, messages.seq"
    )
    return [_letter(list(parts)) for _, parts in groupby(rows, key=lambda row: row["turn"])]


def resubmit(tx: Tx, message_id: str) -> OpenTurn:
    """Give a message to the agent once more, with all its tries. Raises `NoDeadLetter`."""
    seq = _dead(tx, message_id)
    tx.db.execute(
        "UPDATE turns SET state = 'waiting', attempts = 0, reason = '', settled_ms = NULL"
        " WHERE account = ? AND turn = ?",
        (tx.account, seq),
    )
    return turns.open_turn(tx, seq)


def drop(tx: Tx, message_id: str) -> None:
    """Give a message up, with those of its turn: the text goes. Raises `NoDeadLetter`."""
    seq = _dead(tx, message_id)
    tx.db.execute(
        "UPDATE turns SET state = ?, reason = 'dropped by the operator: ' || reason"
        " WHERE account = ? AND turn = ?",
        (TurnState.FAILED, tx.account, seq),
    )
    rows = tx.db.execute(
        "SELECT message FROM turn_messages WHERE account = ? AND turn = ?", (tx.account, seq)
    ).fetchall()
    forget_texts(tx, [row["message"] for row in rows])


def _dead(tx: Tx, message_id: str) -> int:
    row = tx.db.execute(
        "SELECT turns.turn FROM turns"
        " CROSS JOIN turn_messages AS part ON part.account = turns.account AND part.turn = turns.turn"
        " CROSS JOIN messages ON messages.account = part.account AND messages.seq = part.message"
        " WHERE turns.account = ? AND state = 'dead' AND message_id = ? AND body IS NOT NULL",
        (tx.account, storable(message_id)),
    ).fetchone()
    if row is None:
        raise NoDeadLetter(
            f"no message {message_id!r} of {tx.account} was set aside;"
            " see: openclaw channels dead-letters list"
        )
    return int(row["turn"])


def _letter(parts: list[sqlite3.Row]) -> DeadLetter:
    row = parts[0]
    account = row["account"]
    inbound = merge_messages([inbound_of(part, account.partition("/")[2]) for part in parts])
    return DeadLetter(
        account=account,
        message_id=row["message_id"],
        thread=thread_of(row),
        sender_id=row["sender_id"],
        sender_name=inbound.sender_name,
        text=inbound.text,
        sent_ms=row["sent_ms"],
        set_aside_ms=row["settled_ms"],
        tries=row["attempts"],
        reason=row["reason"],
    )
