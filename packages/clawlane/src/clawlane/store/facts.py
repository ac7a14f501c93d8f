"""Transitions of what a channel observes: own messages, messages that were taken back, and notices."""

from __future__ import annotations

from clawlane.messages import Deleted, Fact, Notice, Own, Undone, Unreadable
from clawlane.store import fates, notices, recall
from clawlane.store.records import Noted
from clawlane.store.tombstones import AFTER_MS
from clawlane.store.transaction import Tx


def note(tx: Tx, fact: Fact, backlog_ms: int) -> Noted:
    """Keep what follows from a fact. Messages up to `backlog_ms` old may still come and be answered."""
    match fact:
        case Own():
            return Noted(fates.echo(tx, fact.client_id, fact.message_id))
        case Undone():
            return Noted(recalled=recall.undone(tx, fact, backlog_ms + AFTER_MS))
        case Deleted():
            return Noted(recalled=recall.deleted(tx, fact, backlog_ms + AFTER_MS))
        case Notice() | Unreadable():
            notices.note(tx, fact)
            return Noted()
