"""The tables, as numbered migrations, and the checks that a file is ours and of an age we know."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from clawlane.store.errors import StoreUnusable
from clawlane.texts import later

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

_BY_ACCOUNT = """
CREATE TABLE numbers ( -- the last one given out, rising over all accounts: of a message, of a chunk
    name TEXT PRIMARY KEY, last INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO numbers SELECT 'message', coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'messages';
INSERT INTO numbers SELECT 'chunk', coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox';

CREATE TABLE properties (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID; -- of the whole store
INSERT INTO properties VALUES ('id', lower(hex(randomblob(16))));

ALTER TABLE accounts ADD COLUMN user_id TEXT NOT NULL DEFAULT ''; -- whom the platform knows it as
ALTER TABLE accounts ADD COLUMN last_seen_ms INTEGER NOT NULL DEFAULT 0; -- the latest time of a change

ALTER TABLE messages RENAME TO old_messages;
CREATE TABLE messages (
    account TEXT NOT NULL, seq INTEGER NOT NULL,
    message_id TEXT NOT NULL, client_id TEXT NOT NULL DEFAULT '', -- empty: the platform did not say
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, sender_id TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'text', content TEXT NOT NULL DEFAULT '', -- a digest of what was said
    album TEXT NOT NULL DEFAULT '', album_total INTEGER NOT NULL DEFAULT 0,
    sent_ms INTEGER NOT NULL, admitted_ms INTEGER NOT NULL, repeats INTEGER NOT NULL DEFAULT 0,
    recalled TEXT NOT NULL DEFAULT '', -- who took it back, in words
    body TEXT, -- JSON; null for what was dropped
    PRIMARY KEY (account, seq)
);
INSERT INTO messages
    (account, seq, message_id, thread_kind, thread_id, sender_id, sent_ms, admitted_ms, body)
    SELECT account, seq, message_id, thread_kind, thread_id, sender_id, sent_ms, admitted_ms, body
    FROM old_messages;

CREATE TABLE aliases ( -- under which ids a message is known: `message`, `client`, or `digest` without either
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, author_id TEXT NOT NULL,
    id TEXT NOT NULL, kind TEXT NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (account, thread_kind, thread_id, author_id, id, kind, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
) WITHOUT ROWID;
INSERT INTO aliases SELECT account, thread_kind, thread_id, sender_id, message_id, 'message', seq
    FROM old_messages WHERE message_id NOT IN ('', '0');

CREATE TABLE tombstones ( -- what was recalled before it came
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, author_id TEXT NOT NULL,
    id TEXT NOT NULL, kind TEXT NOT NULL, told TEXT NOT NULL DEFAULT '',
    noted_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
    PRIMARY KEY (account, thread_kind, thread_id, author_id, id, kind)
) WITHOUT ROWID;

CREATE TABLE notices ( -- what the platform wrote itself, and items that nobody could read
    account TEXT NOT NULL, seq INTEGER NOT NULL, -- a number among those of messages
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, message_id TEXT NOT NULL, client_id TEXT NOT NULL,
    actor_id TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, unreadable INTEGER NOT NULL DEFAULT 0,
    sent_ms INTEGER NOT NULL, noted_ms INTEGER NOT NULL, repeats INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, seq)
) WITHOUT ROWID;

ALTER TABLE decisions RENAME TO old_decisions;
CREATE TABLE decisions (
    account TEXT NOT NULL, message INTEGER NOT NULL, stage TEXT NOT NULL,
    at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
    rule_path TEXT NOT NULL, rule_origin TEXT NOT NULL, rule_line INTEGER, trail TEXT NOT NULL,
    command TEXT NOT NULL DEFAULT '', keep_as_history INTEGER NOT NULL DEFAULT FALSE,
    revision TEXT NOT NULL DEFAULT '', -- a digest of the config in force
    rule_text TEXT NOT NULL DEFAULT '', -- the line of the config as it was
    PRIMARY KEY (account, message, stage),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
) WITHOUT ROWID;
INSERT INTO decisions
    (account, message, stage, at_ms, outcome, reason, rule_path, rule_origin, rule_line, trail, command,
     keep_as_history)
    SELECT account, message, stage, at_ms, outcome, reason, rule_path, rule_origin, rule_line, trail, command,
     keep_as_history FROM old_decisions;

ALTER TABLE turns RENAME TO old_turns;
CREATE TABLE turns (
    account TEXT NOT NULL, turn INTEGER NOT NULL, -- the number of its first message
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    run INTEGER NOT NULL DEFAULT 0, -- rises with each run and each recall: an answer to an older run is void
    ready_ms INTEGER NOT NULL DEFAULT 0, -- until then more messages may join it
    settled_ms INTEGER,
    PRIMARY KEY (account, turn),
    FOREIGN KEY (account, turn) REFERENCES messages (account, seq)
) WITHOUT ROWID;
INSERT INTO turns (account, turn, state, attempts, reason, settled_ms)
    SELECT account, message, state, attempts, reason, settled_ms FROM old_turns;
CREATE TABLE turn_messages ( -- which messages a turn answers, in the order of their numbers
    account TEXT NOT NULL, message INTEGER NOT NULL, turn INTEGER NOT NULL,
    PRIMARY KEY (account, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
) WITHOUT ROWID;
INSERT INTO turn_messages SELECT account, message, message FROM old_turns;

ALTER TABLE outbox RENAME TO old_outbox;
CREATE TABLE outbox (
    account TEXT NOT NULL, id INTEGER NOT NULL,
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    turn INTEGER, -- null for a text that answers no message
    purpose TEXT NOT NULL DEFAULT 'reply', -- reply, challenge, notice or command
    recipient TEXT NOT NULL DEFAULT '', -- of a challenge
    client_id TEXT NOT NULL, body TEXT NOT NULL, -- JSON
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER, settled_ms INTEGER,
    sent_ms INTEGER, -- when it was last given to the channel
    session TEXT NOT NULL DEFAULT '', -- the login under which that was
    looked_up_ms INTEGER, -- when the platform was last asked whether it arrived
    absent_ms INTEGER, -- when a look-up first showed that it is not there
    look_ups INTEGER NOT NULL DEFAULT 0, resends INTEGER NOT NULL DEFAULT 0,
    settling_ms INTEGER, -- of unknown fate: until when look-ups may settle it; null: the operator decides
    taken INTEGER NOT NULL DEFAULT FALSE, -- the platform answered, but named no id
    place INTEGER NOT NULL DEFAULT 1, -- 0: the rest of a reply that began to leave, 2: others may pass it
    held_until_ms INTEGER, -- until when a rule of pacing holds it; the reason names the rule
    receipt TEXT, -- JSON: the ids under which others see it
    echo TEXT, -- the id under which the account saw it itself
    PRIMARY KEY (account, id), UNIQUE (account, client_id),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
INSERT INTO outbox
    (account, id, thread_kind, thread_id, turn, purpose, recipient, client_id, body, state, attempts, reason,
     created_ms, due_ms, expires_ms, settled_ms, sent_ms, looked_up_ms, receipt, echo)
    SELECT account, id, thread_kind, thread_id, turn,
     CASE WHEN turn IS NOT NULL THEN 'reply' WHEN recipient <> '' THEN 'challenge' ELSE 'notice' END,
     recipient, client_id, body, state, attempts, reason, created_ms, due_ms, expires_ms, settled_ms, sent_ms,
     looked_up_ms, receipt, echo FROM old_outbox;

ALTER TABLE undecided RENAME TO old_undecided;
CREATE TABLE undecided ( -- waits until the account knows itself and its groups, or until its album closes
    account TEXT NOT NULL, message INTEGER NOT NULL, album TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, message), FOREIGN KEY (account, message) REFERENCES messages (account, seq)
) WITHOUT ROWID;
INSERT INTO undecided (account, message) SELECT account, message FROM old_undecided;

ALTER TABLE history RENAME TO old_history;
CREATE TABLE history ( -- what a group said that was not for the account
    account TEXT NOT NULL, thread_id TEXT NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (account, thread_id, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
) WITHOUT ROWID;
INSERT INTO history SELECT account, thread_id, message FROM old_history;

ALTER TABLE given RENAME TO old_given;
CREATE TABLE given ( -- which of it went with which turn
    account TEXT NOT NULL, turn INTEGER NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (account, turn, message),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
) WITHOUT ROWID;
INSERT INTO given SELECT account, turn, old_given.message FROM old_given
    JOIN old_turns ON old_turns.message = old_given.turn;

ALTER TABLE receipts ADD COLUMN thread_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN session TEXT NOT NULL DEFAULT ''; -- the login that sent it
CREATE TABLE returned ( -- a send of this account has come back in fetched history: look-ups can be trusted
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, thread_kind)
) WITHOUT ROWID;

ALTER TABLE sends RENAME TO old_sends;
CREATE TABLE sends ( -- what left, for pacing
    account TEXT NOT NULL, chunk INTEGER NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL, digest TEXT NOT NULL, stranger INTEGER NOT NULL, gap_ms INTEGER NOT NULL,
    turn INTEGER, -- of a reply: its parts are one text, whose digest each of them has
    PRIMARY KEY (account, chunk)
) WITHOUT ROWID;
INSERT INTO sends
    SELECT account, chunk, thread_kind, thread_id, at_ms, digest, stranger, gap_ms, NULL FROM old_sends;

ALTER TABLE pairing ADD COLUMN is_friend INTEGER; -- null: not known
CREATE TABLE lapsed ( -- whose request ended unanswered
    account TEXT NOT NULL, sender_id TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (account, sender_id)
) WITHOUT ROWID;
CREATE TABLE rejected ( -- whom the owner turned away; `until_ms` is null for a block
    account TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL,
    rejected_ms INTEGER NOT NULL, until_ms INTEGER, PRIMARY KEY (account, sender_id)
) WITHOUT ROWID;

CREATE TABLE doubted ( -- a list that was empty or sharply shorter than the one before, and how often it came
    account TEXT NOT NULL, listing TEXT NOT NULL, digest TEXT NOT NULL, times INTEGER NOT NULL,
    first_ms INTEGER NOT NULL, PRIMARY KEY (account, listing)
) WITHOUT ROWID;
ALTER TABLE known_people ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE known_groups ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pins ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE known_people SET position = rowid;
UPDATE known_groups SET position = rowid;
UPDATE pins SET position = rowid;

DROP TABLE old_given;
DROP TABLE old_history;
DROP TABLE old_undecided;
DROP TABLE old_sends;
DROP TABLE old_outbox;
DROP TABLE old_decisions;
DROP TABLE old_turns;
DROP TABLE old_messages;

CREATE INDEX messages_by_age ON messages (account, admitted_ms);
CREATE INDEX messages_of_kind ON messages (account, thread_kind, seq);
CREATE INDEX messages_of_thread ON messages (account, thread_kind, thread_id, seq);
CREATE INDEX messages_of_album ON messages (account, thread_kind, thread_id, sender_id, album)
    WHERE album <> '';
CREATE INDEX messages_with_text ON messages (account, seq) WHERE body IS NOT NULL;
CREATE INDEX dropped_messages ON decisions (account, message) WHERE outcome = 'drop';
CREATE INDEX admission_reasons ON decisions (account, message) WHERE stage = 'admission';
CREATE INDEX aliases_by_id ON aliases (account, id);
CREATE INDEX aliases_of_message ON aliases (account, message);
CREATE INDEX notices_by_age ON notices (account, noted_ms);
CREATE INDEX notices_by_id ON notices (account, message_id);
CREATE INDEX open_turns ON turns (account, turn) WHERE settled_ms IS NULL;
CREATE INDEX settled_turns ON turns (account, turn) WHERE settled_ms IS NOT NULL;
CREATE INDEX dead_letters ON turns (account, turn) WHERE state = 'dead';
CREATE INDEX expired_turns ON turns (account, settled_ms) WHERE state = 'expired';
CREATE INDEX messages_of_turn ON turn_messages (account, turn, message);
CREATE INDEX open_chunks ON outbox (account, thread_kind, thread_id, id) WHERE settled_ms IS NULL;
CREATE INDEX queued_chunks ON outbox (account, thread_kind, thread_id, place, id)
    WHERE settled_ms IS NULL AND state = 'queued';
CREATE INDEX expiring_chunks ON outbox (account, expires_ms)
    WHERE settled_ms IS NULL AND expires_ms IS NOT NULL;
CREATE INDEX moving_chunks ON outbox (account, state) WHERE settled_ms IS NULL AND state <> 'queued';
CREATE INDEX chunks_of_turn ON outbox (account, turn, id);
CREATE INDEX unsent_chunks ON outbox (id) WHERE state IN ('refused', 'cancelled', 'expired');
CREATE INDEX other_texts ON outbox (account, created_ms) WHERE turn IS NULL;
CREATE INDEX remembered ON history (account, message);
CREATE INDEX sends_of_account ON sends (account, at_ms);
CREATE INDEX receipts_by_age ON receipts (account, at_ms);
CREATE INDEX receipts_of_session ON receipts (account, thread_kind, session, at_ms);

ANALYZE accounts; -- makes the table of statistics
DELETE FROM sqlite_stat1;
-- As for a million messages of one account. Without them SQLite takes the account in a primary key for a
-- narrow choice, and walks through all that is settled to find what is open.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('accounts', 'sqlite_autoindex_accounts_1', '2 1'),
    ('messages', 'sqlite_autoindex_messages_1', '1000000 500000 1'),
    ('messages', 'messages_by_age', '1000000 500000 1'),
    ('messages', 'messages_of_kind', '1000000 500000 250000 1'),
    ('messages', 'messages_of_thread', '1000000 500000 250000 2000 1'),
    ('messages', 'messages_of_album', '1000 500 500 50 50 5'),
    ('messages', 'messages_with_text', '2000 1000 1'),
    ('aliases', 'aliases', '1000000 500000 250000 2000 500 1 1 1'),
    ('aliases', 'aliases_by_id', '1000000 500000 1'),
    ('aliases', 'aliases_of_message', '1000000 500000 1'),
    ('notices', 'notices', '100000 50000 1'),
    ('notices', 'notices_by_age', '100000 50000 1'),
    ('notices', 'notices_by_id', '100000 50000 1'),
    ('decisions', 'decisions', '1000000 500000 1 1'),
    ('decisions', 'admission_reasons', '1000000 500000 1'),
    ('decisions', 'dropped_messages', '10000 5000 1'),
    ('turns', 'turns', '1000000 500000 1'),
    ('turns', 'settled_turns', '1000000 500000 1'),
    ('turns', 'open_turns', '20 10 1'),
    ('turns', 'dead_letters', '20 10 1'),
    ('turns', 'expired_turns', '200 100 10'),
    ('turn_messages', 'turn_messages', '1000000 500000 1'),
    ('turn_messages', 'messages_of_turn', '1000000 500000 1 1'),
    ('outbox', 'sqlite_autoindex_outbox_1', '1000000 500000 1'),
    ('outbox', 'sqlite_autoindex_outbox_2', '1000000 500000 1'),
    ('outbox', 'open_chunks', '20 10 10 2 1'),
    ('outbox', 'chunks_of_turn', '1000000 500000 2 1'),
    ('outbox', 'other_texts', '10000 5000 1'),
    ('outbox', 'unsent_chunks', '1000 1'),
    ('receipts', 'receipts', '1000000 500000 1'),
    ('receipts', 'receipts_by_age', '1000000 500000 2'),
    ('history', 'history', '1000 500 50 1'),
    ('history', 'remembered', '1000 500 1'),
    ('undecided', 'undecided', '20 10 1');
"""

_EVENTS = """
INSERT INTO numbers VALUES ('event', 0); -- of the event feed, over all accounts and the three tables below
ALTER TABLE decisions ADD COLUMN event INTEGER; -- null: decided before there was a feed
CREATE INDEX decisions_by_event ON decisions (account, event) WHERE event IS NOT NULL;
CREATE TABLE operator_log ( -- who changed what by an operation, written with the change
    account TEXT NOT NULL, id INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    caller TEXT NOT NULL, operation TEXT NOT NULL, change TEXT NOT NULL, -- the transition
    details TEXT NOT NULL, -- JSON: ids, numbers, enum words and flags
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE TABLE state_log ( -- when an account came into which phase
    account TEXT NOT NULL, id INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    phase TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('decisions', 'decisions_by_event', '1000000 500000 1'),
    ('operator_log', 'operator_log', '1000 500 1'),
    ('state_log', 'state_log', '1000 500 1');
"""

_AGENTS = """
ALTER TABLE turns ADD COLUMN asked_once INTEGER NOT NULL DEFAULT FALSE; -- its agent must not be asked twice
"""

_CONVERSATIONS = """
CREATE TABLE sessions ( -- a conversation that an agent remembers; its turns stand in session_turns
    account TEXT NOT NULL, agent TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    number INTEGER NOT NULL DEFAULT 1, -- which conversation of the thread it is
    recalls INTEGER NOT NULL DEFAULT 0, -- how often something was taken out of it
    began_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, -- 0: not used since it began
    summary TEXT NOT NULL DEFAULT '', -- of the turns that are marked as summarised
    PRIMARY KEY (account, agent, thread_kind, thread_id)
) WITHOUT ROWID;
CREATE TABLE session_turns ( -- the texts of people are not here: turn_messages and given lead to them
    account TEXT NOT NULL, turn INTEGER NOT NULL,
    agent TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
    answer TEXT, -- null until there is one
    summarised INTEGER NOT NULL DEFAULT FALSE,
    PRIMARY KEY (account, turn), FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
) WITHOUT ROWID;
CREATE INDEX turns_of_session ON session_turns (account, agent, thread_kind, thread_id, turn);
CREATE INDEX given_messages ON given (account, message);
CREATE TABLE steps ( -- what a model answered within a turn, and what its tools gave back, in order
    account TEXT NOT NULL, turn INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, -- JSON
    PRIMARY KEY (account, turn, number), FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
) WITHOUT ROWID;
CREATE TABLE tool_calls ( -- calls of a step that must not be made twice; they go with it
    account TEXT NOT NULL, turn INTEGER NOT NULL, step INTEGER NOT NULL, call INTEGER NOT NULL,
    tool TEXT NOT NULL, begun_ms INTEGER NOT NULL,
    result TEXT, -- null: nobody knows what became of it
    PRIMARY KEY (account, turn, step, call),
    FOREIGN KEY (account, turn, step) REFERENCES steps (account, turn, number) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE spending ( -- what agents used, by day (YYYY-MM-DD, local time), sender and thread
    account TEXT NOT NULL, agent TEXT NOT NULL, day TEXT NOT NULL,
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, sender_id TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
    usd REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (account, agent, day, thread_kind, thread_id, sender_id)
) WITHOUT ROWID;
-- What a tool sends answers no message (`turn` is null), so that no reply waits for it:
ALTER TABLE outbox ADD COLUMN by_turn INTEGER; -- the turn whose agent called the tool
ALTER TABLE outbox ADD COLUMN step INTEGER; -- and the call: its step in the turn
ALTER TABLE outbox ADD COLUMN call INTEGER; -- and its number in the step
CREATE INDEX tool_sends ON outbox (account, by_turn, id) WHERE by_turn IS NOT NULL;
ALTER TABLE outbox ADD COLUMN messages INTEGER NOT NULL DEFAULT 1; -- how many client ids it takes: an album's
CREATE INDEX open_albums ON outbox (account) WHERE settled_ms IS NULL AND messages > 1;
CREATE TABLE outgoing_files ( -- private copies that chunks send, until they are removed
    account TEXT NOT NULL, name TEXT NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (account, name, chunk)
) WITHOUT ROWID;
ALTER TABLE turns ADD COLUMN note TEXT NOT NULL DEFAULT ''; -- what was left out of the reply, and why
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('sessions', 'sessions', '1000 500 500 500 1'),
    ('session_turns', 'session_turns', '20000 10000 1'),
    ('session_turns', 'turns_of_session', '20000 10000 10000 10000 20 1'),
    ('given', 'given', '20000 10000 5 1'),
    ('given', 'given_messages', '20000 10000 1 1'),
    ('steps', 'steps', '20000 10000 4 1'),
    ('tool_calls', 'tool_calls', '20000 10000 4 2 1'),
    ('spending', 'spending', '1000 500 500 50 50 2 1'),
    ('outbox', 'tool_sends', '1000 500 2 1'),
    ('outbox', 'open_albums', '20 10'),
    ('outgoing_files', 'outgoing_files', '20 10 1 1');
"""

_DESK = """
CREATE TABLE verifications ( -- the runs of the ritual that proves a lane
    account TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    policy TEXT NOT NULL, -- a digest of who may write, as it was in force
    report TEXT NOT NULL, -- JSON
    PRIMARY KEY (account, at_ms)
) WITHOUT ROWID;
CREATE TABLE config_log ( -- which config an account came to work by, for the event feed
    account TEXT NOT NULL, id INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    revision TEXT NOT NULL, edit TEXT NOT NULL, -- in_force, waits, refused
    widens TEXT NOT NULL, narrows TEXT NOT NULL, -- JSON: kinds of change, and how many known people or groups
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
ALTER TABLE outbox ADD COLUMN batch INTEGER; -- of what the operator sends at once: its first chunk
CREATE INDEX operator_sends ON outbox (account, batch, id) WHERE batch IS NOT NULL;
ALTER TABLE receipts ADD COLUMN chunk INTEGER; -- what was sent
ALTER TABLE receipts ADD COLUMN client_id TEXT NOT NULL DEFAULT ''; -- the id under which it was sent
UPDATE receipts SET chunk = sent.id, client_id = sent.first + sent.place FROM (
    SELECT account, outbox.id, CAST(client_id AS INTEGER) AS first, part.key AS place,
        part.value AS message_id
    FROM outbox, json_each(outbox.receipt) AS part WHERE receipt IS NOT NULL
) AS sent WHERE sent.account = receipts.account AND sent.message_id = receipts.message_id;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('verifications', 'verifications', '20 10 1'),
    ('config_log', 'config_log', '1000 500 1'),
    ('outbox', 'operator_sends', '1000 500 2 1');

ALTER TABLE pins RENAME TO old_pins;
CREATE TABLE pins (
    account TEXT NOT NULL, list TEXT NOT NULL,
    in_group TEXT NOT NULL DEFAULT '', -- the key of `groups` above the list of one group
    entry TEXT NOT NULL, found TEXT NOT NULL,
    candidates TEXT NOT NULL, -- JSON: ids and names
    found_by TEXT, at_ms INTEGER NOT NULL, position INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, list, in_group, entry)
);
INSERT INTO pins (account, list, entry, found, candidates, found_by, at_ms, position)
    SELECT account, list, entry, found, candidates, found_by, at_ms, position FROM old_pins;
DROP TABLE old_pins;
"""

_HANDS = """
-- Gateways that share a database, which a file never has: one row each, by the name of its node. Their times
-- are those of the database's own clock.
CREATE TABLE nodes (
    name TEXT PRIMARY KEY,
    instance TEXT NOT NULL, -- a run of the gateway: random
    boot TEXT NOT NULL, -- the machine as it was started, and the lock file: who holds it knows who is gone
    labels TEXT NOT NULL, max_accounts INTEGER, -- as the node's config has them; JSON
    entered_ms INTEGER NOT NULL, beat_ms INTEGER NOT NULL, -- since when the instance is there, its last beat
    draining_ms INTEGER, -- since when it is to give up its accounts
    leaving INTEGER NOT NULL DEFAULT 0, -- 1 once it stops, until its accounts have
    ended TEXT NOT NULL DEFAULT '' -- 'clean' once it has stopped
) WITHOUT ROWID;
-- What their nodes are asked to do for accounts that they run; see `store/node_requests.py`.
CREATE TABLE node_requests (
    id TEXT PRIMARY KEY, node TEXT NOT NULL, -- random; who is to carry it out
    operation TEXT NOT NULL, request TEXT NOT NULL, accounts TEXT NOT NULL, -- JSON
    caller TEXT NOT NULL, locale TEXT NOT NULL, asker TEXT NOT NULL, -- for whom, and who waits for the answer
    asked_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, -- until when it may be taken
    heard_ms INTEGER NOT NULL, -- when whoever asked was last heard of
    state TEXT NOT NULL, -- 'new', 'taken' or 'done'
    instance TEXT NOT NULL DEFAULT '', -- the run of the node that has taken it
    answer TEXT NOT NULL DEFAULT '' -- JSON
) WITHOUT ROWID;
CREATE INDEX requests_of_node ON node_requests (node, asked_ms);
-- What a node tells of one that goes on for long, until whoever asked has read it; see `store/node_steps.py`.
CREATE TABLE node_steps (
    request TEXT NOT NULL, number INTEGER NOT NULL, step TEXT NOT NULL, -- JSON
    PRIMARY KEY (request, number)
) WITHOUT ROWID;
-- A code means one person on an account. That no other account has the same is looked at, and no more: in a
-- database shared by nodes two may choose it at once.
CREATE TABLE pairing_by_account (
    account TEXT NOT NULL, sender_id TEXT NOT NULL, sender_name TEXT NOT NULL, code TEXT NOT NULL,
    reason TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, texted_ms INTEGER,
    is_friend INTEGER, -- null: not known
    PRIMARY KEY (account, sender_id), UNIQUE (account, code)
) WITHOUT ROWID;
INSERT INTO pairing_by_account
SELECT account, sender_id, sender_name, code, reason, created_ms, expires_ms, texted_ms, is_friend
FROM pairing;
DROP TABLE pairing;
ALTER TABLE pairing_by_account RENAME TO pairing;
ALTER TABLE owners ADD COLUMN node TEXT NOT NULL DEFAULT ''; -- who runs the account, or did last
ALTER TABLE owners ADD COLUMN instance TEXT NOT NULL DEFAULT ''; -- of that node
ALTER TABLE owners ADD COLUMN wanted TEXT NOT NULL DEFAULT ''; -- the node that is to run it
ALTER TABLE owners ADD COLUMN ended TEXT NOT NULL DEFAULT ''; -- how its owner ended: 'clean' or 'dead'
CREATE INDEX owners_restless ON owners (account) WHERE wanted <> '' OR ended <> '' OR node = '';
CREATE INDEX sent_chunks ON outbox (account, sent_ms, id) WHERE sent_ms IS NOT NULL; -- what left, by its time
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('outbox', 'sent_chunks', '1000000 500000 2 1');
-- Warm-up: since when the session of each account warms up, and when the account was last in use.
CREATE TABLE warm_ups (
    account TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL,
    begun_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL
) WITHOUT ROWID;
-- What an account works by, compared when another version starts:
CREATE TABLE in_force (
    account TEXT PRIMARY KEY, at_ms INTEGER NOT NULL,
    version TEXT NOT NULL, migration INTEGER NOT NULL, -- of the program and of the store
    policy TEXT NOT NULL, -- JSON: who may write
    settings TEXT NOT NULL -- JSON by path: what the config leaves to the program, and all about resending
) WITHOUT ROWID;
CREATE TABLE upgrades ( -- what another version changed, for each account until the next one
    account TEXT PRIMARY KEY, at_ms INTEGER NOT NULL,
    was_version TEXT NOT NULL, version TEXT NOT NULL,
    changes TEXT NOT NULL, -- JSON: sentences
    holds INTEGER NOT NULL, -- the account is paused until the operator accepts them
    paused TEXT NOT NULL DEFAULT '', -- the level of a pause that is there besides
    paused_until_ms INTEGER, -- and when that ends by itself
    paused_reason TEXT NOT NULL DEFAULT '' -- and the kind of alarm that began it
) WITHOUT ROWID;
-- Since when the account waits for its first connection after a restore: what was sent before that may have
-- been answered by the gateway that the backup is of.
ALTER TABLE accounts ADD COLUMN restored_ms INTEGER;

-- Takeovers: threads in which the owner has written by hand.
CREATE TABLE takeovers (
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, ended_ms INTEGER, -- when the operator ended it
    PRIMARY KEY (account, thread_kind, thread_id)
) WITHOUT ROWID;
CREATE TABLE own_messages ( -- of the account, while nobody knows whether the owner wrote them
    account TEXT NOT NULL, seq INTEGER NOT NULL, -- its number as a message, if it is the owner's
    message_id TEXT NOT NULL, client_id TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    sender_id TEXT NOT NULL, kind TEXT NOT NULL, sent_ms INTEGER NOT NULL, admitted_ms INTEGER NOT NULL,
    written_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
    body TEXT, -- JSON; null for what is not kept
    PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE TABLE own_echoes ( -- the first sends of a login that came back, and whether an id of theirs was known
    account TEXT NOT NULL, session TEXT NOT NULL, chunk INTEGER NOT NULL, known INTEGER NOT NULL,
    PRIMARY KEY (account, session, chunk)
) WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN takeover_off TEXT NOT NULL DEFAULT ''; -- for which login
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('takeovers', 'takeovers', '100 50 25 1'),
    ('own_messages', 'own_messages', '20 10 1'),
    ('own_echoes', 'own_echoes', '6 3 3 1');

-- Pending history of direct messages, too:
ALTER TABLE history RENAME TO old_history;
CREATE TABLE history ( -- what was said in a thread and not answered, until a turn takes it along
    account TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (account, thread_kind, thread_id, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
) WITHOUT ROWID;
INSERT INTO history SELECT account, 'group', thread_id, message FROM old_history;
DROP TABLE old_history;
CREATE INDEX remembered ON history (account, message);
DELETE FROM sqlite_stat1 WHERE tbl IN ('history', 'old_history');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('history', 'history', '1000 500 250 50 1'),
    ('history', 'remembered', '1000 500 1');

-- The record: what left and what was changed, each entry bound to the one before it.
CREATE TABLE audit_log (
    account TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, -- the caller, or what wanted it to leave
    details TEXT NOT NULL, -- JSON: ids, numbers, enum words and flags
    config TEXT NOT NULL, -- the revision in force
    content BLOB NOT NULL, -- keyed digest of what was said; empty where nothing was
    previous BLOB NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
CREATE TABLE audit_anchors ( -- the last entry that was pruned
    account TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit_marks ( -- the login and the config that were recorded last
    account TEXT NOT NULL, what TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (account, what)
) WITHOUT ROWID;
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the record is only added to');
END;
CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log
WHEN NEW.number <> 1 + coalesce(
    (SELECT max(number) FROM audit_log WHERE account = NEW.account),
    (SELECT number FROM audit_anchors WHERE account = NEW.account), 0
) BEGIN
    SELECT RAISE(ABORT, 'the record is only added to at its end');
END;
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
WHEN OLD.number > coalesce((SELECT number FROM audit_anchors WHERE account = OLD.account), 0) BEGIN
    SELECT RAISE(ABORT, 'the record is kept until it is pruned');
END;
CREATE TRIGGER audit_anchors_forward BEFORE UPDATE ON audit_anchors
WHEN NEW.number <= OLD.number OR NEW.account <> OLD.account BEGIN
    SELECT RAISE(ABORT, 'what was pruned stays so');
END;
CREATE TRIGGER audit_anchors_kept BEFORE DELETE ON audit_anchors BEGIN
    SELECT RAISE(ABORT, 'what was pruned stays so');
END;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('audit_log', 'audit_log', '1000000 500000 1'),
    ('audit_anchors', 'audit_anchors', '20 1'),
    ('audit_marks', 'audit_marks', '40 2 1');
-- Drafts: what agents wrote where the owner approves what leaves.
CREATE TABLE drafts (
    account TEXT NOT NULL, number INTEGER NOT NULL, -- among those of chunks
    thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    turn INTEGER NOT NULL, -- which it answers, or whose agent wrote it with a tool; 0: a client wrote it
    step INTEGER, call INTEGER, -- that call of the tool; null for a reply
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    rule TEXT NOT NULL, -- the setting that asks for approval
    text TEXT NOT NULL, -- markdown
    lead TEXT NOT NULL DEFAULT '', -- what stands before it: that a program answers
    chunks TEXT NOT NULL, -- JSON: the bodies of what is sent
    answer TEXT, -- what is remembered of it once it is approved
    rest TEXT NOT NULL DEFAULT '', -- how that goes on behind the text: what goes with it
    edited INTEGER NOT NULL DEFAULT FALSE,
    upto INTEGER NOT NULL, -- the last message that its agent knew
    overtaken_ms INTEGER, -- when something of the account's own went out there since
    created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, decided_ms INTEGER,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
CREATE INDEX drafts_of_turn ON drafts (account, turn);
CREATE INDEX open_drafts ON drafts (account, thread_kind, thread_id, number) WHERE decided_ms IS NULL;
ALTER TABLE outbox ADD COLUMN draft INTEGER; -- as which draft the owner approved it
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('drafts', 'drafts', '1000 500 1'),
    ('drafts', 'drafts_of_turn', '1000 500 1'),
    ('drafts', 'open_drafts', '20 10 10 2 1');
-- Telling the owner: what is not on its way yet.
CREATE TABLE alerts (
    account TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, times INTEGER NOT NULL,
    facts TEXT NOT NULL, -- JSON: ids, numbers, enum words and flags
    PRIMARY KEY (account, kind, key)
) WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN alerted_ms INTEGER NOT NULL DEFAULT 0; -- when a batch of them left
CREATE TABLE deliveries ( -- on their way to a webhook or another target, or set aside
    account TEXT NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, -- JSON without anybody's words
    created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', -- of the last try
    dead_ms INTEGER, -- when it was set aside
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE TABLE owner_texts ( -- commands from the thread with oneself; each is carried out once
    account TEXT NOT NULL, id TEXT NOT NULL, -- the platform's
    text TEXT NOT NULL, -- empty once it was carried out
    noted_ms INTEGER NOT NULL, done_ms INTEGER, PRIMARY KEY (account, id)
) WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN own_thread_ms INTEGER NOT NULL DEFAULT 0; -- when that thread was seen last
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('alerts', 'alerts', '100 50 10 1'),
    ('deliveries', 'deliveries', '100 50 1'),
    ('owner_texts', 'owner_texts', '100 50 1');
-- Alarms: what looks like trouble with the platform, and what the detectors noticed.
CREATE TABLE alarms (
    account TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL,
    key TEXT NOT NULL, -- what it is about, where one kind can be about several things
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, times INTEGER NOT NULL,
    evidence TEXT NOT NULL, -- JSON: ids, numbers, enum words and flags
    ended_ms INTEGER, acknowledged_ms INTEGER, paused INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX alarms_going_on ON alarms (account, kind, key) WHERE ended_ms IS NULL;
CREATE TABLE alarm_signs ( -- what alone is no alarm
    account TEXT NOT NULL, sign TEXT NOT NULL, key TEXT NOT NULL, -- a thread, or empty
    at_ms INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (account, sign, key, at_ms)
) WITHOUT ROWID;
INSERT INTO numbers (name, last) VALUES ('alarm', 0);
ALTER TABLE pauses ADD COLUMN reason TEXT NOT NULL DEFAULT ''; -- the kind of alarm that began it
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('alarms', 'alarms', '200 100 1'),
    ('alarms', 'alarms_going_on', '10 5 1 1'),
    ('alarm_signs', 'alarm_signs', '200 100 50 2 1');
-- What is proven: which abilities were seen to work, on the platform and on a simulator apart.
CREATE TABLE abilities (
    account TEXT NOT NULL, simulated INTEGER NOT NULL, ability TEXT NOT NULL,
    seen_ms INTEGER, last_ms INTEGER, -- the first time, and the last one to the day
    verified_ms INTEGER, -- when the ritual saw it last
    told_ms INTEGER, -- when its first use was told in the log
    refusals INTEGER NOT NULL DEFAULT 0, -- by the platform, while it was never seen to work
    off TEXT NOT NULL DEFAULT '', off_ms INTEGER, -- why it is switched off, and since when
    PRIMARY KEY (account, simulated, ability)
) WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN simulated INTEGER NOT NULL DEFAULT 0; -- whether it ran on a simulator last
ALTER TABLE outbox ADD COLUMN without TEXT NOT NULL DEFAULT ''; -- the ability that it goes without
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('abilities', 'abilities', '60 30 30 1');
-- Other people's words: what is kept by its age, and what is to be forgotten at the owner's wish.
DROP INDEX messages_with_text;
CREATE INDEX texts_by_age ON messages (account, admitted_ms) WHERE body IS NOT NULL;
CREATE INDEX sent_texts_by_age ON outbox (account, settled_ms) WHERE body <> '' AND settled_ms IS NOT NULL;
CREATE INDEX session_turns_by_age ON session_turns (account, at_ms);
CREATE TABLE forgetting ( -- a person or a group whose words are being removed
    account TEXT NOT NULL, whom TEXT NOT NULL, -- `person` or `group`
    id TEXT NOT NULL, asked_ms INTEGER NOT NULL,
    last_message INTEGER NOT NULL, last_chunk INTEGER NOT NULL, -- what came later is kept
    at_message INTEGER NOT NULL, at_chunk INTEGER NOT NULL, -- how far it is
    revoke INTEGER NOT NULL, removed TEXT NOT NULL, -- JSON: how many of what
    PRIMARY KEY (account, whom, id)
) WITHOUT ROWID;
CREATE TABLE disclosed ( -- who was told that a program answers, and by which chunk
    account TEXT NOT NULL, whom TEXT NOT NULL, -- a person's id, or `group:` and a group's
    chunk INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (account, whom)
) WITHOUT ROWID;
ALTER TABLE receipts ADD COLUMN taken_back INTEGER NOT NULL DEFAULT FALSE; -- others do not see it any more
CREATE TABLE answer_fates ( -- turns of agents that remember by themselves, which do not know how they ended
    account TEXT NOT NULL, turn INTEGER NOT NULL,
    agent TEXT NOT NULL, thread_kind TEXT NOT NULL, thread_id TEXT NOT NULL,
    number INTEGER NOT NULL, -- of the conversation
    told TEXT NOT NULL, -- what the agent was told last, in words of the code
    PRIMARY KEY (account, turn), FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
) WITHOUT ROWID;
CREATE INDEX fates_of_session ON answer_fates (account, agent, thread_kind, thread_id, turn);
DELETE FROM sqlite_stat1 WHERE idx = 'messages_with_text';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('messages', 'texts_by_age', '200000 100000 1'),
    ('outbox', 'sent_texts_by_age', '200000 100000 1'),
    ('session_turns', 'session_turns_by_age', '20000 10000 1'),
    ('forgetting', 'forgetting', '2 1 1 1'),
    ('disclosed', 'disclosed', '1000 500 1'),
    ('answer_fates', 'answer_fates', '1000 500 1'),
    ('answer_fates', 'fates_of_session', '1000 500 500 500 2 1');
-- Searches of `why`:
CREATE INDEX messages_of_sender ON messages (account, sender_id, seq);
CREATE INDEX decisions_by_reason ON decisions (account, reason, rule_path, message);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('messages', 'messages_of_sender', '1000000 500000 2000 1'),
    ('decisions', 'decisions_by_reason', '1000000 500000 50000 5000 1 1');
-- What happened, told outside: messages that were taken back, what is gone from the feed, and webhooks.
CREATE TABLE recall_log ( -- for the event feed
    account TEXT NOT NULL, id INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    message INTEGER NOT NULL, who TEXT NOT NULL, -- author, owner
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN gone_event INTEGER NOT NULL DEFAULT 0; -- the newest one that was pruned
CREATE TRIGGER decision_gone AFTER DELETE ON decisions WHEN OLD.event IS NOT NULL BEGIN
    UPDATE accounts SET gone_event = max(gone_event, OLD.event) WHERE account = OLD.account;
END;
CREATE TRIGGER change_gone AFTER DELETE ON operator_log BEGIN
    UPDATE accounts SET gone_event = max(gone_event, OLD.id) WHERE account = OLD.account;
END;
CREATE TRIGGER state_gone AFTER DELETE ON state_log BEGIN
    UPDATE accounts SET gone_event = max(gone_event, OLD.id) WHERE account = OLD.account;
END;
CREATE TRIGGER edit_gone AFTER DELETE ON config_log BEGIN
    UPDATE accounts SET gone_event = max(gone_event, OLD.id) WHERE account = OLD.account;
END;
CREATE TRIGGER recall_gone AFTER DELETE ON recall_log BEGIN
    UPDATE accounts SET gone_event = max(gone_event, OLD.id) WHERE account = OLD.account;
END;
CREATE TABLE webhooks ( -- of the whole store: how far each has been told what happened
    key TEXT PRIMARY KEY, -- a digest of its address
    position INTEGER NOT NULL, -- the last event that it took, or does not get
    taken_ms INTEGER, -- when it last took one
    tries INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', -- since it last took one
    failing_ms INTEGER, due_ms INTEGER NOT NULL DEFAULT 0, -- since when it fails, and the next try
    given_up INTEGER NOT NULL DEFAULT 0, -- events, ever
    missed INTEGER NOT NULL DEFAULT 0, truncated INTEGER NOT NULL DEFAULT 0 -- of which it was not told yet
) WITHOUT ROWID;
CREATE TABLE callbacks ( -- turns of agents that may answer later
    account TEXT NOT NULL, turn INTEGER NOT NULL, id TEXT NOT NULL, -- under which it is asked
    agent TEXT NOT NULL, answered_ms INTEGER,
    answer TEXT NOT NULL DEFAULT '', -- JSON, until the turn has its reply
    PRIMARY KEY (account, turn), FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
) WITHOUT ROWID;
CREATE UNIQUE INDEX callbacks_by_id ON callbacks (account, id);
CREATE TABLE profile_records ( -- of logins, not of accounts; empty here, where they are files
    channel TEXT NOT NULL, profile TEXT NOT NULL,
    kind TEXT NOT NULL, -- session, consent, takeover
    content BLOB NOT NULL, -- what the file would hold: a session is sealed, with a key that is nowhere here
    generation TEXT NOT NULL, -- of a session: stands for the login
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY (channel, profile, kind)
) WITHOUT ROWID;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('recall_log', 'recall_log', '1000 500 1'),
    ('webhooks', 'webhooks', '3 1'),
    ('callbacks', 'callbacks', '1000 500 1'),
    ('callbacks', 'callbacks_by_id', '1000 500 1');
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _REMEMBERING,
    _DIRECTORY,
    _CATCHING_UP,
    _STOPPING,
    _SETTLING,
    _BY_ACCOUNT,
    _EVENTS,
    _AGENTS,
    _CONVERSATIONS,
    _DESK,
    _HANDS,
)
"""Each runs once, in order; a released one never changes."""


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The number of the last migration in the file, 0 for a new one. Raises `StoreUnusable`."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0:
        return 0
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StoreUnusable(
            later("{path} is a database of another program; move it away and start again", path=path)
        )
    (number,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
    if number > len(MIGRATIONS):
        raise StoreUnusable(
            later(
                "{path} was written by a newer clawlane (schema {number}, this one knows {known}); upgrade"
                " clawlane, or use the newer one",
                path=path,
                number=number,
                known=len(MIGRATIONS),
            )
        )
    return int(number)


def outdated(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether `migrate` has something to do. Raises `StoreUnusable`."""
    return check(connection, path) < len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path, now_ms: int) -> None:
    """Bring the file up to date, in one transaction: it is of the old version or of this one.

    Foreign keys must not be enforced yet: a migration may rebuild what others refer to.
    """
    done = check(connection, path)
    if done == 0:
        _begin(connection, now_ms)
    elif done < len(MIGRATIONS):
        connection.executescript(_steps(done, now_ms))


def _begin(connection: sqlite3.Connection, now_ms: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.deserialize(_new())
        made.execute("UPDATE migrations SET applied_ms = ?", (now_ms,))
        made.execute("UPDATE properties SET value = lower(hex(randomblob(16))) WHERE name = 'id'")
        made.backup(connection, progress=_locked)


@cache
def _new() -> bytes:
    """A store with nothing in it. To rebuild tables takes 50 times as long as to copy what comes of it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.executescript(_steps(0, 0))
        return made.serialize()


def _locked(status: int, _remaining: int, _total: int) -> None:
    """A copy would try for ever where somebody else writes. Raises `OperationalError`."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = status
        raise error


def _steps(done: int, now_ms: int) -> str:
    """The statements of all migrations after this one."""
    steps = "".join(
        f"{MIGRATIONS[number - 1]}INSERT INTO migrations VALUES ({number}, {now_ms});"  # noqa: S608 — our own
        for number in range(done + 1, len(MIGRATIONS) + 1)
    )
    return (
        "BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL);"
        f"{steps}"
        f"PRAGMA application_id = {APPLICATION_ID};"
        "COMMIT;"
        "ANALYZE sqlite_schema;"  # reads the statistics again
    )
