"""The ids of stored messages, by which a repeat is recognised.

A platform may push one message under several ids, or under none. An id belongs to its thread and author: the
same number in a DM and in a group stands for two messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TypeAlias

from clawlane.messages import Inbound, Thread
from clawlane.store.codec import content_digest, storable
from clawlane.store.rows import exists
from clawlane.store.sql import Rows
from clawlane.store.transaction import Tx

Id: TypeAlias = "tuple[Alias, str]"
"""An id with what it is."""


class Alias(StrEnum):
    """The kind of an id: the platform's, that of the sender's device, or a digest where there is neither."""

    MESSAGE = "message"
    CLIENT = "client"
    DIGEST = "digest"


def keep(tx: Tx, seq: int, inbound: Inbound) -> None:
    """Store every id of a message."""
    tx.db.executemany(
        "INSERT INTO aliases VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, id_, kind, seq)
            for kind, id_ in keys(inbound)
        ],
    )


def keys(inbound: Inbound) -> Iterator[Id]:
    """The ids that identify a message; a digest of author, time and content if it has none."""
    found = ids(inbound.message_id, inbound.client_id)
    yield from found
    if not found:
        told = f"{inbound.sender_id}\n{inbound.sent_ms}\n{content_digest(inbound)}"
        yield Alias.DIGEST, hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def ids(message_id: str, client_id: str) -> list[Id]:
    """Those of the two that are ids at all, the platform's first."""
    both = ((Alias.MESSAGE, message_id), (Alias.CLIENT, client_id))
    return [(kind, storable(id_)) for kind, id_ in both if is_id(id_)]


def is_id(written: str) -> bool:
    """Whether an id names something: platforms write zeros, or nothing, where they have none."""
    return written.strip() not in ("", "0")


def with_ids_of(tx: Tx, inbound: Inbound) -> Rows:
    """The ids of a message that are stored, for `known`."""
    return tx.db.execute(
        f"SELECT kind, id, message FROM aliases WHERE {ANY_OF_TWO} ORDER BY message",  # noqa: S608 — our own
        any_of(tx, inbound, list(keys(inbound))),
    )


def known(tx: Tx, inbound: Inbound, found: Rows) -> int | None:
    """The stored message that this one repeats. The repeat is counted, and its ids are added.

    A client id alone is not enough: devices count milliseconds. The kind and the content have to agree.
    """
    query = "SELECT 1 FROM messages WHERE account = ? AND seq = ? AND kind = ? AND content = ?"
    rows = found.fetchall()
    for kind, id_ in keys(inbound):
        for seq in (int(row["message"]) for row in rows if (row["kind"], row["id"]) == (kind, id_)):
            said = (tx.account, seq, inbound.kind, content_digest(inbound))
            if kind is not Alias.CLIENT or exists(tx.db, query, *said):
                keep(tx, seq, inbound)
                repeat = "UPDATE messages SET repeats = repeats + 1 WHERE account = ? AND seq = ?"
                tx.db.execute(repeat, (tx.account, seq))
                return seq
    return None


ANY_OF_TWO = "account = ? AND thread_kind = ? AND thread_id = ? AND author_id = ? AND id IN (?, ?)"
"""Rows of ids with one of two; the kinds have to be looked at."""


def any_of(tx: Tx, inbound: Inbound, wanted: Sequence[Id]) -> tuple[str, ...]:
    """The values of `ANY_OF_TWO`: a message has one id or two."""
    (_, first), (_, last) = wanted[0], wanted[-1]
    return (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, first, last)


def find(tx: Tx, thread: Thread, author_id: str, kind: Alias, id_: str) -> list[int]:
    """The messages of an author in a thread that have this id, in the order of admission."""
    rows = tx.db.execute(
        "SELECT message FROM aliases WHERE account = ? AND thread_kind = ? AND thread_id = ?"
        " AND author_id = ? AND id = ? AND kind = ? ORDER BY message",
        (tx.account, thread.kind, thread.id, author_id, id_, kind),
    )
    return [row["message"] for row in rows]
