"""Transitions that remove what a person or a group said, at the owner's wish.

A request is a row. Each step removes a batch and moves the row on in the same transaction, so that an end in
the middle costs nothing: what is left is removed by the next start, or by the same command. What came after
the request is kept. Ids stay as long as they are needed so that no message is answered twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clawlane.messages import Thread, ThreadKind
from clawlane.store import answers, drafts, pairing, recall, sessions, turns
from clawlane.store.codec import NO_TEXT, inbound_of, said_in, storable, thread_of
from clawlane.store.models import RecallResult
from clawlane.store.repetition import Repetition
from clawlane.store.rows import change, exists, insert
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.transaction import Tx, lazy

FORGOTTEN = "forgotten at the owner's wish"
"""Who took such a message back, in the words that `why` shows."""

_WINDOW = 2000
"""Rows that one step looks at."""

_BATCH = 50
"""Messages that one step removes."""


class Whom(StrEnum):
    """Whose words are removed: all of a person's, or everybody's in a group."""

    PERSON = "person"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """A request that is not done yet. `removed` is how many of what is gone by now."""

    account: str
    whom: Whom
    id: str
    asked_ms: int
    revoke: bool
    removed: dict[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it took back, and whether there is more to do."""

    recalled: RecallResult = field(default_factory=RecallResult)
    more: bool = True


def begin(tx: Tx, whom: Whom, id_: str, *, revoke: bool = False) -> None:
    """Ask for what was said until now to be removed. One that was asked for before goes on, up to now."""
    key = {"whom": whom, "id": id_}
    message, chunk = (tx.db.last_number(name) for name in ("message", "chunk"))
    found = _row(tx, whom, id_)
    if found is None:
        values = {"asked_ms": tx.now_ms, "last_message": message, "last_chunk": chunk, "revoke": revoke}
        insert(tx, "forgetting", **key, **values, at_message=0, at_chunk=0, removed="{}")
    else:
        later = {"last_message": message, "last_chunk": chunk, "revoke": revoke or found["revoke"]}
        change(tx, "forgetting", key, **later)
    tx.note(whom=whom, id=id_, revoke=revoke)


def step(tx: Tx, whom: Whom, id_: str) -> Step:
    """Remove the next batch."""
    row = _row(tx, whom, id_)
    if row is None:
        return Step(more=False)
    if row["at_message"] < row["last_message"]:
        return Step(_messages(tx, row))
    if row["at_chunk"] < row["last_chunk"]:
        _chunks(tx, row)
        return Step()
    _rest(tx, row)
    return Step(more=False)


def finish(tx: Tx, whom: Whom, id_: str) -> dict[str, int]:
    """The request is done, files included: how many of what was removed. The record keeps that."""
    row = _row(tx, whom, id_)
    removed: dict[str, int] = json.loads(row["removed"]) if row else {}
    tx.db.execute("DELETE FROM forgetting WHERE account = ? AND whom = ? AND id = ?", (tx.account, whom, id_))
    tx.note(whom=whom, id=id_, **removed)
    return removed


def add(tx: Tx, whom: Whom, id_: str, removed: Mapping[str, int]) -> None:
    """Count what was removed outside the store."""
    row = _row(tx, whom, id_)
    if row is not None:
        _count(tx, row, removed)


def requests(connection: Database, account: str) -> list[Forgetting]:
    """What is to be removed from an account and is not yet."""
    query = "SELECT * FROM forgetting WHERE account = ? ORDER BY asked_ms, id"
    return [
        Forgetting(
            account,
            Whom(row["whom"]),
            row["id"],
            row["asked_ms"],
            bool(row["revoke"]),
            json.loads(row["removed"]),
        )
        for row in connection.execute(query, (account,))
    ]


@lazy
def open_requests(tx: Tx) -> list[Forgetting]:
    """The same, for the account that goes on with them."""
    return requests(tx.db, tx.account)


def accounts_of(connection: Database) -> list[str]:
    """Every account that the store knows."""
    return [row["account"] for row in connection.execute("SELECT account FROM accounts ORDER BY account")]


def held(connection: Database, account: str, whom: Whom, id_: str) -> dict[str, int]:
    """What a request would remove, roughly: how many of what."""
    values = (account, ThreadKind.GROUP if whom is Whom.GROUP else ThreadKind.DM, id_)
    sender = id_ if whom is Whom.PERSON else ""
    messages = (
        "FROM messages WHERE account = ? AND body IS NOT NULL"
        " AND ((thread_kind = ? AND thread_id = ?) OR sender_id = ?)"
    )
    counts = {
        "messages": (f"SELECT count(*) {messages}", (*values, sender)),
        "texts_sent": (
            "SELECT count(*) FROM outbox WHERE account = ? AND thread_kind = ? AND thread_id = ?"
            " AND body NOT IN ('', ?)",
            (*values, NO_TEXT),
        ),
        "notices": (
            "SELECT count(*) FROM notices WHERE account = ? AND text <> ''"
            " AND ((thread_kind = ? AND thread_id = ?) OR actor_id = ?)",
            (*values, sender or "-"),
        ),
        "requests": ("SELECT count(*) FROM pairing WHERE account = ? AND sender_id = ?", (account, sender)),
    }
    found = {name: int(connection.execute(*query).fetchone()[0]) for name, query in counts.items()}
    return {name: count for name, count in found.items() if count}


def _row(tx: Tx, whom: Whom, id_: str) -> Row | None:
    query = "SELECT * FROM forgetting WHERE account = ? AND whom = ? AND id = ?"
    row: Row | None = tx.db.execute(query, (tx.account, whom, id_)).fetchone()
    return row


def _count(tx: Tx, row: Row, removed: Mapping[str, int], **place: int) -> None:
    """Move a request on, with what was removed."""
    counts = Counter(json.loads(row["removed"])) + Counter(removed)
    key = {"whom": row["whom"], "id": row["id"]}
    change(tx, "forgetting", key, removed=json.dumps(counts), **place)


def _is_meant(row: Row, place: Row, sender: str = "") -> bool:
    """Whether a row of a thread belongs to what is forgotten."""
    if row["whom"] == Whom.GROUP:
        return bool((place["thread_kind"], place["thread_id"]) == (ThreadKind.GROUP, row["id"]))
    own = (place["thread_kind"], place["thread_id"]) == (ThreadKind.DM, row["id"])
    return own or sender == row["id"]


def _messages(tx: Tx, row: Row) -> RecallResult:
    """Take back the next messages: with what quotes them, what was answered, and what agents remember."""
    until = min(row["at_message"] + _WINDOW, row["last_message"])
    found = tx.db.execute(
        "SELECT * FROM messages WHERE account = ? AND seq > ? AND seq <= ? ORDER BY seq",
        (tx.account, row["at_message"], until),
    ).fetchall()
    meant = [one for one in found if _is_meant(row, one, one["sender_id"]) and one["recalled"] != FORGOTTEN]
    if len(meant) > _BATCH:
        meant = meant[:_BATCH]
        until = meant[-1]["seq"]
    if row["whom"] == Whom.PERSON:
        _blank_quotes(tx, row["id"], (one for one in found if one["seq"] <= until and one["body"]))
    recalled, removed = RecallResult(), Counter[str]()
    for thread in dict.fromkeys(map(thread_of, meant)):
        of_thread = [one for one in meant if thread_of(one) == thread]
        removed["messages"] += sum(1 for one in of_thread if one["body"])
        removed["answers"] += _answers(tx, row, thread, of_thread)
        recalled += recall.forget(tx, [one["seq"] for one in of_thread], FORGOTTEN)
        for one in of_thread:
            query = "SELECT turn FROM turn_messages WHERE account = ? AND message = ?"
            if turn := tx.db.execute(query, (tx.account, one["seq"])).fetchone():
                answers.forget_reasons(tx, turn["turn"])
        removed["summaries"] += _summaries(tx, thread)
    _count(tx, row, removed, at_message=until)
    return recalled


def _answers(tx: Tx, row: Row, thread: Thread, messages: Iterable[Row]) -> int:
    """Forget what was answered with these messages at hand, and what repeats them. Gives how many texts."""
    repetition, forgotten = Repetition(), 0
    for one in messages:
        if one["body"]:
            inbound = inbound_of(one)
            repetition.add(inbound.text, *(attached.transcript for attached in inbound.attachments))
        query = "SELECT turn FROM given WHERE account = ? AND message = ?"
        for given in tx.db.execute(query, (tx.account, one["seq"])).fetchall():
            for column in ("turn", "by_turn"):
                query = f"SELECT * FROM outbox WHERE account = ? AND {column} = ? AND body <> ''"  # noqa: S608
                chunks = tx.db.execute(query, (tx.account, given["turn"])).fetchall()
                forgotten += sum(_forget_chunk(tx, chunk) for chunk in chunks)
    query = (
        "SELECT * FROM outbox WHERE account = ? AND thread_kind = ? AND thread_id = ? AND id <= ?"
        " AND body NOT IN ('', ?)"
    )
    place = (tx.account, thread.kind, thread.id, row["last_chunk"], NO_TEXT)
    for chunk in tx.db.execute(query, place).fetchall() if repetition else ():
        if repetition.is_in(said_in(chunk["body"])):
            forgotten += _forget_chunk(tx, chunk)
    if repetition:
        for number, text in drafts.of_thread(tx, thread):
            if number <= row["last_chunk"] and repetition.is_in(text):
                drafts.drop(tx, number, FORGOTTEN)
        sessions.forget_repeated(tx, thread, repetition.is_in)
    return forgotten


def _summaries(tx: Tx, thread: Thread) -> int:
    """Drop what sums up a thread: nobody can tell whose words are in it. Gives how many there were.

    An agent that remembers by itself is told by a new number that a new conversation begins.
    """
    dropped = 0
    for row in sessions.of_thread(tx, thread):
        if row["summary"]:
            sessions.drop_summary(tx, row["agent"], thread)
            dropped += 1
        if not exists(tx.db, _HAS_TURNS, tx.account, row["agent"], thread.kind, thread.id):
            sessions.begin_anew(tx, row["agent"], thread)
    return dropped


_HAS_TURNS = (
    "SELECT 1 FROM session_turns WHERE account = ? AND agent = ? AND thread_kind = ? AND thread_id = ?"
)


def _blank_quotes(tx: Tx, author_id: str, messages: Iterable[Row]) -> None:
    """Others quote somebody: their own words stay, the quoted ones go."""
    for one in messages:
        body = json.loads(one["body"])
        quote = body["quote"]
        if quote and quote[1] == author_id and (quote[2] or quote[4:] not in ([], [None])):
            body["quote"] = [*quote[:2], "", quote[3] if quote[3:] else "", None]
            change(tx, "messages", {"seq": one["seq"]}, body=json.dumps(body))


def _chunks(tx: Tx, row: Row) -> None:
    """Forget what was sent into the thread; what has not left is cancelled."""
    until = min(row["at_chunk"] + _WINDOW, row["last_chunk"])
    chunks = tx.db.execute(
        "SELECT * FROM outbox WHERE account = ? AND id > ? AND id <= ? AND body NOT IN ('', ?)",
        (tx.account, row["at_chunk"], until, NO_TEXT),
    ).fetchall()
    removed = sum(_forget_chunk(tx, chunk) for chunk in chunks if _is_meant(row, chunk))
    _count(tx, row, {"texts_sent": removed}, at_chunk=until)


def _forget_chunk(tx: Tx, chunk: Row) -> int:
    """Forget what a chunk says. What has not left of its whole text does not leave; 1, for counting."""
    key = {"id": chunk["id"]}
    change(tx, "outbox", key, body=NO_TEXT)
    if chunk["settled_ms"] is not None:
        return 1
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND settled_ms IS NULL"
    if chunk["turn"] is not None and exists(tx.db, query, tx.account, chunk["turn"]):
        turns.end_reply(tx, chunk["turn"], TurnState.RECALLED, FORGOTTEN)
    elif chunk["state"] in (ChunkState.QUEUED, ChunkState.HELD):
        change(tx, "outbox", key, state=ChunkState.CANCELLED, settled_ms=tx.now_ms, reason=FORGOTTEN)
    if chunk["state"] == ChunkState.UNKNOWN:  # it is neither looked for nor sent again
        change(tx, "outbox", {**key, "settled_ms": None}, settled_ms=tx.now_ms)
    return 1


def _rest(tx: Tx, row: Row) -> None:
    """What is not a message: sessions, the platform's notices, and what pairing knows."""
    is_group = row["whom"] == Whom.GROUP
    thread = Thread(ThreadKind.GROUP if is_group else ThreadKind.DM, row["id"])
    removed = Counter[str]()
    for session in sessions.of_thread(tx, thread):
        if session["last_ms"]:
            sessions.begin_anew(tx, session["agent"], thread)
            removed["sessions"] += 1
    for number, _ in drafts.of_thread(tx, thread):
        if number <= row["last_chunk"]:
            drafts.drop(tx, number, FORGOTTEN)
            removed["drafts"] += 1
    removed["messages"] += tx.db.execute(
        "UPDATE own_messages SET body = NULL WHERE account = ? AND seq <= ? AND body IS NOT NULL"
        " AND thread_kind = ? AND thread_id = ?",
        (tx.account, row["last_message"], thread.kind, thread.id),
    ).rowcount
    removed["notices"] = tx.db.execute(
        "UPDATE notices SET text = '' WHERE account = ? AND seq <= ? AND text <> ''"
        " AND ((thread_kind = ? AND thread_id = ?) OR actor_id = ?)",
        (tx.account, row["last_message"], thread.kind, thread.id, "-" if is_group else row["id"]),
    ).rowcount
    if not is_group:
        who = (tx.account, storable(row["id"]))
        removed["requests"] = tx.db.execute(
            "DELETE FROM pairing WHERE account = ? AND sender_id = ?", who
        ).rowcount
        tx.db.execute("UPDATE rejected SET sender_name = '' WHERE account = ? AND sender_id = ?", who)
        query = "SELECT 1 FROM approved WHERE account = ? AND sender_id = ?"
        if row["revoke"] and exists(tx.db, query, *who):
            pairing.revoke(tx, row["id"])
            removed["approvals"] = 1
    _count(tx, row, removed)
    tx.scrub()
