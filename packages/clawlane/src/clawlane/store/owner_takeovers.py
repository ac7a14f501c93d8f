"""Takeovers: threads in which the owner has written by hand, and the agent holds back for a while.

A message of the account that matches nothing in the outbox is the owner's, from another device. It matches
by client id, by message id, or by thread and text within 60 seconds. While a send of its thread is unsettled
nobody can know: the message waits here for its verdict, and nothing of the thread leaves.

If the first three sends of a login come back under ids that match nothing, the two cannot be told apart:
takeovers are off until the next login. Times are by this machine's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from clawlane.abilities import Ability
from clawlane.access.decision import OWNER, Decision, Outcome, Reason
from clawlane.messages import Inbound, Thread, ThreadKind, Undone
from clawlane.store import (
    abilities,
    aliases,
    drafts,
    events,
    own_sends,
    pairing,
    pending_history,
    recall,
    sessions,
)
from clawlane.store.codec import inbound_body, inbound_of, storable, thread_of
from clawlane.store.decisions import record
from clawlane.store.models import Judged, NewOwn, TakenOver, TakeoverTerms
from clawlane.store.rows import change, exists, insert, put
from clawlane.store.sql import Database, Row
from clawlane.store.states import TurnState
from clawlane.store.stored_messages import store_message
from clawlane.store.told import Stage
from clawlane.store.transaction import Tx
from clawlane.store.turns import end_reply

REASON = str(Reason.OWNER_TOOK_OVER)
"""Why a chunk or a turn was cancelled."""

_FIRST_SENDS = 3


@dataclass(frozen=True, slots=True)
class Takeover:
    """A takeover in force. `name` is that of the person or group, empty if nobody knows."""

    account: str
    thread: Thread
    since_ms: int
    until_ms: int
    name: str = ""


def begin(tx: Tx, terms: TakeoverTerms) -> Judged:
    """What a start finds: the takeovers in force, and what can be judged by now.

    The sends of a new login are trusted. Where takeovers are switched off by the config, they end.
    """
    if not terms.lasts_ms:
        end_all(tx)
        return Judged(off=True)
    tx.db.execute(
        "UPDATE accounts SET takeover_off = '' WHERE account = ? AND takeover_off <> ?",
        (tx.account, terms.session),
    )
    tx.db.execute("DELETE FROM own_echoes WHERE account = ? AND session <> ?", (tx.account, terms.session))
    rows = tx.db.execute(
        "SELECT * FROM takeovers WHERE account = ? AND until_ms > ? AND ended_ms IS NULL",
        (tx.account, tx.now_ms),
    ).fetchall()
    found = tuple(TakenOver(thread_of(row), row["until_ms"]) for row in rows)
    judged = judge(tx, terms)
    return replace(judged, taken=(*found, *judged.taken))


def note(tx: Tx, own: NewOwn) -> Judged:
    """Take a message of the account that it did not read from anybody else, and judge whose it is."""
    fact, terms = own.fact, own.terms
    sent = own_sends.find(tx, fact, own.written_ms)
    if sent is not None:
        own_sends.note_echo(tx, terms.session, sent.chunk, known=sent.by_id, first=_FIRST_SENDS)
    else:
        own_sends.suspect(tx, terms.session, fact.thread, own.written_ms, first=_FIRST_SENDS)
    if own_sends.is_foreign(tx, terms.session, _FIRST_SENDS):
        return _switch_off(tx, terms.session)
    if sent is None and (own.heard or _open_here(tx, fact.thread)) and not _repeated(tx, own):
        _put_in_question(tx, own)
    return judge(tx, terms)


def judge(tx: Tx, terms: TakeoverTerms) -> Judged:
    """Judge the messages in question whose thread has nothing unsettled. Gives what this began."""
    query = "SELECT *, '' AS album FROM own_messages WHERE account = ? ORDER BY seq"
    rows = tx.db.execute(query, (tx.account,)).fetchall()
    taken: dict[Thread, TakenOver] = {}
    still: dict[Thread, int] = {}
    for row in rows:
        thread = thread_of(row)
        known = own_sends.by_id(tx, row["client_id"], row["message_id"])
        if known is not None:
            own_sends.note_echo(tx, terms.session, known, known=True, first=_FIRST_SENDS)
        elif row["expires_ms"] > tx.now_ms and own_sends.unsettled(tx, thread):
            still[thread] = max(still.get(thread, 0), row["expires_ms"])
            continue
        tx.db.execute("DELETE FROM own_messages WHERE account = ? AND seq = ?", (tx.account, row["seq"]))
        if known is not None or row["expires_ms"] <= tx.now_ms:
            continue
        _keep(tx, row, terms)
        drafts.overtake(tx, thread)
        if begun := _take_over(tx, row, terms):
            earlier = taken.get(thread)
            ended = (*(earlier.ended if earlier else ()), *begun.ended)
            taken[thread] = replace(begun, ended=ended)
    return Judged(tuple(taken.values()), tuple(still), min(still.values(), default=None))


def holds(tx: Tx, thread: Thread, written_ms: int) -> bool:
    """Whether what was written in a thread at that time falls into a takeover of it."""
    query = (
        "SELECT 1 FROM takeovers WHERE account = ? AND thread_kind = ? AND thread_id = ? AND until_ms > ?"
        " AND ended_ms IS NULL"
    )
    return exists(tx.db, query, tx.account, thread.kind, thread.id, written_ms)


def end(tx: Tx, thread: Thread) -> bool:
    """End the takeover of a thread, as the operator says. False where there was none.

    What the owner wrote before does not begin it again, should it come once more.
    """
    place = {"thread_kind": thread.kind, "thread_id": thread.id}
    in_question = "SELECT 1 FROM own_messages WHERE account = ? AND thread_kind = ? AND thread_id = ?"
    held = holds(tx, thread, tx.now_ms) or exists(tx.db, in_question, tx.account, thread.kind, thread.id)
    if not held:
        return False
    tx.db.execute(in_question.replace("SELECT 1", "DELETE", 1), (tx.account, thread.kind, thread.id))
    if not change(tx, "takeovers", place, ended_ms=tx.now_ms).rowcount:
        insert(tx, "takeovers", **place, since_ms=tx.now_ms, until_ms=tx.now_ms, ended_ms=tx.now_ms)
    tx.note(thread_kind=thread.kind, thread_id=thread.id)
    return True


def forget_words(tx: Tx, fact: Undone) -> None:
    """The owner took back a message that is still in question: it holds, but its words are not kept."""
    place = (tx.account, fact.thread.kind, fact.thread.id)
    for kind, id_ in aliases.ids(fact.message_id, fact.client_id):
        tx.db.execute(
            "UPDATE own_messages SET body = NULL WHERE account = ? AND thread_kind = ? AND thread_id = ?"  # noqa: S608
            f" AND {kind}_id = ?",
            (*place, id_),
        )


def end_all(tx: Tx) -> None:
    """End every takeover: they were switched off."""
    tx.db.execute("DELETE FROM own_messages WHERE account = ?", (tx.account,))
    change(tx, "takeovers", {"ended_ms": None}, ended_ms=tx.now_ms)


def in_force(connection: Database, account: str, now_ms: int) -> list[Takeover]:
    """The takeovers of an account, the one that ends first first."""
    from clawlane.store import directory

    rows = connection.execute(
        "SELECT * FROM takeovers WHERE account = ? AND until_ms > ? AND ended_ms IS NULL"
        " ORDER BY until_ms, thread_kind, thread_id",
        (account, now_ms),
    ).fetchall()
    return [
        Takeover(
            account,
            thread_of(row),
            row["since_ms"],
            row["until_ms"],
            directory.thread_name(connection, account, thread_of(row)),
        )
        for row in rows
    ]


def switched_off(connection: Database, account: str) -> bool:
    """Whether takeovers are off because what the account sends came back under ids that match nothing."""
    return exists(connection, "SELECT 1 FROM accounts WHERE account = ? AND takeover_off <> ''", account)


def _switch_off(tx: Tx, session: str) -> Judged:
    query = "SELECT 1 FROM accounts WHERE account = ? AND takeover_off = ?"
    if exists(tx.db, query, tx.account, session):
        return Judged(off=True)
    put(tx, "accounts", {}, takeover_off=session)
    end_all(tx)
    _log(tx, "switched_off", sends=_FIRST_SENDS)
    return Judged(off=True, switched_off=True)


def _open_here(tx: Tx, thread: Thread) -> bool:
    """Whether something waits to be sent to a thread, drafts included."""
    place = (tx.account, thread.kind, thread.id)
    return any(
        exists(
            tx.db,
            f"SELECT 1 FROM {table} WHERE account = ? AND thread_kind = ? AND thread_id = ?"  # noqa: S608
            f" AND {open_} IS NULL",
            *place,
        )
        for table, open_ in (("outbox", "settled_ms"), ("drafts", "decided_ms"))
    )


def _repeated(tx: Tx, own: NewOwn) -> bool:
    """Whether the owner's message is in question or kept already, or the operator has said to go on since."""
    fact = own.fact
    place = (tx.account, fact.thread.kind, fact.thread.id)
    for kind, id_ in aliases.ids(fact.message_id, fact.client_id):
        query = f"SELECT 1 FROM own_messages WHERE account = ? AND {kind}_id = ?"  # noqa: S608 — our own words
        kept = aliases.find(tx, fact.thread, own.own_id, kind, id_) if own.own_id else []
        if kept or exists(tx.db, query, tx.account, id_):
            return True
    query = (
        "SELECT 1 FROM takeovers WHERE account = ? AND thread_kind = ? AND thread_id = ? AND ended_ms >= ?"
    )
    return exists(tx.db, query, *place, own.written_ms)


def _put_in_question(tx: Tx, own: NewOwn) -> None:
    """Its number is given out now, so that the order of the thread is kept if it turns out the owner's."""
    fact, terms = own.fact, own.terms
    inbound = _as_context(own)
    recalled = recall.recalled(inbound, recall.tombstones(tx, inbound))
    keep = own.kept and terms.history_limit > 0 and not recalled
    insert(
        tx,
        "own_messages",
        seq=tx.db.next_number("message"),
        message_id=storable(fact.message_id),
        client_id=storable(fact.client_id),
        thread_kind=fact.thread.kind,
        thread_id=fact.thread.id,
        sender_id=own.own_id,
        kind=fact.kind,
        sent_ms=inbound.sent_ms,
        admitted_ms=own.read_ms,
        written_ms=own.written_ms,
        until_ms=own.written_ms + terms.lasts_ms,
        expires_ms=max(own.written_ms + terms.lasts_ms, tx.now_ms + terms.lasts_ms),
        body=inbound_body(inbound) if keep else None,
    )


def _as_context(own: NewOwn) -> Inbound:
    fact = own.fact
    return Inbound(
        fact.account,
        fact.message_id,
        fact.thread,
        own.own_id,
        "",
        fact.text,
        fact.sent_ms or own.read_ms,
        attachments=fact.attachments,
        live=fact.live,
        client_id=fact.client_id,
        kind=fact.kind,
        by_owner=True,
    )


def _keep(tx: Tx, row: Row, terms: TakeoverTerms) -> None:
    """Keep what the owner wrote as context for the next answer of its thread."""
    if row["body"] is None or not row["sender_id"]:
        return
    inbound = inbound_of(row)
    store_message(tx, row["seq"], inbound, row["admitted_ms"], keep=True)
    pending_history.keep(tx, row["seq"], inbound, terms.history_limit)
    decision = Decision(Outcome.DROP, Reason.SELF, OWNER, keep_as_history=True, revision=terms.revision)
    record(tx, row["seq"], Stage.ADMISSION, decision)


def _take_over(tx: Tx, row: Row, terms: TakeoverTerms) -> TakenOver | None:
    """Begin or renew a takeover, and end what waits in its thread. None where it was over before."""
    thread, until_ms = thread_of(row), row["until_ms"]
    place = {"thread_kind": thread.kind, "thread_id": thread.id}
    query = "SELECT * FROM takeovers WHERE account = ? AND thread_kind = ? AND thread_id = ?"
    before = tx.db.execute(query, (tx.account, thread.kind, thread.id)).fetchone()
    goes_on = before is not None and before["ended_ms"] is None and before["until_ms"] >= row["written_ms"]
    since_ms = before["since_ms"] if goes_on else row["written_ms"]
    until_ms = max(until_ms, before["until_ms"]) if goes_on else until_ms
    put(tx, "takeovers", place, since_ms=since_ms, until_ms=until_ms, ended_ms=None)
    ended = _end_turns(tx, thread, until_ms, terms)
    if until_ms > tx.now_ms:
        _cancel_rest(tx, thread)
    if not goes_on:
        _log(tx, "begin", **place, until_ms=until_ms, turns=len(ended))
        abilities.use(tx, (Ability.TAKEOVER,))
        known = "SELECT 1 FROM own_echoes WHERE account = ? AND session = ? AND known = 1"
        if exists(tx.db, known, tx.account, terms.session):  # else it may have been the gateway's own
            abilities.seen(tx, (Ability.TAKEOVER,))
    return TakenOver(thread, until_ms, ended) if ended or until_ms > tx.now_ms else None


def _end_turns(tx: Tx, thread: Thread, until_ms: int, terms: TakeoverTerms) -> tuple[int, ...]:
    """End the open turns about what was written before the takeover ends. They are not answered later.

    What an owner wants done by a command is done wherever they write it.
    """
    rows = tx.db.execute(
        "SELECT turns.turn FROM turns"
        " JOIN messages ON messages.account = turns.account AND messages.seq = turns.turn"
        " WHERE turns.account = ? AND turns.settled_ms IS NULL AND thread_kind = ? AND thread_id = ?"
        " AND (messages.sent_ms - ? < ? OR messages.admitted_ms < ?)"
        " AND NOT EXISTS (SELECT 1 FROM decisions WHERE account = turns.account AND message = turns.turn"
        "  AND stage = 'admission' AND command IN ('/pause', '/resume', '/approve', '/reject', '/draft'))"
        " ORDER BY turns.turn",
        (tx.account, thread.kind, thread.id, terms.skew_ms, until_ms, until_ms),
    ).fetchall()
    ended = tuple(row["turn"] for row in rows)
    for turn in ended:
        _end_turn(tx, turn, terms)
    return ended


def leave(tx: Tx, turn: int, terms: TakeoverTerms) -> None:
    """Leave a turn to the owner that was begun again in a thread that they took over before."""
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND settled_ms IS NULL"
    if exists(tx.db, query, tx.account, turn):
        _end_turn(tx, turn, terms)


def _end_turn(tx: Tx, turn: int, terms: TakeoverTerms) -> None:
    """What nothing was sent for becomes context. Else the conversation keeps it with what was sent."""
    query = "SELECT message, command FROM turn_messages JOIN decisions USING (account, message)"
    rows = tx.db.execute(
        f"{query} WHERE turn_messages.account = ? AND turn = ? AND stage = 'admission' ORDER BY message",
        (tx.account, turn),
    ).fetchall()
    untouched = not recall.has_left(tx, turn)
    decided = Decision(Outcome.PEND, Reason.OWNER_TOOK_OVER, terms.rule, revision=terms.revision)
    for row in rows:
        keep = untouched and terms.history_limit > 0 and not row["command"]
        record(tx, row["message"], Stage.RUN, replace(decided, keep_as_history=keep))
    end_reply(tx, turn, TurnState.TAKEN_OVER, REASON)
    if not untouched:
        return
    sessions.forget_turn(tx, turn)
    for row in rows:
        found = tx.db.execute(_MESSAGE, (tx.account, row["message"])).fetchone()
        if found is not None and terms.history_limit > 0 and not row["command"]:
            pending_history.keep(tx, row["message"], inbound_of(found), terms.history_limit)


_MESSAGE = "SELECT * FROM messages WHERE account = ? AND seq = ? AND body IS NOT NULL AND recalled = ''"


def _cancel_rest(tx: Tx, thread: Thread) -> None:
    """Cancel what else would leave there in the agent's name: sends of tools, and a challenge."""
    query = (
        "SELECT 1 FROM outbox WHERE account = ? AND turn IS NULL AND recipient = ? AND state = 'queued'"
        " AND settled_ms IS NULL"
    )
    if thread.kind is ThreadKind.DM and exists(tx.db, query, tx.account, thread.id):
        pairing.withdraw(tx, thread.id, REASON)
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, held_until_ms = NULL, reason = ?"
        " WHERE account = ? AND thread_kind = ? AND thread_id = ? AND settled_ms IS NULL"
        " AND state IN ('queued', 'held') AND purpose NOT IN ('operator', 'notice', 'alert', 'owner')",
        (tx.now_ms, REASON, tx.account, thread.kind, thread.id),
    )


def _log(tx: Tx, what: str, **details: str | int | None) -> None:
    """Tell the event feed and the log of the operators: the owner changed something, on a phone."""
    told = replace(tx, noted={})
    told.note(**details)
    events.note_change(told, "owner", "takeover", f"owner_takeovers.{what}")
