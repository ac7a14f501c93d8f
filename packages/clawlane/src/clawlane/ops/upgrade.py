"""What an upgrade of the program changed for the accounts, and the operator's word that it may count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from clawlane.ops import pause
from clawlane.ops.context import OpContext
from clawlane.ops.operation import AccountRequest, operation

if TYPE_CHECKING:
    from clawlane.store.in_force import Upgrade
    from clawlane.store.reader import Reader


@dataclass(frozen=True, slots=True)
class GetUpgrades(AccountRequest["list[UpgradeInfo]"]):
    """What the last upgrade changed, for each account that it changed something for."""


class UpgradeInfo(Struct, frozen=True):
    """The changes of one account in sentences. If it `waits`, it is paused until they are accepted."""

    account: str
    at_ms: int
    was_version: str
    version: str
    changes: list[str]
    waits: bool

    @classmethod
    def of(cls, found: Upgrade) -> UpgradeInfo:
        return cls(
            found.account, found.at_ms, found.was_version, found.version, list(found.changes), found.holds
        )


@dataclass(frozen=True, slots=True)
class AcceptUpgrade(AccountRequest["list[Accepted]"]):
    """Let the accounts that wait go on with what changed; without a channel and an account, all of them."""


class Accepted(Struct, frozen=True):
    """An account that goes on. `still` says that a pause of the operator's own holds on."""

    account: str
    changes: list[str]
    still: bool


@operation
async def show(ctx: OpContext, request: GetUpgrades) -> list[UpgradeInfo]:
    return [UpgradeInfo.of(one) for one in await found_upgrades(ctx, request.channel, request.account)]


@operation(changes=True)
async def accept(ctx: OpContext, request: AcceptUpgrade) -> list[Accepted]:
    """What waited and is too old by now expires, as with `resume`. Raises `StoreFailed`."""
    import asyncio

    from clawlane.ops.upgrade_changes import in_force
    from clawlane.store import in_force as store_in_force

    now = await asyncio.to_thread(in_force, ctx.config)
    accounts = {str(one): one for one in ctx.config.accounts}
    accepted = []
    for one in await found_upgrades(ctx, request.channel, request.account):
        if not one.holds or one.account not in now or not ctx.includes(one.account):
            continue
        async with ctx.own(one.account) as account_store:
            before = await account_store.attempt(store_in_force.accept, now[one.account])
        if before is None:
            await pause.end(ctx, accounts[one.account], None)
        else:
            await pause.put_back(ctx, before)
        accepted.append(Accepted(one.account, list(one.changes), before is not None))
    return accepted


def waiting_upgrade(reader: Reader, account: str) -> UpgradeInfo | None:
    """What an account waits with until the operator accepts it."""
    found = (UpgradeInfo.of(one) for one in reader.upgrades() if one.account == account and one.holds)
    return next(found, None)


async def found_upgrades(ctx: OpContext, channel: str | None, account: str | None) -> list[Upgrade]:
    found = await ctx.ask(lambda reader: reader.upgrades())
    if channel is None and account is None:
        return found
    target = ctx.target(channel, account)
    return [one for one in found if one.account == str(target.account)]
