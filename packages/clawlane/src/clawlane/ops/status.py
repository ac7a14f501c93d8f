"""The status of the gateway, its channels and accounts: as they run, or as they are stored."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING

from clawlane import __version__
from clawlane.credentials.profile import Consent
from clawlane.ops.account_status import (
    AccountStatus,
    ConfigStatus,
    Decisions,
    GatewayStatus,
    HeldReply,
    NameStatus,
    PairingCounts,
    PolicyStatus,
    User,
)
from clawlane.ops.context import GONE, OpContext, account_words
from clawlane.ops.operation import AccountRequest, Request, operation
from clawlane.ops.pause import PauseInfo

if TYPE_CHECKING:
    from clawlane.access.decision import Rule
    from clawlane.access.in_force import Rules
    from clawlane.access.policy import AccessPolicy
    from clawlane.capabilities import Probe, ProbeResult
    from clawlane.channel import Account, Channel, Manifest, State, Vault
    from clawlane.config.load import Config
    from clawlane.store.reader import Reader

_PROBE_DEADLINE = 20.0
_GAPS_SHOWN_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class GetStatus(AccountRequest["Status"]):
    """The status of everything, of one channel, or of one account.

    With `probe` the platforms are asked whether the sessions hold.
    """

    probe: bool = False


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One configured channel and its accounts by id. `unofficial` channels carry a `risk`, in words."""

    label: str
    unofficial: bool
    default_account: str
    accounts: dict[str, AccountStatus]
    risk: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """`gateway` is None where none runs. `channels` are the configured ones that were asked for, by id.

    `echoes` are the agents that only repeat what they are told.
    """

    gateway: GatewayStatus | None
    channels: dict[str, ChannelStatus]
    config: ConfigStatus
    echoes: list[str]


@dataclass(frozen=True, slots=True)
class ListChannels(Request["list[ChannelEntry]"]):
    """The channels that the config file names; with `everything` also what else is or can be installed."""

    everything: bool = False


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    """An account, and who is logged in on it."""

    id: str
    name: str
    profile: str
    enabled: bool
    linked: bool
    user: User | None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """A channel and its risk in words; `install` is the command for one that is not installed."""

    channel: str
    label: str
    installed: bool
    configured: bool
    unofficial: bool
    accounts: list[LinkedAccount]
    install: str = ""
    risk: str = ""


@operation
async def status(ctx: OpContext, request: GetStatus) -> Status:
    """A session that cannot be read is part of the answer. Raises `ConfigError` and `StoreUnusable`."""
    import asyncio

    if request.channel is None and request.account is None:
        blocks = [(block, block.accounts) for block in ctx.config.channels.values()]
    else:
        target = ctx.target(request.channel, request.account)
        named = ctx.config.channels.get(target.manifest.id)
        accounts = named.accounts if named and request.account is None else (target.account,)
        blocks = [(named, accounts)] if named else []
    runtimes = {block.manifest.id: ctx.runtime(block.manifest) for block, _ in blocks}
    asked = [(runtimes[one.channel], one) for _, accounts in blocks for one in accounts]
    probes = await _probes(ctx, asked) if request.probe else {}
    found = await asyncio.to_thread(_read, ctx, asked)
    channels = {
        block.manifest.id: ChannelStatus(
            block.manifest.label,
            block.manifest.unofficial,
            block.default_account,
            {one.id: replace(found[str(one)], probe=probes.get(str(one))) for one in accounts},
            risk_of(runtimes[block.manifest.id]),
        )
        for block, accounts in blocks
    }
    echoes = [agent.id for agent in ctx.config.agents if agent.brain.kind == "echo"]
    return Status(_gateway(ctx), channels, await asyncio.to_thread(_config, ctx), echoes)


@operation
async def channels(ctx: OpContext, request: ListChannels) -> list[ChannelEntry]:
    """Raises `ConfigError` and `VaultError`."""
    import asyncio

    return await asyncio.to_thread(_channels, ctx, request.everything)


async def probed(channel: Probe, account: Account, vault: Vault) -> ProbeResult:
    """The platform's answer; a silent platform and a damaged vault are answers too."""
    import asyncio

    from clawlane.capabilities import ProbeResult
    from clawlane.channel import VaultError

    try:
        async with asyncio.timeout(_PROBE_DEADLINE):
            return await channel.probe(account, vault)
    except TimeoutError:
        return ProbeResult(ok=False, error=f"no answer within {_PROBE_DEADLINE:.0f} s")
    except VaultError as error:
        return ProbeResult(ok=False, error=str(error))


def risk_of(channel: Channel) -> str:
    """The risk of a channel in words; empty for one without."""
    from clawlane.capabilities import NeedsConsent

    if not isinstance(channel, NeedsConsent):
        return ""
    notice = channel.risk()
    return f"{notice.title}. {' '.join(notice.lines)} {notice.alternative}"


def rehearsal_of(channel: Channel) -> str:
    """Where the simulator is (`127.0.0.1:4443`), or empty for the real platform."""
    from clawlane.capabilities import Rehearsal

    return channel.rehearsal() if isinstance(channel, Rehearsal) else ""


async def _probes(ctx: OpContext, asked: list[tuple[Channel, Account]]) -> dict[str, ProbeResult]:
    """The probes of the enabled accounts, made concurrently."""
    import asyncio

    from clawlane.capabilities import Probe

    able = {
        str(account): probed(channel, account, ctx.vault(account))
        for channel, account in asked
        if isinstance(channel, Probe) and account.enabled
    }
    return dict(zip(able, await asyncio.gather(*able.values()), strict=True))


def _read(ctx: OpContext, asked: list[tuple[Channel, Account]]) -> dict[str, AccountStatus]:
    from clawlane.ops.problems import problems
    from clawlane.store.reader import reading_nothing

    with ExitStack() as stack:
        # A store that is gone is for `doctor` and the gateway to complain about.
        nothing = ctx.store is None and not ctx.paths.store.exists()
        reader = stack.enter_context(reading_nothing() if nothing else ctx.read())
        found = {str(account): _account(ctx, channel, account, reader) for channel, account in asked}
    return {name: replace(one, problems=list(problems(one))) for name, one in found.items()}


def _account(ctx: OpContext, channel: Channel, account: Account, reader: Reader) -> AccountStatus:
    """One account as it runs and as it is stored; without its problems, which follow from the rest."""
    from clawlane.access.fingerprint import fingerprint
    from clawlane.channel import Health
    from clawlane.ops.access_findings import Directory, findings
    from clawlane.ops.problems import AMONG
    from clawlane.ops.rules_from import rules_in_force
    from clawlane.ops.speakers import who_may_speak
    from clawlane.ops.upgrade import waiting_upgrade
    from clawlane.ops.verification_state import verification_of
    from clawlane.store.retention import FORGOTTEN

    name, now_ms, live = str(account), ctx.now_ms(), ctx.live.get(str(account))
    user, state = _user_and_state(ctx, account)
    activity = reader.activity(name)
    rules, rehearsal = rules_in_force(ctx, account), rehearsal_of(channel)
    names = rules.names_to_pin()
    directory = Directory.read(reader, account)
    pins = [pin for one in names if (pin := directory.pins.of_name(one))]
    failing = ctx.store.failing if ctx.store else ""
    return AccountStatus(
        id=account.id,
        profile=account.profile,
        name=account.name,
        enabled=account.enabled,
        linked=user is not None,
        identity=user,
        consent=_consent(ctx, account),
        phase=state.phase,
        code=state.code or state.phase,
        since_ms=live.since_ms if live else None,
        reason=state.reason,
        help=state.action,
        auth=state.auth or Health.UNKNOWN,
        inbound=state.inbound or Health.UNKNOWN,
        outbound=state.outbound or Health.UNKNOWN,
        noticed_ms=state.noticed_ms,
        skew_ms=state.skew_ms,
        dm_policy=policy_status(ctx.config, account, "dmPolicy", rules),
        group_policy=policy_status(ctx.config, account, "groupPolicy", rules),
        rehearsal=rehearsal,
        last_inbound_ms=activity.last_inbound_ms,
        last_outbound_ms=activity.last_outbound_ms,
        counters=activity.counters,
        outbox={"queued": 0, "unknown": 0, **activity.outbox},
        too_old=reader.too_old_in_a_row(name, AMONG),
        gaps=reader.gaps(name, now_ms - _GAPS_SHOWN_MS),
        pairing=PairingCounts.of([one for one in reader.requests(now_ms) if one.account == name]),
        pauses=[PauseInfo.of(one) for one in reader.pauses() if one.account == name],
        waiting=reader.waiting_turns(name),
        expired=reader.expired(name),
        held=list(map(HeldReply.of, reader.held(name, now_ms))),
        decisions=Decisions(
            reader.undecided_sends(name), reader.dead_letter_count(name), activity.counters.get(FORGOTTEN, 0)
        ),
        look_ups=[str(kind) for kind in reader.returned(name)],
        storing=Health.UNKNOWN if ctx.store is None else Health.BROKEN if failing else Health.OK,
        storing_reason=failing,
        names=list(map(NameStatus.of, pins)),
        findings=findings(ctx.config, account, directory, rules),
        problems=[],
        speakers=who_may_speak(account, rules, directory.pins, reader),
        upgrade=waiting_upgrade(reader, name),
        restored_ms=reader.restored_ms(name),
        verification=verification_of(
            reader.verifications(name), fingerprint(rules), rehearsed=bool(rehearsal)
        ),
    )


def _user_and_state(ctx: OpContext, account: Account) -> tuple[User | None, State]:
    """Who is logged in, and how the account is: as it runs, or what keeps a gateway from running it."""
    from clawlane.channel import Health, Phase, State, StateCode, VaultError

    user, stopped = None, State(Phase.STOPPED, code=StateCode.GATEWAY_DOWN)
    try:
        if identity := ctx.vault(account).identity():
            user = User(*identity)
        else:
            is_default = account.id == ctx.config.channels[account.channel].default_account
            login = f"openclaw channels login {account_words(account.channel, account.id, is_default)}"
            not_linked = StateCode.NOT_LOGGED_IN
            stopped = State(Phase.STOPPED, "not linked", login, auth=Health.BROKEN, code=not_linked)
    except VaultError as error:
        unreadable = StateCode.SESSION_UNREADABLE
        stopped = State(Phase.STOPPED, str(error), auth=Health.BROKEN, code=unreadable)
    live = ctx.live.get(str(account))
    return user, live.state if live else stopped


def _consent(ctx: OpContext, account: Account) -> Consent | None:
    from clawlane.credentials.profile import ConsentDamaged

    try:
        return ctx.consent(account)
    except ConsentDamaged:
        return None


_DMS = ("disabled", "allowlist", "pairing", "open")
_GROUPS = ("disabled", "allowlist", "open")
_RULES: dict[str, Callable[[AccessPolicy], tuple[int, object, Rule]]] = {
    "dmPolicy": lambda one: (_DMS.index(one.dm), one.dm, one.dm_rule),
    "groupPolicy": lambda one: (_GROUPS.index(one.groups), one.groups, one.groups_rule),
    "historyLimit": lambda one: (one.history_limit, one.history_limit, one.history_rule),
}
"""The keys of which the stricter value counts while an edit waits: how open each is, its value and place."""


def policy_status(config: Config, account: Account, key: str, rules: Rules | None = None) -> PolicyStatus:
    """The value of a channel key for an account, and where it was set.

    Of a key of access in `rules` that an edit narrows while it waits, it is the stricter one.
    """
    if rules is not None and rules.edited is not None and key in _RULES:
        _, value, rule = min(map(_RULES[key], rules), key=itemgetter(0))
        return PolicyStatus(str(value), str(rule.origin), rule.path, rule.line)
    effective = config.effective(account, key)
    origin = effective.origin
    return PolicyStatus(str(effective.value), str(origin.layer), origin.path, origin.line)


def _gateway(ctx: OpContext) -> GatewayStatus | None:
    if ctx.started_ms is None:
        return None
    from clawlane.ops.process import resident_bytes

    revision = ctx.config.source.revision
    return GatewayStatus(os.getpid(), ctx.started_ms, __version__, resident_bytes(), revision)


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
            return replace(told, error=live.refused.problems[0], changed=True)
        if live and live.waiting and live.waiting.revision == revision:
            waiting = list(live.waiting.widens)
            return replace(told, changed=True, waiting=waiting, waiting_revision=revision)
        if revision == in_force:
            return told
        ctx.written_config()
    except ConfigError as error:
        return replace(told, error=str(error.problems[0]), changed=True)
    return replace(told, changed=True)


def _channels(ctx: OpContext, everything: bool) -> list[ChannelEntry]:
    from clawlane.plugins.catalog import CATALOG

    config = ctx.written_config()
    found = []
    for one in ctx.registry.manifests():
        block = config.channels.get(one.id)
        if everything or block:
            accounts = [_linked(ctx, account) for account in block.accounts] if block else []
            entry = ChannelEntry(one.id, one.label, True, block is not None, one.unofficial, accounts)
            found.append(replace(entry, risk=_risk_of_plugin(ctx, one)))
    for official in CATALOG if everything else ():
        if official.channel in ctx.registry.installable():
            install = f"openclaw plugins install {official.spec}"
            found.append(
                ChannelEntry(
                    official.channel, official.label, False, False, True, [], install, official.alternative
                )
            )
    return found


def _risk_of_plugin(ctx: OpContext, manifest: Manifest) -> str:
    """The risk of an installed channel; empty for one that does not load."""
    from clawlane.plugins.errors import LoadFailed

    try:
        return risk_of(ctx.runtime(manifest))
    except LoadFailed:
        return ""


def _linked(ctx: OpContext, account: Account) -> LinkedAccount:
    identity = ctx.vault(account).identity()
    user = User(*identity) if identity else None
    names = (account.id, account.name, account.profile)
    return LinkedAccount(*names, account.enabled, user is not None, user, _consent(ctx, account))
