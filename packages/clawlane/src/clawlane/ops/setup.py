"""Setting up a lane: what there is, what the answers come to, and the config that they make."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.access.in_force import Rules
from clawlane.access.names import Pins
from clawlane.capabilities import NeedsConsent, RiskNotice
from clawlane.channel import Manifest
from clawlane.config.errors import ConfigError, Problem
from clawlane.credentials.profile import Consent
from clawlane.ops.access_findings import of_rules
from clawlane.ops.context import OpContext
from clawlane.ops.findings import Finding, merged
from clawlane.ops.login import words_of_others
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.setup_answers import Answers
from clawlane.ops.setup_edits import AccountPlace, account_named, default_pinned, find_place
from clawlane.ops.setup_plan import (
    Setting,
    check_name,
    plan_account,
    plan_file,
    refuse_changed,
    settings_in,
)
from clawlane.texts import later, t

if TYPE_CHECKING:
    from clawlane.config.source import Source


@dataclass(frozen=True, slots=True)
class Situation:
    """What is there before a setup, for one account.

    `file_exists` is about the config file, `configured` about the account in it. `spec` is the plugin to
    install, empty if that is done, and `disabled` says that it is there, but off; what follows is known once
    it is loaded. `accepted` says that the risk was accepted for this profile, or there is none, and `consent`
    how. `others` are the further accounts.
    """

    channel: str
    label: str
    config_file: str
    file_exists: bool
    account: str
    configured: bool
    settings: tuple[Setting, ...]
    spec: str = ""
    disabled: bool = False
    profile: str = ""
    words: str = ""
    risk: RiskNotice | None = None
    accepted: bool = False
    unofficial: bool = False
    consent: Consent | None = None
    others_risk: tuple[str, ...] = ()
    user_id: str = ""
    user_name: str = ""
    shortest_id: int = 1
    prefixes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look(Request[Situation]):
    """See what is there. `account` may be one that the config does not have yet.

    Without a `channel` it is the only one installed, else the first official one.
    """

    channel: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be written: the whole `text` of a new file, or the changed lines of one as a `diff`.

    With `problems` it cannot be written. `revision` is that of the file it was made for. `account_named` is
    the account that the channel block has been, which gets a name beside a new one; `default_pinned` the
    default account, where it has to be written to stay that. `others_risk` is what goes to the hosts of the
    agents that would answer then, a line each.
    """

    path: str
    text: str
    diff: tuple[str, ...]
    revision: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    account_named: str = ""
    default_pinned: str = ""
    others_risk: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Propose(Request[Proposal]):
    """What the answers about an account come to. Writes nothing."""

    channel: str
    account: str | None
    answers: Answers


@dataclass(frozen=True, slots=True)
class Written:
    """The config file that was written, and where the one before it is, if there was one."""

    path: str
    revision: str
    backup: str = ""


@dataclass(frozen=True, slots=True)
class Write(Request[Written]):
    """Write what `Propose` showed, if the file is still that of `revision`."""

    channel: str
    account: str | None
    answers: Answers
    revision: str


@operation
async def look(ctx: OpContext, request: Look) -> Situation:
    """Raises `ConfigError` for a file that is broken, and `OpError` for an unknown channel."""
    return await asyncio.to_thread(_look, ctx.as_written(), request)


@operation
async def propose(ctx: OpContext, request: Propose) -> Proposal:
    """Raises `ConfigError` for a file that is broken, and `OpError` for what it says already."""
    return await asyncio.to_thread(_proposal, ctx.as_written(), request)


@operation(changes=True)
async def write(ctx: OpContext, request: Write) -> Written:
    """Raises `OpError` if the file changed, or what would be written is not valid. Replaces no value."""
    return await asyncio.to_thread(_write, ctx.as_written(), request)


def _look(ctx: OpContext, request: Look) -> Situation:
    from clawlane.plugins.catalog import CATALOG
    from clawlane.plugins.errors import Disabled

    source = ctx.written_config().source
    wanted = (request.channel or _only_channel(ctx)).strip().lower()
    official = next((one for one in CATALOG if wanted in (one.channel, *one.aliases)), None)
    if official and official.channel in ctx.registry.installable():
        place = find_place(source, official.channel, request.account)
        check_name(place)
        return Situation(
            channel=official.channel,
            label=official.label,
            config_file=str(ctx.paths.config_file),
            file_exists=source.exists,
            account=place.account,
            configured=place.exists,
            settings=tuple(settings_in(source, place)),
            spec=official.spec,
            disabled=isinstance(ctx.registry.missing(official.channel), Disabled),
        )
    manifest = ctx.manifest(wanted)
    place = find_place(source, manifest.id, request.account)
    check_name(place)
    return _of_account(
        replace(ctx, plan=plan_account(ctx, source, place, Answers())), manifest, source, place
    )


def _only_channel(ctx: OpContext) -> str:
    from clawlane.plugins.catalog import CATALOG

    return CATALOG[0].channel if not ctx.registry.manifests() else ctx.manifest(None).id


def _of_account(ctx: OpContext, manifest: Manifest, source: Source, place: AccountPlace) -> Situation:
    target = ctx.target(manifest.id, place.account)
    account, channel = target.account, ctx.runtime(manifest)
    notice = channel.risk() if isinstance(channel, NeedsConsent) else None
    consent = ctx.consent(account) if notice else None
    user_id, user_name = ctx.vault(account).identity() or ("", "")
    block, _ = ctx.block(manifest)
    return Situation(
        channel=manifest.id,
        label=manifest.label,
        config_file=str(ctx.paths.config_file),
        file_exists=source.exists,
        risk=notice.said() if notice else None,
        account=account.id,
        profile=account.profile,
        words=target.words,
        configured=place.exists,
        accepted=notice is None or consent is not None,
        unofficial=manifest.unofficial,
        consent=consent,
        others_risk=words_of_others(ctx.config, account),
        user_id=user_id,
        user_name=user_name,
        shortest_id=type(account.settings).shortest_id,
        prefixes=(manifest.id, *manifest.aliases),
        settings=tuple(settings_in(source, place)),
        others=tuple(one.id for one in block.accounts if one.id != account.id),
    )


def _proposal(ctx: OpContext, request: Propose) -> Proposal:
    from clawlane.config.load import load_source

    plan = plan_file(ctx, request.channel, request.account, request.answers)
    diff = tuple(plan.draft.diff()) if plan.source.exists else ()
    told = (str(ctx.paths.config_file), plan.draft.text, diff, plan.source.revision)
    try:
        config = load_source(plan.draft.source, ctx.registry, ctx.environ)
    except ConfigError as error:
        return Proposal(*told, problems=error.problems)
    account = config.channels[plan.place.channel].account(plan.place.account)
    found = merged(of_rules(Rules.of(config, account), account, Pins())) if account else ()
    stays = (account_named(plan.added), default_pinned(plan.added))
    others = words_of_others(config, account) if account else ()
    return Proposal(*told, (), config.warnings, tuple(found), *stays, others)


def _write(ctx: OpContext, request: Write) -> Written:
    from clawlane.config.edit import EditError, backup_of
    from clawlane.config.load import load_source
    from clawlane.credentials.files import secure

    plan = plan_file(ctx, request.channel, request.account, request.answers)
    draft, file = plan.draft, ctx.paths.config_file
    if plan.source.revision != request.revision:
        raise OpError(
            later("{file} was changed by something else in the meantime; nothing was written", file=file)
        )
    refuse_changed(ctx.written_config(), load_source(draft.source, ctx.registry, ctx.environ), plan.place)
    secure(ctx.paths)
    try:
        if draft.changes:
            draft.write()
    except EditError as error:
        raise OpError(t(str(error))) from None
    kept = str(backup_of(draft.file)) if plan.source.exists and draft.changes else ""
    return Written(str(file), draft.source.revision, kept)
