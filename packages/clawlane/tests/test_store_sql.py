"""The SQL of the store: what PostgreSQL cannot read stays few and in the places listed here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import clawlane.store

SOURCES = Path(clawlane.store.__file__).parent
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|EXISTS|CONFLICT|PRAGMA|BEGIN)\b")

ONLY_SQLITE = {
    "an index by name": r"\bINDEXED BY\b",
    "a numbered parameter": r"\?\d",
    "min or max of several values": r"\b(?:min|max)\((?:[^(),]|\([^()]*\))*,",
    "functions of JSON": r"\bjson_\w+\(",
    "a cross join with a condition": r"\bCROSS JOIN\b",
    "INSERT OR": r"\bINSERT OR\b",
    "row ids": r"\browid\b|\bAUTOINCREMENT\b",
    "a truth as a number": r"[-+*] \(\w+ (?:=|<>|<|>) ",
    "functions of SQLite": r"\b(?:iif|strftime|datetime|julianday|randomblob|group_concat|ifnull)\(",
    "columns that are not grouped": r"SELECT (?:\w+\.)?\*(?:(?!\bFROM \().)*\bGROUP BY\b",
    "an update without its conflict": r"\bON CONFLICT DO UPDATE\b",
    "a column of either row of a conflict": r"DO UPDATE SET .*\b(\w+) = (?:coalesce\([^)]*, )?\1\b(?!\.)",
    "settings and tables of SQLite": r"\bPRAGMA\b|\bsqlite_\w+|\bBEGIN IMMEDIATE\b",
}

HERE = {
    "audit_check.py: settings and tables of SQLite",  # whether the triggers are there
    "connection.py: settings and tables of SQLite",  # how a file is opened and checked
    "copies.py: settings and tables of SQLite",  # how large a file is, and how it is copied
    "inspection.py: settings and tables of SQLite",  # what a person who helps is told of the file
    "marker.py: settings and tables of SQLite",  # whether the file is empty
    "restored.py: settings and tables of SQLite",  # what is erased in a copy is overwritten
    "writer.py: settings and tables of SQLite",  # when a commit waits for the disk
}
"""Where the second engine needs an answer of its own. The migrations have one for each engine anyway."""


def statements(source: str) -> Iterator[str]:
    """The strings in a module that are SQL or a part of it. What is put into them stands as `{}`."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts | docs:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if SQL.search(text):
            yield text


def only_sqlite(text: str) -> list[str]:
    return [what for what, pattern in ONLY_SQLITE.items() if re.search(pattern, text)]


def test_sql_for_sqlite_alone_stands_in_few_places() -> None:
    found: dict[str, str] = {}
    count = 0
    for path in sorted(SOURCES.glob("*.py")):
        for text in statements(path.read_text()) if path.name != "schema.py" else ():
            count += 1
            found |= {f"{path.name}: {what}": text for what in only_sqlite(text)}
    assert count > 100
    assert {place: text for place, text in found.items() if place not in HERE} == {}
    assert set(found) == HERE


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM outbox INDEXED BY queued_chunks WHERE account = ?",
        "UPDATE outbox SET due_ms = ?1 WHERE account = ?2",
        "UPDATE outbox SET due_ms = min(due_ms, ?)",
        "SELECT max(coalesce(last_seen_ms, 0) - :now, 0) FROM accounts",
        "SELECT session FROM receipts JOIN json_each(?) AS own ON message_id = own.value",
        "SELECT turn FROM turns CROSS JOIN messages USING (account)",
        "INSERT OR IGNORE INTO receipts VALUES (?, ?)",
        "UPDATE pins SET position = rowid",
        "UPDATE turns SET attempts = attempts - (state = 'running')",
        "SELECT *, min(id) FROM outbox AS chunk WHERE account = ? GROUP BY coalesce(turn, -id)",
        "INSERT INTO tombstones VALUES (?) ON CONFLICT DO UPDATE SET expires_ms = excluded.expires_ms",
        "INSERT INTO owners VALUES (?, 1) ON CONFLICT (account) DO UPDATE SET epoch = epoch + 1",
        "INSERT INTO pairing VALUES (?) ON CONFLICT (id) DO UPDATE SET friend = coalesce(?, friend)",
        "PRAGMA journal_mode = WAL",
    ],
)
def test_what_postgresql_cannot_read_is_found(text: str) -> None:
    assert only_sqlite(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT max(at_ms) AS at_ms, min(sent_ms) FROM receipts WHERE account = ?",
        "SELECT state, count(*) FROM outbox WHERE account = ? GROUP BY state",
        "INSERT INTO counters (n) VALUES (?) ON CONFLICT (n) DO UPDATE SET n = counters.n + excluded.n",
        "SELECT * FROM turns WHERE (account, turn) IN (SELECT account, turn FROM given)",
    ],
)
def test_what_both_read_is_not(text: str) -> None:
    assert only_sqlite(text) == []
