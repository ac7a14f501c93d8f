"""Transitions of turns: run, tried again, replied, stopped, settled, or set aside as dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.rules import OWNER_ACTIONS
from clawlane.messages import Inbound, Outgoing, Thread, merge_messages
from clawlane.store import alerts, answers, callbacks, directory, merging, outbox, pending_history
from clawlane.store.alerts import AlertKind
from clawlane.store.codec import inbound_of, storable
from clawlane.store.decisions import record
from clawlane.store.errors import NoDeadLetter
from clawlane.store.models import History, OpenTurn, Purpose, StartedTurn
from clawlane.store.outbox import delivery_summary
from clawlane.store.rows import change, exists, value_of
from clawlane.store.sending import finish, use_context
from clawlane.store.sql import Database, Row, Rows
from clawlane.store.states import TurnState
from clawlane.store.told import Stage
from clawlane.store.transaction import Tx, forget_texts, lazy
from clawlane.texts import later

_RUNNING = "WHERE account = ? AND settled_ms IS NULL AND state = 'running'"
TRIES = 4
"""How often a message is given to the agent before it is set aside."""

CRASHED = "the gateway crashed while it was answered, and that was the last try"
INTERRUPTED = "agent_interrupted: the gateway ended while the agent was at work; it is not asked again"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was set aside, with the reason of the last try."""

    account: str
    message_id: str
    thread: Thread
    sender_id: str
    sender_name: str
    text: str
    sent_ms: int
    set_aside_ms: int
    tries: int
    reason: str
    group_name: str = ""


_PARTS = (
    "SELECT messages.*, turns.turn, turns.state, turns.ready_ms, decisions.command FROM turns"
    " JOIN turn_messages AS part ON part.account = turns.account AND part.turn = turns.turn"
    " JOIN messages ON messages.account = part.account AND messages.seq = part.message"
    "  AND messages.body IS NOT NULL AND messages.recalled = ''"
    " JOIN decisions ON decisions.account = turns.account AND decisions.message = turns.turn"
    "  AND decisions.stage = 'admission'"
)
"""The messages of turns that still have their text; a turn has one row for each."""


@lazy
def open_turns(tx: Tx, after: int = 0, limit: int = 2**31 - 1) -> list[OpenTurn]:
    """The turns that go on after a restart, in the order of admission: at most `limit` `after` one.

    Turns that need a decision are not among it.
    """
    rows = tx.db.execute(
        f"{_PARTS} WHERE turns.account = ? AND turns.turn IN"  # noqa: S608 — our own text only
        " (SELECT turn FROM turns WHERE account = ?"
        "  AND settled_ms IS NULL AND turn > ? AND state <> 'needs_decision' ORDER BY turn LIMIT ?)"
        " ORDER BY turns.turn, messages.seq",
        (tx.account, tx.account, after, limit),
    )
    return [_open_turn(list(parts)) for _, parts in groupby(rows, key=lambda row: row["turn"])]


def open_turn(tx: Tx, seq: int) -> OpenTurn:
    """One open turn."""
    return _open_turn(_parts(tx, seq))


def whole(tx: Tx, seq: int) -> OpenTurn | None:
    """A turn, as far as its messages still have their text."""
    parts = _parts(tx, seq)
    return _open_turn(parts) if parts else None


def messages(tx: Tx, seq: int) -> tuple[Inbound, ...]:
    """What a turn answers, in order, without what was recalled."""
    return tuple(map(inbound_of, _parts(tx, seq)))


def _parts(tx: Tx, seq: int) -> list[Row]:
    return _ask_parts(tx, seq).fetchall()


def _ask_parts(tx: Tx, seq: int) -> Rows:
    query = f"{_PARTS} WHERE turns.account = ? AND turns.turn = ? ORDER BY messages.seq"
    return tx.db.execute(query, (tx.account, seq))


def _open_turn(parts: list[Row]) -> OpenTurn:
    return value_of(
        OpenTurn,
        parts[0],
        seq=parts[0]["turn"],
        inbound=merge_messages(list(map(inbound_of, parts))),
        read_ms=parts[0]["admitted_ms"],
        state=TurnState(parts[0]["state"]),
    )


def ready_in(tx: Tx, seq: int) -> int:
    """How many milliseconds a turn still waits for messages that may join it."""
    query = "SELECT ready_ms FROM turns WHERE account = ? AND turn = ? AND state = 'waiting' AND attempts = 0"
    row = tx.db.execute(query, (tx.account, seq)).fetchone()
    wait = row["ready_ms"] - tx.now_ms if row else 0
    return wait if 0 < wait <= merging.LONGEST_MS else 0  # more: the clock was set back meanwhile


@lazy
def start(tx: Tx, seq: int, context: History) -> StartedTurn | None:
    """Claim a turn for the agent: its messages, and the pending history that goes with it.

    None when there is nothing to run any more: it has replied, or was recalled.
    """
    return _start(tx, seq, context, asked_once=False)


def start_once(tx: Tx, seq: int, context: History) -> StartedTurn | None:
    """Claim a turn for an agent that must not be asked twice. It is on the disk before the agent is asked."""
    return _start(tx, seq, context, asked_once=True)


def _start(tx: Tx, seq: int, context: History, *, asked_once: bool) -> StartedTurn | None:
    claimed = tx.db.execute(
        "UPDATE turns SET state = 'running', attempts = attempts + 1, run = run + 1, asked_once = ?"
        " WHERE account = ? AND turn = ? AND state IN ('waiting', 'running') RETURNING run",
        (asked_once, tx.account, seq),
    )
    asked, kept = _ask_parts(tx, seq), pending_history.before(tx, seq)
    row = claimed.fetchone()
    if row is None:
        return None
    parts = asked.fetchall()
    given = pending_history.give(tx, seq, context, kept)
    numbers = tuple(part["seq"] for part in parts)
    return StartedTurn(tuple(map(inbound_of, parts)), given, row["run"], numbers)


def is_void(tx: Tx, seq: int, run: int | None) -> bool:
    """Whether a turn was started over since this run; None stands for any run."""
    row = tx.db.execute("SELECT run FROM turns WHERE account = ? AND turn = ?", (tx.account, seq)).fetchone()
    return run is not None and (row is None or row["run"] != run)


def is_running(tx: Tx, seq: int, run: int) -> bool:
    """Whether a run of a turn goes on: it was not stopped, revoked or recalled, and not started over."""
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND run = ? AND state = 'running'"
    return exists(tx.db, query, tx.account, seq, run)


def revoke(tx: Tx, seq: int, decision: Decision) -> None:
    """End a turn whose sender is no longer admitted. Records the decision and deletes the texts."""
    rows = tx.db.execute(
        "SELECT message FROM turn_messages JOIN turns USING (account, turn)"
        " WHERE turn_messages.account = ? AND turn = ? AND settled_ms IS NULL",
        (tx.account, seq),
    ).fetchall()
    for row in rows:
        record(tx, row["message"], Stage.RUN, decision)
    finish(tx, seq, TurnState.REVOKED, decision.reason)
    outbox.cancel_tools(tx, seq, "the sender is no longer admitted")
    pending_history.give_back(tx, seq)
    forget_texts(tx, [row["message"] for row in rows])
    answers.forget_answer(tx, seq)


def forbid(tx: Tx, seq: int, rule: Rule, history_limit: int) -> None:
    """End an open turn because by this rule nothing may leave in its thread.

    Its messages are context of the next one, and the decision about each is recorded beside the first.
    """
    rows = _parts(tx, seq)
    if not finish(tx, seq, TurnState.STOPPED, f"{Reason.OUTBOUND_OFF}: {rule.path}"):
        return
    outbox.cancel_tools(tx, seq, Reason.OUTBOUND_OFF)
    pending_history.give_back(tx, seq)
    for row in rows:
        keep = history_limit > 0 and not row["command"]
        forbidden = Decision(Outcome.PEND, Reason.OUTBOUND_OFF, rule, keep_as_history=keep)
        record(tx, row["seq"], Stage.RUN, forbidden)
        if keep:
            pending_history.keep(tx, row["seq"], inbound_of(row), history_limit)


@lazy
def reply(tx: Tx, seq: int, outs: Sequence[Outgoing], run: int | None = None, note: str = "") -> bool:
    """Write all chunks of a reply. True when there is something to send; without chunks the turn is done.

    Nothing is written for a turn that was stopped meanwhile, or was started over since this run. `note` says
    what was left out of the reply.
    """
    # Answers to control commands are told from replies: they may well be the same every time.
    query = (
        "SELECT command FROM decisions WHERE account = ? AND message = ? AND stage = 'admission'"
        " AND command <> ''"
    )
    commands = tx.db.execute(query, (tx.account, seq))
    if is_void(tx, seq, run):
        return False
    change(tx, "turns", {"turn": seq, "settled_ms": None}, note=note)
    if not outs:
        finish(tx, seq, TurnState.DONE, "no reply")
        pending_history.consume(tx, seq)
        return False
    open_ = {"turn": seq, "settled_ms": None}
    if not change(tx, "turns", open_, state=TurnState.REPLIED, reason="").rowcount:
        return False
    row = commands.fetchone()
    is_action = row is not None and row["command"] in OWNER_ACTIONS
    purpose = Purpose.OWNER if is_action else Purpose.COMMAND if row else Purpose.REPLY
    outbox.queue(tx, seq, outs, purpose)
    return True


def stay_silent(tx: Tx, seq: int, reason: str, run: int, *, asked: bool) -> None:
    """End a turn without a reply. What its group said before is kept for the next one unless it was `asked`.

    Nothing changes for a turn that is over, or was started over since this run.
    """
    if is_void(tx, seq, run) or not finish(tx, seq, TurnState.DONE, reason):
        return
    if asked:
        pending_history.consume(tx, seq)
    else:
        pending_history.give_back(tx, seq)


@lazy
def pending(tx: Tx, seq: int) -> bool:
    """Whether the lane has to wait for the reply of this turn, which others may not pass."""
    query = (
        "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND state = 'replied' AND EXISTS (SELECT 1"
        " FROM outbox WHERE outbox.account = turns.account AND outbox.turn = turns.turn"
        "  AND outbox.settled_ms IS NULL AND outbox.place <> 2)"
    )
    return exists(tx.db, query, tx.account, seq)


def fail(tx: Tx, seq: int, reason: str, run: int | None = None, *, final: bool = False) -> bool:
    """Record that the agent could not answer. True if it was the last try: the message is set aside.

    `final` makes this try the last one. The history that went with the turn stays.
    """
    if is_void(tx, seq, run):
        return False
    row = tx.db.execute(
        "UPDATE turns SET state = 'waiting', reason = ? WHERE account = ? AND turn = ?"
        " AND settled_ms IS NULL RETURNING attempts",
        (reason, tx.account, seq),
    ).fetchone()
    if row is None or (row["attempts"] < TRIES and not final):
        return row is None
    _set_aside(tx, seq, reason)
    return True


def postpone(tx: Tx, seq: int, reason: str, run: int) -> bool:
    """Put one turn back because its agent is busy. It does not count as a try. False if the turn is over."""
    if is_void(tx, seq, run):
        return False
    query = (
        "UPDATE turns SET state = 'waiting', attempts = attempts - 1, reason = ?"
        " WHERE account = ? AND turn = ? AND settled_ms IS NULL RETURNING turn"
    )
    return tx.db.execute(query, (reason, tx.account, seq)).fetchone() is not None


def _set_aside(tx: Tx, seq: int, reason: str) -> None:
    finish(tx, seq, TurnState.DEAD, reason)
    row = tx.db.execute(
        "SELECT message_id FROM messages WHERE account = ? AND seq = ?", (tx.account, seq)
    ).fetchone()
    message_id = row["message_id"] if row else ""
    facts = {"what": "dead_letter", "message_id": message_id}
    alerts.note(tx, AlertKind.DECISION_NEEDED, f"message:{seq}", **facts)
    pending_history.give_back(tx, seq)


def recover(tx: Tx) -> int:
    """Set aside turns that crashed in their last try; the others wait to run again. Gives how many."""
    interrupted = _set_interrupted_aside(tx)
    rows = tx.db.execute(
        f"SELECT turn FROM turns {_RUNNING} AND attempts >= ?",  # noqa: S608 — our own
        (tx.account, TRIES),
    ).fetchall()
    for row in rows:
        _set_aside(tx, row["turn"], CRASHED)
    change(tx, "turns", {"settled_ms": None, "state": TurnState.RUNNING}, state=TurnState.WAITING)
    return interrupted + len(rows)


def _set_interrupted_aside(tx: Tx) -> int:
    """Set aside what an agent that must not be asked twice was working on. Gives how many."""
    rows = tx.db.execute(
        f"SELECT turn FROM turns {_RUNNING} AND asked_once = 1",  # noqa: S608 — our own
        (tx.account,),
    ).fetchall()
    for row in rows:
        _set_aside(tx, row["turn"], INTERRUPTED)
    return len(rows)


@lazy
def put_back(tx: Tx) -> None:
    """Put running turns back at an orderly stop. It does not count as a try.

    Those of an agent that must not be asked twice are set aside.
    """
    if not exists(tx.db, f"SELECT 1 FROM turns {_RUNNING} LIMIT 1", tx.account):  # noqa: S608 — our own
        return
    _set_interrupted_aside(tx)
    tx.db.execute(
        f"UPDATE turns SET state = 'waiting', attempts = attempts - 1 {_RUNNING}",  # noqa: S608 — our own
        (tx.account,),
    )


def stop(tx: Tx, seq: int) -> list[int]:
    """End what was begun in the thread of this message before it. Gives the turns; what waits still waits.

    The answers to commands that the gateway has carried out still leave.
    """
    rows = tx.db.execute(
        "SELECT begun.turn FROM turns AS begun"
        " JOIN messages ON messages.account = begun.account AND messages.seq = begun.turn"
        " JOIN messages AS this ON this.account = begun.account AND this.seq = ?"
        "  AND this.thread_kind = messages.thread_kind AND this.thread_id = messages.thread_id"
        " WHERE begun.account = ? AND begun.settled_ms IS NULL AND begun.turn < ?"
        "  AND (begun.state <> 'waiting' OR begun.run > 0)"  # tries that do not count have begun, too
        " AND NOT EXISTS (SELECT 1 FROM decisions WHERE account = begun.account AND message = begun.turn"
        "  AND stage = 'admission' AND command IN ('/new', '/reset', '/stop')) ORDER BY begun.turn",
        (seq, tx.account, seq),
    ).fetchall()
    stopped = [row["turn"] for row in rows]
    for turn in stopped:
        end_reply(tx, turn, TurnState.STOPPED, "stopped")
    return stopped


def end_reply(tx: Tx, turn: int, state: TurnState, reason: str) -> None:
    """End an open turn, and what has not left of its reply. The reason says what has."""
    outbox.cancel(tx, turn, 0, reason)
    outbox.cancel_tools(tx, turn, reason)
    reply = delivery_summary(tx, turn)
    finish(tx, turn, state, f"{reason}: {reply}" if reply else reason)
    use_context(tx, turn)


def dead_letters(connection: Database) -> list[DeadLetter]:
    """The messages that were set aside, over all accounts, in the order of admission."""
    rows = connection.execute(
        "SELECT messages.*, turns.turn, turns.attempts, turns.reason, turns.settled_ms FROM turns"
        " JOIN turn_messages AS part ON part.account = turns.account AND part.turn = turns.turn"
        " JOIN messages ON messages.account = part.account AND messages.seq = part.message"
        " WHERE turns.state = 'dead' AND messages.body IS NOT NULL ORDER BY turns.turn, messages.seq"
    )
    letters = []
    for _, group in groupby(rows, key=lambda row: row["turn"]):
        parts = list(group)
        whole = merge_messages(list(map(inbound_of, parts)))
        told = {"thread": whole.thread, "sender_name": whole.sender_name, "text": whole.text}
        times = {"set_aside_ms": parts[0]["settled_ms"], "tries": parts[0]["attempts"]}
        group_name = directory.group_name(connection, parts[0]["account"], whole.thread)
        letters.append(value_of(DeadLetter, parts[0], **told, **times, group_name=group_name))
    return letters


def resubmit(tx: Tx, message_id: str) -> OpenTurn:
    """Give a message that was set aside to the agent again, with all its tries. Raises `NoDeadLetter`."""
    seq = _dead_turn(tx, message_id)
    change(tx, "turns", {"turn": seq}, state=TurnState.WAITING, attempts=0, reason="", settled_ms=None)
    callbacks.begin_anew(tx, seq)
    return open_turn(tx, seq)


def drop_dead_letter(tx: Tx, message_id: str) -> None:
    """Give up a message that was set aside, with those of its turn. The texts go. Raises `NoDeadLetter`."""
    seq = _dead_turn(tx, message_id)
    tx.db.execute(
        "UPDATE turns SET state = 'failed', reason = 'dropped by the operator: ' || reason"
        " WHERE account = ? AND turn = ?",
        (tx.account, seq),
    )
    query = "SELECT message FROM turn_messages WHERE account = ? AND turn = ?"
    forget_texts(tx, [row["message"] for row in tx.db.execute(query, (tx.account, seq)).fetchall()])
    answers.forget_answer(tx, seq)


def _dead_turn(tx: Tx, message_id: str) -> int:
    row = tx.db.execute(
        "SELECT turns.turn FROM turns"
        " JOIN turn_messages AS part ON part.account = turns.account AND part.turn = turns.turn"
        " JOIN messages ON messages.account = part.account AND messages.seq = part.message"
        " WHERE turns.account = ? AND state = 'dead' AND message_id = ? AND body IS NOT NULL",
        (tx.account, storable(message_id)),
    ).fetchone()
    if row is None:
        none = later("no message {id!r} of {account} was set aside; see: openclaw channels dead-letters list")
        raise NoDeadLetter(later(none, id=message_id, account=tx.account))
    alerts.withdraw(tx, AlertKind.DECISION_NEEDED, f"message:{row['turn']}")
    tx.note(message_id=message_id, turn=row["turn"])
    return int(row["turn"])
