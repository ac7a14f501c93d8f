"""The tables, as numbered migrations, and the checks that a file is ours and of an age we know."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from clawlane.store.errors import StoreUnusable

APPLICATION_ID = 0x636C6C6E
"""`clln`, in the header of the file."""

_FIRST = """
CREATE TABLE owners (
    account TEXT PRIMARY KEY, epoch INTEGER NOT NULL, pid INTEGER NOT NULL, since_ms INTEGER NOT NULL
);
CREATE TABLE accounts (
    account TEXT PRIMARY KEY, last_client_id INTEGER NOT NULL DEFAULT 0,
    last_inbound_ms INTEGER, last_outbound_ms INTEGER
);
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, message_id TEXT NOT NULL,
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, sender_id TEXT NOT NULL,
    sent_ms INTEGER NOT NULL, admitted_ms INTEGER NOT NULL,
    body TEXT, -- JSON; null for what was dropped
    UNIQUE (account, message_id)
);
CREATE TABLE decisions (
    message INTEGER NOT NULL REFERENCES messages (seq), account TEXT NOT NULL, stage TEXT NOT NULL,
    at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
    rule_path TEXT NOT NULL, rule_origin TEXT NOT NULL, trail TEXT NOT NULL,
    PRIMARY KEY (message, stage)
) WITHOUT ROWID;
CREATE TABLE counters (
    account TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account, reason)
) WITHOUT ROWID;
CREATE TABLE turns (
    message INTEGER PRIMARY KEY REFERENCES messages (seq), account TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    settled_ms INTEGER
);
CREATE INDEX open_turns ON turns (account, message) WHERE settled_ms IS NULL;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    turn INTEGER REFERENCES turns (message), -- null for a challenge
    recipient TEXT NOT NULL DEFAULT '', -- of a challenge
    client_id TEXT NOT NULL, body TEXT NOT NULL, -- JSON
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER, settled_ms INTEGER,
    receipt TEXT, -- JSON: the ids under which others see it
    echo TEXT, -- the id under which the account saw it itself
    UNIQUE (account, client_id)
);
CREATE INDEX open_chunks ON outbox (account, thread_kind, thread_id, id) WHERE settled_ms IS NULL;
CREATE INDEX chunks_of_turn ON outbox (turn, id);
CREATE INDEX challenges ON outbox (account, created_ms) WHERE turn IS NULL;
CREATE TABLE pairing (
    account TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL, code TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, texted_ms INTEGER,
    PRIMARY KEY (account, sender_id)
) WITHOUT ROWID;
CREATE TABLE approved (
    account TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL,
    code TEXT NOT NULL, approved_ms INTEGER NOT NULL,
    PRIMARY KEY (account, sender_id)
) WITHOUT ROWID;
"""

_REMEMBERING = """
CREATE TABLE undecided ( -- waits until the account knows itself and its groups
    message INTEGER PRIMARY KEY REFERENCES messages (seq), account TEXT NOT NULL
);
CREATE TABLE history ( -- what a group said that was not for the account
    message INTEGER PRIMARY KEY REFERENCES messages (seq), account TEXT NOT NULL, thread_id TEXT NOT NULL
);
CREATE INDEX history_of_group ON history (account, thread_id, message);
CREATE TABLE given ( -- which of it went with which turn
    turn INTEGER NOT NULL REFERENCES turns (message), message INTEGER NOT NULL,
    PRIMARY KEY (turn, message)
) WITHOUT ROWID;
CREATE TABLE receipts ( -- the ids under which others see what the account sent
    account TEXT NOT NULL, message_id TEXT NOT NULL, PRIMARY KEY (account, message_id)
) WITHOUT ROWID;
ALTER TABLE decisions ADD COLUMN rule_line INTEGER;
ALTER TABLE decisions ADD COLUMN command TEXT NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN keep_as_history INTEGER NOT NULL DEFAULT FALSE;
INSERT OR IGNORE INTO receipts
    SELECT account, value FROM outbox, json_each(outbox.receipt) WHERE receipt IS NOT NULL;
"""

_DIRECTORY = """
CREATE TABLE lookups (account TEXT NOT NULL, listing TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, listing)
);
CREATE TABLE known_people (
    account TEXT NOT NULL, group_id TEXT NOT NULL, -- empty for a friend, else the group they are in
    user_id TEXT NOT NULL, name TEXT NOT NULL, aliases TEXT NOT NULL, is_friend INTEGER,
    PRIMARY KEY (account, group_id, user_id)
);
CREATE TABLE known_groups (
    account TEXT NOT NULL, group_id TEXT NOT NULL, name TEXT NOT NULL, member_count INTEGER,
    PRIMARY KEY (account, group_id)
);
CREATE TABLE pins (
    account TEXT NOT NULL, list TEXT NOT NULL, entry TEXT NOT NULL, found TEXT NOT NULL,
    candidates TEXT NOT NULL, -- JSON: ids and names
    found_by TEXT, at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, list, entry)
);
"""

_CATCHING_UP = """
CREATE TABLE cursors ( -- while an account catches up: how far it had read before
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, at_ms INTEGER NOT NULL, message_id TEXT NOT NULL,
    PRIMARY KEY (account, thread_kind)
) WITHOUT ROWID;
CREATE TABLE gaps ( -- what the platform did not give out any more
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    noted_ms INTEGER NOT NULL, PRIMARY KEY (account, thread_kind, from_ms)
) WITHOUT ROWID;
"""

_STOPPING = """
CREATE TABLE pauses (
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, -- both empty: all of it
    level TEXT NOT NULL, since_ms INTEGER NOT NULL, until_ms INTEGER, ended_ms INTEGER,
    PRIMARY KEY (account, thread_kind, thread_id)
) WITHOUT ROWID;
CREATE TABLE sends ( -- what left, for pacing
    chunk INTEGER PRIMARY KEY, account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL, digest TEXT NOT NULL, stranger INTEGER NOT NULL, gap_ms INTEGER NOT NULL
);
CREATE INDEX sends_of_account ON sends (account, at_ms);
"""

_SETTLING = """
ALTER TABLE accounts ADD COLUMN kept_from_ms INTEGER NOT NULL DEFAULT 0; -- what was sent before is not known
ALTER TABLE outbox ADD COLUMN sent_ms INTEGER; -- when it was last given to the channel
UPDATE outbox SET sent_ms = created_ms WHERE attempts > 0;
ALTER TABLE outbox ADD COLUMN looked_up_ms INTEGER; -- when the platform was asked whether it arrived
ALTER TABLE receipts ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;
UPDATE receipts SET at_ms = 1000 * CAST(strftime('%s', 'now') AS INTEGER);
UPDATE turns SET state = 'needs_decision' WHERE state = 'held';
CREATE INDEX messages_by_age ON messages (account, admitted_ms);
CREATE INDEX settled_turns ON turns (account, message) WHERE settled_ms IS NOT NULL;
CREATE INDEX dead_letters ON turns (account, message) WHERE state = 'dead';
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _REMEMBERING, _DIRECTORY, _CATCHING_UP, _STOPPING, _SETTLING)
"""Each runs once, in order; a released one never changes."""


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The number of the last migration in the file, 0 for a new one. Raises `StoreUnusable`."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0:
        return 0
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StoreUnusable(f"{path} is a database of another program; move it away and start again")
    (number,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
    if number > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} was written by a newer clawlane (schema {number}, this one knows {len(MIGRATIONS)}); "
            "upgrade clawlane, or use the newer one"
        )
    return int(number)


def migrate(connection: sqlite3.Connection, path: Path, now_ms: int) -> None:
    """Bring the file up to date, each migration in a transaction of its own."""
    for number in range(check(connection, path) + 1, len(MIGRATIONS) + 1):
        connection.executescript(
            "BEGIN IMMEDIATE;"  # noqa: S608 — our own text and numbers only
            "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL);"
            f"{MIGRATIONS[number - 1]}"
            f"INSERT INTO migrations VALUES ({number}, {now_ms});"
            f"PRAGMA application_id = {APPLICATION_ID};"
            "COMMIT;"
        )
