"""Finds channels and accounts by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.ops.operation import AccountRequest, Request, operation

if TYPE_CHECKING:
    from clawlane.ops.context import OpContext


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

    `shortest_id` is the least number of digits in an id of its platform, and `unofficial` says that the
    platform does not offer the channel. `host` is the machine on which it is.
    """

    channel: str
    account: str
    profile: str
    words: str
    shortest_id: int
    unofficial: bool = False
    host: str = ""

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}"


@operation
async def channel_names(ctx: OpContext, _request: ChannelNames) -> list[str]:
    import asyncio

    manifests = await asyncio.to_thread(ctx.registry.manifests)
    ids = [name for one in manifests for name in (one.id, *one.aliases)]
    return [*ids, *ctx.registry.installable()]


@operation
async def find_channel(ctx: OpContext, request: FindChannel) -> str:
    import asyncio

    return (await asyncio.to_thread(ctx.manifest, request.channel)).id


@operation
async def find_account(ctx: OpContext, request: FindAccount) -> FoundAccount:
    import asyncio

    target = await asyncio.to_thread(ctx.target, request.channel, request.account)
    account = target.account
    shortest_id = type(account.settings).shortest_id
    names = (account.channel, account.id, account.profile, target.words)
    return FoundAccount(*names, shortest_id, target.manifest.unofficial, os.uname().nodename)
