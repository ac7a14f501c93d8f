"""Transitions of what a channel observes: own messages, and messages that their authors took back."""

from __future__ import annotations

import sqlite3

from clawlane.messages import Fact, Own, Undone
from clawlane.store import fates, history, turns
from clawlane.store.records import Noted, TurnState


def note(connection: sqlite3.Connection, account: str, fact: Fact, now_ms: int) -> Noted:
    """Keep what follows from a fact."""
    match fact:
        case Own():
            return Noted(fates.echo(connection, account, fact.client_id, fact.message_id, now_ms))
        case Undone():
            _recall(connection, account, fact, now_ms)
    return Noted()


def _recall(connection: sqlite3.Connection, account: str, undone: Undone, now_ms: int) -> None:
    """What has not been answered yet is not answered, what was remembered is forgotten, and the text goes."""
    row = connection.execute(
        "SELECT seq FROM messages WHERE account = ? AND message_id = ? AND sender_id = ?",
        (account, undone.message_id, undone.actor_id),
    ).fetchone()
    if row is None:
        return
    seq = row["seq"]
    history.recall(connection, seq)
    waited = connection.execute("DELETE FROM undecided WHERE message = ?", (seq,)).rowcount
    turn = connection.execute("SELECT state FROM turns WHERE message = ?", (seq,)).fetchone()
    if turn and turn["state"] == TurnState.WAITING:
        turns.finish(connection, seq, TurnState.RECALLED, "recalled by its author", now_ms)
        waited = 1
    if waited:
        connection.execute("UPDATE messages SET body = NULL WHERE seq = ?", (seq,))
