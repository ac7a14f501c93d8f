"""The writing handle of one account: named transitions, on the disk when their await returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from clawlane.access.decision import Decision
from clawlane.access.names import Name
from clawlane.access.policy import BACKLOG_MAX_AGE_MS
from clawlane.channel import Cursor
from clawlane.messages import Fact, Group, Inbound, Outgoing, Person, Receipt, Thread, ThreadKind
from clawlane.store import (
    catch_up,
    dead_letters,
    directory,
    inbox,
    outbox,
    pairing,
    pauses,
    retention,
    send_log,
    transaction,
    turns,
    unknown_sends,
)
from clawlane.store import directory as pins
from clawlane.store.catch_up import Gap
from clawlane.store.codec import storable
from clawlane.store.directory import LookedUp
from clawlane.store.errors import StoreLost
from clawlane.store.models import (
    Admitted,
    Approved,
    History,
    Hold,
    Lost,
    NewMessage,
    Noted,
    OpenTurn,
    Recovered,
    Rejected,
    SendOutcome,
    Started,
    Undecided,
    Waiting,
)
from clawlane.store.pauses import Pause, Resumed
from clawlane.store.send_log import Sent
from clawlane.store.transaction import Tx
from clawlane.store.unknown_sends import LookUp
from clawlane.store.writer import Writer, is_disk, savepoint

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], int]
"""Milliseconds since 1970."""

_OWNER = (
    "SELECT epoch, coalesce(last_seen_ms, 0) AS last_seen_ms FROM owners LEFT JOIN accounts USING (account)"
    " WHERE account = ?"
)


class AccountStore:
    """What the owner of an account may write. Every transition checks that it still is the owner.

    All of them raise `StoreFailed` (try again later) or `StoreLost` (stop). What was admitted, and what is
    about to leave, is safe from a power cut when their await returns. What is lost of the rest is done again
    or looked up, so nobody waits for the disk there.
    """

    def __init__(self, writer: Writer, account: str, epoch: int, now_ms: Clock) -> None:
        self._writer = writer
        self._epoch = epoch
        self._now_ms = now_ms
        self.account = account

    async def admit(
        self, items: Sequence[NewMessage | Fact], backlog_ms: int = BACKLOG_MAX_AGE_MS
    ) -> list[Admitted | Noted | Exception]:
        """Store messages and facts in order, all in one transaction.

        One that cannot be stored costs the others nothing. What is recalled before it comes is expected as
        long as a message may be late (`backlog_ms`), and an hour.
        """
        return await self._run(_admit, items, backlog_ms)

    async def undecided(self, limit: int, after: int = 0) -> list[Undecided]:
        """The first messages (behind the one numbered `after`) that wait for their decision.

        In the order they were read.
        """
        return await self._run(inbox.undecided, limit, after)

    async def decide_album(self, parts: Sequence[tuple[int, Inbound]], arrival: NewMessage) -> list[Admitted]:
        """Give the waiting parts of an album (by `seq`) the decision about all of them."""
        return await self._run(inbox.decide_album, parts, arrival)

    async def decide(self, decided: Sequence[tuple[int, NewMessage]]) -> list[Admitted]:
        """Give waiting messages (by `seq`) their decisions, in order."""
        return await self._run(inbox.decide, decided)

    async def cursor(self, kind: ThreadKind, backlog_ms: int, skew_ms: int = 0) -> Cursor:
        """How far the account had read; kept from now on until `caught_up`.

        What is older than `backlog_ms` is not answered any more, so an account that read nothing yet begins
        there. `skew_ms` is how far the platform's clock is ahead.
        """
        return await self._run(catch_up.cursor, kind, backlog_ms, skew_ms)

    async def to_look_up(self, gap_ms: int) -> list[ThreadKind]:
        """The kinds of thread with chunks of unknown fate about which the platform is to be asked now."""
        return await self._run(catch_up.to_look_up, gap_ms)

    async def caught_up(self, kind: ThreadKind, back_to_ms: int, *, missed: bool = True) -> Gap | None:
        """Everything since `back_to_ms` has been read. Gives the gap that remains, which is kept.

        Without `missed` the account was connected all along, so that there is none.
        """
        return await self._run(catch_up.caught_up, kind, back_to_ms, missed=missed)

    async def is_receipt(self, message_id: str, client_id: str = "") -> bool:
        """Whether the account sent the message of this id, or the gateway one with this client id."""
        return await self._run(outbox.is_receipt, storable(message_id), storable(client_id))

    async def open_turns(self, after: int = 0, limit: int = -1) -> list[OpenTurn]:
        """What was admitted after a turn and has not settled, in order; as many as `limit` (-1: all)."""
        return await self._run(turns.open_turns, after, limit)

    async def ready_in(self, seq: int) -> int:
        """How many milliseconds a turn still waits for messages that may join it."""
        return await self._run(turns.ready_in, seq)

    async def start(self, seq: int, context: History) -> Started | None:
        """Claim a turn for the agent. Gives its messages, and the pending history that goes with it.

        None when there is nothing to run any more.
        """
        return await self._run(turns.start, seq, context)

    async def revoke(self, seq: int, decision: Decision) -> None:
        """Record that the sender is not admitted any more; the turn ends."""
        await self._run(turns.revoke, seq, decision)

    async def reply(self, seq: int, outs: Sequence[Outgoing], run: int | None = None) -> bool:
        """Write all chunks of a reply. False when there are none and the turn is done.

        Nothing is written if the turn has begun anew since this `run` of it.
        """
        return await self._run(turns.reply, seq, outs, run)

    async def pending(self, seq: int) -> bool:
        """Whether chunks of this turn's reply still have to go."""
        return await self._run(turns.pending, seq)

    async def fail(self, seq: int, reason: str, run: int | None = None) -> bool:
        """The agent could not answer. True once that was tried often enough and the message is set aside."""
        return await self._run(turns.fail, seq, reason, run)

    async def stop(self, seq: int) -> list[int]:
        """End what was begun in the thread of this message before it. Gives the turns."""
        return await self._run(turns.stop, seq)

    async def put_back(self) -> None:
        """What runs is interrupted by an orderly stop, which counts as no try."""
        await self._run(turns.put_back)

    async def resubmit(self, message_id: str) -> OpenTurn:
        """Take up again a message that was set aside. Raises `NoDeadLetter`."""
        wanted = storable(message_id)
        return await self._run(dead_letters.resubmit, wanted)

    async def drop_dead_letter(self, message_id: str) -> None:
        """Give up a message that was set aside. Raises `NoDeadLetter`."""
        wanted = storable(message_id)
        await self._run(dead_letters.drop, wanted)

    async def waiting(
        self, shut: frozenset[Thread] = frozenset(), held: Mapping[int, int] | None = None
    ) -> Waiting:
        """What may be sent, without threads that are `shut` and chunks that are `held` until some time."""
        return await self._run(outbox.waiting, shut, held)

    async def begin(
        self, chunk_ids: Sequence[int], notes: Sequence[Sent] = (), session: str = ""
    ) -> frozenset[int]:
        """Chunks are about to leave under a login, and count as sent. Gives those that still may."""
        return await self._run(outbox.begin, chunk_ids, notes, session)

    async def hold(self, holds: Mapping[int, Hold]) -> tuple[int, ...]:
        """Pacing holds chunks. Gives the turns whose lane does not wait for that."""
        return await self._run(outbox.hold, holds)

    async def unhanded(self, chunk_ids: Sequence[int]) -> None:
        """Chunks did not leave, although that was begun: nothing was handed to the channel."""
        await self._run(outbox.put_back, chunk_ids)

    async def sent(self, chunk_id: int, receipt: Receipt) -> int | None:
        """A chunk arrived. Gives the turn that this settled, if any."""
        return await self._run(outbox.sent, chunk_id, receipt)

    async def refused(self, chunk_id: int, reason: str) -> SendOutcome:
        """The platform said no."""
        return await self._run(outbox.refused, chunk_id, reason)

    async def unknown(self, chunk_id: int, lost: Lost) -> SendOutcome:
        """Nobody knows whether a chunk arrived. The lane of its turn may go on."""
        return await self._run(outbox.unknown, chunk_id, lost)

    async def retry(self, chunk_id: int, reason: str, due_ms: int) -> None:
        """A chunk did not leave, and may be tried again at `due_ms`."""
        await self._run(outbox.retry, chunk_id, reason, due_ms)

    async def absent(self, asked: LookUp, gap_ms: int) -> int:
        """All that a look-up found has been seen. Gives how many chunks are queued again.

        Those are not on the platform, as two look-ups `gap_ms` apart have shown.
        """
        return await self._run(unknown_sends.absent, asked, gap_ms)

    async def resend(self, chunk_id: int) -> None:
        """The operator wants a chunk of unknown fate sent again. Raises `NotInOutbox`."""
        await self._run(unknown_sends.resend, chunk_id)

    async def arrived(self, chunk_id: int) -> int | None:
        """The operator saw a chunk of unknown fate arrive. Gives the turn that this settled.

        Raises `NotInOutbox`.
        """
        return await self._run(unknown_sends.arrived, chunk_id)

    async def drop(self, chunk_id: int) -> int | None:
        """The operator gives a chunk up, and the rest of its reply. Gives the turn that this settled.

        Raises `NotInOutbox`.
        """
        return await self._run(unknown_sends.drop, chunk_id)

    async def prune(self) -> bool:
        """Forget some of what has had its time. True if there is more."""
        return await self._run(retention.prune)

    async def pause(self, new: Pause) -> None:
        """Begin a pause of this account or of one of its threads."""
        await self._run(pauses.pause, new)

    async def resume(self, thread: Thread | None, oldest_ms: int, *, flush: bool) -> Resumed:
        """End a pause; what is about messages from before `oldest_ms` expires, or with `flush` goes on.

        A batch at a time, so that others may write in between; the pause holds until the last one.
        """
        steps = [await self._run(pauses.resume, thread, oldest_ms, flush=flush)]
        while not steps[-1].done:
            steps.append(await self._run(pauses.resume, thread, oldest_ms, flush=flush))
        return pauses.joined(steps)

    async def queued(self) -> list[int]:
        """The chunks that wait to be sent."""
        return await self._run(send_log.queued)

    async def turn(self, seq: int) -> OpenTurn | None:
        """A turn whose message still has its text."""
        return await self._run(turns.whole, seq)

    async def sends(self) -> list[Sent]:
        """What left within the last day, oldest first."""
        return await self._run(send_log.sends)

    async def recover(self, settle_ms: int = 0) -> Recovered:
        """After a stop: what was being sent is of unknown fate, what crashed too often is set aside.

        Look-ups may settle that for `settle_ms`.
        """
        return await self._run(_recover, settle_ms)

    async def approve(self, code: str, notice: str = "") -> Approved:
        """Let in the sender of a pending request, and queue the notice to them if there is one.

        Raises `PairingUnknown`.
        """
        return await self._run(pairing.approve, code, notice=notice)

    async def revoke_approval(self, sender_id: str) -> Approved:
        """Take an approval back. Raises `PairingUnknown`."""
        return await self._run(pairing.revoke, sender_id)

    async def reject(self, sender_id: str, *, block: bool = False) -> Rejected:
        """Turn a sender away, for 30 days or with `block` for good. Raises `PairingUnknown`."""
        return await self._run(pairing.reject, sender_id, block=block)

    async def unblock(self, sender_id: str) -> Rejected:
        """Let a sender who was turned away ask again. Raises `PairingUnknown`."""
        return await self._run(pairing.unblock, sender_id)

    async def keep_peers(self, people: Sequence[Person]) -> directory.Kept:
        """Note who the account's friends are, unless that cannot be right."""
        return await self._run(directory.keep_peers, people)

    async def keep_groups(self, groups: Sequence[Group]) -> directory.Kept:
        """Note which groups the account is in, unless that cannot be right."""
        return await self._run(directory.keep_groups, groups)

    async def keep_members(self, group_id: str, people: Sequence[Person]) -> None:
        """Note who is in a group."""
        await self._run(directory.keep_members, group_id, people)

    async def pin(self, looked_up: Sequence[LookedUp]) -> None:
        """Record what the look-up of names came to."""
        await self._run(pins.keep, looked_up)

    async def unpin(self, names: Sequence[Name]) -> None:
        """Forget names: they have left the config, or are to be looked up anew."""
        await self._run(pins.forget, names)

    async def _run(self, transition: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        now_ms = self._now_ms()

        def checked(db: sqlite3.Connection) -> T:
            row = db.execute(_OWNER, (self.account,)).fetchone()
            if row is None or row["epoch"] != self._epoch:
                raise StoreLost(f"{self.account} is run by another gateway now")
            tx = Tx(db, self.account, now_ms, self._writer.scrub)
            transaction.note(tx, row["last_seen_ms"])
            return transition(tx, *args, **kwargs)

        return await self._writer.submit(checked, lazy=transition in _LAZY)


def _admit(tx: Tx, items: Sequence[NewMessage | Fact], backlog_ms: int) -> list[Admitted | Noted | Exception]:
    return [_admit_one(tx, item, backlog_ms) for item in items]


def _admit_one(tx: Tx, item: NewMessage | Fact, backlog_ms: int) -> Admitted | Noted | Exception:
    try:
        with savepoint(tx.db):
            if isinstance(item, NewMessage):
                return inbox.admit(tx, item)
            return inbox.note(tx, item, backlog_ms)
    except Exception as error:
        if is_disk(error):
            raise
        return error


def _recover(tx: Tx, settle_ms: int) -> Recovered:
    return Recovered(unknown=unknown_sends.recover(tx, settle_ms), set_aside=turns.recover(tx))


_LAZY: frozenset[Callable[..., object]] = frozenset(
    (turns.start, turns.reply, turns.pending, outbox.waiting, outbox.hold, outbox.sent)
)
"""What is lost of these in a power cut is done again or looked up: nobody waits for the disk."""
