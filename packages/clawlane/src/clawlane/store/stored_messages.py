"""The rows of messages that were read."""

from __future__ import annotations

from clawlane.messages import Inbound
from clawlane.store import aliases
from clawlane.store.codec import content_digest, inbound_body
from clawlane.store.rows import insert
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
