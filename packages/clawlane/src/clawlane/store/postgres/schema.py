"""The tables in PostgreSQL, as numbered migrations of their own.

Tables and columns are those of SQLite, whose migrations say what they mean (`sqlite/schema.py`);
`tests/test_store_engines.py` compares the two. Texts are compared byte by byte, as there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import LiteralString

import psycopg

from clawlane.store.errors import StoreUnusable
from clawlane.texts import later

_FIRST = """
CREATE SEQUENCE message_numbers;
CREATE SEQUENCE chunk_numbers;
CREATE SEQUENCE alarm_numbers;
CREATE TABLE owners (
    account TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    pid BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    node TEXT COLLATE "C" NOT NULL DEFAULT '',
    instance TEXT COLLATE "C" NOT NULL DEFAULT '',
    wanted TEXT COLLATE "C" NOT NULL DEFAULT '',
    ended TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account)
);
CREATE TABLE nodes (
    name TEXT COLLATE "C" NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    boot TEXT COLLATE "C" NOT NULL,
    labels TEXT COLLATE "C" NOT NULL,
    max_accounts BIGINT,
    entered_ms BIGINT NOT NULL,
    beat_ms BIGINT NOT NULL,
    draining_ms BIGINT,
    leaving BIGINT NOT NULL DEFAULT 0,
    ended TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (name)
);
CREATE TABLE node_requests (
    id TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    accounts TEXT COLLATE "C" NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,
    locale TEXT COLLATE "C" NOT NULL,
    asker TEXT COLLATE "C" NOT NULL,
    asked_ms BIGINT NOT NULL,
    heard_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    instance TEXT COLLATE "C" NOT NULL DEFAULT '',
    answer TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (id)
);
CREATE TABLE node_steps (
    request TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    step TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (request, number)
);
CREATE TABLE accounts (
    account TEXT COLLATE "C" NOT NULL,
    last_client_id BIGINT NOT NULL DEFAULT 0,
    last_inbound_ms BIGINT,
    last_outbound_ms BIGINT,
    kept_from_ms BIGINT NOT NULL DEFAULT 0,
    user_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    last_seen_ms BIGINT NOT NULL DEFAULT 0,
    restored_ms BIGINT,
    takeover_off TEXT COLLATE "C" NOT NULL DEFAULT '',
    alerted_ms BIGINT NOT NULL DEFAULT 0,
    own_thread_ms BIGINT NOT NULL DEFAULT 0,
    simulated BIGINT NOT NULL DEFAULT 0,
    gone_event BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account)
);
CREATE TABLE counters (
    account TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account, reason)
);
CREATE TABLE pairing (
    account TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    sender_name TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    texted_ms BIGINT,
    is_friend BIGINT,
    PRIMARY KEY (account, sender_id),
    UNIQUE (account, code)
);
CREATE TABLE approved (
    account TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    sender_name TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    approved_ms BIGINT NOT NULL,
    PRIMARY KEY (account, sender_id)
);
CREATE TABLE receipts (
    account TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL DEFAULT 0,
    thread_kind TEXT COLLATE "C" NOT NULL DEFAULT '',
    session TEXT COLLATE "C" NOT NULL DEFAULT '',
    chunk BIGINT,
    client_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    taken_back BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, message_id)
);
CREATE TABLE lookups (
    account TEXT COLLATE "C" NOT NULL,
    listing TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account, listing)
);
CREATE TABLE known_people (
    account TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    aliases TEXT COLLATE "C" NOT NULL,
    is_friend BIGINT,
    position BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, group_id, user_id)
);
CREATE TABLE known_groups (
    account TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    member_count BIGINT,
    position BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, group_id)
);
CREATE TABLE cursors (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, thread_kind)
);
CREATE TABLE gaps (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    noted_ms BIGINT NOT NULL,
    PRIMARY KEY (account, thread_kind, from_ms)
);
CREATE TABLE pauses (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    level TEXT COLLATE "C" NOT NULL,
    since_ms BIGINT NOT NULL,
    until_ms BIGINT,
    ended_ms BIGINT,
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account, thread_kind, thread_id)
);
CREATE TABLE numbers (
    name TEXT COLLATE "C" NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE properties (
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE messages (
    account TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL DEFAULT 'text',
    content TEXT COLLATE "C" NOT NULL DEFAULT '',
    album TEXT COLLATE "C" NOT NULL DEFAULT '',
    album_total BIGINT NOT NULL DEFAULT 0,
    sent_ms BIGINT NOT NULL,
    admitted_ms BIGINT NOT NULL,
    repeats BIGINT NOT NULL DEFAULT 0,
    recalled TEXT COLLATE "C" NOT NULL DEFAULT '',
    body TEXT COLLATE "C",
    PRIMARY KEY (account, seq)
);
CREATE TABLE aliases (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    author_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (account, thread_kind, thread_id, author_id, id, kind, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
);
CREATE TABLE tombstones (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    author_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    told TEXT COLLATE "C" NOT NULL DEFAULT '',
    noted_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (account, thread_kind, thread_id, author_id, id, kind)
);
CREATE TABLE notices (
    account TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    unreadable BIGINT NOT NULL DEFAULT 0,
    sent_ms BIGINT NOT NULL,
    noted_ms BIGINT NOT NULL,
    repeats BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, seq)
);
CREATE TABLE decisions (
    account TEXT COLLATE "C" NOT NULL,
    message BIGINT NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    rule_path TEXT COLLATE "C" NOT NULL,
    rule_origin TEXT COLLATE "C" NOT NULL,
    rule_line BIGINT,
    trail TEXT COLLATE "C" NOT NULL,
    command TEXT COLLATE "C" NOT NULL DEFAULT '',
    keep_as_history BIGINT NOT NULL DEFAULT 0,
    revision TEXT COLLATE "C" NOT NULL DEFAULT '',
    rule_text TEXT COLLATE "C" NOT NULL DEFAULT '',
    event BIGINT,
    PRIMARY KEY (account, message, stage),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
);
CREATE TABLE turns (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    run BIGINT NOT NULL DEFAULT 0,
    ready_ms BIGINT NOT NULL DEFAULT 0,
    settled_ms BIGINT,
    asked_once BIGINT NOT NULL DEFAULT 0,
    note TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account, turn),
    FOREIGN KEY (account, turn) REFERENCES messages (account, seq)
);
CREATE TABLE turn_messages (
    account TEXT COLLATE "C" NOT NULL,
    message BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    PRIMARY KEY (account, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE TABLE outbox (
    account TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    turn BIGINT,
    purpose TEXT COLLATE "C" NOT NULL DEFAULT 'reply',
    recipient TEXT COLLATE "C" NOT NULL DEFAULT '',
    client_id TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    settled_ms BIGINT,
    sent_ms BIGINT,
    session TEXT COLLATE "C" NOT NULL DEFAULT '',
    looked_up_ms BIGINT,
    absent_ms BIGINT,
    look_ups BIGINT NOT NULL DEFAULT 0,
    resends BIGINT NOT NULL DEFAULT 0,
    settling_ms BIGINT,
    taken BIGINT NOT NULL DEFAULT 0,
    place BIGINT NOT NULL DEFAULT 1,
    held_until_ms BIGINT,
    receipt TEXT COLLATE "C",
    echo TEXT COLLATE "C",
    by_turn BIGINT,
    step BIGINT,
    call BIGINT,
    messages BIGINT NOT NULL DEFAULT 1,
    batch BIGINT,
    draft BIGINT,
    without TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account, id),
    UNIQUE (account, client_id),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE TABLE undecided (
    account TEXT COLLATE "C" NOT NULL,
    message BIGINT NOT NULL,
    album TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
);
CREATE TABLE given (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (account, turn, message),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE TABLE returned (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account, thread_kind)
);
CREATE TABLE sends (
    account TEXT COLLATE "C" NOT NULL,
    chunk BIGINT NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    stranger BIGINT NOT NULL,
    gap_ms BIGINT NOT NULL,
    turn BIGINT,
    PRIMARY KEY (account, chunk)
);
CREATE TABLE lapsed (
    account TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account, sender_id)
);
CREATE TABLE rejected (
    account TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    sender_name TEXT COLLATE "C" NOT NULL,
    rejected_ms BIGINT NOT NULL,
    until_ms BIGINT,
    PRIMARY KEY (account, sender_id)
);
CREATE TABLE doubted (
    account TEXT COLLATE "C" NOT NULL,
    listing TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    times BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    PRIMARY KEY (account, listing)
);
CREATE TABLE operator_log (
    account TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    change TEXT COLLATE "C" NOT NULL,
    details TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE state_log (
    account TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE sessions (
    account TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL DEFAULT 1,
    recalls BIGINT NOT NULL DEFAULT 0,
    began_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    summary TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account, agent, thread_kind, thread_id)
);
CREATE TABLE session_turns (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    answer TEXT COLLATE "C",
    summarised BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, turn),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE TABLE steps (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    number BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, turn, number),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE TABLE tool_calls (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    step BIGINT NOT NULL,
    call BIGINT NOT NULL,
    tool TEXT COLLATE "C" NOT NULL,
    begun_ms BIGINT NOT NULL,
    result TEXT COLLATE "C",
    PRIMARY KEY (account, turn, step, call),
    FOREIGN KEY (account, turn, step) REFERENCES steps (account, turn, number) ON DELETE CASCADE
);
CREATE TABLE spending (
    account TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    usd DOUBLE PRECISION NOT NULL DEFAULT 0,
    PRIMARY KEY (account, agent, day, thread_kind, thread_id, sender_id)
);
CREATE TABLE outgoing_files (
    account TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    chunk BIGINT NOT NULL,
    PRIMARY KEY (account, name, chunk)
);
CREATE TABLE verifications (
    account TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    policy TEXT COLLATE "C" NOT NULL,
    report TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, at_ms)
);
CREATE TABLE config_log (
    account TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    revision TEXT COLLATE "C" NOT NULL,
    edit TEXT COLLATE "C" NOT NULL,
    widens TEXT COLLATE "C" NOT NULL,
    narrows TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE pins (
    account TEXT COLLATE "C" NOT NULL,
    list TEXT COLLATE "C" NOT NULL,
    in_group TEXT COLLATE "C" NOT NULL DEFAULT '',
    entry TEXT COLLATE "C" NOT NULL,
    found TEXT COLLATE "C" NOT NULL,
    candidates TEXT COLLATE "C" NOT NULL,
    found_by TEXT COLLATE "C",
    at_ms BIGINT NOT NULL,
    position BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, list, in_group, entry)
);
CREATE TABLE warm_ups (
    account TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    begun_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    PRIMARY KEY (account)
);
CREATE TABLE in_force (
    account TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    migration BIGINT NOT NULL,
    policy TEXT COLLATE "C" NOT NULL,
    settings TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account)
);
CREATE TABLE upgrades (
    account TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    was_version TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    changes TEXT COLLATE "C" NOT NULL,
    holds BIGINT NOT NULL,
    paused TEXT COLLATE "C" NOT NULL DEFAULT '',
    paused_until_ms BIGINT,
    paused_reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account)
);
CREATE TABLE takeovers (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    since_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    PRIMARY KEY (account, thread_kind, thread_id)
);
CREATE TABLE own_messages (
    account TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    sender_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    sent_ms BIGINT NOT NULL,
    admitted_ms BIGINT NOT NULL,
    written_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    body TEXT COLLATE "C",
    PRIMARY KEY (account, seq)
);
CREATE TABLE own_echoes (
    account TEXT COLLATE "C" NOT NULL,
    session TEXT COLLATE "C" NOT NULL,
    chunk BIGINT NOT NULL,
    known BIGINT NOT NULL,
    PRIMARY KEY (account, session, chunk)
);
CREATE TABLE history (
    account TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (account, thread_kind, thread_id, message),
    FOREIGN KEY (account, message) REFERENCES messages (account, seq)
);
CREATE TABLE audit_log (
    account TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    details TEXT COLLATE "C" NOT NULL,
    config TEXT COLLATE "C" NOT NULL,
    content BYTEA NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE TABLE audit_anchors (
    account TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account)
);
CREATE TABLE audit_marks (
    account TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, what)
);
CREATE TABLE drafts (
    account TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    step BIGINT,
    call BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    rule TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    lead TEXT COLLATE "C" NOT NULL DEFAULT '',
    chunks TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C",
    rest TEXT COLLATE "C" NOT NULL DEFAULT '',
    edited BIGINT NOT NULL DEFAULT 0,
    upto BIGINT NOT NULL,
    overtaken_ms BIGINT,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    decided_ms BIGINT,
    PRIMARY KEY (account, number)
);
CREATE TABLE alerts (
    account TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    times BIGINT NOT NULL,
    facts TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, kind, key)
);
CREATE TABLE deliveries (
    account TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    error TEXT COLLATE "C" NOT NULL DEFAULT '',
    dead_ms BIGINT,
    PRIMARY KEY (account, id)
);
CREATE TABLE owner_texts (
    account TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    noted_ms BIGINT NOT NULL,
    done_ms BIGINT,
    PRIMARY KEY (account, id)
);
CREATE TABLE alarms (
    account TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    times BIGINT NOT NULL,
    evidence TEXT COLLATE "C" NOT NULL,
    ended_ms BIGINT,
    acknowledged_ms BIGINT,
    paused BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE alarm_signs (
    account TEXT COLLATE "C" NOT NULL,
    sign TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (account, sign, key, at_ms)
);
CREATE TABLE abilities (
    account TEXT COLLATE "C" NOT NULL,
    simulated BIGINT NOT NULL,
    ability TEXT COLLATE "C" NOT NULL,
    seen_ms BIGINT,
    last_ms BIGINT,
    verified_ms BIGINT,
    told_ms BIGINT,
    refusals BIGINT NOT NULL DEFAULT 0,
    off TEXT COLLATE "C" NOT NULL DEFAULT '',
    off_ms BIGINT,
    PRIMARY KEY (account, simulated, ability)
);
CREATE TABLE forgetting (
    account TEXT COLLATE "C" NOT NULL,
    whom TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    asked_ms BIGINT NOT NULL,
    last_message BIGINT NOT NULL,
    last_chunk BIGINT NOT NULL,
    at_message BIGINT NOT NULL,
    at_chunk BIGINT NOT NULL,
    revoke BIGINT NOT NULL,
    removed TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, whom, id)
);
CREATE TABLE disclosed (
    account TEXT COLLATE "C" NOT NULL,
    whom TEXT COLLATE "C" NOT NULL,
    chunk BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account, whom)
);
CREATE TABLE answer_fates (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    thread_kind TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    told TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, turn),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE TABLE recall_log (
    account TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    message BIGINT NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE profile_records (
    channel TEXT COLLATE "C" NOT NULL,
    profile TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    content BYTEA NOT NULL,
    generation TEXT COLLATE "C" NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (channel, profile, kind)
);
CREATE TABLE webhooks (
    key TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    taken_ms BIGINT,
    tries BIGINT NOT NULL DEFAULT 0,
    error TEXT COLLATE "C" NOT NULL DEFAULT '',
    failing_ms BIGINT,
    due_ms BIGINT NOT NULL DEFAULT 0,
    given_up BIGINT NOT NULL DEFAULT 0,
    missed BIGINT NOT NULL DEFAULT 0,
    truncated BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (key)
);
CREATE TABLE callbacks (
    account TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    answered_ms BIGINT,
    answer TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (account, turn),
    FOREIGN KEY (account, turn) REFERENCES turns (account, turn)
);
CREATE INDEX owners_restless ON owners (account) WHERE wanted <> '' OR ended <> '' OR node = '';
CREATE INDEX messages_by_age ON messages (account, admitted_ms);
CREATE INDEX messages_of_kind ON messages (account, thread_kind, seq);
CREATE INDEX messages_of_thread ON messages (account, thread_kind, thread_id, seq);
CREATE INDEX messages_of_album ON messages (account, thread_kind, thread_id, sender_id, album)
    WHERE album <> '';
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
CREATE INDEX sends_of_account ON sends (account, at_ms);
CREATE INDEX receipts_by_age ON receipts (account, at_ms);
CREATE INDEX receipts_of_session ON receipts (account, thread_kind, session, at_ms);
CREATE INDEX decisions_by_event ON decisions (account, event) WHERE event IS NOT NULL;
CREATE INDEX turns_of_session ON session_turns (account, agent, thread_kind, thread_id, turn);
CREATE INDEX given_messages ON given (account, message);
CREATE INDEX tool_sends ON outbox (account, by_turn, id) WHERE by_turn IS NOT NULL;
CREATE INDEX open_albums ON outbox (account) WHERE settled_ms IS NULL AND messages > 1;
CREATE INDEX operator_sends ON outbox (account, batch, id) WHERE batch IS NOT NULL;
CREATE INDEX sent_chunks ON outbox (account, sent_ms, id) WHERE sent_ms IS NOT NULL;
CREATE INDEX remembered ON history (account, message);
CREATE INDEX drafts_of_turn ON drafts (account, turn);
CREATE INDEX open_drafts ON drafts (account, thread_kind, thread_id, number) WHERE decided_ms IS NULL;
CREATE INDEX requests_of_node ON node_requests (node, asked_ms);
CREATE UNIQUE INDEX alarms_going_on ON alarms (account, kind, key) WHERE ended_ms IS NULL;
CREATE INDEX texts_by_age ON messages (account, admitted_ms) WHERE body IS NOT NULL;
CREATE INDEX sent_texts_by_age ON outbox (account, settled_ms) WHERE body <> '' AND settled_ms IS NOT NULL;
CREATE INDEX session_turns_by_age ON session_turns (account, at_ms);
CREATE INDEX fates_of_session ON answer_fates (account, agent, thread_kind, thread_id, turn);
CREATE INDEX messages_of_sender ON messages (account, sender_id, seq);
CREATE INDEX decisions_by_reason ON decisions (account, reason, rule_path, message);
CREATE UNIQUE INDEX callbacks_by_id ON callbacks (account, id);
INSERT INTO numbers (name, last) VALUES ('event', 0);
INSERT INTO properties (name, value) VALUES ('id', replace(gen_random_uuid()::text, '-', ''));
-- The record is only added to, at its end, and only what was pruned goes.
CREATE FUNCTION audit_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE anchor BIGINT; last BIGINT;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE 'the record is only added to' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT max(number) INTO last FROM audit_log WHERE account = NEW.account;
        SELECT number INTO anchor FROM audit_anchors WHERE account = NEW.account;
        IF NEW.number <> 1 + coalesce(last, anchor, 0) THEN
            RAISE 'the record is only added to at its end' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT number INTO anchor FROM audit_anchors WHERE account = OLD.account;
    IF OLD.number > coalesce(anchor, 0) THEN
        RAISE 'the record is kept until it is pruned' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER audit_log_guarded BEFORE INSERT OR UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_guard();
CREATE FUNCTION audit_anchors_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.number > OLD.number AND NEW.account = OLD.account THEN
        RETURN NEW;
    END IF;
    RAISE 'what was pruned stays so' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_anchors_guarded BEFORE UPDATE OR DELETE ON audit_anchors
    FOR EACH ROW EXECUTE FUNCTION audit_anchors_guard();
-- The newest event that was pruned, by account: a reader behind it is told so.
CREATE FUNCTION event_gone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE gone BIGINT := (to_jsonb(OLD) ->> TG_ARGV[0])::BIGINT;
BEGIN
    UPDATE accounts SET gone_event = gone WHERE account = OLD.account AND gone_event < gone;
    RETURN NULL;
END $$;
CREATE TRIGGER decision_gone AFTER DELETE ON decisions
    FOR EACH ROW WHEN (OLD.event IS NOT NULL) EXECUTE FUNCTION event_gone('event');
CREATE TRIGGER change_gone AFTER DELETE ON operator_log FOR EACH ROW EXECUTE FUNCTION event_gone('id');
CREATE TRIGGER state_gone AFTER DELETE ON state_log FOR EACH ROW EXECUTE FUNCTION event_gone('id');
CREATE TRIGGER edit_gone AFTER DELETE ON config_log FOR EACH ROW EXECUTE FUNCTION event_gone('id');
CREATE TRIGGER recall_gone AFTER DELETE ON recall_log FOR EACH ROW EXECUTE FUNCTION event_gone('id');
-- These grow by thousands of rows in a morning and lose them in a night: what the server knows of their
-- size is renewed earlier than it would be by default, or joins of them are planned for a handful of rows.
DO $$ DECLARE one TEXT; BEGIN
    FOREACH one IN ARRAY
        ARRAY['messages', 'turns', 'turn_messages', 'outbox', 'decisions', 'receipts', 'given']
    LOOP
        EXECUTE format('ALTER TABLE %I SET (autovacuum_analyze_scale_factor = 0.02,'
            ' autovacuum_vacuum_scale_factor = 0.05)', one);
    END LOOP;
END $$;
"""

MIGRATIONS: tuple[LiteralString, ...] = (_FIRST,)
"""Each runs once, in order; a released one never changes."""

BESIDE = 1
"""The oldest schema whose gateways may work on the newest one, while they are upgraded one after the other.

It rises with a migration that they cannot live with: one that removes or renames what they use.
"""

_BESIDE = "oldest schema beside"

_MIGRATIONS = "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, applied_ms BIGINT NOT NULL)"
_NOTE = "INSERT INTO properties VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_NOTED = "SELECT value FROM properties WHERE name = %s"
_OURS = "SELECT to_regclass('migrations') IS NOT NULL"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


def check(db: psycopg.Connection[tuple[int]], where: str) -> int:
    """The number of the last migration in the database, 0 for an empty one.

    It may be a newer one that this version can work on. Raises `StoreUnusable`.
    """
    if not _one(db, _OURS):
        if _one(db, _TABLES):
            told = later("{where} holds tables of another program; give clawlane one of its own", where=where)
            raise StoreUnusable(told)
        return 0
    number = _one(db, "SELECT coalesce(max(number), 0) FROM migrations")
    if number > len(MIGRATIONS) and _oldest_beside(db, number) > len(MIGRATIONS):
        told = later(
            "{where} was written by a newer clawlane (schema {number}, this one knows {known}); upgrade"
            " clawlane",
            where=where,
            number=number,
            known=len(MIGRATIONS),
        )
        raise StoreUnusable(told)
    return number


def migrate(db: psycopg.Connection[tuple[int]], where: str, now_ms: int) -> None:
    """Bring the tables up to date, in one transaction. Several gateways may start at once: one does it.

    Raises `StoreUnusable`.
    """
    if check(db, where) >= len(MIGRATIONS):
        return
    with suppress(psycopg.errors.UniqueViolation), db.transaction():  # somebody else has just made it
        db.execute(_MIGRATIONS)
    with db.transaction():
        db.execute("LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE")
        done = _one(db, "SELECT coalesce(max(number), 0) FROM migrations")
        if done >= len(MIGRATIONS):
            return
        for number, statements in enumerate(MIGRATIONS[done:], done + 1):
            db.execute(statements)
            db.execute("INSERT INTO migrations VALUES (%s, %s)", (number, now_ms))
        db.execute(_NOTE, (_BESIDE, str(BESIDE)))


def _oldest_beside(db: psycopg.Connection[tuple[int]], newest: int) -> int:
    """The oldest schema whose gateways may work on this database, as the newest version has noted it."""
    return _one(db, _NOTED, (_BESIDE,)) or newest


def _one(db: psycopg.Connection[tuple[int]], query: LiteralString, values: tuple[str, ...] = ()) -> int:
    row = db.execute(query, values).fetchone()
    return int(row[0]) if row else 0
