"""Transitions of drafts: what an agent wrote where the owner approves what leaves.

A draft takes the place of rows in the outbox. Its turn is over for its lane; approving it writes the rows,
with client ids of that moment, and opens the turn again. Until then the session does not know the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clawlane.messages import Media, Outgoing, Text
from clawlane.store import alerts, disclosures, outbox, outgoing_files, turns
from clawlane.store.alerts import AlertKind
from clawlane.store.codec import NO_TEXT, outgoing_body, outgoing_of, thread_of, words_in
from clawlane.store.draft_listing import staleness
from clawlane.store.draft_told import EXPIRED, NO_TURN, Staleness
from clawlane.store.errors import NoDraft
from clawlane.store.models import Purpose
from clawlane.store.outbox import ToolCall, whole_text
from clawlane.store.quotes import with_quote
from clawlane.store.rows import change, exists, insert
from clawlane.store.sending import finish, use_context
from clawlane.store.sql import Row
from clawlane.store.states import ChunkState, DraftState, TurnState
from clawlane.store.transaction import Tx, lazy
from clawlane.texts import later
from clawlane.threads import Thread

_DECIDED = {
    DraftState.APPROVED: later("draft {number} was approved already; see: openclaw drafts list"),
    DraftState.DROPPED: later("draft {number} was dropped already; see: openclaw drafts list"),
}
_DROPPED_BECAUSE = later("draft {number} was dropped already: {reason}; see: openclaw drafts list")
_OPEN = "SELECT * FROM drafts WHERE account = ? AND decided_ms IS NULL"

Lead = Callable[[str], str]
"""What stands before a reply that tells somebody (empty: nobody in particular) that a program answers."""


def no_lead(_whom: str) -> str:
    """Nobody is told."""
    return ""


@dataclass(frozen=True, slots=True)
class NewDraft:
    """What makes a draft of chunks: the setting that asks for one, and how long it lives.

    `text` is the markdown that they were planned from (empty: what they say, without the lead), and `said`
    the part of it that the agent itself wrote. `lead` stands before the text, and goes before an edited one,
    too.
    """

    rule: str
    life_ms: int
    text: str = ""
    said: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """What approving came to: the numbers of the chunks that are queued, and the turn that goes on, if any.

    Nothing has changed where something stands in the way (`stale`).
    """

    chunks: tuple[int, ...] = ()
    turn: int | None = None
    stale: Staleness | None = None


def reply(
    tx: Tx, seq: int, outs: Sequence[Outgoing], new: NewDraft, run: int | None = None, note: str = ""
) -> int | None:
    """Keep the reply of a turn as a draft, and end the turn. Gives the draft's number.

    None for a turn that was stopped meanwhile, or was started over since this run. `note` as for a reply.
    """
    if turns.is_void(tx, seq, run):
        return None
    change(tx, "turns", {"turn": seq, "settled_ms": None}, note=note)
    if not finish(tx, seq, TurnState.DRAFTED, new.rule):
        return None
    return _write(tx, outs[0].thread, seq, tuple(map(outgoing_body, outs)), new)


def of_client(tx: Tx, outs: Sequence[Outgoing], new: NewDraft) -> int:
    """Keep what a client of the MCP server sends as a draft. Gives its number."""
    number = tx.db.next_number("chunk")
    bodies = tuple(map(outgoing_body, outs))
    return _write(tx, outs[0].thread, NO_TURN, bodies, new, ToolCall(NO_TURN, 0, -number), number)


def of_tool(tx: Tx, call: ToolCall, outs: Sequence[Outgoing], new: NewDraft) -> int:
    """Keep what a call of a tool sends as a draft. Gives its number."""
    return _write(tx, outs[0].thread, call.turn, tuple(map(outgoing_body, outs)), new, call)


@lazy
def of_call(tx: Tx, call: ToolCall) -> int | None:
    """The draft of what a call of a tool sends; None if there is none."""
    query = "SELECT number FROM drafts WHERE account = ? AND turn = ? AND step = ? AND call = ?"
    row = tx.db.execute(query, (tx.account, call.turn, call.step, call.call)).fetchone()
    return row["number"] if row else None


def hold_back(tx: Tx, chunk_id: int, rule: str, life_ms: int, lead: Lead = no_lead) -> tuple[int, int | None]:
    """Make a draft of a queued chunk and what follows in its text. Gives its number and the turn that ended.

    Number 0: it was not queued any more. What has left of the reply stays what it is. `lead` says what stands
    before a reply that tells somebody that a program answers.
    """
    query = "SELECT * FROM outbox WHERE account = ? AND id = ? AND state = 'queued' AND settled_ms IS NULL"
    row = tx.db.execute(query, (tx.account, chunk_id)).fetchone()
    if row is None:
        return 0, None
    text = whole_text(row)
    where = " AND ".join(f"{column} = ?" for column in text)
    rows = tx.db.execute(
        f"SELECT * FROM outbox WHERE account = ? AND {where} AND id >= ?"  # noqa: S608 — our own names
        " AND settled_ms IS NULL AND state IN ('queued', 'held') ORDER BY id",
        (tx.account, *text.values(), chunk_id),
    ).fetchall()
    turn = row["turn"]
    number = tx.db.next_number("chunk")
    call = ToolCall(NO_TURN, 0, -number) if row["purpose"] == Purpose.CLIENT else None
    if row["by_turn"] is not None:  # the call is not known any more once the steps are forgotten
        known = row["step"] is not None
        call = ToolCall(row["by_turn"], row["step"] if known else 0, row["call"] if known else -number)
    for one in rows:
        # It belongs to no turn from now on: what is sent once it is approved is another row.
        loose = {"turn": None, "by_turn": None, "step": None, "call": None, "held_until_ms": None}
        reason = f"it waits for approval as draft {number}"
        cancelled = {"state": ChunkState.CANCELLED, "settled_ms": tx.now_ms, "reason": reason}
        change(tx, "outbox", {"id": one["id"]}, body=NO_TEXT, **cancelled, **loose)
    if turn is not None:
        finish(tx, turn, TurnState.DRAFTED, rule)
    answered = turn if call is None else call.turn
    begun = exists(
        tx.db,
        f"SELECT 1 FROM outbox WHERE account = ? AND {where} AND id < ?",  # noqa: S608 — our own names
        *(tx.account, *text.values(), chunk_id),
    )
    told = (json.loads(one["body"]).get("discloses", "") for one in rows)
    new = NewDraft(rule, life_ms, lead="" if begun else lead(next(filter(None, told), "")))
    _write(tx, thread_of(row), answered, tuple(one["body"] for one in rows), new, call, number)
    return number, turn


def _write(
    tx: Tx,
    thread: Thread,
    turn: int,
    bodies: tuple[str, ...],
    new: NewDraft,
    call: ToolCall | None = None,
    number: int = 0,
) -> int:
    number = number or tx.db.next_number("chunk")
    query = "SELECT max(message) FROM turn_messages WHERE account = ? AND turn = ?"
    (upto,) = tx.db.execute(query, (tx.account, turn)).fetchone()
    # What has left in part is remembered as it was meant.
    answer = None if call or _has_left(tx, turn) else _take_answer(tx, turn)
    rest = answer.removeprefix(new.said) if answer and new.said and answer.startswith(new.said) else ""
    insert(
        tx,
        "drafts",
        number=number,
        thread_kind=thread.kind,
        thread_id=thread.id,
        turn=turn,
        step=call and call.step,
        call=call and call.call,
        state=DraftState.WAITING,
        rule=new.rule,
        text=new.text or "\n".join(filter(None, map(words_in, bodies))).removeprefix(new.lead),
        lead=new.lead,
        chunks=json.dumps(bodies),
        answer=answer,
        rest=rest,
        upto=upto if _is_in(tx, turn, thread) else _last_message(tx, thread),
        created_ms=tx.now_ms,
        expires_ms=tx.now_ms + new.life_ms,
    )
    _keep_files(tx, number, bodies, thread)
    _tell(tx, number, thread, new.life_ms)
    return number


def _tell(tx: Tx, number: int, thread: Thread, life_ms: int) -> None:
    """Let the owner hear that a draft waits."""
    until_ms = tx.now_ms + life_ms
    alerts.note(
        tx, AlertKind.DRAFT_WAITING, str(number), number=number, thread=str(thread), until_ms=until_ms
    )


def _take_answer(tx: Tx, turn: int) -> str | None:
    """What the session remembers as the answer of a turn; from now on nothing."""
    query = "SELECT answer FROM session_turns WHERE account = ? AND turn = ?"
    row = tx.db.execute(query, (tx.account, turn)).fetchone()
    change(tx, "session_turns", {"turn": turn}, answer=None)
    return row["answer"] if row else None


def _has_left(tx: Tx, turn: int) -> bool:
    """Whether a part of the reply of a turn has left."""
    query = "SELECT 1 FROM outbox WHERE account = ? AND turn = ? AND state IN ('sending', 'unknown', 'sent')"
    return exists(tx.db, query, tx.account, turn)


def _is_in(tx: Tx, turn: int, thread: Thread) -> bool:
    query = "SELECT 1 FROM messages WHERE account = ? AND seq = ? AND thread_kind = ? AND thread_id = ?"
    return exists(tx.db, query, tx.account, turn, thread.kind, thread.id)


def _last_message(tx: Tx, thread: Thread) -> int:
    query = "SELECT max(seq) FROM messages WHERE account = ? AND thread_kind = ? AND thread_id = ?"
    return tx.db.execute(query, (tx.account, thread.kind, thread.id)).fetchone()[0] or 0


def _keep_files(tx: Tx, number: int, bodies: Sequence[str], thread: Thread) -> None:
    for out in _outgoing(bodies, thread):
        outgoing_files.keep(tx, number, out)


def _outgoing(bodies: Sequence[str], thread: Thread) -> list[Outgoing]:
    place = {"thread_kind": thread.kind, "thread_id": thread.id, "client_id": ""}
    return [outgoing_of({"body": body, **place}) for body in bodies]


def outgoing(tx: Tx, number: int) -> tuple[str, tuple[Outgoing, ...]]:
    """What stands before the text of a draft, and what it sends once it is approved. Raises `NoDraft`."""
    row = _undecided(tx, number)
    return row["lead"], tuple(_outgoing(json.loads(row["chunks"]), thread_of(row)))


def approve(tx: Tx, number: int, *, stale_ok: bool = False) -> Approval:
    """Queue what a draft says, in the order of approval. Raises `NoDraft`."""
    row = _waiting(tx, number)
    stale = staleness(tx.db, row)
    if stale and not stale_ok:
        return Approval(stale=stale)
    bodies, thread, turn = json.loads(row["chunks"]), thread_of(row), row["turn"]
    place = {"thread_kind": thread.kind, "thread_id": thread.id, "client_id": ""}
    outs = [
        with_quote(tx, {**place, "body": body}, out)
        for body, out in zip(bodies, _outgoing(bodies, thread), strict=True)
    ]
    outs = [one for out in outs if (one := _as_told_by_now(tx, out, row["lead"])) is not None]
    is_reply = row["step"] is None
    by_client = turn == NO_TURN
    call = None if is_reply or by_client else ToolCall(turn, row["step"], row["call"])
    purpose = Purpose.REPLY if is_reply else Purpose.CLIENT if by_client else Purpose.TOOL
    chunks = outbox.queue(tx, turn if is_reply else None, outs, purpose, call, draft=number)
    if is_reply:
        change(tx, "turns", {"turn": turn}, state=TurnState.REPLIED, reason="", settled_ms=None)
        if row["answer"] is not None:
            change(tx, "session_turns", {"turn": turn}, answer=row["answer"])
    _decide(tx, number, DraftState.APPROVED)
    overtake(tx, thread, before=number)
    tx.note(draft=number, thread=str(thread), chunks=len(chunks), edited=bool(row["edited"]))
    return Approval(tuple(chunks), turn if is_reply else None)


def _as_told_by_now(tx: Tx, out: Outgoing, lead: str) -> Outgoing | None:
    """A chunk without the lead, where another answer has told it since; None if it says no more."""
    if not isinstance(out, Text | Media) or not out.discloses or disclosures.is_due(tx, out.discloses):
        return out
    words = out.text if isinstance(out, Text) else out.caption
    if not lead or not f"{words}\n\n".startswith(lead):
        return out
    if isinstance(out, Media):
        return replace(out, caption=words[len(lead) :], discloses="")
    shorter = replace(
        out,
        text=words[len(lead) :],
        styles=tuple(replace(one, start=one.start - len(lead)) for one in out.styles),
        mentions=tuple(replace(one, start=one.start - len(lead)) for one in out.mentions),
        discloses="",
    )
    return shorter if shorter.text else None


def edit(tx: Tx, number: int, text: str, outs: Sequence[Outgoing]) -> None:
    """Replace what a draft says. Its files stay as they are. Raises `NoDraft`."""
    row = _waiting(tx, number)
    bodies = tuple(map(outgoing_body, outs))
    answer = None if row["answer"] is None else text + row["rest"]
    change(tx, "drafts", {"number": number}, text=text, chunks=json.dumps(bodies), answer=answer, edited=1)
    tx.note(draft=number, thread=str(thread_of(row)))


def drop(tx: Tx, number: int, reason: str = "") -> int | None:
    """Give a draft up: nobody is answered, and its text goes. Gives its turn if that waited for it.

    Raises `NoDraft`.
    """
    row = _undecided(tx, number)
    _decide(tx, number, DraftState.DROPPED, reason)
    tx.scrub()
    tx.note(draft=number, thread=str(thread_of(row)))
    if row["step"] is not None:
        return None
    turn = int(row["turn"])
    told = f"its draft was dropped{f': {reason}' if reason else ''}"
    change(tx, "turns", {"turn": turn, "state": TurnState.DRAFTED}, state=TurnState.DROPPED, reason=told)
    use_context(tx, turn)
    return turn


def revive(tx: Tx, number: int, life_ms: int) -> None:
    """Have an expired draft wait for approval again. Raises `NoDraft`."""
    row = _undecided(tx, number)
    if row["state"] == DraftState.WAITING and row["expires_ms"] > tx.now_ms:
        raise NoDraft(
            later(
                "draft {number} has not expired; to send it: openclaw drafts approve {number}", number=number
            )
        )
    waits = {"state": DraftState.WAITING, "expires_ms": tx.now_ms + life_ms}
    change(tx, "drafts", {"number": number}, **waits)
    _tell(tx, number, thread_of(row), life_ms)
    change(tx, "turns", {"turn": row["turn"], "state": TurnState.DRAFTED}, reason=row["rule"])
    tx.note(draft=number, thread=str(thread_of(row)))


def expire(tx: Tx) -> int | None:
    """Expire what waited too long. Gives when the next draft does, None if none waits."""
    rows = tx.db.execute(f"{_OPEN} AND state = 'waiting' ORDER BY number", (tx.account,)).fetchall()
    for row in rows:
        if row["expires_ms"] > tx.now_ms:
            continue
        change(tx, "drafts", {"number": row["number"]}, state=DraftState.EXPIRED)
        alerts.withdraw(tx, AlertKind.DRAFT_WAITING, str(row["number"]))
        if row["step"] is None:
            key = {"turn": row["turn"], "state": TurnState.DRAFTED}
            change(tx, "turns", key, reason=EXPIRED)
            use_context(tx, row["turn"])
    return min((row["expires_ms"] for row in rows if row["expires_ms"] > tx.now_ms), default=None)


@lazy
def overtake(tx: Tx, thread: Thread, before: int | None = None) -> None:
    """Something of the account's own went out to a thread: drafts of it (`before` a number) may not fit."""
    tx.db.execute(
        "UPDATE drafts SET overtaken_ms = ? WHERE account = ? AND thread_kind = ? AND thread_id = ?"
        " AND decided_ms IS NULL AND number < coalesce(?, number + 1)",
        (tx.now_ms, tx.account, thread.kind, thread.id, before),
    )


def of_turn(tx: Tx, turn: int) -> list[int]:
    """The drafts of a turn that nobody has decided about, those of its tools included."""
    rows = tx.db.execute(f"{_OPEN} AND turn = ? ORDER BY number", (tx.account, turn))
    return [row["number"] for row in rows.fetchall()]


def of_thread(tx: Tx, thread: Thread) -> list[tuple[int, str]]:
    """The undecided drafts of a thread, with all that they say."""
    query = f"{_OPEN} AND thread_kind = ? AND thread_id = ? ORDER BY number"
    rows = tx.db.execute(query, (tx.account, thread.kind, thread.id)).fetchall()
    return [
        (row["number"], "\n".join((row["text"], *map(words_in, json.loads(row["chunks"]))))) for row in rows
    ]


def _decide(tx: Tx, number: int, state: DraftState, reason: str = "") -> None:
    """Nothing of its words is kept: what was approved is in the outbox."""
    alerts.withdraw(tx, AlertKind.DRAFT_WAITING, str(number))
    forgotten = {"text": "", "lead": "", "chunks": "[]", "answer": None, "rest": ""}
    change(tx, "drafts", {"number": number}, state=state, reason=reason, decided_ms=tx.now_ms, **forgotten)


def _waiting(tx: Tx, number: int) -> Row:
    row = _undecided(tx, number)
    if row["state"] == DraftState.EXPIRED or row["expires_ms"] <= tx.now_ms:
        raise NoDraft(
            later("draft {number} has expired; first: openclaw drafts revive {number}", number=number)
        )
    return row


def _undecided(tx: Tx, number: int) -> Row:
    query = "SELECT * FROM drafts WHERE account = ? AND number = ?"
    row: Row | None = tx.db.execute(query, (tx.account, number)).fetchone()
    if row is None:
        raise NoDraft(
            later(
                "there is no draft {number} of {account}; see: openclaw drafts list",
                number=number,
                account=tx.account,
            )
        )
    if row["decided_ms"] is not None:
        decided = _DROPPED_BECAUSE if row["reason"] else _DECIDED[DraftState(row["state"])]
        raise NoDraft(later(decided, number=number, reason=later(row["reason"])))
    return row
