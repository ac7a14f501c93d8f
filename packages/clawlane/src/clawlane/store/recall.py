"""Transitions of messages that were taken back: by their author, or by the owner on this account's side.

At whatever stage, such a message is neither answered nor remembered, and its text leaves the file: with the
quotes of it, and with what an agent remembers that saw it. What has been sent by then stays sent; the turn's
reason says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from clawlane.messages import Deleted, Inbound, Thread, ThreadKind, Undone
from clawlane.store import (
    alerts,
    aliases,
    answers,
    callbacks,
    drafts,
    outbox,
    pending_history,
    sessions,
    turns,
)
from clawlane.store.alerts import AlertKind
from clawlane.store.codec import NO_TEXT, inbound_of, thread_of
from clawlane.store.models import RecallResult
from clawlane.store.outbox import delivery_summary
from clawlane.store.rows import change, exists, insert
from clawlane.store.sql import Row, Rows
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.transaction import Tx, forget_texts, next_event

AFTER_MS = 3_600_000
"""How much longer than `backlogMaxAge` a message that was recalled is waited for."""


def tombstones(tx: Tx, inbound: Inbound) -> Rows:
    """What is known of a message that was taken back before it came, for `recalled`."""
    return tx.db.execute(
        "SELECT kind, id, told FROM tombstones"  # noqa: S608 — our own
        f" WHERE {aliases.ANY_OF_TWO} AND expires_ms > ?",
        (*aliases.any_of(tx, inbound, list(aliases.keys(inbound))), tx.now_ms),
    )


def recalled(inbound: Inbound, found: Rows) -> str:
    """Who took a message back before it came, in words; empty if nobody did."""
    told = {(row["kind"], row["id"]): str(row["told"]) for row in found}
    return next((told[key] for key in aliases.keys(inbound) if key in told), "")


BY_AUTHOR = "recalled by its author"
_OF_TURN = ("turn", "by_turn")
"""The columns of the outbox by which a chunk belongs to a turn: of its reply, or sent by a tool."""

BY_OWNER = "deleted by the account's owner"
_WHO = {BY_AUTHOR: "author", BY_OWNER: "owner"}
"""Who took a message back, for the event feed. What is forgotten at the owner's wish is no event."""


def undone(tx: Tx, fact: Undone, keep_ms: int) -> RecallResult:
    """An author took a message back. One that is not here yet is expected for `keep_ms`."""
    return forget(tx, _found_or_expected(tx, fact, fact.actor_id, BY_AUTHOR, keep_ms), BY_AUTHOR)


def own_undone(tx: Tx, fact: Undone) -> RecallResult:
    """The owner took back what they had written by hand, where it is kept as context."""
    for kind, id_ in aliases.ids(fact.message_id, fact.client_id):
        if found := aliases.find(tx, fact.thread, fact.actor_id, kind, id_):
            return forget(tx, found, BY_AUTHOR)
    return RecallResult()


def deleted(tx: Tx, fact: Deleted, keep_ms: int) -> RecallResult:
    """The owner deleted a message, or the conversation up to and including it."""
    found = _found_or_expected(tx, fact, fact.author_id, BY_OWNER, keep_ms)
    return forget(tx, _up_to(tx, fact, found) if fact.whole_thread else found, BY_OWNER)


def _found_or_expected(tx: Tx, fact: Undone | Deleted, author_id: str, told: str, keep_ms: int) -> list[int]:
    """The messages that a fact is about. One that is not here yet is expected, and `told` says by whom."""
    ids = aliases.ids(fact.message_id, fact.client_id)
    place = (tx.account, fact.thread.kind, fact.thread.id, author_id)
    for kind, id_ in ids:
        if found := aliases.find(tx, fact.thread, author_id, kind, id_):
            return found
    tx.db.executemany(
        "INSERT INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, thread_kind, thread_id, author_id, id, kind) DO UPDATE SET expires_ms ="
        " CASE WHEN excluded.expires_ms > tombstones.expires_ms THEN excluded.expires_ms"
        "  ELSE tombstones.expires_ms END",
        [(*place, id_, kind, told, tx.now_ms, tx.now_ms + keep_ms) for kind, id_ in ids],
    )
    return []


def _up_to(tx: Tx, fact: Deleted, found: list[int]) -> list[int]:
    """The messages of a thread, by any author, up to the named one; all of them if that is unknown."""
    last, before_ms = max(found, default=None), None
    if last is None:
        query = "SELECT at_ms FROM receipts WHERE account = ? AND message_id = ?"
        own = tx.db.execute(query, (tx.account, fact.message_id)).fetchone()
        before_ms = own["at_ms"] if own else None
    rows = tx.db.execute(
        "SELECT seq FROM messages WHERE account = ? AND thread_kind = ? AND thread_id = ?"
        " AND seq <= coalesce(?, seq) AND admitted_ms <= coalesce(?, admitted_ms) AND recalled = ''"
        " ORDER BY seq",
        (tx.account, fact.thread.kind, fact.thread.id, last, before_ms),
    )
    return [row["seq"] for row in rows.fetchall()]


def forget(tx: Tx, messages: Iterable[int], reason: str) -> RecallResult:
    """Remove messages of one thread from queue, history, sessions, turns and pairing."""
    found = [row for seq in messages if (row := _mark(tx, seq, reason)) is not None]
    numbers = [row["seq"] for row in found]
    words = [word for row in found if row["body"] for word in _words(inbound_of(row))]
    # All texts go first: in what is left of them, few quotes have to be looked for.
    forget_texts(tx, numbers)
    for row in found:
        _forget_quotes(tx, row)
    reminded = sessions.recalled(tx, thread_of(found[0]), numbers, words) if found else []
    recalled = RecallResult()
    for row in found:
        seq = row["seq"]
        pending_history.remove(tx, [seq])
        tx.db.execute("DELETE FROM undecided WHERE account = ? AND message = ?", (tx.account, seq))
        _withdraw_request(tx, row)
        recalled += RecallResult((seq,)) + _from_turn(tx, seq, reason)
    for row in found:
        recalled += _from_context(tx, row["seq"], reason)
    if found:
        recalled += _from_drafts(tx, thread_of(found[0]), words, reason)
    for turn in reminded:
        if not has_left(tx, turn):
            recalled += _again(tx, turn)
        else:
            sessions.leave(tx, turn)
    if found:
        tx.scrub()
    return recalled


def _mark(tx: Tx, seq: int, reason: str) -> Row | None:
    """A message that is recalled now, with the text that it still has; None if it was recalled before."""
    row: Row | None = tx.db.execute(
        "UPDATE messages SET recalled = ? WHERE account = ? AND seq = ? AND recalled = '' RETURNING *",
        (reason, tx.account, seq),
    ).fetchone()
    if row is not None and (who := _WHO.get(reason)):
        insert(tx, "recall_log", id=next_event(tx), at_ms=tx.now_ms, message=seq, who=who)
    return row


def _words(inbound: Inbound) -> tuple[str, ...]:
    """What answers may repeat of a message: its text, and what was said in it."""
    return (inbound.text, *(one.transcript for one in inbound.attachments))


def _forget_quotes(tx: Tx, message: Row) -> None:
    """Later messages of the thread that quote a message lose its words."""
    rows = tx.db.execute(
        "SELECT seq, body FROM messages WHERE account = ? AND body IS NOT NULL AND seq > ?"
        " AND thread_kind = ? AND thread_id = ?",
        (tx.account, message["seq"], message["thread_kind"], message["thread_id"]),
    ).fetchall()
    ids = {id_ for _, id_ in aliases.ids(message["message_id"], message["client_id"])}
    for row in rows:
        body = json.loads(row["body"])
        if (quote := body["quote"]) and ids.intersection((quote[0], *quote[3:4])):
            body["quote"] = [*quote[:2], "", quote[3] if quote[3:] else "", None]
            change(tx, "messages", {"seq": row["seq"]}, body=json.dumps(body))


def _from_turn(tx: Tx, seq: int, reason: str) -> RecallResult:
    """Take a message out of its turn, which runs again with the others unless something of it has left."""
    row = tx.db.execute(
        "SELECT turns.* FROM turn_messages JOIN turns USING (account, turn)"
        " WHERE turn_messages.account = ? AND turn_messages.message = ?",
        (tx.account, seq),
    ).fetchone()
    if row is None:
        return RecallResult()
    turn, others = row["turn"], turns.messages(tx, row["turn"])
    if row["state"] == TurnState.DRAFTED:
        return _from_drafted(tx, turn, reason)
    if row["settled_ms"] is not None:
        _from_settled(tx, row, reason, rest=bool(others))
        return RecallResult()
    if others and not has_left(tx, turn):
        return _again(tx, turn)
    # What may have arrived is neither looked for nor sent again.
    for column in _OF_TURN:
        key = {column: turn, "state": ChunkState.UNKNOWN, "settled_ms": None}
        change(tx, "outbox", key, settled_ms=tx.now_ms)
    turns.end_reply(tx, turn, TurnState.RECALLED, reason)
    _forget_answer(tx, turn)
    return RecallResult(ended=(turn,))


def _from_drafted(tx: Tx, turn: int, reason: str) -> RecallResult:
    """Drop the drafts of a turn, which runs again with what is left of it unless something has left."""
    _drop_drafts(tx, turn, reason)
    if turns.messages(tx, turn) and not has_left(tx, turn):
        change(tx, "turns", {"turn": turn}, state=TurnState.WAITING, settled_ms=None)
        return _again(tx, turn)
    change(tx, "turns", {"turn": turn}, state=TurnState.RECALLED, reason=reason)
    _forget_answer(tx, turn)
    return RecallResult()


def _drop_drafts(tx: Tx, turn: int, reason: str) -> None:
    for number in drafts.of_turn(tx, turn):
        drafts.drop(tx, number, reason)


def _from_drafts(tx: Tx, thread: Thread, words: Sequence[str], reason: str) -> RecallResult:
    """Drafts of the thread that repeat what was recalled are written anew."""
    recalled = RecallResult()
    for number, text in drafts.of_thread(tx, thread):
        if sessions.repeats(words, [text]) and (turn := drafts.drop(tx, number, reason)) is not None:
            recalled += _from_drafted(tx, turn, reason)
    return recalled


def _from_settled(tx: Tx, row: Row, reason: str, *, rest: bool) -> None:
    """A turn that is over is told to be about a message that is gone, and is not taken up again."""
    turn = row["turn"]
    outbox.cancel_tools(tx, turn, reason)
    change(
        tx, "outbox", {"by_turn": turn, "state": ChunkState.UNKNOWN, "settled_ms": None}, settled_ms=tx.now_ms
    )
    _forget_answer(tx, turn)
    if rest:
        query = "DELETE FROM outbox WHERE account = ? AND turn = ? AND state = 'expired'"
        tx.db.execute(query, (tx.account, turn))
    else:
        reply = delivery_summary(tx, turn)
        resumable = row["state"] in (TurnState.DEAD, TurnState.EXPIRED)
        state = TurnState.RECALLED if resumable else row["state"]
        change(tx, "turns", {"turn": turn}, state=state, reason=f"{reason}: {reply}" if reply else reason)


def _forget_answer(tx: Tx, turn: int) -> None:
    """Delete what was answered: it may repeat the message. The steps of another run are told from these."""
    for column in _OF_TURN:
        change(tx, "outbox", {column: turn}, body=NO_TEXT)
    answers.forget_steps(tx, turn)


def _from_context(tx: Tx, seq: int, reason: str) -> RecallResult:
    """Turns that were given the message as what their group said, and have sent nothing yet, run again."""
    rows = tx.db.execute(
        "SELECT turn, state FROM given JOIN turns USING (account, turn)"
        " WHERE given.account = ? AND given.message = ? AND (settled_ms IS NULL OR state = 'drafted')",
        (tx.account, seq),
    ).fetchall()
    recalled = RecallResult()
    for row in rows:
        if row["state"] == TurnState.DRAFTED:
            recalled += _from_drafted(tx, row["turn"], reason)
        elif not has_left(tx, row["turn"]):
            recalled += _again(tx, row["turn"])
        else:
            sessions.leave(tx, row["turn"])
    tx.db.execute("DELETE FROM given WHERE account = ? AND message = ?", (tx.account, seq))
    return recalled


def _again(tx: Tx, turn: int) -> RecallResult:
    """Start a turn over. What its agent may still answer is void."""
    _drop_drafts(tx, turn, "its turn was started over")
    query = "DELETE FROM outbox WHERE account = ? AND turn = ? AND state IN ('queued', 'held')"
    tx.db.execute(query, (tx.account, turn))
    tx.db.execute("DELETE FROM outbox WHERE account = ? AND by_turn = ?", (tx.account, turn))
    tx.db.execute("DELETE FROM steps WHERE account = ? AND turn = ?", (tx.account, turn))
    callbacks.begin_anew(tx, turn)
    pending_history.give_back(tx, turn)
    tx.db.execute(
        "UPDATE turns SET attempts = attempts - CASE state WHEN 'running' THEN 1 ELSE 0 END,"
        " state = 'waiting', reason = '', run = CASE run WHEN 0 THEN 0 ELSE run + 1 END"
        " WHERE account = ? AND turn = ? AND settled_ms IS NULL",
        (tx.account, turn),
    )
    return RecallResult(again=(turns.open_turn(tx, turn),))


def has_left(tx: Tx, turn: int) -> bool:
    """Whether something of a reply has left, or of what its tools send, or may have.

    So has a call that must not be made twice.
    """
    left = "state IN ('sent', 'sending', 'unknown')"
    queries = (f"SELECT 1 FROM outbox WHERE account = ? AND {column} = ? AND {left}" for column in _OF_TURN)  # noqa: S608
    called = "SELECT 1 FROM tool_calls WHERE account = ? AND turn = ?"
    return any(exists(tx.db, query, tx.account, turn) for query in (*queries, called))


def _withdraw_request(tx: Tx, message: Row) -> None:
    """A pairing request that this message alone made goes with it, unless its text has left."""
    account, sender_id = tx.account, message["sender_id"]
    query = "SELECT created_ms FROM pairing WHERE account = ? AND sender_id = ?"
    request = tx.db.execute(query, (account, sender_id)).fetchone()
    if message["thread_kind"] != ThreadKind.DM or request is None:
        return
    since_ms = request["created_ms"]
    # A message was read a little before its request was made: the time of its decision counts.
    query = "SELECT 1 FROM decisions WHERE account = ? AND message = ? AND stage = 'admission' AND at_ms >= ?"
    asked = exists(tx.db, query, account, message["seq"], since_ms)
    query = (
        "SELECT 1 FROM messages JOIN decisions ON decisions.account = messages.account"
        "  AND decisions.message = seq AND decisions.reason LIKE 'dm\\_pairing\\_%' ESCAPE '\\'"
        " WHERE messages.account = ? AND thread_kind = 'dm' AND thread_id = ? AND sender_id = ?"
        " AND recalled = '' AND at_ms >= ?"
    )
    if not asked or exists(tx.db, query, account, message["thread_id"], sender_id, since_ms):
        return
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = ?"
        " WHERE account = ? AND turn IS NULL AND recipient = ? AND created_ms >= ? AND state = 'queued'",
        (tx.now_ms, message["recalled"], account, sender_id, since_ms),
    )
    query = (
        "SELECT 1 FROM outbox WHERE account = ? AND turn IS NULL AND recipient = ? AND created_ms >= ?"
        " AND state <> 'cancelled'"
    )
    if not exists(tx.db, query, account, sender_id, since_ms):
        tx.db.execute("DELETE FROM pairing WHERE account = ? AND sender_id = ?", (account, sender_id))
        alerts.withdraw(tx, AlertKind.PAIRING_REQUEST, sender_id)
