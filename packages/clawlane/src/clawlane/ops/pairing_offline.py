"""Pairing without a running gateway: the command opens the store itself, once it holds the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from clawlane.access.pairing import normalise_code
from clawlane.config.paths import Paths
from clawlane.config.senders import is_numeric_id
from clawlane.store import pairing
from clawlane.store.account_store import Clock
from clawlane.store.database import open_store
from clawlane.store.dead_letters import DeadLetter
from clawlane.store.errors import PairingUnknown
from clawlane.store.marker import check_before
from clawlane.store.models import Approved, PairingRequest, Rejected
from clawlane.store.pairing import approved_before
from clawlane.store.reader import Reader, reading

_OfAccount = TypeVar("_OfAccount", PairingRequest, Approved, Rejected, DeadLetter)


def pairing_list(places: Paths, channel: str, account: str | None, now_ms: int) -> list[PairingRequest]:
    """Who waits for the owner on a channel, on one account or on all. Nothing is created by asking."""
    if not _made(places):
        return []
    with reading(places.store) as reader:
        return on_account(reader.requests(now_ms), channel, account)


def pairing_approved(places: Paths, channel: str, account: str | None) -> list[Approved]:
    """Whom the owner let in on a channel, on one account or on all."""
    if not _made(places):
        return []
    with reading(places.store) as reader:
        return on_account(reader.approvals(), channel, account)


def pairing_rejected(places: Paths, channel: str, account: str | None, now_ms: int) -> list[Rejected]:
    """Whom the owner turned away on a channel, on one account or on all."""
    if not _made(places):
        return []
    with reading(places.store) as reader:
        return on_account(reader.rejected(now_ms), channel, account)


async def pairing_approve(
    places: Paths, channel: str, account: str | None, code: str, now_ms: Clock
) -> Approved:
    """Let a sender in. Raises `StoreOwned` when a gateway runs (ask that one), and `PairingUnknown`."""
    if not _made(places):
        raise PairingUnknown(unknown_code(channel, code))
    async with open_store(places.store, places.lock_file, now_ms, checked=False) as store:
        with store.read() as reader:
            owner = account_of_code(reader, channel, account, code, now_ms())
        async with store.own(owner) as account_store:
            return await account_store.attempt(pairing.approve, normalise_code(code))


async def pairing_revoke(
    places: Paths, channel: str, account: str | None, sender_id: str, now_ms: Clock
) -> list[Approved]:
    """Take approvals of a sender back, on one account or on all. Raises as `pairing_approve` does."""
    if not _made(places):
        raise PairingUnknown(not_approved(channel, sender_id))
    async with open_store(places.store, places.lock_file, now_ms, checked=False) as store:
        with store.read() as reader:
            owners = accounts_of_sender(reader, channel, account, sender_id)
        revoked = []
        for owner in owners:
            async with store.own(owner) as account_store:
                revoked.append(await account_store.attempt(pairing.revoke, sender_id))
        return revoked


async def pairing_reject(
    places: Paths, channel: str, account: str | None, who: str, now_ms: Clock, *, block: bool
) -> list[Rejected]:
    """Turn somebody away, by their code or id. Raises as `pairing_approve` does."""
    async with open_store(places.store, places.lock_file, now_ms) as store:
        with store.read() as reader:
            wanted = places_of_sender(reader, channel, account, who, now_ms())
        done = []
        for owner, sender_id in wanted:
            async with store.own(owner) as account_store:
                done.append(await account_store.attempt(pairing.reject, sender_id, block=block))
        return done


async def pairing_unblock(
    places: Paths, channel: str, account: str | None, sender_id: str, now_ms: Clock
) -> list[Rejected]:
    """Let somebody ask again who was turned away. Raises as `pairing_approve` does."""
    async with open_store(places.store, places.lock_file, now_ms) as store:
        with store.read() as reader:
            owners = accounts_of_rejected(reader, channel, account, sender_id, now_ms())
        done = []
        for owner in owners:
            async with store.own(owner) as account_store:
                done.append(await account_store.attempt(pairing.unblock, sender_id))
        return done


def _made(places: Paths) -> bool:
    """Whether there is a store. Raises `StoreUnusable` for one that was made and is gone."""
    check_before(places.store)
    return places.store.exists()


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


def places_of_sender(
    reader: Reader, channel: str, account: str | None, who: str, now_ms: int
) -> list[tuple[str, str]]:
    """Who is meant by a code or an id, as accounts with the sender's id.

    Somebody who asked nowhere is meant on the account that is named. Raises `PairingUnknown` with what to do.
    """
    waiting = on_account(reader.requests(now_ms), channel, account)
    if found := [(one.account, one.sender_id) for one in waiting if one.code == normalise_code(who)]:
        return found
    owners = {one.account for one in waiting if one.sender_id == who}
    rejected = on_account(reader.rejected(now_ms), channel, account)
    owners |= {one.account for one in rejected if one.sender_id == who}
    if owners:
        return [(owner, who) for owner in sorted(owners)]
    for one in on_account(reader.approvals(), channel, account):
        if one.sender_id == who:
            raise PairingUnknown(approved_before(one.account, who))
    if account is not None and is_numeric_id(who):
        return [(f"{channel}/{account}", who)]
    raise PairingUnknown(_nobody_to_reject(channel, who))


def accounts_of_rejected(
    reader: Reader, channel: str, account: str | None, sender_id: str, now_ms: int
) -> list[str]:
    """On which accounts a sender is turned away. Raises `PairingUnknown` if there is none."""
    rejected = on_account(reader.rejected(now_ms), channel, account)
    if owners := [one.account for one in rejected if one.sender_id == sender_id]:
        return owners
    raise PairingUnknown(f"{sender_id!r} is not turned away; see: openclaw pairing list {channel} --rejected")


def _nobody_to_reject(channel: str, who: str) -> str:
    """The one line for a code or an id that nobody who waits has."""
    if not is_numeric_id(who):
        return f"no pending request has the code or id {who!r}; see: openclaw pairing list {channel}"
    return (
        f"{who!r} is not waiting; to turn them away beforehand name the account:"
        f" openclaw pairing reject {channel} {who} --account ACCOUNT"
    )


def unknown_code(channel: str, code: str) -> str:
    """The one line for a code that nobody has."""
    return f"no pending request has the code {normalise_code(code)!r}; see: openclaw pairing list {channel}"


def not_approved(channel: str, sender_id: str) -> str:
    """The one line for a sender who cannot be revoked."""
    return f"{sender_id!r} was not approved by pairing; see: openclaw pairing approved {channel}"
