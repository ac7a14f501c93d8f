"""Pairing without a running gateway: the command opens the store itself, once it holds the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from clawlane.access.pairing import normalise_code
from clawlane.config.places import Places
from clawlane.store.dead_letters import DeadLetter
from clawlane.store.errors import PairingUnknown
from clawlane.store.journal import Clock
from clawlane.store.reader import Reader, reading
from clawlane.store.records import Approved, PairingRequest
from clawlane.store.store import open_store

_OfAccount = TypeVar("_OfAccount", PairingRequest, Approved, DeadLetter)


def pairing_list(places: Places, channel: str, account: str | None, now_ms: int) -> list[PairingRequest]:
    """Who waits for the owner on a channel, on one account or on all. Nothing is created by asking."""
    if not places.store.exists():
        return []
    with reading(places.store) as reader:
        return on_account(reader.requests(now_ms), channel, account)


def pairing_approved(places: Places, channel: str, account: str | None) -> list[Approved]:
    """Whom the owner let in on a channel, on one account or on all."""
    if not places.store.exists():
        return []
    with reading(places.store) as reader:
        return on_account(reader.approvals(), channel, account)


async def pairing_approve(
    places: Places, channel: str, account: str | None, code: str, now_ms: Clock
) -> Approved:
    """Let a sender in. Raises `StoreOwned` when a gateway runs (ask that one), and `PairingUnknown`."""
    if not places.store.exists():
        raise PairingUnknown(unknown_code(channel, code))
    async with open_store(places.store, places.lock_file, now_ms, checked=False) as store:
        with store.read() as reader:
            owner = account_of_code(reader, channel, account, code, now_ms())
        async with store.own(owner) as journal:
            return await journal.approve(normalise_code(code))


async def pairing_revoke(
    places: Places, channel: str, account: str | None, sender_id: str, now_ms: Clock
) -> list[Approved]:
    """Take approvals of a sender back, on one account or on all. Raises as `pairing_approve` does."""
    if not places.store.exists():
        raise PairingUnknown(not_approved(channel, sender_id))
    async with open_store(places.store, places.lock_file, now_ms, checked=False) as store:
        with store.read() as reader:
            owners = accounts_of_sender(reader, channel, account, sender_id)
        revoked = []
        for owner in owners:
            async with store.own(owner) as journal:
                revoked.append(await journal.revoke_approval(sender_id))
        return revoked


def on_account(found: Sequence[_OfAccount], channel: str, account: str | None) -> list[_OfAccount]:
    """What belongs to one channel, and to one account of it when that is named."""
    return [
        one
        for one in found
        if one.account.partition("/")[0] == channel and account in (None, one.account.partition("/")[2])
    ]


def account_of_code(reader: Reader, channel: str, account: str | None, code: str, now_ms: int) -> str:
    """Which account a pending code belongs to (`channel/id`). Raises `PairingUnknown` with what to do."""
    wanted = normalise_code(code)
    for request in on_account(reader.requests(now_ms), channel, account):
        if request.code == wanted:
            return request.account
    used = reader.used_code(wanted)
    if used:
        raise PairingUnknown(
            f"the code {wanted} was used before: it let in {used.sender_id} on {used.account}"
        )
    raise PairingUnknown(unknown_code(channel, code))


def accounts_of_sender(reader: Reader, channel: str, account: str | None, sender_id: str) -> list[str]:
    """On which accounts a sender is approved. Raises `PairingUnknown` if there is none."""
    approvals = on_account(reader.approvals(), channel, account)
    owners = [one.account for one in approvals if one.sender_id == sender_id]
    if not owners:
        raise PairingUnknown(not_approved(channel, sender_id))
    return owners


def unknown_code(channel: str, code: str) -> str:
    """The one line for a code that nobody has."""
    return f"no pending request has the code {normalise_code(code)!r}; see: openclaw pairing list {channel}"


def not_approved(channel: str, sender_id: str) -> str:
    """The one line for a sender who cannot be revoked."""
    return f"{sender_id!r} was not approved by pairing; see: openclaw pairing approved {channel}"
