"""Transitions of incoming messages: stored once, and decided at once or as soon as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from clawlane.abilities import Ability
from clawlane.access.decision import ALBUM, RETENTION, Decision, Outcome, Reason, held_back
from clawlane.access.policy import BACKLOG_MAX_AGE_MS
from clawlane.access.rules import holds_back
from clawlane.alarm_kinds import AlarmKind
from clawlane.messages import Deleted, Fact, Inbound, Notice, Own, Thread, ThreadKind, Undone, Unreadable
from clawlane.store import (
    abilities,
    alarms,
    aliases,
    drafts,
    merging,
    notices,
    own_sends,
    owner_takeovers,
    pairing,
    pending_history,
    recall,
    retention,
    unknown_sends,
)
from clawlane.store.alarm_told import Alarmed, Evidence, Raised
from clawlane.store.codec import inbound_of
from clawlane.store.decisions import decision_of, record
from clawlane.store.models import (
    AdmittedMessage,
    NewMessage,
    NewOwn,
    NoteResult,
    RecallResult,
    UndecidedMessage,
)
from clawlane.store.recall import AFTER_MS
from clawlane.store.rows import change, insert, put
from clawlane.store.sql import Rows, savepoint
from clawlane.store.states import TurnState
from clawlane.store.stored_messages import store_message
from clawlane.store.told import Stage
from clawlane.store.transaction import Tx, forget_texts, lazy


def admit_all(
    tx: Tx, items: Sequence[NewMessage | NewOwn | Fact], backlog_ms: int = BACKLOG_MAX_AGE_MS
) -> list[AdmittedMessage | NoteResult | Exception]:
    """Store messages and facts in order. One that cannot be stored costs the others nothing.

    A message that is recalled before it comes is expected for as long as it may be late (`backlog_ms`), and
    an hour.
    """
    try:
        with savepoint(tx.db):
            return _admit_all(tx, items, backlog_ms)
    except Exception as error:
        if tx.db.failed_below(error):
            raise
    results: list[AdmittedMessage | NoteResult | Exception] = []
    for item in items:  # once more, to find the one that cannot be stored
        try:
            with savepoint(tx.db):
                results += _admit_all(tx, [item], backlog_ms)
        except Exception as error:
            if tx.db.failed_below(error):
                raise
            results.append(error)
    return results


def _admit_all(
    tx: Tx, items: Sequence[NewMessage | NewOwn | Fact], backlog_ms: int
) -> list[AdmittedMessage | NoteResult | Exception]:
    messages = [item for item in items if isinstance(item, NewMessage)]
    ahead: dict[int, _LookUp] = {}
    if messages:
        tx.db.expect_numbers("message", len(messages))
        kept_from = retention.kept_from(tx)
        if len(messages) == len(items):
            ahead = _look_up(tx, messages)
    return [
        admit(tx, item, kept_from, ahead.get(place))
        if isinstance(item, NewMessage)
        else note(tx, item, backlog_ms)
        for place, item in enumerate(items)
    ]


_LookUp: TypeAlias = tuple[Rows, Rows]
"""What is known of the ids of a message: the stored one that it repeats, and that it was taken back."""


def _look_up(tx: Tx, messages: Sequence[NewMessage]) -> dict[int, _LookUp]:
    """Look all of them up at once, but for those that share an id with an earlier one: by their places."""
    found: dict[int, _LookUp] = {}
    earlier: set[tuple[Thread, str, str]] = set()
    for place, one in enumerate(messages):
        inbound = one.inbound
        ids = {(inbound.thread, inbound.sender_id, id_) for _, id_ in aliases.keys(inbound)}
        if not ids & earlier:
            found[place] = aliases.with_ids_of(tx, inbound), recall.tombstones(tx, inbound)
        earlier |= ids
    return found


def decision_after(tx: Tx, inbound: Inbound, history_limit: int) -> Decision | None:
    """The decision about a part that comes after its album was decided; None while the album is open.

    It is context where the album was listened to in a group or was context itself, and else falls under the
    album's decision.
    """
    if inbound.album is None:
        return None
    row = tx.db.execute(
        "SELECT decisions.* FROM messages JOIN decisions"
        " ON decisions.account = messages.account AND decisions.message = seq AND stage = 'admission'"
        " WHERE messages.account = ? AND thread_kind = ? AND thread_id = ? AND sender_id = ? AND album = ?"
        " AND album <> '' ORDER BY seq LIMIT 1",
        (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, inbound.album.id),
    ).fetchone()
    if row is None:
        return None
    decided = decision_of(row)
    decided = replace(decided, rule=replace(decided.rule, text=""), command="", revision="")
    if decided.outcome in (Outcome.ADMIT, Outcome.PEND):
        is_context = inbound.thread.kind is ThreadKind.GROUP or decided.keep_as_history
        keep = is_context and history_limit > 0
        return Decision(Outcome.PEND, Reason.ALBUM_CLOSED, ALBUM, decided.trail, keep_as_history=keep)
    if decided.reason is Reason.DM_PAIRING_REQUIRED:
        return replace(decided, reason=Reason.DM_PAIRING_PENDING)
    return decided


def without_parts_of(tx: Tx, seqs: Sequence[int]) -> list[int]:
    """Take messages off the undecided ones. Gives those that were there: others were recalled meanwhile."""
    query = "DELETE FROM undecided WHERE account = ? AND message = ?"
    return [seq for seq in seqs if tx.db.execute(query, (tx.account, seq)).rowcount]


_FORGOTTEN = Decision(Outcome.DROP, Reason.TOO_OLD, RETENTION)
"""About a message from before the oldest that is remembered: it may have been answered."""


def admit(
    tx: Tx,
    arrival: NewMessage,
    kept_from: Callable[[], int] | None = None,
    looked_up: _LookUp | None = None,
) -> AdmittedMessage | NoteResult:
    """Store a message with its decision, once. Without a decision it waits for `decide`.

    Only the ids stay of a message that is neither answered nor remembered. `kept_from` spares asking for the
    time of the oldest that is known, `looked_up` for what is known of its ids.
    """
    kept_from = kept_from or retention.kept_from(tx)
    repeated, tombstones = looked_up or (
        aliases.with_ids_of(tx, arrival.inbound),
        recall.tombstones(tx, arrival.inbound),
    )
    if aliases.known(tx, arrival.inbound, repeated):
        return NoteResult()
    if reason := recall.recalled(arrival.inbound, tombstones):
        seq = _insert(tx, arrival, keep=False)
        change(tx, "messages", {"seq": seq}, recalled=reason)
        return NoteResult()
    if arrival.inbound.sent_ms < kept_from():
        revision = arrival.decision.revision if arrival.decision else ""
        arrival = replace(arrival, decision=replace(_FORGOTTEN, revision=revision))
    elif late := decision_after(tx, arrival.inbound, arrival.history_limit):
        arrival = replace(arrival, decision=late)
        seq = _insert(tx, arrival, keep=arrival.remembered)
        return _follow(tx, seq, arrival, late)
    if arrival.decision is None:
        album = arrival.inbound.album
        seq = _insert(tx, arrival, keep=True)
        insert(tx, "undecided", message=seq, album=album.id if album else "")
        return NoteResult(part=seq if album else None)
    arrival, decision = _final(tx, arrival, arrival.decision)
    seq = _insert(tx, arrival, keep=decision.admitted or arrival.remembered)
    return _follow(tx, seq, arrival, decision)


@lazy
def undecided(tx: Tx, limit: int, after: int = 0) -> list[UndecidedMessage]:
    """The first messages behind `after` that wait for their decision, in the order they were read."""
    rows = tx.db.execute(
        "SELECT messages.* FROM undecided"
        " JOIN messages ON messages.account = undecided.account AND messages.seq = undecided.message"
        " WHERE undecided.account = ? AND undecided.message > ? ORDER BY undecided.message LIMIT ?",
        (tx.account, after, limit),
    )
    return [UndecidedMessage(row["seq"], inbound_of(row), row["admitted_ms"]) for row in rows]


def decide(tx: Tx, decided: Sequence[tuple[int, NewMessage]]) -> list[AdmittedMessage]:
    """Give waiting messages their decisions, in order. Those recalled meanwhile are left out."""
    results = []
    for seq, arrival in decided:
        if arrival.decision is None or not without_parts_of(tx, [seq]):
            continue
        final, decision = _final(tx, arrival, arrival.decision)
        if not (decision.admitted or final.remembered):
            forget_texts(tx, [seq])
        results.append(_follow(tx, seq, final, decision))
    return results


def decide_album(tx: Tx, parts: Sequence[tuple[int, Inbound]], arrival: NewMessage) -> list[AdmittedMessage]:
    """Give the parts of an album the decision about all of them, which is one turn or one request."""
    if arrival.decision is None:
        return []
    waiting = without_parts_of(tx, [seq for seq, _ in parts])
    decision = arrival.decision
    if waiting:
        arrival, decision = _final(tx, arrival, decision)
    if not (decision.admitted or arrival.remembered):
        forget_texts(tx, waiting)
    followed = (
        _follow(tx, seq, replace(arrival, inbound=inbound), decision, turn=waiting[0])
        for seq, inbound in parts
        if seq in waiting
    )
    return [replace(one, album=arrival.inbound) for one in followed]


def _final(tx: Tx, arrival: NewMessage, decision: Decision) -> tuple[NewMessage, Decision]:
    """The decision, also as that of the message: held back by the owner, or resolved by the pairing store."""
    if decision.outcome not in (Outcome.ADMIT, Outcome.CHALLENGE):
        return arrival, decision
    taken_over = arrival.takeover_rule is not None and owner_takeovers.holds(
        tx, arrival.inbound.thread, arrival.written_ms or arrival.read_ms
    )
    if decision.outcome is Outcome.CHALLENGE:
        decision = pairing.meet(tx, replace(arrival, mute=arrival.mute or taken_over), decision)
    if holds_back(decision) and taken_over and arrival.takeover_rule is not None:
        decision = held_back(decision, Reason.OWNER_TOOK_OVER, arrival.takeover_rule, arrival.history_limit)
    return replace(arrival, decision=decision), decision


def _follow(
    tx: Tx, seq: int, arrival: NewMessage, decision: Decision, *, turn: int | None = None
) -> AdmittedMessage:
    """Record a decision and put the message into a turn or the history. `turn` is that of its album."""
    joined = False
    ready_ms = arrival.read_ms + arrival.merge_ms if merging.mergeable(arrival, decision) else 0
    if decision.admitted:
        if turn is None and ready_ms:
            turn = merging.join(tx, arrival)
        joined = turn not in (None, seq)
        if not joined:
            insert(tx, "turns", turn=seq, state=TurnState.WAITING, ready_ms=ready_ms)
        insert(tx, "turn_messages", message=seq, turn=seq if turn is None else turn)
    elif arrival.remembered:
        pending_history.keep(tx, seq, arrival.inbound, arrival.history_limit)
    record(tx, seq, Stage.ADMISSION, decision)
    return AdmittedMessage(seq, arrival.inbound, decision, arrival.read_ms, joined, ready_ms, arrival.acks)


def _insert(tx: Tx, arrival: NewMessage, *, keep: bool) -> int:
    seq = tx.db.next_number("message")
    store_message(tx, seq, arrival.inbound, arrival.read_ms, keep=keep)
    put(tx, "accounts", {}, last_inbound_ms=arrival.read_ms)
    return seq


def note(tx: Tx, fact: NewOwn | Fact, backlog_ms: int) -> NoteResult:
    """Apply a fact. Messages up to `backlog_ms` old may still come and be answered."""
    match fact:
        case NewOwn(fact=own):
            by_id = not own.reaction_to and own_sends.by_id(tx, own.client_id, own.message_id) is not None
            turn, judged = _settled_by(tx, own, by_id=by_id), owner_takeovers.note(tx, fact)
            if judged.off:
                _overtake(tx, own, own_sends.find(tx, own, own.sent_ms))
            return NoteResult(turn, judged=judged)
        case Own():
            ours = own_sends.find(tx, fact, fact.sent_ms)
            _overtake(tx, fact, ours)
            return NoteResult(_settled_by(tx, fact, by_id=ours is not None and ours.by_id))
        case Undone(own=True):
            unknown_sends.undone(tx, fact)
            owner_takeovers.forget_words(tx, fact)
            return NoteResult(recalled=recall.own_undone(tx, fact))
        case Undone():
            if abilities.is_off(tx, Ability.RECALLS):
                return NoteResult()
            recalled = recall.undone(tx, fact, backlog_ms + AFTER_MS)
            return NoteResult(recalled=_proven(tx, Ability.RECALLS, recalled))
        case Deleted():
            recalled = recall.deleted(tx, fact, backlog_ms + AFTER_MS)
            return NoteResult(recalled=_proven(tx, Ability.OWN_DELETIONS, recalled))
        case Notice(warning=True):
            return NoteResult(alarmed=_warned(tx, fact) if notices.note(tx, fact) else None)
        case Notice() | Unreadable():
            notices.note(tx, fact)
            return NoteResult()


def _proven(tx: Tx, ability: Ability, recalled: RecallResult) -> RecallResult:
    """One that names a message which is known shows that such facts are read right."""
    if recalled.messages:
        abilities.use(tx, (ability,))
        abilities.seen(tx, (ability,))
    return recalled


def _overtake(tx: Tx, own: Own, ours: own_sends.OurSend | None) -> None:
    """What the owner wrote makes drafts of its thread stale; a reaction does not."""
    if not own.reaction_to and ours is None:
        drafts.overtake(tx, own.thread)


def _settled_by(tx: Tx, own: Own, *, by_id: bool) -> int | None:
    """The turn that a message of the account settled by coming back; a reaction settles none."""
    if own.reaction_to:
        return None
    if by_id:
        abilities.seen(tx, (Ability.ECHO,))
    return unknown_sends.echo(tx, own.client_id, own.message_id)


def _warned(tx: Tx, notice: Notice) -> Alarmed:
    """The platform itself has written to the account. Its words are with the notice, for `why`."""
    told: Evidence = {"sender": notice.actor_id, "message": notice.message_id, "sent_ms": notice.sent_ms}
    return alarms.apply(tx, [Raised(AlarmKind.PLATFORM_WARNING, told, notice.actor_id)])
