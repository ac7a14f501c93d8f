"""What the owner writes in the thread with oneself, from another device: each command is carried out once.

It is a text of the account itself that matches nothing in the outbox: neither by client id, nor by message
id, nor by its words within a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clawlane.messages import Outgoing, Own, Thread
from clawlane.store import outbox, own_sends
from clawlane.store.codec import storable
from clawlane.store.models import Purpose
from clawlane.store.rows import change, exists, insert, put, value_of
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx, lazy

WITHIN_MS = 60_000
"""How long what is sent to the thread with oneself may take to come back."""


@dataclass(frozen=True, slots=True)
class OwnerText:
    """A command that waits to be carried out; `id` is the platform's."""

    id: str
    text: str


def see(tx: Tx) -> None:
    """Something of the account came back from the thread with oneself."""
    put(tx, "accounts", {}, own_thread_ms=tx.now_ms)


def note(tx: Tx, own: Own, written_ms: int) -> bool:
    """Keep a command, written at that time. False for what the gateway sent, and for one that came before."""
    see(tx)
    id_ = storable(own.message_id or own.client_id)
    query = "SELECT 1 FROM owner_texts WHERE account = ? AND id = ?"
    if not id_ or own_sends.find(tx, own, written_ms) is not None or exists(tx.db, query, tx.account, id_):
        return False
    insert(tx, "owner_texts", id=id_, text=storable(own.text), noted_ms=tx.now_ms)
    return True


@lazy
def open_texts(tx: Tx) -> list[OwnerText]:
    """The commands that wait, in order."""
    query = "SELECT id, text FROM owner_texts WHERE account = ? AND done_ms IS NULL ORDER BY noted_ms, id"
    return [value_of(OwnerText, row) for row in tx.db.execute(query, (tx.account,))]


def done(tx: Tx, id_: str, outs: Sequence[Outgoing]) -> None:
    """A command was carried out, and this is the answer. Its words are not kept."""
    if change(tx, "owner_texts", {"id": id_, "done_ms": None}, done_ms=tx.now_ms, text="").rowcount:
        outbox.queue(tx, None, outs, Purpose.OWNER)


def silent_since(connection: Database, account: str, thread: Thread, now_ms: int) -> int | None:
    """Since when the account does not see what it sends to the thread with oneself; None if it does."""
    row = connection.execute(
        "SELECT max(sent_ms) AS sent_ms, coalesce((SELECT own_thread_ms FROM accounts"
        "  WHERE accounts.account = outbox.account), 0) AS seen_ms FROM outbox"
        " WHERE account = ? AND thread_kind = ? AND thread_id = ? AND state = 'sent' GROUP BY account",
        (account, thread.kind, thread.id),
    ).fetchone()
    if row is None or row["seen_ms"] >= row["sent_ms"] or now_ms - row["sent_ms"] < WITHIN_MS:
        return None
    return int(row["sent_ms"])
