"""The status of the gateway, its channels and accounts: as they run, or as they are stored."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from clawlane import __version__
from clawlane.ops.account_status import (
    AccountStatus,
    ConfigStatus,
    GatewayStatus,
)
from clawlane.ops.channel_list import ChannelOff, channels_off, risk_of
from clawlane.ops.context import GONE, OpContext
from clawlane.ops.operation import AccountRequest, operation
from clawlane.texts import t

if TYPE_CHECKING:
    from clawlane.channel import Account, Channel


@dataclass(frozen=True, slots=True)
class GetStatus(AccountRequest["Status"]):
    """The status of everything, of one channel, or of one account.

    With `probe` the platforms are asked whether the sessions hold.
    """

    probe: bool = False


class ChannelStatus(Struct, frozen=True):
    """One configured channel and its accounts by id. `unofficial` channels carry a `risk`, in words."""

    label: str
    unofficial: bool
    default_account: str
    accounts: dict[str, AccountStatus]
    risk: str = ""


class FailingWebhook(Struct, frozen=True):
    """A webhook that does not take what it is told, by its number in the config, and why since when."""

    number: int
    host: str
    error: str
    since_ms: int
    waiting: int


class Status(Struct, frozen=True):
    """`gateway` is None where none runs. `channels` are the configured ones that were asked for, by id.

    Where several gateways share a store, `gateway` is the one that was asked, and `channels` have the
    accounts of all of them. `echoes` are the agents that only repeat what they are told. `off` are the
    channels that the config has a block for and whose plugin is not loaded, unless others were asked for.
    `webhooks` are those that fail.
    """

    gateway: GatewayStatus | None
    channels: dict[str, ChannelStatus]
    config: ConfigStatus
    echoes: list[str]
    off: list[ChannelOff] = field(default_factory=list)
    webhooks: list[FailingWebhook] = field(default_factory=list)


@operation
async def status(ctx: OpContext, request: GetStatus) -> Status:
    """A session that cannot be read is part of the answer. Raises `ConfigError` and `StoreUnusable`."""
    import asyncio

    from clawlane.ops.probing import probes

    off: list[ChannelOff] = []
    if request.channel is None and request.account is None:
        blocks = [(block, block.accounts) for block in ctx.config.channels.values()]
        off = await asyncio.to_thread(channels_off, ctx)
    else:
        target = ctx.target(request.channel, request.account)
        named = ctx.config.channels.get(target.manifest.id)
        accounts = named.accounts if named and request.account is None else (target.account,)
        blocks = [(named, accounts)] if named else []
    runtimes = {block.manifest.id: ctx.runtime(block.manifest) for block, _ in blocks}
    asked = [(runtimes[one.channel], one) for _, accounts in blocks for one in accounts]
    asked = [(channel, one) for channel, one in asked if ctx.includes(str(one))]
    answers = await probes(ctx, asked) if request.probe else {}
    found = await asyncio.to_thread(_read, ctx, asked)
    channels = {
        block.manifest.id: ChannelStatus(
            block.manifest.label,
            block.manifest.unofficial,
            block.default_account,
            {
                one.id: replace(found[str(one)], probe=answers.get(str(one)))
                for one in accounts
                if str(one) in found
            },
            risk_of(runtimes[block.manifest.id]),
        )
        for block, accounts in blocks
    }
    echoes = [agent.id for agent in ctx.config.agents if agent.brain.kind == "echo"]
    failing = await asyncio.to_thread(_failing, ctx)
    return Status(_gateway(ctx), channels, await asyncio.to_thread(_config, ctx), echoes, off, failing)


def joined_status(ctx: OpContext, parts: list[Status]) -> Status:
    """The last part, with the accounts of all of them as the config has them."""
    own = parts[-1]
    channels = {}
    for name, block in own.channels.items():
        found = {
            id_: one
            for part in parts
            if name in part.channels
            for id_, one in part.channels[name].accounts.items()
        }
        order = [one.id for one in ctx.config.channels[name].accounts if one.id in found]
        channels[name] = replace(block, accounts={id_: found[id_] for id_ in order})
    return replace(own, channels=channels)


def _failing(ctx: OpContext) -> list[FailingWebhook]:
    if not (found := ctx.config.root.webhooks) or not ctx.place.exists():
        return []
    from clawlane.ops.webhooks import standings

    with ctx.read() as reader:
        return [
            FailingWebhook(one.number, one.host, one.error, one.failing_ms or 0, one.waiting)
            for one in standings(reader, found)
            if one.tries
        ]


def _read(ctx: OpContext, asked: list[tuple[Channel, Account]]) -> dict[str, AccountStatus]:
    from clawlane.ops.account_reading import read_account
    from clawlane.ops.problems import problems
    from clawlane.store.reader import reading_nothing

    with ExitStack() as stack:
        # A store that is gone is for `doctor` and the gateway to complain about.
        nothing = ctx.store is None and not ctx.place.exists()
        reader = stack.enter_context(reading_nothing() if nothing else ctx.read())
        found = {str(account): read_account(ctx, channel, account, reader) for channel, account in asked}
        nodes = reader.running_nodes() if ctx.shares_store else {}
    if nodes and not ctx.in_gateway:  # which says by itself why it does not run an account
        found = {name: one if name in nodes else _left_alone(one) for name, one in found.items()}
    return {
        name: replace(one, problems=list(problems(one)), node=nodes.get(name, ""))
        for name, one in found.items()
    }


def _left_alone(one: AccountStatus) -> AccountStatus:
    """An account that no node runs, while some run others."""
    if one.reason or not one.enabled:
        return one
    return replace(one, reason=t("no node runs it"), help="openclaw cluster status")


def _gateway(ctx: OpContext) -> GatewayStatus | None:
    if ctx.started_ms is None:
        return None
    from clawlane.ops.process import resident_bytes

    revision = ctx.config.source.revision
    process = os.getpid(), ctx.started_ms, __version__, resident_bytes()
    serves = {name: replace(one, problem=t(one.problem)) for name, one in ctx.serves.items()}
    return GatewayStatus(*process, revision, serves)


def _config(ctx: OpContext) -> ConfigStatus:
    """Whether the file is what the gateway runs with. It is loaded only if nobody has looked at it yet."""
    from clawlane.config.errors import ConfigError

    if ctx.started_ms is None:
        return ConfigStatus()
    from clawlane.config.source import revision_of

    live, in_force = ctx.live_config, ctx.config.source.revision
    told = ConfigStatus(revision=in_force, applied_ms=live.applied_ms if live else ctx.started_ms)
    try:
        revision = revision_of(ctx.paths.config_file) or (GONE if in_force else "")
        if live and live.refused and live.refused.revision == revision:
            refused = live.refused
            return replace(told, error=refused.problems[0], changed=True, again_ms=refused.again_ms)
        if live and live.waiting and live.waiting.revision == revision:
            waiting = list(live.waiting.widens)
            return replace(told, changed=True, waiting=waiting, waiting_revision=revision)
        if revision == in_force:
            return told
        ctx.written_config()
    except ConfigError as error:
        return replace(told, error=str(error.problems[0]), changed=True)
    return replace(told, changed=True)
