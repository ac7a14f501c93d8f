"""What is kept of one person: the rows of each table that are about them, as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_THEIRS = "(sender_id = :id OR (thread_kind = 'dm' AND thread_id = :id))"
_MESSAGES = f"SELECT seq FROM messages WHERE account = :account AND {_THEIRS}"  # noqa: S608 — our own text only
_TURNS = f"SELECT turn FROM turn_messages WHERE account = :account AND message IN ({_MESSAGES})"  # noqa: S608
_DM = "thread_kind = 'dm' AND thread_id = :id"
_OF_TURN = f"turn IN ({_TURNS})"
_OF_MESSAGE = f"message IN ({_MESSAGES})"

TABLES: Mapping[str, str] = {
    "messages": _THEIRS,
    "decisions": _OF_MESSAGE,
    "aliases": "author_id = :id",
    "tombstones": "author_id = :id",
    "notices": f"(actor_id = :id OR ({_DM}))",
    "undecided": _OF_MESSAGE,
    "history": _OF_MESSAGE,
    "given": _OF_MESSAGE,
    "turns": _OF_TURN,
    "turn_messages": _OF_MESSAGE,
    "outbox": f"(({_DM}) OR {_OF_TURN} OR by_{_OF_TURN})",
    "sends": _DM,
    "sessions": _DM,
    "session_turns": f"(({_DM}) OR {_OF_TURN})",
    "answer_fates": f"(({_DM}) OR {_OF_TURN})",
    "drafts": f"(({_DM}) OR {_OF_TURN})",
    "steps": _OF_TURN,
    "callbacks": _OF_TURN,
    "tool_calls": _OF_TURN,
    "pairing": "sender_id = :id",
    "approved": "sender_id = :id",
    "rejected": "sender_id = :id",
    "lapsed": "sender_id = :id",
    "known_people": "user_id = :id",
    "spending": "sender_id = :id",
    "pauses": _DM,
    "takeovers": _DM,
    "own_messages": _DM,
    "disclosed": "whom = :id",
    "forgetting": "whom = 'person' AND id = :id",
}
"""Which rows of a table are about a person, in the order in which they are shown."""

_JSON = ("body", "aliases", "trail", "receipt", "removed", "candidates")


def query_of(table: str) -> str:
    """The query for the rows of a table that are about `:id`."""
    return f"SELECT * FROM {table} WHERE account = :account AND {TABLES[table]}"  # noqa: S608 — our own names


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as values for JSON, without the account and what is not there."""
    kept = {name: value for name, value in row.items() if name != "account" and value is not None}
    return {"id" if name == "user_id" else name: _value(name, value) for name, value in kept.items()}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if name in _JSON and isinstance(value, str) and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
