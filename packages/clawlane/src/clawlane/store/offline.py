"""Pairing without a running gateway: the command opens the store itself, once it holds the lock."""

from __future__ import annotations

from clawlane.access.pairing import normalise_code
from clawlane.config.places import Places
from clawlane.store.errors import PairingUnknown
from clawlane.store.journal import Clock
from clawlane.store.reader import Reader, reading
from clawlane.store.records import Approved, PairingRequest
from clawlane.store.store import open_store


def pairing_list(places: Places, channel: str, account: str | None, now_ms: int) -> list[PairingRequest]:
    """Who waits for the owner on a channel, on one account or on all. Nothing is created by asking."""
    if not places.store.exists():
        return []
    with reading(places.store) as reader:
        return requests_of(reader, channel, account, now_ms)


async def pairing_approve(
    places: Places, channel: str, account: str | None, code: str, now_ms: Clock
) -> Approved:
    """Let a sender in. Raises `StoreOwned` when a gateway runs (ask that one), and `PairingUnknown`."""
    if not places.store.exists():
        raise PairingUnknown(unknown_code(channel, code))
    async with open_store(places.store, places.lock_file, now_ms) as store:
        with store.read() as reader:
            owner = account_of_code(reader, channel, account, code, now_ms())
        async with store.own(owner) as journal:
            return await journal.approve(normalise_code(code))


def requests_of(reader: Reader, channel: str, account: str | None, now_ms: int) -> list[PairingRequest]:
    """The pending requests of one channel, and of one account of it when that is named."""
    return [
        request
        for request in reader.requests(now_ms)
        if request.account.partition("/")[0] == channel
        and account in (None, request.account.partition("/")[2])
    ]


def account_of_code(reader: Reader, channel: str, account: str | None, code: str, now_ms: int) -> str:
    """Which account a pending code belongs to (`channel/id`). Raises `PairingUnknown` with what to do."""
    wanted = normalise_code(code)
    for request in requests_of(reader, channel, account, now_ms):
        if request.code == wanted:
            return request.account
    used = reader.used_code(wanted)
    if used:
        raise PairingUnknown(
            f"the code {wanted} was used before: it let in {used.sender_id} on {used.account}"
        )
    raise PairingUnknown(unknown_code(channel, code))


def unknown_code(channel: str, code: str) -> str:
    """The one line for a code that nobody has."""
    return f"no pending request has the code {normalise_code(code)!r}; see: openclaw pairing list {channel}"
