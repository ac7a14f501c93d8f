"""Pairing in the running gateway: who waits, letting one of them in at once, and out again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from clawlane.access.pairing import normalise_code
from clawlane.ops.messages import AccountStores
from clawlane.ops.pairing_offline import (
    account_of_code,
    accounts_of_rejected,
    accounts_of_sender,
    on_account,
    places_of_sender,
)
from clawlane.store import pairing
from clawlane.store.account_store import Clock
from clawlane.store.database import Store
from clawlane.store.models import Approved, PairingRequest, Rejected
from clawlane.store.reader import Reader

T = TypeVar("T")
_NOTICE_VI = "Chủ tài khoản đã chấp thuận bạn: bạn có thể nhắn tin ở đây."
_NOTICE_EN = "The owner has approved you: you can write here now."
_NOTICES = {"vi": _NOTICE_VI, "en": _NOTICE_EN}


def notice(language: str) -> str:
    """What `approve --notify` sends, as plain text; in both languages where the account's is another."""
    return _NOTICES.get(language.lower()[:2], f"{_NOTICE_VI}\n{_NOTICE_EN}")


class Pairings:
    """`queued` is told the account (`channel/id`) for which a text was put into the outbox.

    `language` gives the language of an account, empty where it is not known.
    """

    def __init__(
        self,
        store: Store,
        account_stores: AccountStores,
        queued: Callable[[str], None],
        now_ms: Clock,
        language: Callable[[str], str],
    ) -> None:
        self._store = store
        self._account_stores = account_stores
        self._queued = queued
        self._now_ms = now_ms
        self._language = language
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
        async with self._account_stores.of(owner) as account_store:
            approved = await account_store.attempt(
                pairing.approve, normalise_code(code), notice(self._language(owner)) if notify else ""
            )
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
            async with self._account_stores.of(owner) as account_store:
                revoked.append(await account_store.attempt(pairing.revoke, sender_id))
            self._paired[owner] = self.paired(owner) - {sender_id}
        return revoked

    async def rejected(self, channel: str, account: str | None) -> list[Rejected]:
        """Whom the owner turned away on a channel, and on one account of it when that is named."""
        return await self._ask(lambda reader: on_account(reader.rejected(self._now_ms()), channel, account))

    async def reject(self, channel: str, account: str | None, who: str, *, block: bool) -> list[Rejected]:
        """Turn somebody away, by their code or id, for 30 days or with `block` for good; it holds at once.

        Raises `PairingUnknown`.
        """
        wanted = await self._ask(
            lambda reader: places_of_sender(reader, channel, account, who, self._now_ms())
        )
        done = []
        for owner, sender_id in wanted:
            async with self._account_stores.of(owner) as account_store:
                done.append(await account_store.attempt(pairing.reject, sender_id, block=block))
        return done

    async def unblock(self, channel: str, account: str | None, sender_id: str) -> list[Rejected]:
        """Let somebody ask again who was turned away. Raises `PairingUnknown`."""
        owners = await self._ask(
            lambda reader: accounts_of_rejected(reader, channel, account, sender_id, self._now_ms())
        )
        done = []
        for owner in owners:
            async with self._account_stores.of(owner) as account_store:
                done.append(await account_store.attempt(pairing.unblock, sender_id))
        return done

    async def _ask(self, question: Callable[[Reader], T]) -> T:
        def ask() -> T:
            with self._store.read() as reader:
                return question(reader)

        return await asyncio.to_thread(ask)
