"""Which channels there are, which are off and why, and who is linked on their accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from clawlane.credentials.profile import Consent
from clawlane.ops.account_status import User
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Request, operation

if TYPE_CHECKING:
    from clawlane.channel import Account, Channel, Manifest


class PluginState(StrEnum):
    """How the plugin of a channel is, as `plugins list` has it."""

    INSTALLED = "installed"
    DISABLED = "disabled"
    BROKEN = "broken"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class ListChannels(Request["list[ChannelEntry]"]):
    """The channels that the config file names; with `everything` also what else is or can be installed."""

    everything: bool = False


class LinkedAccount(Struct, frozen=True):
    """An account, and who is logged in on it; `problem` says why that cannot be read, in one line."""

    id: str
    name: str
    profile: str
    enabled: bool
    linked: bool
    user: User | None
    consent: Consent | None = None
    problem: str = ""


class ChannelOff(Struct, frozen=True):
    """A channel whose plugin is not loaded: why, unless its `state` says it all, and what changes that."""

    channel: str
    label: str
    unofficial: bool
    state: PluginState
    problem: str
    help: str


class ChannelEntry(Struct, frozen=True):
    """A channel and its risk in words. `off` says why it cannot run, which hides its accounts."""

    channel: str
    label: str
    installed: bool
    configured: bool
    unofficial: bool
    accounts: list[LinkedAccount] = field(default_factory=list)
    risk: str = ""
    off: ChannelOff | None = None


@operation
async def channels(ctx: OpContext, request: ListChannels) -> list[ChannelEntry]:
    """Raises `ConfigError`."""
    import asyncio

    return await asyncio.to_thread(lambda: list(_channels(ctx, request.everything)))


def channels_off(ctx: OpContext) -> list[ChannelOff]:
    """The channels that the config in force has a block for, and whose plugin is not loaded."""
    blocks = ctx.config.source.data.get("channels")
    named = set(blocks if isinstance(blocks, Mapping) else ()).difference(ctx.config.channels)
    return [one for one in _not_loaded(ctx) if one.channel in named]


def risk_of(channel: Channel) -> str:
    """The risk of a channel in words; empty for one without."""
    from clawlane.capabilities import NeedsConsent

    if not isinstance(channel, NeedsConsent):
        return ""
    return channel.risk().text


def readable_consent(ctx: OpContext, account: Account) -> Consent | None:
    """The accepted risk of an account; None also where its record is damaged."""
    from clawlane.credentials.profile import ConsentDamaged

    try:
        return ctx.consent(account)
    except ConsentDamaged:
        return None


def _channels(ctx: OpContext, everything: bool) -> Iterator[ChannelEntry]:
    config = ctx.written_config()
    blocks = config.source.data.get("channels")
    named = blocks if isinstance(blocks, Mapping) else {}
    for one in ctx.registry.manifests():
        block = config.channels.get(one.id)
        if everything or block:
            accounts = [_linked(ctx, account) for account in block.accounts] if block else []
            risk = _risk_of_plugin(ctx, one)
            yield ChannelEntry(one.id, one.label, True, block is not None, one.unofficial, accounts, risk)
    for off in _not_loaded(ctx):
        if everything or off.channel in named:
            installed = off.state is not PluginState.AVAILABLE
            head = (off.channel, off.label, installed, off.channel in named, off.unofficial)
            yield ChannelEntry(*head, risk=_alternative(off.channel), off=off)


def _not_loaded(ctx: OpContext) -> Iterator[ChannelOff]:
    """The installed plugins that do not load, and the official ones that are not installed."""
    from clawlane.plugins.catalog import CATALOG
    from clawlane.plugins.errors import Disabled

    official = {one.channel: one for one in CATALOG}
    for record in ctx.registry.records:
        if error := ctx.registry.broken().get(record.channel):
            disabled = isinstance(error, Disabled)
            state = PluginState.DISABLED if disabled else PluginState.BROKEN
            problem = "" if disabled else str(error)
            unofficial = record.channel in official
            yield ChannelOff(record.channel, record.label, unofficial, state, problem, error.help)
    recorded = {one.channel for one in ctx.registry.records}
    for channel, one in official.items():
        if channel not in recorded:
            install = f"openclaw plugins install {one.spec}"
            yield ChannelOff(channel, one.label, True, PluginState.AVAILABLE, "", install)


def _alternative(channel: str) -> str:
    """The official way, of an official plugin; its risk is told once it is loaded."""
    from clawlane.plugins.catalog import CATALOG

    return next((one.alternative for one in CATALOG if one.channel == channel), "")


def _risk_of_plugin(ctx: OpContext, manifest: Manifest) -> str:
    """The risk of an installed channel; empty for one that does not load."""
    from clawlane.plugins.errors import LoadFailed

    try:
        return risk_of(ctx.runtime(manifest))
    except LoadFailed:
        return ""


def _linked(ctx: OpContext, account: Account) -> LinkedAccount:
    from clawlane.channel import VaultError

    identity, problem = None, ""
    try:
        identity = ctx.vault(account).identity()
    except VaultError as error:
        problem = str(error)
    user = User(*identity) if identity else None
    names = (account.id, account.name, account.profile)
    known = (user is not None, user, readable_consent(ctx, account))
    return LinkedAccount(*names, account.enabled, *known, problem)
