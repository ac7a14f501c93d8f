"""Quick texts of one sender become one turn, as long as that has not started."""

from __future__ import annotations

from clawlane.access.decision import Decision
from clawlane.messages import LONGEST_WINDOW_MS
from clawlane.store.codec import inbound_of
from clawlane.store.models import NewMessage
from clawlane.store.rows import change
from clawlane.store.sql import Row
from clawlane.store.transaction import Tx

MESSAGES = 10
CHARACTERS = 4_000
WINDOWS = 3
"""How many messages, how much text and how many windows one turn takes in at most."""

LONGEST_MS = WINDOWS * LONGEST_WINDOW_MS


def mergeable(arrival: NewMessage, decision: Decision) -> bool:
    """Whether a message may be answered together with others: a plain text that is no command."""
    inbound = arrival.inbound
    plain = bool(inbound.text) and not inbound.attachments and inbound.album is None
    return arrival.merge_ms > 0 and decision.admitted and not decision.command and plain


def join(tx: Tx, arrival: NewMessage) -> int | None:
    """The turn that takes a message in: the last one in its thread, if that is of its sender and still waits.

    That turn then waits a window longer. None where the message has to begin a turn of its own.
    """
    thread = arrival.inbound.thread
    turn = tx.db.execute(
        "SELECT turns.*, decisions.command, first.admitted_ms, messages.sender_id FROM messages"
        " JOIN turn_messages AS part ON part.account = messages.account AND part.message = messages.seq"
        " JOIN turns ON turns.account = part.account AND turns.turn = part.turn"
        " JOIN messages AS first ON first.account = turns.account AND first.seq = turns.turn"
        " JOIN decisions ON decisions.account = turns.account AND decisions.message = turns.turn"
        "  AND decisions.stage = 'admission'"
        " WHERE messages.account = ? AND messages.thread_kind = ? AND messages.thread_id = ?"
        " ORDER BY messages.seq DESC LIMIT 1",
        (tx.account, thread.kind, thread.id),
    ).fetchone()
    if turn is None or not _takes(tx, turn, arrival):
        return None
    ready_ms = min(arrival.read_ms + arrival.merge_ms, turn["admitted_ms"] + WINDOWS * arrival.merge_ms)
    change(tx, "turns", {"turn": turn["turn"]}, ready_ms=ready_ms)
    return int(turn["turn"])


def _takes(tx: Tx, turn: Row, arrival: NewMessage) -> bool:
    if turn["state"] != "waiting" or turn["attempts"] or turn["settled_ms"] is not None or turn["command"]:
        return False
    if turn["sender_id"] != arrival.inbound.sender_id or turn["ready_ms"] <= arrival.read_ms:
        return False
    rows = tx.db.execute(
        "SELECT messages.* FROM turn_messages AS part"
        " JOIN messages ON messages.account = part.account AND messages.seq = part.message"
        " WHERE part.account = ? AND part.turn = ? AND body IS NOT NULL ORDER BY messages.seq",
        (tx.account, turn["turn"]),
    ).fetchall()
    parts = list(map(inbound_of, rows))
    length = len(arrival.inbound.text) + sum(len(part.text) + 1 for part in parts)
    if len(parts) >= MESSAGES or length > CHARACTERS:
        return False
    # What is fetched together was not written together: the time of writing counts, too.
    times = [one.sent_ms for one in (*parts[-1:], arrival.inbound)]
    return not all(times) or max(times) - min(times) <= arrival.merge_ms
