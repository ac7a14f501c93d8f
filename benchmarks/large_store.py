"""A large store: many answered messages, and few open ones."""

from __future__ import annotations

from pathlib import Path

from clawlane.store.sqlite.connection import Connection, connect_writer

ACCOUNT = "zalouser/default"
NOW = 1_700_000_000_000
KEPT = 1000
"""How many messages still have their text."""

_NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_MESSAGES = f"""
INSERT INTO messages (account, seq, message_id, client_id, thread_kind, thread_id, sender_id, content,
  sent_ms, admitted_ms, body)
{_NUMBERS} SELECT :account, i, 'm' || i, 'c' || i, 'dm', 't' || (i % 500), 't' || (i % 500), 'd' || i,
  :now - (:count - i) * 1000, :now - (:count - i) * 1000,
  CASE WHEN i > :count - :kept THEN '{{"name": "Lan", "text": "xin chào", "mentions": [], "quote": null,
  "attachments": [], "friend": true, "live": true, "token": ""}}' END FROM n
"""
_FOLLOWING = (
    f"INSERT INTO aliases {_NUMBERS}"
    " SELECT :account, 'dm', 't' || (i % 500), 't' || (i % 500), 'm' || i, 'message', i FROM n",
    "INSERT INTO decisions (account, message, stage, at_ms, outcome, reason, rule_path, rule_origin, trail,"
    f" event) {_NUMBERS} SELECT :account, i, 'admission', :now, iif(i <= 5, 'drop', 'admit'),"
    " iif(i <= 5, 'dm_disabled', 'dm_open'), 'channels.zalouser.dmPolicy', 'channel', '[]', i FROM n",
    f"INSERT INTO turns (account, turn, state, attempts, settled_ms) {_NUMBERS}"
    " SELECT :account, i, iif(i < 10, 'dead', 'done'), 1, :now - (:count - i) * 1000 FROM n WHERE i > 5",
    f"INSERT INTO turn_messages {_NUMBERS} SELECT :account, i, i FROM n WHERE i > 5",
    "INSERT INTO outbox (account, id, thread_kind, thread_id, turn, client_id, body, state, created_ms,"
    f" due_ms, settled_ms, sent_ms) {_NUMBERS} SELECT :account, i, 'dm', 't' || (i % 500), i, 'k' || i,"
    " iif(i > :count - :kept, '{\"text\": \"chào\", \"styles\": []}', ''), iif(i < 20, 'refused', 'sent'),"
    " :now, :now, :now, :now - (:count - i) * 1000 FROM n WHERE i > 5",
    f"INSERT INTO receipts {_NUMBERS} SELECT :account, 'r' || i, :now, 'dm', '', i, 'k' || i, FALSE FROM n",
    "INSERT INTO accounts (account, last_client_id) VALUES (:account, 1)",
    "UPDATE numbers SET last = :count",
)


def make_large_store(path: Path, count: int) -> Connection:
    """A store with `count` messages of one account, and the connection that writes to it."""
    connection = connect_writer(path, NOW)
    values = {"account": ACCOUNT, "count": count, "now": NOW, "kept": KEPT}
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for statement in (_MESSAGES, *_FOLLOWING):
        connection.execute(statement, values)
    connection.execute("COMMIT")
    return connection
