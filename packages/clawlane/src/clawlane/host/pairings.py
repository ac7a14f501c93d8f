"""Pairing in the running gateway: who waits, letting one of them in at once, and out again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from clawlane.access.pairing import normalise_code
from clawlane.host.journals import Journals
from clawlane.store.journal import Clock
from clawlane.store.offline import account_of_code, accounts_of_sender, on_account
from clawlane.store.reader import Reader
from clawlane.store.records import Approved, PairingRequest
from clawlane.store.store import Store

T = TypeVar("T")
NOTICE = "The owner has approved you: you can write here now."
"""What `approve --notify` sends, as plain text."""


class Pairings:
    """`queued` is told the account (`channel/id`) for which a text was put into the outbox."""

    def __init__(
        self,
        store: Store,
        journals: Journals,
        queued: Callable[[str], None],
        now_ms: Clock,
    ) -> None:
        self._store = store
        self._journals = journals
        self._queued = queued
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
        return await self._ask(lambda reader: on_account(reader.requests(self._now_ms()), channel, account))

    async def approved(self, channel: str, account: str | None) -> list[Approved]:
        """Whom the owner let in on a channel, and on one account of it when that is named."""
        return await self._ask(lambda reader: on_account(reader.approvals(), channel, account))

    async def approve(
        self, channel: str, account: str | None, code: str, *, notify: bool = False
    ) -> Approved:
        """Let in the sender of a pending request; it holds from the next message on.

        With `notify` the sender is told. Raises `PairingUnknown`.
        """
        owner = await self._ask(
            lambda reader: account_of_code(reader, channel, account, code, self._now_ms())
        )
        async with self._journals.of(owner) as journal:
            approved = await journal.approve(normalise_code(code), NOTICE if notify else "")
        self._paired[owner] = self.paired(owner) | {approved.sender_id}
        if notify:
            self._queued(owner)
        return approved

    async def revoke(self, channel: str, account: str | None, sender_id: str) -> list[Approved]:
        """Take the approvals of a sender back, on one account or on all; it holds at once.

        Raises `PairingUnknown`.
        """
        owners = await self._ask(lambda reader: accounts_of_sender(reader, channel, account, sender_id))
        revoked = []
        for owner in owners:
            async with self._journals.of(owner) as journal:
                revoked.append(await journal.revoke_approval(sender_id))
            self._paired[owner] = self.paired(owner) - {sender_id}
        return revoked

    async def _ask(self, question: Callable[[Reader], T]) -> T:
        def ask() -> T:
            with self._store.read() as reader:
                return question(reader)

        return await asyncio.to_thread(ask)
