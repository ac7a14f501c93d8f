"""The writing handle of one account: named transitions, on the disk when their await returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from clawlane.access.decision import Decision
from clawlane.access.pins import Name
from clawlane.channel import Cursor, Group, Person
from clawlane.messages import Fact, Inbound, Outgoing, Receipt, ThreadKind
from clawlane.store import admission, catch_up, directory, facts, outbox, pacing, pairing, pins, turns
from clawlane.store.catch_up import Gap
from clawlane.store.codec import storable
from clawlane.store.errors import StoreLost
from clawlane.store.pacing import Sent
from clawlane.store.pins import LookedUp
from clawlane.store.records import Admitted, Approved, Arrival, Context, Noted, OpenTurn, Take, Undecided
from clawlane.store.writer import Writer, is_disk, savepoint

T = TypeVar("T")
Clock = Callable[[], int]
"""Milliseconds since 1970."""


class Journal:
    """What the owner of an account may write. Every transition checks that it still is the owner.

    All of them raise `StoreFailed` (try again later) or `StoreLost` (stop).
    """

    def __init__(self, writer: Writer, account: str, epoch: int, now_ms: Clock) -> None:
        self._writer = writer
        self._epoch = epoch
        self._now_ms = now_ms
        self.account = account

    async def admit(self, items: Sequence[Arrival | Fact]) -> list[Admitted | Noted | Exception]:
        """Store messages and facts in order, all in one transaction.

        One that cannot be stored costs the others nothing.
        """
        now_ms = self._now_ms()

        def transition(connection: sqlite3.Connection) -> list[Admitted | Noted | Exception]:
            return [_one(connection, self.account, item, now_ms) for item in items]

        return await self._write(transition)

    async def undecided(self, limit: int) -> list[Undecided]:
        """The first messages that wait for their decision, in the order they were read."""
        return await self._write(partial(admission.undecided, account=self.account, limit=limit))

    async def decide(self, decided: Sequence[tuple[int, Arrival]]) -> list[Admitted]:
        """Give waiting messages (by `seq`) their decisions, in order."""
        return await self._write(partial(admission.decide, account=self.account, decided=decided))

    async def cursor(self, kind: ThreadKind, backlog_ms: int) -> Cursor:
        """How far the account had read; kept from now on until `caught_up`.

        What is older than `backlog_ms` is not answered any more, so an account that read nothing yet begins
        there.
        """
        now_ms = self._now_ms()
        return await self._write(
            partial(catch_up.cursor, account=self.account, kind=kind, backlog_ms=backlog_ms, now_ms=now_ms)
        )

    async def caught_up(self, kind: ThreadKind, back_to_ms: int) -> Gap | None:
        """Everything since `back_to_ms` has been read. Gives the gap that remains, which is kept."""
        now_ms = self._now_ms()
        return await self._write(
            partial(
                catch_up.caught_up, account=self.account, kind=kind, back_to_ms=back_to_ms, now_ms=now_ms
            )
        )

    async def is_receipt(self, message_id: str) -> bool:
        """Whether the account sent the message of this id."""
        return await self._write(
            partial(outbox.is_receipt, account=self.account, message_id=storable(message_id))
        )

    async def open_turns(self) -> list[OpenTurn]:
        """What was admitted and has not settled, in order."""
        return await self._write(partial(turns.open_turns, account=self.account))

    async def start(self, seq: int, context: Context) -> tuple[Inbound, ...] | None:
        """Claim a turn for the agent. Gives the pending history that goes with it, oldest first.

        None when there is nothing to run any more.
        """
        return await self._write(partial(turns.start, account=self.account, seq=seq, context=context))

    async def revoke(self, seq: int, decision: Decision) -> None:
        """Record that the sender is not admitted any more; the turn ends."""
        now_ms = self._now_ms()
        await self._write(
            partial(turns.revoke, account=self.account, seq=seq, decision=decision, now_ms=now_ms)
        )

    async def reply(self, seq: int, outs: Sequence[Outgoing]) -> bool:
        """Write all chunks of a reply. False when there are none and the turn is done."""
        now_ms = self._now_ms()
        return await self._write(
            partial(turns.reply, account=self.account, seq=seq, outs=outs, now_ms=now_ms)
        )

    async def pending(self, seq: int) -> bool:
        """Whether chunks of this turn's reply still have to go."""
        return await self._write(partial(turns.pending, seq=seq))

    async def fail(self, seq: int, reason: str) -> None:
        """The agent could not answer; the turn ends."""
        await self._write(partial(turns.fail, seq=seq, reason=reason, now_ms=self._now_ms()))

    async def take(self) -> Take:
        """The next chunk to send, or when to ask again."""
        return await self._write(partial(outbox.take, account=self.account, now_ms=self._now_ms()))

    async def sent(self, chunk_id: int, receipt: Receipt) -> int | None:
        """A chunk arrived. Gives the turn that this settled, if any."""
        return await self._write(
            partial(outbox.sent, chunk_id=chunk_id, receipt=receipt, now_ms=self._now_ms())
        )

    async def refused(self, chunk_id: int, reason: str) -> int | None:
        """The platform said no. Gives the turn that this settled, if any."""
        return await self._write(
            partial(outbox.refused, chunk_id=chunk_id, reason=reason, now_ms=self._now_ms())
        )

    async def unknown(self, chunk_id: int, reason: str) -> int | None:
        """Nobody knows whether a chunk arrived. Gives the turn whose lane may go on."""
        return await self._write(
            partial(outbox.unknown, chunk_id=chunk_id, reason=reason, now_ms=self._now_ms())
        )

    async def retry(self, chunk_id: int, reason: str, due_ms: int) -> None:
        """A chunk did not leave, and may be tried again at `due_ms`."""
        await self._write(partial(outbox.retry, chunk_id=chunk_id, reason=reason, due_ms=due_ms))

    async def note_send(self, sent: Sent) -> None:
        """Keep that a chunk leaves, for the budgets of pacing."""
        await self._write(partial(pacing.note_send, account=self.account, sent=sent))

    async def sends(self) -> list[Sent]:
        """What left within the last day, oldest first."""
        return await self._write(partial(pacing.sends, account=self.account, now_ms=self._now_ms()))

    async def recover(self) -> int:
        """Chunks that were being sent when the last owner stopped become unknown. Gives their number."""
        return await self._write(partial(outbox.recover, account=self.account, now_ms=self._now_ms()))

    async def approve(self, code: str, notice: str = "") -> Approved:
        """Let in the sender of a pending request, and queue the notice to them if there is one.

        Raises `PairingUnknown`.
        """
        now_ms = self._now_ms()
        return await self._write(
            partial(pairing.approve, account=self.account, code=code, now_ms=now_ms, notice=notice)
        )

    async def revoke_approval(self, sender_id: str) -> Approved:
        """Take an approval back. Raises `PairingUnknown`."""
        return await self._write(partial(pairing.revoke, account=self.account, sender_id=sender_id))

    async def keep_peers(self, people: Sequence[Person]) -> None:
        """Note who the account's friends are."""
        now_ms = self._now_ms()
        await self._write(partial(directory.keep_peers, account=self.account, people=people, now_ms=now_ms))

    async def keep_groups(self, groups: Sequence[Group]) -> None:
        """Note which groups the account is in."""
        now_ms = self._now_ms()
        await self._write(partial(directory.keep_groups, account=self.account, groups=groups, now_ms=now_ms))

    async def keep_members(self, group_id: str, people: Sequence[Person]) -> None:
        """Note who is in a group."""
        await self._write(
            partial(directory.keep_members, account=self.account, group_id=group_id, people=people)
        )

    async def pin(self, looked_up: Sequence[LookedUp]) -> None:
        """Record what the look-up of names came to."""
        await self._write(partial(pins.keep, account=self.account, looked_up=looked_up))

    async def unpin(self, names: Sequence[Name]) -> None:
        """Forget names: they have left the config, or are to be looked up anew."""
        await self._write(partial(pins.forget, account=self.account, names=names))

    async def _write(self, transition: Callable[[sqlite3.Connection], T]) -> T:
        return await self._writer.submit(partial(self._checked, transition))

    def _checked(self, transition: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        row = connection.execute("SELECT epoch FROM owners WHERE account = ?", (self.account,)).fetchone()
        if row is None or row["epoch"] != self._epoch:
            raise StoreLost(f"{self.account} is run by another gateway now")
        return transition(connection)


def _one(
    connection: sqlite3.Connection, account: str, item: Arrival | Fact, now_ms: int
) -> Admitted | Noted | Exception:
    try:
        with savepoint(connection):
            if isinstance(item, Arrival):
                return admission.admit(connection, account, item)
            return facts.note(connection, account, item, now_ms)
    except Exception as error:
        if is_disk(error):
            raise
        return error
