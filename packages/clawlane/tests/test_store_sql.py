"""The SQL of the store is read by both engines; what only one knows stands in the rooms of the engines."""

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
    "a truth as a number in a choice": r"\bcoalesce\([\w.]+, EXISTS\b",
    "a name in place of a list": r"\bIN [a-z_]\w*\b(?! \()",
    "a question without a name": (
        r"FROM \(\s*SELECT (?:[^()]|\((?:[^()]|\([^()]*\))*\))*\) (?:WHERE|GROUP|ORDER)\b"
    ),
    "settings and tables of SQLite": r"\bPRAGMA\b|\bsqlite_\w+|\bBEGIN IMMEDIATE\b",
}

ENGINES = re.compile(r"^\s*(?:import|from) (?:sqlite3|psycopg)\b", re.MULTILINE)


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


def test_every_statement_is_for_both_engines() -> None:
    found: dict[str, str] = {}
    count = 0
    for path in sorted(SOURCES.glob("*.py")):
        for text in statements(path.read_text()):
            count += 1
            found |= {f"{path.name}: {what}": text for what in only_sqlite(text)}
    assert count > 100
    assert found == {}


def test_only_the_rooms_of_the_engines_know_their_libraries() -> None:
    assert [path.name for path in SOURCES.glob("*.py") if ENGINES.search(path.read_text())] == []
    assert ENGINES.search((SOURCES / "sqlite" / "engine.py").read_text())
    assert ENGINES.search((SOURCES / "postgres" / "engine.py").read_text())


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
        "SELECT coalesce(pairing.is_friend, EXISTS (SELECT 1 FROM known_people)) FROM pairing",
        "SELECT 1 FROM turns WHERE (thread_kind, thread_id) IN held",
        "SELECT count(*) FROM (SELECT 1 FROM turns) GROUP BY queue",
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
