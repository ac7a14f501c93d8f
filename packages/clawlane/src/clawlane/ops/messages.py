"""What the operator decides about messages that are stuck, with a gateway or without.

send    {"account", "id", "ruling"}            a chunk of the outbox: resend, arrived, drop
letter  {"account", "message_id", "ruling"}    a message that was set aside: resubmit, drop
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from clawlane.ops.pairing_offline import on_account
from clawlane.store import turns, unknown_sends
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import NoDeadLetter, NotInOutbox
from clawlane.store.models import OpenTurn


class AccountStores:
    """`running` gives the account_store of an account (`channel/id`) that is being run, or None."""

    def __init__(self, store: Store, running: Callable[[str], AccountStore | None]) -> None:
        self._store = store
        self._running = running

    @asynccontextmanager
    async def of(self, account: str) -> AsyncIterator[AccountStore]:
        """The account_store of an account, owned by this process meanwhile."""
        account_store = self._running(account)
        if account_store is not None:
            yield account_store
            return
        async with self._store.own(account) as account_store:
            yield account_store


Fields = dict[str, Any]


class Resolution(StrEnum):
    """What becomes of a chunk of the outbox, or of a message that was set aside."""

    RESEND = "resend"
    ARRIVED = "arrived"
    DROP = "drop"
    RESUBMIT = "resubmit"


class Resolutions:
    """Writes the decision down; the account, where it runs, goes on at once.

    `settled` is told the account and the turn that this settled, if any; `again` the turn that runs again.
    """

    def __init__(
        self,
        store: Store,
        account_stores: AccountStores,
        settled: Callable[[str, int | None], None] = lambda _account, _turn: None,
        again: Callable[[str, OpenTurn], None] = lambda _account, _turn: None,
    ) -> None:
        self._store = store
        self._account_stores = account_stores
        self._settled = settled
        self._again = again

    async def send(self, ruling: Resolution, chunk_id: int) -> Fields:
        """Decide about a chunk of the outbox. Raises `NotInOutbox`."""
        account = await asyncio.to_thread(self._account_of, chunk_id)
        if account is None:
            raise NotInOutbox(f"there is no message {chunk_id}; see: openclaw outbox list")
        async with self._account_stores.of(account) as account_store:
            turn: int | None = None
            if ruling is Resolution.RESEND:
                await account_store.attempt(unknown_sends.resend, chunk_id)
            elif ruling is Resolution.ARRIVED:
                turn = await account_store.attempt(unknown_sends.arrived, chunk_id)
            else:
                turn = await account_store.attempt(unknown_sends.drop, chunk_id)
        self._settled(account, turn)
        return {"account": account, "id": chunk_id, "ruling": ruling}

    async def letter(self, ruling: Resolution, channel: str, account: str | None, message_id: str) -> Fields:
        """Decide about a message that was set aside. Raises `NoDeadLetter`."""
        owner = await asyncio.to_thread(self._owner, channel, account, message_id)
        async with self._account_stores.of(owner) as account_store:
            if ruling is Resolution.RESUBMIT:
                self._again(owner, await account_store.attempt(turns.resubmit, message_id))
            else:
                await account_store.attempt(turns.drop_dead_letter, message_id)
        return {"account": owner, "message_id": message_id, "ruling": ruling}

    def _account_of(self, chunk_id: int) -> str | None:
        with self._store.read() as reader:
            return reader.account_of_chunk(chunk_id)

    def _owner(self, channel: str, account: str | None, message_id: str) -> str:
        with self._store.read() as reader:
            letters = reader.dead_letters()
        letters = on_account(letters, channel, account)
        found = [one.account for one in letters if one.message_id == message_id]
        if len(found) == 1:
            return found[0]
        if found:
            where = " and ".join(found)
            raise NoDeadLetter(f"{message_id!r} was set aside on {where}; name one with --account")
        raise NoDeadLetter(
            f"no message {message_id!r} was set aside; see: openclaw channels dead-letters list"
        )
