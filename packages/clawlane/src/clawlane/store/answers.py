"""Forgets what an agent said in a turn, and what its tools gave back."""

from __future__ import annotations

from clawlane.store import callbacks
from clawlane.store.rows import change
from clawlane.store.transaction import Tx


def forget_steps(tx: Tx, turn: int) -> None:
    """Delete the steps of a turn. Another run of it begins at the first one, and its calls are new ones."""
    tx.db.execute("DELETE FROM steps WHERE account = ? AND turn = ?", (tx.account, turn))
    callbacks.forget_answer(tx, turn)
    change(tx, "outbox", {"by_turn": turn}, step=None, call=None)
    query = "UPDATE drafts SET call = -number WHERE account = ? AND turn = ? AND step IS NOT NULL"
    tx.db.execute(query, (tx.account, turn))


def forget_answer(tx: Tx, turn: int) -> None:
    """Delete the steps of a turn and the answer that is remembered: what they answer is forgotten, too."""
    forget_steps(tx, turn)
    tx.db.execute("DELETE FROM session_turns WHERE account = ? AND turn = ?", (tx.account, turn))


def forget_reasons(tx: Tx, turn: int) -> None:
    """Forget what may quote something: an agent's error, and what was left out of a reply."""
    tx.db.execute(
        "UPDATE turns SET note = '', reason = CASE state WHEN 'failed' THEN '' ELSE reason END"
        " WHERE account = ? AND turn = ?",
        (tx.account, turn),
    )
