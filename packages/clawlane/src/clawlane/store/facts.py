"""Transitions of what a channel observes: own messages, and messages that their authors took back."""

from __future__ import annotations

from clawlane.messages import Fact, Own, Undone
from clawlane.store import fates, history, turns
from clawlane.store.records import Noted, TurnState
from clawlane.store.transaction import Tx


def note(tx: Tx, fact: Fact) -> Noted:
    """Keep what follows from a fact."""
    match fact:
        case Own():
            return Noted(fates.echo(tx, fact.client_id, fact.message_id))
        case Undone():
            _recall(tx, fact)
    return Noted()


def _recall(tx: Tx, undone: Undone) -> None:
    """What has not been answered yet is not answered, what was remembered is forgotten, and the text goes."""
    row = tx.db.execute(
        "SELECT seq FROM messages WHERE account = ? AND message_id = ? AND sender_id = ?",
        (tx.account, undone.message_id, undone.actor_id),
    ).fetchone()
    if row is None:
        return
    seq = row["seq"]
    history.recall(tx, seq)
    waited = tx.db.execute("DELETE FROM undecided WHERE message = ?", (seq,)).rowcount
    turn = tx.db.execute("SELECT state FROM turns WHERE message = ?", (seq,)).fetchone()
    if turn and turn["state"] == TurnState.WAITING:
        turns.finish(tx, seq, TurnState.RECALLED, "recalled by its author")
        waited = 1
    if waited:
        tx.db.execute("UPDATE messages SET body = NULL WHERE seq = ?", (seq,))
