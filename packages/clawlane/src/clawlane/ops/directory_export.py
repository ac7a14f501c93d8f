"""The address book of an account: what the store knows, what the platform says now, or the copy of a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.ops import address_book
from clawlane.ops.address_book import AddressBook
from clawlane.ops.operation import OpError, Stream, operation
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.ops.context import OpContext

_BETWEEN_GROUPS = 1.0
"""Seconds between two groups that the platform is asked for: nobody has to hurry here."""


@dataclass(frozen=True, slots=True)
class ExportDirectory(Stream["MembersAsked | AddressBook"]):
    """Ends with the address book of one account.

    It is what the store knows; with `refresh` the platform is asked for friends and groups first, and with
    `members` for the members of each group, too. `snapshot` takes the copy of a day instead (`2026-11-28`, or
    `latest`), which needs neither the account nor the store.
    """

    channel: str | None = None
    account: str | None = None
    refresh: bool = False
    members: bool = False
    snapshot: str = ""


@dataclass(frozen=True, slots=True)
class MembersAsked:
    """The platform was asked for the members of a group; `failed` says why it did not tell them."""

    done: int
    total: int
    group: str
    failed: str = ""


@operation
async def export(ctx: OpContext, request: ExportDirectory) -> AsyncIterator[MembersAsked | AddressBook]:
    """Raises `OpError` where nothing is known, and `DirectoryError` where the platform does not answer."""
    import asyncio

    target = ctx.target(request.channel, request.account)
    name = str(target.account)
    if request.snapshot:
        if request.refresh or request.members:
            raise OpError(
                later("a copy of a day is as it was then"), later("leave out --refresh and --members")
            )
        yield await asyncio.to_thread(address_book.load, ctx.paths, name, request.snapshot)
        return
    if request.refresh or request.members:
        async for asked in _refreshed(ctx, request):
            yield asked
    book = await ctx.ask(lambda reader: address_book.of_store(reader, name, ctx.now_ms()))
    if book.is_empty:
        kept = await asyncio.to_thread(address_book.days, ctx.paths, name)
        how = f"--snapshot {kept[-1]}" if kept else "--refresh"
        raise OpError(
            later("nothing is stored of the friends and groups of {name}", name=name),
            f"openclaw directory export {target.words} {how}",
        )
    yield book


async def _refreshed(ctx: OpContext, request: ExportDirectory) -> AsyncIterator[MembersAsked]:
    """Ask the platform; the store keeps what it says."""
    import asyncio

    from clawlane.capabilities import DirectoryError
    from clawlane.ops.directory import lookup

    async with lookup(ctx, ctx.target(request.channel, request.account)) as asked:
        if asked.account_store is None:
            raise OpError(later("the gateway is just starting"), later("try again in a moment"))
        await asked.peers()
        groups = await asked.groups()
        for done, group in enumerate(groups if request.members else (), start=1):
            if done > 1:
                await asyncio.sleep(_BETWEEN_GROUPS)
            failed = ""
            try:
                await asked.members(group.id)
            except DirectoryError as error:
                if error.needs_login:
                    raise
                failed = str(error)
            yield MembersAsked(done, len(groups), group.name, failed)
