"""Tells what the account itself sent from what its owner wrote on another device."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from clawlane.messages import Own, Thread
from clawlane.store import album_sends
from clawlane.store.codec import is_message, storable, thread_of
from clawlane.store.rows import exists
from clawlane.store.sql import Row
from clawlane.store.transaction import Tx

WITHIN_MS = 60_000
"""How far a message of the account and a send of the same text may be apart to be the same."""

_ON_ITS_WAY_MS = 120_000
_FILE_ON_ITS_WAY_MS = 900_000
"""How long a send may take before it counts as unknown; a file is uploaded first."""


@dataclass(frozen=True, slots=True)
class OurSend:
    """The chunk that a message of the account is. `by_id` says that one of its ids told so."""

    chunk: int
    by_id: bool


def find(tx: Tx, fact: Own, written_ms: int) -> OurSend | None:
    """The chunk that a message is, which was written at that time; None for what the outbox never sent."""
    chunk = None if fact.reaction_to else by_id(tx, fact.client_id, fact.message_id)
    if chunk is not None:
        return OurSend(chunk, by_id=True)
    said = fact.reaction_to or _plain(fact.text)
    for row in _sent_around(tx, fact.thread, written_ms):
        if said in (_reacted_to(row["body"]) if fact.reaction_to else _shown(row["body"])):
            return OurSend(row["id"], by_id=False)
    return None


def by_id(tx: Tx, client_id: str, message_id: str) -> int | None:
    """The chunk that was sent under this client id, or that others see under this message id."""
    query = "SELECT id FROM outbox WHERE account = ? AND client_id = ? AND attempts > 0"
    row = tx.db.execute(query, (tx.account, storable(client_id))).fetchone()
    if row is not None:
        return int(row["id"])
    if found := album_sends.album_of(album_sends.open_albums(tx), client_id):
        return int(found[0]["id"])
    query = "SELECT chunk FROM receipts WHERE account = ? AND message_id = ? AND chunk IS NOT NULL"
    row = tx.db.execute(query, (tx.account, storable(message_id))).fetchone() if message_id else None
    return int(row["chunk"]) if row else None


def unsettled(tx: Tx, thread: Thread) -> bool:
    """Whether a send of a thread is on its way, or of unknown fate."""
    query = (
        "SELECT 1 FROM outbox WHERE account = ? AND thread_kind = ? AND thread_id = ? AND settled_ms IS NULL"
        " AND state IN ('sending', 'unknown')"
    )
    return exists(tx.db, query, tx.account, thread.kind, thread.id)


def note_echo(tx: Tx, session: str, chunk: int, *, known: bool, first: int) -> None:
    """Keep of the `first` sends of a login whether they came back under an id that is known."""
    tx.db.execute(
        "INSERT INTO own_echoes SELECT :account, :session, id, :known FROM outbox"
        " WHERE account = :account AND id = :chunk AND session = :session"
        " AND (SELECT count(*) FROM own_echoes WHERE account = :account AND session = :session) < :first"
        " ON CONFLICT (account, session, chunk) DO NOTHING",
        {"account": tx.account, "session": session, "known": known, "chunk": chunk, "first": first},
    )
    if known:
        tx.db.execute(
            "UPDATE own_echoes SET known = 1 WHERE account = ? AND session = ? AND chunk = ?",
            (tx.account, session, chunk),
        )


def suspect(tx: Tx, session: str, thread: Thread, written_ms: int, *, first: int) -> None:
    """A message that matches nothing may be one of the `first` sends, changed by the platform.

    It counts for a send of its thread that has not come back yet.
    """
    for row in _sent_around(tx, thread, written_ms):
        query = "SELECT 1 FROM own_echoes WHERE account = ? AND session = ? AND chunk = ?"
        if is_message(row["body"]) and not exists(tx.db, query, tx.account, session, row["id"]):
            note_echo(tx, session, row["id"], known=False, first=first)
            return


def is_foreign(tx: Tx, session: str, first: int) -> bool:
    """Whether the `first` sends of a login all came back under ids that match nothing."""
    query = "SELECT count(*) AS n, max(known) AS known FROM own_echoes WHERE account = ? AND session = ?"
    row = tx.db.execute(query, (tx.account, session)).fetchone()
    return bool(row["n"] >= first and not row["known"])


def _sent_around(tx: Tx, thread: Thread, written_ms: int) -> Iterator[Row]:
    """What was sent to a thread within the minute before or after, the oldest first."""
    rows = tx.db.execute(
        "SELECT * FROM outbox WHERE account = ? AND sent_ms BETWEEN ? AND ? ORDER BY sent_ms, id",
        (tx.account, written_ms - WITHIN_MS - _FILE_ON_ITS_WAY_MS, written_ms + WITHIN_MS),
    ).fetchall()
    for row in rows:
        if thread_of(row) != thread or not row["body"]:
            continue
        told = json.loads(row["body"])
        most_ms = _FILE_ON_ITS_WAY_MS if "path" in told or "paths" in told else _ON_ITS_WAY_MS
        over_ms = min(row["settled_ms"] or tx.now_ms, row["sent_ms"] + most_ms)
        if written_ms <= max(over_ms, row["sent_ms"]) + WITHIN_MS:
            yield row


def _shown(body: str) -> set[str]:
    """The texts under which a chunk may come back."""
    told = json.loads(body)
    if told.get("kind") in ("reaction", "undo"):
        return set()
    texts = {str(told.get(name, "")) for name in ("text", "name", "url")}
    texts.add(f"{told.get('text', '')} {told.get('url', '')}")
    return {plain for text in texts if (plain := _plain(text)) or told.get("kind")}


def _reacted_to(body: str) -> set[str]:
    told = json.loads(body)
    return {str(told["message"])} if told.get("kind") == "reaction" else set()


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
