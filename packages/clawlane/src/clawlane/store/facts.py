"""Transitions of what a channel observes: own messages, and messages that their authors took back."""

from __future__ import annotations

from clawlane.messages import Fact, Own, Undone
from clawlane.store import aliases, fates, history, turns
from clawlane.store.records import Noted, TurnState
from clawlane.store.texts import forget_texts
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
    found = aliases.find(tx, undone.thread, undone.actor_id, aliases.Alias.MESSAGE, undone.message_id)
    for seq in found:
        history.recall(tx, seq)
        query = "DELETE FROM undecided WHERE account = ? AND message = ?"
        waited = tx.db.execute(query, (tx.account, seq)).rowcount
        query = "SELECT state FROM turns WHERE account = ? AND turn = ?"
        turn = tx.db.execute(query, (tx.account, seq)).fetchone()
        if turn and turn["state"] == TurnState.WAITING:
            turns.finish(tx, seq, TurnState.RECALLED, "recalled by its author")
            waited = 1
        if waited:
            forget_texts(tx, [seq])
