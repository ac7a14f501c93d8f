"""The message that an outgoing text quotes: found by its id, and read again when the text leaves.

The outbox does not hold its words a second time, so that a recall finds all of them.
"""

from __future__ import annotations

from dataclasses import replace

from clawlane.messages import Inbound, Outgoing, Text, Thread
from clawlane.store import aliases, receipts
from clawlane.store.aliases import Alias
from clawlane.store.codec import inbound_of, quoted_by, storable
from clawlane.store.errors import NotQuotable
from clawlane.store.sql import Database, Row
from clawlane.store.transaction import Tx
from clawlane.texts import later


def quotable(db: Database, account: str, thread: Thread, message_id: str) -> Inbound:
    """The message of a thread that somebody wants to quote. Raises `NotQuotable`, which says why not."""
    row = db.execute(
        "SELECT messages.* FROM aliases JOIN messages"
        "  ON messages.account = aliases.account AND messages.seq = aliases.message"
        " WHERE aliases.account = ? AND aliases.id = ? AND aliases.kind = ?"
        " AND aliases.thread_kind = ? AND aliases.thread_id = ? ORDER BY aliases.message DESC LIMIT 1",
        (account, storable(message_id), Alias.MESSAGE, thread.kind, thread.id),
    ).fetchone()
    if row is None:
        own = receipts.find(db, account, message_id)
        if own is not None and own.thread == thread:
            raise NotQuotable(
                later("message {id} is the account's own; only those of others can be quoted", id=message_id)
            )
        unknown = later("no message {id} of {thread} is known; see: openclaw why --last 20")
        raise NotQuotable(later(unknown, id=message_id, thread=str(thread)))
    if row["recalled"]:
        recalled = later(row["recalled"])
        raise NotQuotable(later("message {id} cannot be quoted: {why}", id=message_id, why=recalled))
    if row["body"] is None:
        raise NotQuotable(later("message {id} cannot be quoted: its text is not kept", id=message_id))
    return inbound_of(row)


def with_quote(tx: Tx, row: Row, out: Outgoing) -> Outgoing:
    """The chunk of a row with the message that it quotes; without it, once that was taken back."""
    if not isinstance(out, Text) or (named := quoted_by(row["body"])) is None:
        return out
    author_id, message_id = named
    query = "SELECT * FROM messages WHERE account = ? AND seq = ? AND recalled = '' AND body IS NOT NULL"
    for seq in reversed(aliases.find(tx, out.thread, author_id, Alias.MESSAGE, message_id)):
        if found := tx.db.execute(query, (tx.account, seq)).fetchone():
            return replace(out, quote=inbound_of(found))
    return out
