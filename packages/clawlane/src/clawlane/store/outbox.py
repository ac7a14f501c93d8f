"""The outbox: a chunk is a row before it is sent. Queued in order, cancelled, summed up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from clawlane.messages import Outgoing, Undo
from clawlane.store import disclosures, outgoing_files, plain_forms
from clawlane.store.codec import message_count, outgoing_body, storable
from clawlane.store.models import Place, Purpose
from clawlane.store.rows import exists, insert, of_accounts, put
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState
from clawlane.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class ToolCall:
    """Which call of a tool sends something: the turn, the step in it, and the number of the call there."""

    turn: int
    step: int
    call: int


def queue(
    tx: Tx,
    turn: int | None,
    outs: Iterable[Outgoing],
    purpose: Purpose = Purpose.REPLY,
    by: ToolCall | None = None,
    draft: int | None = None,
) -> list[int]:
    """Write chunks in order, each with a client id: milliseconds, strictly rising over the account.

    An album takes one for each picture. What a tool sends is `by` a call and answers no turn. What the
    operator or a client sends at once is one batch. `draft` is as which the owner approved them. What is
    switched off is left out. Gives row ids.
    """
    outs = list(outs)
    asked = tx.db.execute("SELECT last_client_id FROM accounts WHERE account = ?", (tx.account,))
    tx.db.expect_numbers("chunk", len(outs))
    allowed = plain_forms.allowed(tx, outs, turn)
    row = asked.fetchone()
    last = row["last_client_id"] if row else 0
    ids = []
    for out in allowed:
        last = max(last + 1, tx.now_ms)
        ids.append(tx.db.next_number("chunk"))
        insert(
            tx,
            "outbox",
            id=ids[-1],
            thread_kind=out.thread.kind,
            thread_id=out.thread.id,
            turn=turn,
            purpose=purpose,
            by_turn=by and by.turn,
            step=by and by.step,
            call=by and by.call,
            draft=draft,
            batch=ids[0] if purpose in (Purpose.OPERATOR, Purpose.CLIENT) else None,
            client_id=str(last),
            messages=message_count(out),
            body=outgoing_body(out),
            state=ChunkState.QUEUED,
            place=_place(out, purpose),
            created_ms=tx.now_ms,
            due_ms=tx.now_ms,
        )
        last += message_count(out) - 1
        outgoing_files.keep(tx, ids[-1], out)
        disclosures.keep(tx, ids[-1], out)
    put(tx, "accounts", {}, last_client_id=last)
    return ids


def _place(out: Outgoing, purpose: Purpose) -> Place:
    """What is wrong goes first, and so does what the owner waits for."""
    if isinstance(out, Undo):
        return Place.AHEAD if purpose is Purpose.OPERATOR else Place.BEGUN
    return Place.BEGUN if purpose is Purpose.OWNER else Place.IN_TURN


def of_call(tx: Tx, call: ToolCall) -> list[int]:
    """The rows of what a call of a tool sends, in order."""
    query = "SELECT id FROM outbox WHERE account = ? AND by_turn = ? AND step = ? AND call = ? ORDER BY id"
    rows = tx.db.execute(query, (tx.account, call.turn, call.step, call.call))
    return [row["id"] for row in rows]


def count_open(tx: Tx) -> int:
    """How many chunks of the account have not been settled."""
    query = "SELECT count(*) FROM outbox WHERE account = ? AND settled_ms IS NULL"
    return int(tx.db.execute(query, (tx.account,)).fetchone()[0])


def is_receipt(tx: Tx, message_id: str, client_id: str = "") -> bool:
    """Whether the account sent the message of this id, or under this client id."""
    query = (
        "SELECT 1 FROM receipts WHERE account = ? AND message_id = ?"
        " UNION ALL SELECT 1 FROM outbox WHERE account = ? AND client_id = ? AND attempts > 0"
    )
    return exists(tx.db, query, tx.account, storable(message_id), tx.account, storable(client_id))


def cancel(tx: Tx, turn: int, from_chunk: int, reason: str) -> None:
    """From this part on, nothing of a reply is sent that has not left yet."""
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = ?"
        " WHERE account = ? AND turn = ? AND id >= ? AND settled_ms IS NULL AND state IN ('queued', 'held')",
        (tx.now_ms, reason, tx.account, turn, from_chunk),
    )


def cancel_rest(tx: Tx, chunk: Row, reason: str) -> int:
    """After this chunk, nothing of the same text is sent that has not left yet. Gives how many chunks."""
    text = whole_text(chunk)
    where = " AND ".join(f"{column} = ?" for column in text)
    return tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, held_until_ms = NULL, reason = ?"  # noqa: S608
        f" WHERE account = ? AND {where} AND id > ?"
        " AND settled_ms IS NULL AND state IN ('queued', 'held')",
        (tx.now_ms, reason, tx.account, *text.values(), chunk["id"]),
    ).rowcount


def cancel_tools(tx: Tx, turn: int, reason: str) -> None:
    """Nothing is sent any more of what the tools of a turn queued and has not left yet, drafts included."""
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, held_until_ms = NULL, reason = ?"
        " WHERE account = ? AND by_turn = ? AND settled_ms IS NULL AND state = 'queued'",
        (tx.now_ms, reason, tx.account, turn),
    )
    dropped = tx.db.execute(
        "UPDATE drafts SET state = 'dropped', decided_ms = ?, reason = ?, text = '', chunks = '[]'"
        " WHERE account = ? AND turn = ? AND step IS NOT NULL AND decided_ms IS NULL RETURNING number",
        (tx.now_ms, reason, tx.account, turn),
    ).fetchall()
    tx.db.executemany(
        "DELETE FROM alerts WHERE account = ? AND kind = 'draft_waiting' AND key = ?",
        [(tx.account, str(row["number"])) for row in dropped],
    )


def whole_text(chunk: Row) -> dict[str, object]:
    """What the chunks of one text have in common: a reply, what one call of a tool sends, or one chunk.

    What the operator or a client sends at once is one text as well.
    """
    if chunk["turn"] is not None:
        return {"turn": chunk["turn"]}
    if chunk["batch"] is not None:
        return {"batch": chunk["batch"]}
    if chunk["step"] is not None:
        return {name: chunk[name] for name in ("by_turn", "step", "call")}
    return {"id": chunk["id"]}


_WORDS = {
    ChunkState.QUEUED: "to be sent",
    ChunkState.SENDING: "on its way",
    ChunkState.UNKNOWN: "of unknown fate",
    ChunkState.HELD: "held back",
    ChunkState.SENT: "arrived",
    ChunkState.REFUSED: "refused",
    ChunkState.CANCELLED: "not sent",
    ChunkState.EXPIRED: "too late to be sent",
}


def delivery_summary(tx: Tx, turn: int | None) -> str:
    """`of 3 parts, 1 arrived, 2 refused (you are blocked), 3 not sent`; empty for what is no reply."""
    if turn is None:
        return ""
    return _summary(tx, "turn", turn)


def tools_summary(tx: Tx, turn: int) -> str:
    """The same of what the tools of a turn send; empty if that is nothing."""
    return _summary(tx, "by_turn", turn)


def _summary(tx: Tx, column: str, turn: int) -> str:
    query = f"SELECT state, reason FROM outbox WHERE account = ? AND {column} = ? ORDER BY id"  # noqa: S608
    parts = [_words(row) for row in tx.db.execute(query, (tx.account, turn))]
    if len(parts) <= 1:
        return "".join(parts)
    stretches = []
    for words, stretch in groupby(enumerate(parts, start=1), key=lambda part: part[1]):
        numbers = [number for number, _ in stretch]
        span = f"{numbers[0]}–{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
        stretches.append(f"{span} {words}")
    return f"of {len(parts)} parts, {', '.join(stretches)}"


def update_summary(tx: Tx, turn: int | None) -> None:
    """Update the reason of a recalled turn with what has left of its reply."""
    reply = delivery_summary(tx, turn)
    if turn is not None and reply:
        tx.db.execute(
            "UPDATE turns SET reason = (SELECT recalled FROM turn_messages AS part JOIN messages"
            "  ON messages.account = part.account AND messages.seq = part.message"
            "  WHERE part.account = turns.account AND part.turn = turns.turn AND recalled <> '' LIMIT 1)"
            " || ': ' || ? WHERE account = ? AND turn = ? AND state = 'recalled'",
            (reply, tx.account, turn),
        )


def _words(row: Row) -> str:
    words = _WORDS[ChunkState(row["state"])]
    tells_why = row["reason"] and row["state"] in (ChunkState.REFUSED, ChunkState.UNKNOWN)
    return f"{words} ({row['reason']})" if tells_why else words


def account_of(connection: Database, chunk_id: int) -> str | None:
    """The account (`channel/id`) of a chunk; None if there is no such chunk."""
    rows = of_accounts(connection, "SELECT account FROM outbox WHERE account = ? AND id = ?", chunk_id)
    return str(rows[0]["account"]) if rows else None
