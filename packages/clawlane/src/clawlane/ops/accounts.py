"""Finds channels and accounts by name; starts and stops the accounts of the running gateway."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from clawlane.channel import Phase, State, StateCode
from clawlane.ops.context import LiveAccount, OpContext
from clawlane.ops.operation import AccountRequest, OpError, Request, operation


@dataclass(frozen=True, slots=True)
class ChannelNames(Request[list[str]]):
    """Every id and alias of a channel, also of official plugins that are not installed."""


@dataclass(frozen=True, slots=True)
class FindChannel(Request[str]):
    """The id of the channel with this id or alias; without a name, of the only channel installed."""

    channel: str | None


@dataclass(frozen=True, slots=True)
class FindAccount(AccountRequest["FoundAccount"]):
    """The account that is named, or the default one."""


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account by its ids; `words` are the options that name it in a command.

    `shortest_id` is the least number of digits in an id of its platform.
    """

    channel: str
    account: str
    profile: str
    words: str
    shortest_id: int

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}"


@dataclass(frozen=True, slots=True)
class Start(Request[State]):
    """Start an account, or restart it with the session that is stored now."""

    channel: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Stop(Request[State]):
    """Stop an account; the answer comes once nothing of it runs."""

    channel: str
    account: str | None = None


@operation
async def channel_names(ctx: OpContext, _request: ChannelNames) -> list[str]:
    manifests = await asyncio.to_thread(ctx.registry.manifests)
    ids = [name for one in manifests for name in (one.id, *one.aliases)]
    return [*ids, *ctx.registry.installable()]


@operation
async def find_channel(ctx: OpContext, request: FindChannel) -> str:
    return (await asyncio.to_thread(ctx.manifest, request.channel)).id


@operation
async def find_account(ctx: OpContext, request: FindAccount) -> FoundAccount:
    target = await asyncio.to_thread(ctx.target, request.channel, request.account)
    account = target.account
    shortest_id = type(account.settings).shortest_id
    return FoundAccount(account.channel, account.id, account.profile, target.words, shortest_id)


@operation(changes=True)
async def start(ctx: OpContext, request: Start) -> State:
    live = _running(ctx, request.channel, request.account)
    if not live.account.enabled:
        raise OpError(f"{live.account} is disabled in the config", "set enabled: true")
    await live.restart()
    return live.state


@operation(changes=True)
async def stop(ctx: OpContext, request: Stop) -> State:
    if not ctx.live:
        return State(Phase.STOPPED, code=StateCode.GATEWAY_DOWN)
    live = _running(ctx, request.channel, request.account)
    await live.stop()
    return live.state


def _running(ctx: OpContext, channel: str, account: str | None) -> LiveAccount:
    block = ctx.config.channels.get(channel)
    found = block.account(account) if block else None
    if found is None or (live := ctx.live.get(str(found))) is None:
        name = f"{channel}/{account}" if account else channel
        raise OpError(f"the running gateway has no {name}", "see: openclaw channels status")
    return live
