"""What became of single sends, as proof: the chunks of a turn, challenges, receipts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from clawlane.messages import Thread, ThreadKind
from clawlane.store.codec import thread_of
from clawlane.store.models import Purpose
from clawlane.store.rows import exists, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState


@dataclass(frozen=True, slots=True)
class SendProof:
    """One chunk: where it stands and why, and the ids under which others see it."""

    id: int
    thread: Thread
    purpose: Purpose
    state: ChunkState
    reason: str
    created_ms: int
    sent_ms: int | None
    message_ids: tuple[str, ...]


def of_turn(connection: Database, account: str, turn: int) -> list[SendProof]:
    """The chunks of the reply to a turn, in order."""
    query = "SELECT * FROM outbox WHERE account = ? AND turn = ? ORDER BY id"
    return [_proof(row) for row in connection.execute(query, (account, turn))]


def challenges(connection: Database, account: str, recipient: str, since_ms: int) -> list[SendProof]:
    """The challenges that were written for a stranger since then, the oldest first."""
    query = (
        "SELECT * FROM outbox WHERE account = ? AND turn IS NULL AND recipient = ? AND created_ms >= ?"
        " ORDER BY created_ms, id"
    )
    return [_proof(row) for row in connection.execute(query, (account, recipient, since_ms))]


def sent_by_us(connection: Database, account: str, message_ids: Iterable[str]) -> list[str]:
    """Those of the ids that are receipts of this account."""
    query = "SELECT 1 FROM receipts WHERE account = ? AND message_id = ?"
    return [one for one in message_ids if exists(connection, query, account, one)]


def kinds_sent(connection: Database, account: str) -> list[ThreadKind]:
    """The kinds of thread in which the account has sent something."""
    query = "SELECT 1 FROM receipts WHERE account = ? AND thread_kind = ?"
    return [kind for kind in ThreadKind if exists(connection, query, account, kind)]


def _proof(row: Row) -> SendProof:
    return value_of(
        SendProof,
        row,
        thread=thread_of(row),
        purpose=Purpose(row["purpose"]),
        state=ChunkState(row["state"]),
        message_ids=tuple(json.loads(row["receipt"])) if row["receipt"] else (),
    )
