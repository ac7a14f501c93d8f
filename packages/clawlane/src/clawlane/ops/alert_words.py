"""The names and words that belong to an alert, for owners who set `alerts.texts`."""

from __future__ import annotations

from clawlane.access.context import plain
from clawlane.store.alerts import Alert, AlertKind
from clawlane.store.reader import Reader
from clawlane.threads import Thread, ThreadKind

_LONGEST = 500


def words_of(reader: Reader, alert: Alert) -> dict[str, str]:
    """`name` and `text`, as far as they are kept."""
    found: dict[str, str] = {}
    if alert.kind is AlertKind.PAIRING_REQUEST:
        found["name"] = reader.thread_name(alert.account, Thread(ThreadKind.DM, alert.key))
        found["name"] = reader.requester_name(alert.account, alert.key) or found["name"]
    number = alert.facts.get("number")
    if alert.kind is AlertKind.DRAFT_WAITING:
        for draft in reader.drafts(alert.last_ms):
            if (draft.account, draft.number) == (alert.account, number):
                found |= {"name": draft.name, "text": draft.text}
    if alert.kind is AlertKind.DECISION_NEEDED and isinstance(number, int):
        found["text"] = reader.text_of_chunk(alert.account, number)
    return {name: _cut(text) for name, text in found.items() if text}


def _cut(text: str) -> str:
    told = plain(text)
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"
