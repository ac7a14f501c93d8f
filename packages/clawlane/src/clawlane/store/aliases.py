"""Under which ids a message is known: what makes a repeat of it the same message.

A platform may push one message under several ids, or under none. An id belongs to its thread and author: the
same number in a DM and in a group stands for two messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import StrEnum

from clawlane.messages import Inbound, Thread
from clawlane.store.codec import content_digest, storable
from clawlane.store.transaction import Tx

_NO_ID = ("", "0")


class Alias(StrEnum):
    """What an id is: the platform's, the one of the sender's device, or a digest where there is neither."""

    MESSAGE = "message"
    CLIENT = "client"
    DIGEST = "digest"


def keep(tx: Tx, seq: int, inbound: Inbound) -> None:
    """Note every id under which a message came."""
    tx.db.executemany(
        "INSERT INTO aliases VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, id_, kind, seq)
            for kind, id_ in keys(inbound)
        ],
    )


def keys(inbound: Inbound) -> Iterator[tuple[Alias, str]]:
    """The ids of a message that tell it from others."""
    if inbound.message_id not in _NO_ID:
        yield Alias.MESSAGE, storable(inbound.message_id)
    if inbound.client_id not in _NO_ID:
        yield Alias.CLIENT, storable(inbound.client_id)
    elif inbound.message_id in _NO_ID:
        told = f"{inbound.sender_id}\n{inbound.sent_ms}\n{inbound.text}"
        yield Alias.DIGEST, hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def known(tx: Tx, inbound: Inbound) -> int | None:
    """The stored message of which this is a repeat. It is then known under the ids of the repeat, too.

    A client id alone is not enough: devices count milliseconds. The kind and the content have to agree.
    """
    for kind, id_ in keys(inbound):
        for seq in find(tx, inbound.thread, inbound.sender_id, kind, id_):
            if kind is not Alias.CLIENT or _says_the_same(tx, seq, inbound):
                keep(tx, seq, inbound)
                return seq
    return None


def find(tx: Tx, thread: Thread, author_id: str, kind: Alias, id_: str) -> list[int]:
    """The messages of an author in a thread that are known under an id, in the order of admission."""
    rows = tx.db.execute(
        "SELECT message FROM aliases WHERE account = ? AND thread_kind = ? AND thread_id = ?"
        " AND author_id = ? AND id = ? AND kind = ? ORDER BY message",
        (tx.account, thread.kind, thread.id, author_id, id_, kind),
    )
    return [row["message"] for row in rows]


def _says_the_same(tx: Tx, seq: int, inbound: Inbound) -> bool:
    row = tx.db.execute(
        "SELECT kind, content FROM messages WHERE account = ? AND seq = ?", (tx.account, seq)
    ).fetchone()
    return row is not None and (row["kind"], row["content"]) == (inbound.kind, content_digest(inbound))
