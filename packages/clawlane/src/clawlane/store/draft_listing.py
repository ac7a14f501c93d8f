"""Drafts as the owner reads them."""

from __future__ import annotations

import json

from clawlane.messages import Inbound, merge_messages
from clawlane.store import directory
from clawlane.store.codec import inbound_of, said_in, thread_of
from clawlane.store.draft_told import NO_TURN, Before, Draft, DraftCount, Staleness
from clawlane.store.rows import exists, of_accounts, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.states import DraftState


def staleness(db: Database, row: Row) -> Staleness | None:
    """What was said in the thread of a draft since it was written. What owners want done says nothing."""
    if row["overtaken_ms"] is not None:
        return Staleness.OWN_MESSAGE
    query = (
        "SELECT 1 FROM messages WHERE account = ? AND thread_kind = ? AND thread_id = ? AND seq > ?"
        " AND NOT EXISTS (SELECT 1 FROM decisions WHERE account = messages.account AND message = seq"
        "  AND stage = 'admission' AND command IN ('/pause', '/resume', '/approve', '/reject', '/draft'))"
        " LIMIT 1"
    )
    values = (row["account"], row["thread_kind"], row["thread_id"], row["upto"])
    return Staleness.NEWER_MESSAGE if exists(db, query, *values) else None


_ALL = (
    "SELECT drafts.*, messages.message_id, messages.sender_id FROM drafts"
    " LEFT JOIN messages ON messages.account = drafts.account AND messages.seq = drafts.turn"
    " WHERE drafts.account = ? AND decided_ms IS NULL"
)


def listed(db: Database, now_ms: int) -> list[Draft]:
    """The drafts that nobody has decided about, over all accounts, in order."""
    rows = of_accounts(db, _ALL)
    return [_draft(db, row, now_ms) for row in sorted(rows, key=lambda row: int(row["number"]))]


def find(db: Database, number: int, now_ms: int) -> Draft | None:
    """One undecided draft."""
    rows = of_accounts(db, f"{_ALL} AND number = ?", number)
    return _draft(db, rows[0], now_ms) if rows else None


def account_of(db: Database, number: int) -> str | None:
    """The account (`channel/id`) of a draft, decided or not; None if there is no such draft."""
    rows = of_accounts(db, "SELECT account FROM drafts WHERE account = ? AND number = ?", number)
    return str(rows[0]["account"]) if rows else None


def waiting(db: Database, account: str, now_ms: int) -> DraftCount:
    """How many drafts of an account there are to decide about."""
    row = db.execute(
        "SELECT count(*) AS open, count(*) FILTER (WHERE state = 'waiting' AND expires_ms > ?) AS waiting,"
        " min(CASE WHEN state = 'waiting' AND expires_ms > ? THEN created_ms END) AS oldest_ms"
        " FROM drafts WHERE account = ? AND decided_ms IS NULL",
        (now_ms, now_ms, account),
    ).fetchone()
    return DraftCount(row["waiting"], row["oldest_ms"], row["open"] - row["waiting"])


def numbers_of(db: Database, account: str, turn: int) -> tuple[int, ...]:
    """The undecided drafts of a turn."""
    query = "SELECT number FROM drafts WHERE account = ? AND turn = ? AND decided_ms IS NULL ORDER BY number"
    return tuple(row["number"] for row in db.execute(query, (account, turn)))


_KEPT = (
    "messages.account = part.account AND messages.seq = part.message AND body IS NOT NULL AND recalled = ''"
)
_ASKED = (
    f"SELECT messages.* FROM turn_messages AS part JOIN messages ON {_KEPT}"  # noqa: S608 — our own text only
    " WHERE part.account = ? AND part.turn = ? ORDER BY seq"
)
_BEFORE = (
    f"SELECT messages.* FROM given AS part JOIN messages ON {_KEPT}"  # noqa: S608 — our own text only
    " WHERE part.account = ? AND part.turn = ? ORDER BY seq DESC LIMIT ?"
)
_MOST_BEFORE = 5


def _question(db: Database, account: str, turn: int) -> Inbound | None:
    """What a turn answers, as far as it is kept."""
    asked = list(map(inbound_of, db.execute(_ASKED, (account, turn))))
    return merge_messages(asked) if asked else None


def _before(db: Database, account: str, turn: int) -> tuple[Before, ...]:
    rows = db.execute(_BEFORE, (account, turn, _MOST_BEFORE)).fetchall()
    said = (inbound_of(row) for row in reversed(rows))
    return tuple(Before(one.sender_name, one.sender_id, one.text) for one in said)


def _draft(db: Database, row: Row, now_ms: int) -> Draft:
    asked = _question(db, row["account"], row["turn"])
    expired = row["expires_ms"] <= now_ms
    return value_of(
        Draft,
        row,
        thread=thread_of(row),
        name=directory.thread_name(db, row["account"], thread_of(row)),
        state=DraftState.EXPIRED if expired else DraftState(row["state"]),
        parts=tuple(map(said_in, json.loads(row["chunks"]))),
        tool=row["step"] is not None and row["turn"] != NO_TURN,
        edited=bool(row["edited"]),
        stale=staleness(db, row),
        message_id=row["message_id"] or "",
        sender=asked.sender_name if asked else "",
        sender_id=row["sender_id"] or "",
        question=asked.text if asked else "",
        quoted=asked.quote.text if asked and asked.quote else "",
        before=_before(db, row["account"], row["turn"]),
    )
