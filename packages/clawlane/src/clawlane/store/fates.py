"""What became of answers of agents that remember by themselves, and believe that what they answered was said.

A turn stands here from when such an agent is asked until it was told what became of its answer, or until the
answer arrived as it was given. Nothing of what was said is here: what arrived is read from the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.messages import Thread
from clawlane.store import sessions
from clawlane.store.codec import words_in
from clawlane.store.quiet_drops import REASON as QUIET_HOURS
from clawlane.store.rows import change, exists, put
from clawlane.store.sql import Row
from clawlane.store.states import ChunkState, DraftState, TurnState
from clawlane.store.transaction import Tx, lazy

_MOST = 20
"""How many answers an agent is told about at once: the newest. Of those before them it hears nothing."""


class Fate(StrEnum):
    """What became of an answer. One that is not sent may still be, while its draft can be approved."""

    SENT = "sent"
    CHANGED = "changed"
    PARTLY = "partly"
    WAITS = "waits"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the answer of a turn, and of the message that it answered, by the platform's id.

    `arrived` is the text that people got of one that was changed, or sent in part; `why` says why it was not
    sent. Once it is `final`, nothing more becomes of it.
    """

    turn: int
    message_id: str
    fate: Fate
    why: str = ""
    arrived: str = ""
    final: bool = True

    @property
    def told(self) -> str:
        """What is kept of it once the agent was told."""
        return f"{self.fate}:{self.why}"


@lazy
def enter(
    tx: Tx, agent: str, thread: Thread, turn: int, run: int, is_over: sessions.IsOver
) -> tuple[int, tuple[Outcome, ...]]:
    """Use a session now: the number of its conversation, and what its agent is to be told, in order."""
    number = sessions.enter(tx, agent, thread, is_over)
    place = {"agent": agent, "thread_kind": thread.kind, "thread_id": thread.id}
    other = f"DELETE FROM answer_fates WHERE {_HERE} AND number <> ?"  # noqa: S608 — our own text only
    tx.db.execute(other, (tx.account, *place.values(), number))
    found = _outcomes(tx, place, turn)
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND run = ? AND settled_ms IS NULL"
    if exists(tx.db, query, tx.account, turn, run):
        put(tx, "answer_fates", {"turn": turn}, **place, number=number, told="")
    return number, found


@lazy
def heard(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """The agent was told. It is told again only of what becomes of an answer after that."""
    for one in outcomes:
        if one.final:
            _forget(tx, one.turn)
        else:
            change(tx, "answer_fates", {"turn": one.turn}, told=one.told)


_HERE = "account = ? AND agent = ? AND thread_kind = ? AND thread_id = ?"


def _outcomes(tx: Tx, place: Mapping[str, str], but: int) -> tuple[Outcome, ...]:
    rows = tx.db.execute(
        "SELECT turn, told, state, reason FROM answer_fates JOIN turns USING (account, turn)"  # noqa: S608
        f" WHERE {_HERE} AND turn <> ? AND settled_ms IS NOT NULL ORDER BY turn DESC",
        (tx.account, *place.values(), but),
    ).fetchall()
    found: list[Outcome] = []
    for row in rows:
        one = _outcome(tx, row)
        if len(found) == _MOST or (one.fate is Fate.SENT and not row["told"]):
            _forget(tx, one.turn)
        elif one.told != row["told"]:
            found.append(one)
    return tuple(reversed(found))


def _outcome(tx: Tx, turn: Row) -> Outcome:
    number, state = int(turn["turn"]), turn["state"]
    query = "SELECT state, body FROM outbox WHERE account = ? AND turn = ? ORDER BY id"
    chunks = tx.db.execute(query, (tx.account, number)).fetchall()
    sent = [one["body"] for one in chunks if one["state"] == ChunkState.SENT]
    query = (
        "SELECT state, reason, edited FROM drafts WHERE account = ? AND turn = ? AND step IS NULL"
        " ORDER BY number DESC LIMIT 1"
    )
    draft = tx.db.execute(query, (tx.account, number)).fetchone()
    changed = draft is not None and draft["state"] == DraftState.APPROVED and draft["edited"]
    fate = Fate.CHANGED if changed else Fate.SENT
    if state != TurnState.DONE or len(sent) < len(chunks):
        waits = state == TurnState.DRAFTED and draft is not None and draft["state"] == DraftState.WAITING
        fate = Fate.PARTLY if sent else Fate.WAITS if waits else Fate.NOT_SENT
    told = "\n".join(filter(None, map(words_in, sent))) if fate in (Fate.CHANGED, Fate.PARTLY) else ""
    why = _why(turn, draft) if fate is Fate.NOT_SENT else ""
    return Outcome(number, _message_id(tx, number), fate, why, told, final=state != TurnState.DRAFTED)


_REASONS = {
    QUIET_HOURS: "it was the quiet hours of the account's owner",
    "outbound_off": "the account's owner lets nothing leave there",
}


def _why(turn: Row, draft: Row | None) -> str:
    if turn["state"] == TurnState.DRAFTED:
        return "the account's owner did not approve it in time"
    if turn["state"] == TurnState.DROPPED:
        by_owner = draft is not None and not draft["reason"]
        return "the account's owner did not approve it" if by_owner else "its draft was dropped"
    return _REASONS.get(turn["reason"].partition(":")[0]) or sessions.WHY_NOT.get(
        turn["state"], "it did not leave"
    )


def _message_id(tx: Tx, turn: int) -> str:
    row = tx.db.execute(
        "SELECT message_id FROM turn_messages JOIN messages ON messages.account = turn_messages.account"
        " AND messages.seq = turn_messages.message WHERE turn_messages.account = ? AND turn = ?"
        " ORDER BY messages.seq DESC LIMIT 1",
        (tx.account, turn),
    ).fetchone()
    return str(row["message_id"]) if row else ""


def _forget(tx: Tx, turn: int) -> None:
    tx.db.execute("DELETE FROM answer_fates WHERE account = ? AND turn = ?", (tx.account, turn))
