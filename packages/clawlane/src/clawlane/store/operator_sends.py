"""What the operator sends: texts, files, reactions, and messages that are taken back. What became of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clawlane.abilities import Ability
from clawlane.messages import Outgoing, Reaction, Thread, Undo
from clawlane.store import abilities, drafts, outbox, receipts, unknown_sends
from clawlane.store.codec import kind_of, thread_of, undone_by
from clawlane.store.errors import NotInOutbox, TakenBack
from clawlane.store.models import Hold, Purpose
from clawlane.store.receipts import OwnMessage
from clawlane.store.rows import change
from clawlane.store.sending import let_operator_pass, settle
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState
from clawlane.store.taken_back import is_taken_back
from clawlane.store.transaction import Tx
from clawlane.texts import later

_CANCELLED = "taken back by the operator before it left"
_OPEN_UNDOS = (
    "SELECT id, state, body FROM outbox WHERE account = ? AND purpose = 'operator' AND settled_ms IS NULL"
)
_HELD = (
    "SELECT * FROM outbox WHERE account = ? AND thread_kind = ? AND thread_id = ? AND held_until_ms > ?"
    " AND state = 'queued' AND settled_ms IS NULL LIMIT 1"
)
"""The chunk of a thread that a rule holds: the first one, which the others wait for."""

_FOREIGN = later(
    "no message {id} of this account is known: only what the gateway sent itself can be taken back"
)
_FOREIGN_THERE = later(
    "no message {id} of this account is known in {thread}:"
    " only what the gateway sent itself can be taken back"
)
_OFF = later("taking messages back is switched off: openclaw channels capabilities --enable undo")
_BEGUN = later("it is already being taken back; see: openclaw outbox list --all")
_NOTHING = later("there is nothing to take back; see: openclaw outbox list --all")
_TAKEN_BACK = later("message {id} was already taken back")


@dataclass(frozen=True, slots=True)
class ChunkStatus:
    """Where one chunk stands, its kind and its thread. `message_ids` are those under which others see it.

    `held_until_ms` is until when a rule of pacing holds it, and `needs_decision` says that nobody but the
    operator can tell whether it arrived.
    """

    number: int
    thread: Thread
    state: ChunkState
    reason: str
    message_ids: tuple[str, ...]
    tries: int
    held_until_ms: int | None
    needs_decision: bool
    kind: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing more becomes of it by itself."""
        waits = (ChunkState.QUEUED, ChunkState.SENDING, ChunkState.UNKNOWN, ChunkState.HELD)
        return self.needs_decision or self.state not in waits


@dataclass(frozen=True, slots=True)
class TakingBack:
    """What taking back came to: the chunks that do it, and how many were cancelled before they left.

    `turn` is the one that this settled, if any.
    """

    thread: Thread
    queued: tuple[int, ...]
    cancelled: int
    turn: int | None = None


def queue(tx: Tx, outs: Sequence[Outgoing]) -> list[int]:
    """Queue what the operator sends at once to one thread. Gives the outbox numbers."""
    numbers = outbox.queue(tx, None, outs, Purpose.OPERATOR)
    for held in tx.db.execute(_HELD, (tx.account, outs[0].thread.kind, outs[0].thread.id, tx.now_ms)):
        if Hold(held["reason"].removeprefix("held: "), held["held_until_ms"]).lets_operator_pass:
            let_operator_pass(tx, held)
    if any(not isinstance(out, Reaction | Undo) for out in outs):
        drafts.overtake(tx, outs[0].thread)
    tx.note(thread=str(outs[0].thread), chunks=len(numbers), first=numbers[0])
    return numbers


def statuses(connection: Database, account: str, numbers: Sequence[int]) -> list[ChunkStatus]:
    """Where these chunks of an account stand, in order. What is not there any more is left out."""
    query = "SELECT * FROM outbox WHERE account = ? AND id = ?"
    rows = (connection.execute(query, (account, number)).fetchone() for number in numbers)
    return [
        ChunkStatus(
            number=row["id"],
            thread=thread_of(row),
            state=ChunkState(row["state"]),
            reason=row["reason"],
            message_ids=tuple(json.loads(row["receipt"])) if row["receipt"] else (),
            tries=row["attempts"],
            held_until_ms=row["held_until_ms"],
            needs_decision=row["state"] == ChunkState.UNKNOWN and row["settling_ms"] is None,
            kind=kind_of(row["body"]),
        )
        for row in rows
        if row is not None
    ]


def take_back(tx: Tx, message_id: str, thread: Thread | None = None, *, whole: bool = False) -> TakingBack:
    """Take back a message of the account, or the `whole` text that it is a part of. Raises `NotInOutbox`."""
    own = receipts.find(tx.db, tx.account, message_id)
    if own is None or thread not in (None, own.thread):
        raise NotInOutbox(later(_FOREIGN_THERE if thread else _FOREIGN, id=message_id, thread=str(thread)))
    [chunk] = _rows(tx, {"id": own.chunk})
    if whole:
        return _take_back(tx, _rows(tx, outbox.whole_text(chunk)), own.thread)
    if own.taken_back or is_taken_back(chunk):
        raise TakenBack(later(_TAKEN_BACK, id=message_id))
    return _queued(tx, own.thread, [own], 0)


def take_back_chunk(
    tx: Tx, number: int, thread: Thread | None = None, *, whole: bool = False, join: bool = False
) -> TakingBack:
    """The same of what has this number in the outbox. What has not left is cancelled.

    With `join` what waits to take it back already is given as well, instead of an error.
    """
    found = _rows(tx, {"id": number})
    if not found or thread not in (None, thread_of(found[0])):
        missing = later("the outbox of {account} has no message {id}; see: openclaw outbox list --all")
        raise NotInOutbox(later(missing, account=tx.account, id=number))
    [chunk] = found
    chunks = _rows(tx, outbox.whole_text(chunk)) if whole else found
    return _take_back(tx, chunks, thread_of(chunk), join=join)


def _take_back(tx: Tx, chunks: Sequence[Row], thread: Thread, *, join: bool = False) -> TakingBack:
    for chunk in chunks:
        if chunk["state"] == ChunkState.SENDING:
            leaving = later("message {id} is on its way; try again once it has arrived", id=chunk["id"])
            raise NotInOutbox(leaving)
        if chunk["state"] == ChunkState.UNKNOWN and chunk["settled_ms"] is None:
            unknown = later("nobody knows whether message {id} arrived; decide: openclaw outbox list")
            raise NotInOutbox(later(unknown, id=chunk["id"]))
    waiting = [chunk["id"] for chunk in chunks if chunk["state"] in (ChunkState.QUEUED, ChunkState.HELD)]
    for number in waiting:
        change(
            tx,
            "outbox",
            {"id": number},
            state=ChunkState.CANCELLED,
            settled_ms=tx.now_ms,
            held_until_ms=None,
            reason=_CANCELLED,
        )
    turn = settle(tx, chunks[0]["turn"]) if waiting else None
    there = [chunk for chunk in chunks if chunk["receipt"] and not is_taken_back(chunk)]
    ids = [id_ for chunk in there for id_ in json.loads(chunk["receipt"])]
    known = [own for id_ in ids if (own := receipts.find(tx.db, tx.account, id_)) is not None]
    found = [own for own in known if not own.taken_back]
    if not found and not waiting and (known or any(is_taken_back(chunk) for chunk in chunks)):
        raise TakenBack(later(_TAKEN_BACK, id=chunks[0]["id"]))
    return replace(_queued(tx, thread, found, len(waiting), join=join), turn=turn)


def _queued(
    tx: Tx, thread: Thread, found: Sequence[OwnMessage], cancelled: int, *, join: bool = False
) -> TakingBack:
    """Queue what takes messages back, unless something waits to do so already.

    One of which nobody knows whether the platform heard it is sent again: a second one changes nothing.
    """
    rows = tx.db.execute(_OPEN_UNDOS, (tx.account,)).fetchall()
    begun = {undone_by(row["body"]): row for row in rows}
    outs = [Undo(thread, one.message_id, one.client_id) for one in found if one.message_id not in begun]
    open_ = [row for one in found if (row := begun.get(one.message_id)) is not None]
    again = [row["id"] for row in open_ if row["state"] == ChunkState.UNKNOWN]
    begun_numbers = [row["id"] for row in open_] if join else again
    if (outs or again) and abilities.is_off(tx, Ability.UNDO):
        if not cancelled:
            raise NotInOutbox(_OFF)
        outs, again, begun_numbers = [], [], []
    if not outs and not begun_numbers and not cancelled:
        raise NotInOutbox(_BEGUN if found else _NOTHING)
    for number in again:
        unknown_sends.resend(tx, number)
    numbers = queue(tx, outs) if outs else []
    tx.note(thread=str(thread), cancelled=cancelled)
    return TakingBack(thread, (*begun_numbers, *numbers), cancelled)


def _rows(tx: Tx, key: dict[str, object]) -> list[Row]:
    where = " AND ".join(f"{column} = ?" for column in key)
    query = f"SELECT * FROM outbox WHERE account = ? AND {where} ORDER BY id"  # noqa: S608 — our own names
    return tx.db.execute(query, (tx.account, *key.values())).fetchall()
