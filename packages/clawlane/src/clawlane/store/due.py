"""What may leave next: of each thread one chunk, in order. What waited too long expires here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from clawlane.messages import Thread, ThreadKind
from clawlane.store import quotes
from clawlane.store.codec import compared, is_message, outgoing_of, thread_of, undone_by
from clawlane.store.directory import friend
from clawlane.store.models import Chunk, Place, Purpose, Waiting
from clawlane.store.outbox import whole_text
from clawlane.store.rows import change, exists
from clawlane.store.sending import needs_decision, note_undecided, settle
from clawlane.store.sql import Row, Rows
from clawlane.store.states import ChunkState
from clawlane.store.transaction import Tx, lazy

LOOK_UP_MS = 600_000
"""How long look-ups may settle a chunk of unknown fate before the operator has to."""

LONGEST_RETRY_MS = 3_960_000
"""No retry is planned further ahead. One that is was planned before the clock jumped back."""

UNASKED_MS = 1_200_000
"""How much longer a chunk of unknown fate waits for its first look-up while there is no connection."""


@lazy
def waiting(
    tx: Tx,
    shut: Collection[Thread] = (),
    held: Mapping[int, int] | None = None,
    last_ms: Mapping[Thread, int] | None = None,
    limit: int | None = None,
    paused: Collection[Thread] | None = (),
) -> Waiting:
    """The next chunk of each thread that is not `shut`, as far as it is due and not `held` until later.

    The threads come first whose `last_ms` (when something left to them, 0 if nothing did) is lowest; without
    it, those whose chunk is due first. At most `limit` chunks are read (None: all).

    A chunk on its way keeps its thread waiting, and so does one of unknown fate that look-ups may settle: it
    may have to be sent again, and in order. In `paused` threads (None: in all) only that counts which their
    pause does not hold: what the owner takes back and, under a pause of the account, answers to the owner.
    """
    later: list[int] = []
    asked = _Asked.of(tx)
    expired = _expire(tx, asked.expiring, later)
    asked = asked.or_anew(tx)
    closed = {*shut, *_busy(tx, asked.under_way, later)}
    asked = asked.or_anew(tx)
    held, last_ms = held or {}, last_ms or {}
    due: list[tuple[int, int, int]] = []
    for id_, thread, due_ms in _may_pass(tx, asked.heads, paused):
        at_ms = max(due_ms, held.get(id_, 0))
        if thread in closed:
            continue
        if at_ms > tx.now_ms:
            later.append(at_ms)
        else:
            due.append((last_ms.get(thread, 0), at_ms, id_))
    due.sort()
    chunks = tuple(_chunks(tx, [id_ for *_, id_ in due[:limit]]))
    beyond = tuple(id_ for *_, id_ in due[len(chunks) :])
    return Waiting(chunks, min(later, default=None), expired, beyond)


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """How many chunks wait to leave or for an answer, and since when the oldest does; 0 and 0 for none."""

    chunks: int
    oldest_ms: int


@lazy
def waiting_work(tx: Tx, shut: Collection[Thread | None]) -> WaitingWork:
    """What waits now, without what pacing holds and without paused threads; None stands for the account."""
    if None in shut:
        return WaitingWork(0, 0)
    rows = tx.db.execute(
        "SELECT thread_kind, thread_id, created_ms FROM outbox WHERE account = ? AND settled_ms IS NULL"
        " AND (state = 'sending' OR (state = 'unknown' AND settling_ms IS NOT NULL)"
        "  OR (state = 'queued' AND (held_until_ms IS NULL OR held_until_ms <= ?))) LIMIT 1000",
        (tx.account, tx.now_ms),
    )
    waiting = [row["created_ms"] for row in rows if thread_of(row) not in shut]
    return WaitingWork(len(waiting), min(waiting, default=0))


@lazy
def still_queued(tx: Tx, chunk_id: int) -> Chunk | None:
    """A chunk that waits to be sent; None once it does not."""
    query = "SELECT 1 FROM outbox WHERE account = ? AND id = ? AND state = 'queued' AND settled_ms IS NULL"
    return next(_chunks(tx, [chunk_id])) if exists(tx.db, query, tx.account, chunk_id) else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `waiting` looks at, asked at once. `changes` were made until then."""

    expiring: Rows
    under_way: Rows
    heads: Rows
    changes: int

    @classmethod
    def of(cls, tx: Tx) -> _Asked:
        account = {"account": tx.account}
        expiring, under_way = tx.db.execute(_EXPIRING, account), tx.db.execute(_UNDER_WAY, account)
        return cls(expiring, under_way, tx.db.execute(_HEADS, account), tx.db.asked_changes)

    def or_anew(self, tx: Tx) -> _Asked:
        """The same where nothing was changed since."""
        return self if tx.db.asked_changes == self.changes else _Asked.of(tx)


_EXPIRING = (
    "SELECT id, turn, place, created_ms, due_ms, expires_ms FROM outbox"
    " WHERE account = :account AND settled_ms IS NULL AND expires_ms IS NOT NULL AND state = 'queued'"
)
_UNDER_WAY = (
    "SELECT * FROM outbox WHERE account = :account AND settled_ms IS NULL"
    " AND state IN ('sending', 'unknown') AND state <> 'queued'"  # as the index of these chunks says it
)


def _expire(tx: Tx, expiring: Rows, later: list[int]) -> tuple[int, ...]:
    """End chunks that became too old, and the turns that this settles, so that no lane waits for them.

    Those that others may pass are released once they are due, or when the clock was set back. Adds to `later`
    when that happens to the others.
    """
    turns = []
    for row in expiring.fetchall():
        if row["expires_ms"] <= tx.now_ms:
            values = {"state": ChunkState.EXPIRED, "settled_ms": tx.now_ms, "held_until_ms": None}
            change(tx, "outbox", {"id": row["id"]}, **values)
            turns.append(row["turn"])
            continue
        later.append(row["expires_ms"])
        if row["place"] != Place.ASIDE:
            continue
        if row["due_ms"] <= tx.now_ms or row["created_ms"] > tx.now_ms:
            due_ms = min(row["due_ms"], tx.now_ms)
            change(tx, "outbox", {"id": row["id"]}, place=Place.IN_TURN, due_ms=due_ms)
        else:
            later.append(row["due_ms"])
    return tuple(turn for turn in dict.fromkeys(turns) if settle(tx, turn) is not None)


def _busy(tx: Tx, under_way: Rows, later: list[int]) -> set[Thread]:
    """The threads in which nothing may leave until something is known.

    A look-up is worth waiting for only where sends of this login have arrived that it could find. Adds to
    `later` when look-ups end; a chunk that they did not settle is left to the operator.
    """
    busy = set()
    for row in under_way.fetchall():
        thread = thread_of(row)
        if row["state"] == ChunkState.SENDING:
            busy.add(thread)
            continue
        until_ms = _settling_ms(tx, row)
        if until_ms is None:
            continue
        if not row["look_ups"]:
            until_ms += UNASKED_MS
        if until_ms <= tx.now_ms:
            reason = f"{row['reason']}; nothing showed whether it arrived"
            change(tx, "outbox", {"id": row["id"]}, settling_ms=None, reason=reason)
            note_undecided(tx, row["id"])
            needs_decision(tx, row["turn"])
            continue
        later.append(until_ms)
        query = "SELECT 1 FROM receipts WHERE account = ? AND thread_kind = ? AND session = ?"
        if exists(tx.db, query, tx.account, row["thread_kind"], row["session"]):
            busy.add(thread)
    return busy


def _settling_ms(tx: Tx, row: Row) -> int | None:
    """Until when look-ups may settle a chunk. Its times are corrected if the clock was set back since."""
    if (row["sent_ms"] or 0) <= tx.now_ms:
        return cast("int | None", row["settling_ms"])
    latest_ms = {"sent_ms": tx.now_ms, "absent_ms": tx.now_ms, "looked_up_ms": tx.now_ms}
    latest_ms["settling_ms"] = tx.now_ms + LOOK_UP_MS
    known = {name: min(row[name], ms) for name, ms in latest_ms.items() if row[name] is not None}
    change(tx, "outbox", {"id": row["id"]}, **known)
    return known.get("settling_ms")


_NEXT = (
    "SELECT (SELECT next.id FROM outbox AS next WHERE next.account = :account"
    " AND next.settled_ms IS NULL AND next.state = 'queued' AND {after}"
    " ORDER BY next.thread_id, next.place, next.id LIMIT 1)"
)
_FIRST = " UNION ALL ".join(_NEXT.format(after=f"next.thread_kind = '{kind}'") for kind in ThreadKind)
_AFTER = _NEXT.format(after="next.thread_kind = head.thread_kind AND next.thread_id > head.thread_id")
_HEADS = (
    f"WITH RECURSIVE heads (id) AS ({_FIRST} UNION ALL {_AFTER}"  # noqa: S608 — our own text only
    " FROM heads JOIN outbox AS head ON head.account = :account AND head.id = heads.id)"
    " SELECT head.id, thread_kind, thread_id, due_ms, place, attempts FROM heads"
    " JOIN outbox AS head ON head.account = :account AND head.id = heads.id"
)
"""From each thread's first chunk to that of the next thread, by one look-up in the index each."""


def _heads(tx: Tx, heads: Rows) -> Iterator[tuple[int, Thread, int]]:
    """Of each thread its next queued chunk: the rest of a reply that began to leave, else the oldest.

    Gives its number, the thread, and when it is due: no later than anything is planned now, for the clock may
    have jumped back. Neither the texts nor what waits behind is read.
    """
    for head in heads.fetchall():
        if head["place"] == Place.ASIDE:
            continue
        due_ms = min(head["due_ms"], tx.now_ms + (LONGEST_RETRY_MS if head["attempts"] else 0))
        if due_ms < head["due_ms"]:
            change(tx, "outbox", {"id": head["id"]}, due_ms=due_ms)
        yield head["id"], thread_of(head), due_ms


def _may_pass(tx: Tx, heads: Rows, paused: Collection[Thread] | None) -> Iterator[tuple[int, Thread, int]]:
    """The same without what a pause holds."""
    if paused is not None:
        yield from (head for head in _heads(tx, heads) if head[1] not in paused)
        if not paused:
            return
    threads = set()
    for row in tx.db.execute(
        "SELECT id, thread_kind, thread_id, due_ms, purpose, body FROM outbox WHERE account = ?"
        " AND settled_ms IS NULL AND state = 'queued' AND purpose IN ('owner', 'operator')"
        " ORDER BY place, id",
        (tx.account,),
    ).fetchall():
        thread = thread_of(row)
        passes = undone_by(row["body"]) or (paused is None and row["purpose"] == Purpose.OWNER)
        if passes and thread not in threads and (paused is None or thread in paused):
            threads.add(thread)
            yield row["id"], thread, row["due_ms"]


def _chunks(tx: Tx, ids: Sequence[int]) -> Iterator[Chunk]:
    """Chunks with their texts."""
    query = "SELECT * FROM outbox WHERE account = ? AND id = ?"
    found = [tx.db.execute(query, (tx.account, id_)) for id_ in ids]
    rows = [row for one in found for row in one]
    asked = [(row, _whole_text(tx, row), friend(tx, row["thread_id"])) for row in rows]
    return (_chunk(tx, *one) for one in asked)


def _whole_text(tx: Tx, row: Row) -> Rows | None:
    """The bodies of what belongs to the reply of a chunk, or to what one call sends; None for other texts."""
    by_agent = row["purpose"] in (Purpose.REPLY, Purpose.TOOL, Purpose.CLIENT)
    if not (by_agent and is_message(row["body"])):
        return None
    text = whole_text(row)
    where = " AND ".join(f"{column} = ?" for column in text)
    query = f"SELECT id, body FROM outbox WHERE account = ? AND {where} ORDER BY id"  # noqa: S608 — our own names
    return tx.db.execute(query, (tx.account, *text.values()))


def _chunk(tx: Tx, row: Row, whole: Rows | None, known: Rows) -> Chunk:
    out = quotes.with_quote(tx, row, outgoing_of(row))
    reply, first = "", row["id"]
    if whole is not None:
        parts = whole.fetchall()
        reply = "\n".join(compared(part["body"]) for part in parts if part["body"])
        first = parts[0]["id"]
    begun = row["place"] == Place.BEGUN
    return Chunk(
        row["id"],
        row["turn"],
        out,
        row["attempts"] + 1,
        reply,
        begun,
        row["by_turn"],
        first,
        Purpose(row["purpose"]),
        row["draft"],
        out.thread.kind is ThreadKind.DM and known.fetchone() is not None,
    )
