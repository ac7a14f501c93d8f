"""The rows of messages that were read."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.messages import Inbound
from clawlane.store import aliases, directory
from clawlane.store.codec import content_digest, inbound_body, inbound_of, thread_of
from clawlane.store.rows import insert
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx


def store_message(tx: Tx, seq: int, inbound: Inbound, read_ms: int, *, keep: bool) -> None:
    """Add a message under its number, with the ids by which a repeat is recognised.

    Only these stay of one that is not to be kept.
    """
    album = inbound.album
    insert(
        tx,
        "messages",
        seq=seq,
        message_id=inbound.message_id,
        client_id=inbound.client_id,
        thread_kind=inbound.thread.kind,
        thread_id=inbound.thread.id,
        sender_id=inbound.sender_id,
        kind=inbound.kind,
        content=content_digest(inbound),
        album=album.id if album else "",
        album_total=album.total if album else 0,
        sent_ms=inbound.sent_ms,
        admitted_ms=read_ms,
        body=inbound_body(inbound) if keep else None,
    )
    aliases.keep(tx, seq, inbound)


@dataclass(frozen=True, slots=True)
class Words:
    """The names that belong to a message, empty where none is known, and the message as far as it is kept."""

    sender_name: str
    thread_name: str
    message: Inbound | None


def words_of(connection: Database, account: str, seq: int) -> Words:
    """What is kept of people's words about the message of a number."""
    query = "SELECT * FROM messages WHERE account = ? AND seq = ?"
    row = connection.execute(query, (account, seq)).fetchone()
    if row is None:
        return Words("", "", None)
    message = inbound_of(row) if row["body"] else None
    name = message.sender_name if message else ""
    return Words(
        name or directory.name_of(connection, account, row["sender_id"]),
        directory.group_name(connection, account, thread_of(row)),
        message,
    )
