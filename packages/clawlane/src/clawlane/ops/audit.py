"""How safe the lanes are as they run now: everything open, careless, left over or unproven, by account."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.channel import Account
from clawlane.config.errors import ConfigError
from clawlane.credentials.profile import Consent, ConsentDamaged
from clawlane.ops.access_findings import Directory, owner_names
from clawlane.ops.agent_findings import of_config
from clawlane.ops.agent_reach import reach_findings
from clawlane.ops.channel_list import risk_of
from clawlane.ops.context import OpContext
from clawlane.ops.doctor import access_of, beside_gateway, clocks, of_record, of_store
from clawlane.ops.doubled_entries import doubled
from clawlane.ops.findings import Finding, Severity, merged
from clawlane.ops.lane_findings import of_lane, one_user_twice, proof_of
from clawlane.ops.leftovers import leftovers
from clawlane.ops.operation import AccountRequest, OpError, operation
from clawlane.ops.private_files import private_files
from clawlane.ops.rules_from import RulesFrom, rules_from, rules_in_force
from clawlane.ops.speakers import GroupSpeakers, who_may_speak
from clawlane.ops.verification_state import NEVER, Verification
from clawlane.ops.version_findings import of_gateway, of_plugins, of_python, python_version
from clawlane.store.errors import StoreUnusable
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.access.in_force import Rules
    from clawlane.config.load import ChannelConfig, Config

_NO_MATTER_OF_SAFETY = frozenset({"not_linked", "agent_echo"})


@dataclass(frozen=True, slots=True)
class Audit(AccountRequest["Audited"]):
    """Audit everything, one channel, or one account, by the config in force.

    `version` is that of the command that asks.
    """

    version: str = ""


@dataclass(frozen=True, slots=True)
class AuditedAccount:
    """One enabled account: its risk, how far the lane is proven, and who may speak in its groups.

    `risk` is that of the channel, in words, and `consent` how it was accepted.
    """

    consent: Consent | None
    verification: Verification
    speakers: list[GroupSpeakers]
    risk: str = ""
    unofficial: bool = False


@dataclass(frozen=True, slots=True)
class Audited:
    """The findings, the worst first; those without an account concern all. `accounts` are by `channel/id`."""

    findings: list[Finding]
    accounts: dict[str, AuditedAccount]
    rules: RulesFrom


@operation
async def audit(ctx: OpContext, request: Audit) -> Audited:
    """A config that does not load is a finding. Raises `OpError` for an account that is not there."""
    return await asyncio.to_thread(_audit, ctx, request)


def _audit(ctx: OpContext, request: Audit) -> Audited:
    found = [*private_files(ctx.paths, ctx.sealing_key), *of_store(ctx)]
    found += of_record(ctx)
    found += of_python(python_version(), ctx.now_ms())
    found += of_gateway(request.version)
    rules = rules_from(ctx)
    found += [*_unreadable(ctx), *beside_gateway(ctx)]
    try:
        config = ctx.config
    except ConfigError:
        return Audited(merged(found), {}, rules)
    chosen = _chosen(ctx, config, request)
    found += of_plugins(ctx.registry)
    found += _of_config(config)
    found += clocks(ctx)
    accounts: dict[str, AuditedAccount] = {}
    for block in config.channels.values():
        found += leftovers(block, ctx.environ)
        found += one_user_twice([one for one in block.accounts if one.enabled], ctx.profiles)
        for account in (one for one in block.accounts if one.enabled and str(one) in chosen):
            in_force = rules_in_force(ctx, account)
            found += of_lane(ctx, config, block, account, in_force)
            found += access_of(config, account, ctx.place, in_force)
            accounts[str(account)] = _audited(ctx, block, account, in_force)
    kept = [one for one in merged(found) if _concerns(one, chosen)]
    return Audited(kept, accounts, rules)


def _unreadable(ctx: OpContext) -> Iterator[Finding]:
    """What is wrong with the file that a gateway would start with next."""
    try:
        ctx.written_config()
    except ConfigError as error:
        yield from (Finding.of_problem(one, Severity.ERROR) for one in error.problems)


def _chosen(ctx: OpContext, config: Config, request: Audit) -> set[str]:
    """The names of the accounts that are asked about."""
    if request.channel is None and request.account is None:
        return {str(one) for block in config.channels.values() for one in block.accounts}
    target = ctx.target(request.channel, request.account)
    block = config.channels.get(target.manifest.id)
    if block is None:
        raise OpError(later("the config has no block for {id}, so it is off", id=target.manifest.id))
    return {str(target.account)} if request.account else {str(one) for one in block.accounts}


def _of_config(config: Config) -> Iterator[Finding]:
    """What the loader and the agents' settings say that matters here."""
    from clawlane.config.agent_checks import KEY_IN_CONFIG, STRANGERS
    from clawlane.config.load import CHANNEL_OFF
    from clawlane.config.phone_entries import PHONE_NUMBER

    severity = {
        CHANNEL_OFF: Severity.WARNING,
        PHONE_NUMBER: Severity.ERROR,
        KEY_IN_CONFIG: Severity.WARNING,
        STRANGERS: Severity.WARNING,
    }
    for one in config.warnings:
        if one.code in severity:
            yield Finding.of_problem(one, severity[one.code])
    yield from owner_names(config)
    yield from of_config(config)
    yield from reach_findings(config)
    yield from doubled(config)


def _audited(ctx: OpContext, block: ChannelConfig, account: Account, rules: Rules) -> AuditedAccount:
    try:
        consent = ctx.consent(account)
    except ConsentDamaged:
        consent = None
    channel = ctx.runtime(block.manifest)
    try:
        verification = proof_of(ctx, channel, account)
        with ctx.read() as reader:
            pins = Directory.read(reader, account).pins
            speakers = who_may_speak(account, rules, pins, reader)
    except StoreUnusable:  # a finding of its own
        verification, speakers = NEVER, []
    unofficial = block.manifest.unofficial
    return AuditedAccount(consent, verification, speakers, risk_of(channel), unofficial)


def _concerns(one: Finding, chosen: set[str]) -> bool:
    if one.code in _NO_MATTER_OF_SAFETY:
        return False
    return not one.accounts or not chosen.isdisjoint(one.accounts)
