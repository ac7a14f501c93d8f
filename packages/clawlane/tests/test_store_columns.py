"""Every column of the store is known to hold people's words, their names and ids, or neither.

A new column fails here until somebody has said which, and a table with words until it is removed by `forget`,
shown by `export` and taken by `retention`.
"""

from __future__ import annotations

from collections.abc import Mapping

from clawlane.store.connection import connect_nothing
from clawlane.store.held import TABLES

WORDS: Mapping[str, str] = {
    "messages.body": "what people wrote, with their name, quotes, and what was said in voice messages",
    "outbox.body": "what was answered or sent",
    "notices.text": "the platform's own texts, which name people",
    "drafts.text": "an answer that waits",
    "drafts.lead": "what goes before it",
    "drafts.chunks": "the same as it is sent",
    "drafts.answer": "the same as it is remembered",
    "drafts.rest": "what goes with it",
    "sessions.summary": "what a model made of a conversation",
    "session_turns.answer": "what an agent answered",
    "steps.body": "what a model said to its tools",
    "tool_calls.result": "what a tool gave back",
    "turns.reason": "an agent's error may quote a message",
    "turns.note": "what was left out of an answer",
    "own_messages.body": "what the owner wrote by hand, until it is known whose it is",
}
"""Removed by `forget`, shown by `export`, and taken by `retention`."""

NAMES: Mapping[str, str] = {
    "pairing.sender_name": "goes with the request, and by `retention.decisions`",
    "approved.sender_name": "goes with the approval",
    "rejected.sender_name": "forgotten, and by `retention.decisions`",
    "known_people.name": "the account's own address book; replaced by each look-up",
    "known_people.aliases": "the same",
    "known_groups.name": "the same",
    "pins.candidates": "whom a name of the config may mean; goes with the entry",
    "pins.entry": "a name as the operator wrote it",
    "verifications.report": "names of groups and people that the ritual was about",
}

IDS = frozenset(
    [
        "accounts.user_id",
        "aliases.author_id",
        "aliases.id",
        "aliases.thread_id",
        "approved.sender_id",
        "approved.code",
        "cursors.message_id",
        "disclosed.whom",
        "drafts.thread_id",
        "forgetting.id",
        "history.thread_id",
        "known_groups.group_id",
        "known_people.group_id",
        "known_people.user_id",
        "lapsed.sender_id",
        "messages.album",
        "messages.client_id",
        "messages.message_id",
        "messages.sender_id",
        "messages.thread_id",
        "messages.content",
        "notices.actor_id",
        "notices.client_id",
        "notices.message_id",
        "notices.thread_id",
        "own_messages.client_id",
        "own_messages.message_id",
        "own_messages.sender_id",
        "own_messages.thread_id",
        "outbox.client_id",
        "outbox.echo",
        "outbox.receipt",
        "outbox.recipient",
        "outbox.thread_id",
        "pairing.code",
        "pairing.sender_id",
        "pauses.thread_id",
        "pins.found_by",
        "pins.in_group",
        "receipts.client_id",
        "receipts.message_id",
        "rejected.sender_id",
        "sends.digest",
        "sends.thread_id",
        "session_turns.thread_id",
        "answer_fates.thread_id",
        "sessions.thread_id",
        "spending.sender_id",
        "spending.thread_id",
        "takeovers.thread_id",
        "tombstones.author_id",
        "tombstones.id",
        "tombstones.thread_id",
        "undecided.album",
        "warm_ups.user_id",
        "audit_log.details",
        "operator_log.details",
        "alerts.facts",
        "alarms.key",
        "alarms.evidence",
        "alarm_signs.key",
        "alerts.key",
        "deliveries.body",
        "owner_texts.id",
        "owner_texts.text",  # a command, until it was carried out
        "audit_log.content",
        "doubted.digest",
    ]
)
"""Ids of people, groups and messages, records that hold nothing else, and digests that nobody can read."""

NEITHER = frozenset(
    [
        "account",
        "acknowledged_ms",
        "sign",
        "accepted",
        "added_ms",
        "admitted_ms",
        "agent",
        "album_total",
        "alerted_ms",
        "done_ms",
        "own_thread_ms",
        "approved_ms",
        "asked_ms",
        "asked_once",
        "at_chunk",
        "at_message",
        "at_ms",
        "attempts",
        "absent_ms",
        "batch",
        "began_ms",
        "begun_ms",
        "by_turn",
        "call",
        "caller",
        "change",
        "changes",
        "chunk",
        "code",
        "command",
        "config",
        "created_ms",
        "day",
        "dead_ms",
        "decided_ms",
        "detail",
        "draft",
        "due_ms",
        "edit",
        "edited",
        "ended_ms",
        "epoch",
        "error",
        "event",
        "expires_ms",
        "first_ms",
        "found",
        "from_ms",
        "gap_ms",
        "hash",
        "held_until_ms",
        "holds",
        "id",
        "input_tokens",
        "is_friend",
        "keep_as_history",
        "kept_from_ms",
        "key",
        "kind",
        "known",
        "takeover_off",
        "written_ms",
        "last",
        "last_chunk",
        "last_client_id",
        "last_inbound_ms",
        "last_message",
        "last_ms",
        "last_outbound_ms",
        "last_seen_ms",
        "level",
        "list",
        "listing",
        "look_ups",
        "looked_up_ms",
        "member_count",
        "message",
        "messages",
        "migration",
        "n",
        "name",
        "narrows",
        "noted_ms",
        "number",
        "operation",
        "outcome",
        "output_tokens",
        "overtaken_ms",
        "passed",
        "paused",
        "paused_reason",
        "paused_until_ms",
        "phase",
        "pid",
        "place",
        "policy",
        "position",
        "previous",
        "purpose",
        "ready_ms",
        "reason",
        "recalled",
        "recalls",
        "rejected_ms",
        "removed",
        "repeats",
        "resends",
        "restored_ms",
        "revision",
        "revoke",
        "rule",
        "rule_line",
        "rule_origin",
        "rule_path",
        "rule_text",
        "run",
        "sent_ms",
        "seen_ms",
        "seq",
        "session",
        "settings",
        "settled_ms",
        "settling_ms",
        "since_ms",
        "stage",
        "state",
        "step",
        "stranger",
        "summarised",
        "taken",
        "taken_back",
        "target",
        "texted_ms",
        "thread_kind",
        "times",
        "to_ms",
        "told",
        "tool",
        "trail",
        "tries",
        "turn",
        "unreadable",
        "until_ms",
        "upto",
        "usd",
        "user",
        "value",
        "version",
        "was_version",
        "what",
        "who",
        "whom",
        "widens",
        "applied_ms",
    ]
)
"""Times, numbers, states and words of ours, by the name of the column alone."""

KEPT_BY_ID_ALONE = frozenset(
    # No rows of one person, or nothing of them but an id that others' rows have, too.
    [
        "accounts",
        "alarms",
        "alarm_signs",
        "known_groups",
        "cursors",
        "pins",
        "receipts",
        "operator_log",
        "audit_log",
        "alerts",
        "deliveries",
        "owner_texts",
        "verifications",
        "warm_ups",
    ]
)


def columns() -> set[str]:
    connection = connect_nothing()
    tables = [
        row["name"]
        for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not row["name"].startswith("sqlite_")
    ]
    return {
        f"{table}.{row['name']}"
        for table in tables
        for row in connection.execute(f"PRAGMA table_info({table})")
    }


def test_every_column_is_known() -> None:
    told = WORDS.keys() | NAMES.keys() | IDS
    unknown = {one for one in columns() - told if one.partition(".")[2] not in NEITHER}
    assert unknown == set(), "say in this file what these hold; words go by forget, export and retention"
    assert told - columns() == set(), "these are not there any more"


def test_what_is_of_a_person_is_shown() -> None:
    tables = {one.partition(".")[0] for one in (*WORDS, *NAMES, *IDS)}
    personal = tables - KEPT_BY_ID_ALONE - {"doubted"}
    assert personal <= TABLES.keys(), "export shows each table that has rows about a person"
    assert TABLES.keys() <= {one.partition(".")[0] for one in columns()}
