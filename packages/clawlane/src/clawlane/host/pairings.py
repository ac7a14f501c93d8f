"""Pairing in the running gateway: who waits, and letting one of them in at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from clawlane.access.pairing import normalise_code
from clawlane.store.journal import Clock, Journal
from clawlane.store.offline import account_of_code, requests_of
from clawlane.store.records import Approved, PairingRequest
from clawlane.store.store import Store


class Pairings:
    """`journal_of` gives the journal of an account (`channel/id`) that this gateway runs, or None."""

    def __init__(self, store: Store, journal_of: Callable[[str], Journal | None], now_ms: Clock) -> None:
        self._store = store
        self._journal_of = journal_of
        self._now_ms = now_ms
        self._paired: dict[str, frozenset[str]] = {}

    def load(self, account: str) -> None:
        """Read whom the owner let in on an account."""
        with self._store.read() as reader:
            self._paired[account] = frozenset(approved.sender_id for approved in reader.approved(account))

    def paired(self, account: str) -> frozenset[str]:
        """The ids that pairing lets in on an account. Cheap: it is asked for every message."""
        return self._paired.get(account, frozenset())

    async def waiting(self, channel: str, account: str | None) -> list[PairingRequest]:
        """The pending requests of a channel, and of one account of it when that is named."""

        def ask() -> list[PairingRequest]:
            with self._store.read() as reader:
                return requests_of(reader, channel, account, self._now_ms())

        return await asyncio.to_thread(ask)

    async def approve(self, channel: str, account: str | None, code: str) -> Approved:
        """Let in the sender of a pending request; it holds from the next message on.

        Raises `PairingUnknown`.
        """

        def ask() -> str:
            with self._store.read() as reader:
                return account_of_code(reader, channel, account, code, self._now_ms())

        owner = await asyncio.to_thread(ask)
        journal = self._journal_of(owner)
        if journal is not None:
            approved = await journal.approve(normalise_code(code))
        else:
            async with self._store.own(owner) as journal:
                approved = await journal.approve(normalise_code(code))
        self._paired[owner] = self.paired(owner) | {approved.sender_id}
        return approved
