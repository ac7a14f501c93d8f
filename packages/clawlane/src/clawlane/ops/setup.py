"""Setting up a lane: what there is, what the answers come to, the config they make, and where one stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.access.names import Pins
from clawlane.channel import Account, Manifest
from clawlane.config.errors import ConfigError, KeyPath, Problem, format_path
from clawlane.config.origin import setting_text
from clawlane.ops.access_findings import of_policy
from clawlane.ops.context import OpContext
from clawlane.ops.findings import Finding, merged
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.setup_answers import Answers
from clawlane.ops.setup_edits import AccountPlace, additions, find_place, with_additions
from clawlane.ops.setup_text import first_file

if TYPE_CHECKING:
    from clawlane.config.edit import Put
    from clawlane.config.load import Config
    from clawlane.config.source import Source

_MODEL: KeyPath = ("agents", "defaults", "model")
_KEYS: Mapping[str, KeyPath] = {
    "dm_policy": ("dmPolicy",),
    "allow_from": ("allowFrom",),
    "pairing_reply": ("pairing", "reply"),
    "group_policy": ("groupPolicy",),
    "groups": ("groups",),
    "group_allow_from": ("groupAllowFrom",),
}
"""The questions about an account, and the key of a channel block that each is about."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the file says already about a question (a field of `Answers`). `value` is set if it is a word."""

    question: str
    path: str
    line: int | None
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk of the channel, as it tells it."""

    title: str
    lines: tuple[str, ...]
    alternative: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What is there before a setup, for one account.

    `file_exists` is about the config file, `configured` about the account in it. `spec` is the plugin to
    install, empty if that is done; only then is known what follows it. `accepted` says that the risk was
    accepted for this profile, and `expendable` what was answered then. `others` are the further accounts.
    """

    channel: str
    label: str
    config_file: str
    file_exists: bool
    account: str
    configured: bool
    settings: tuple[Setting, ...]
    spec: str = ""
    profile: str = ""
    words: str = ""
    risk: Risk | None = None
    accepted: bool = False
    expendable: str = ""
    user_id: str = ""
    user_name: str = ""
    shortest_id: int = 1
    prefixes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look(Request[Situation]):
    """See what is there. `account` may be one that the config does not have yet."""

    channel: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be written: the whole `text` of a new file, or the changed lines of one as a `diff`.

    With `problems` it cannot be written. `revision` is that of the file it was made for.
    """

    path: str
    text: str
    diff: tuple[str, ...]
    revision: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()


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


def planned(ctx: OpContext, channel: str, account: str | None, answers: Answers) -> Config:
    """The config as if these answers were in it, and so the account. Raises `ConfigError`."""
    source = ctx.written_config().source
    place = find_place(source, ctx.manifest(channel).id, account)
    return _planned(ctx, source, place, answers)


def _planned(ctx: OpContext, source: Source, place: AccountPlace, answers: Answers) -> Config:
    from clawlane.config.load import load_source
    from clawlane.config.source import parse_source

    data = with_additions(source.data, additions(source, place, answers))
    text = json.dumps(data, ensure_ascii=False)
    return load_source(parse_source(source.file, text.encode()), ctx.registry, ctx.environ)


def _look(ctx: OpContext, request: Look) -> Situation:
    from clawlane.plugins.catalog import CATALOG

    source = ctx.written_config().source
    wanted = request.channel.strip().lower()
    official = next((one for one in CATALOG if wanted in (one.channel, *one.aliases)), None)
    if official and official.channel in ctx.registry.installable():
        place = find_place(source, official.channel, request.account)
        _check_name(place)
        return Situation(
            channel=official.channel,
            label=official.label,
            config_file=str(ctx.paths.config_file),
            file_exists=source.exists,
            account=place.account,
            configured=place.exists,
            settings=tuple(_settings(source, place)),
            spec=official.spec,
        )
    manifest = ctx.manifest(wanted)
    place = find_place(source, manifest.id, request.account)
    _check_name(place)
    return _of_account(replace(ctx, plan=_planned(ctx, source, place, Answers())), manifest, source, place)


def _check_name(place: AccountPlace) -> None:
    from clawlane.config.accounts import check_account_name

    try:
        check_account_name(place.account)
    except ValueError as error:
        raise OpError(str(error)) from None


def _of_account(ctx: OpContext, manifest: Manifest, source: Source, place: AccountPlace) -> Situation:
    from clawlane.capabilities import NeedsConsent

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
        risk=Risk(notice.title, notice.lines, notice.alternative) if notice else None,
        account=account.id,
        profile=account.profile,
        words=target.words,
        configured=place.exists,
        accepted=notice is None or consent is not None,
        expendable=consent.expendable if consent else "",
        user_id=user_id,
        user_name=user_name,
        shortest_id=type(account.settings).shortest_id,
        prefixes=(manifest.id, *manifest.aliases),
        settings=tuple(_settings(source, place)),
        others=tuple(one.id for one in block.accounts if one.id != account.id),
    )


def _settings(source: Source, place: AccountPlace) -> Iterator[Setting]:
    """What the file says about each question. A new account says all for itself, whatever it inherits."""
    block: KeyPath = ("channels", place.channel)
    for question, key in _KEYS.items() if place.exists else ():
        paths = [(*place.path, *key), (*block, *key)]
        if question == "group_policy":
            paths.append(("channels", "defaults", *key))
        yield from _setting(source, question, paths)
    yield from _setting(source, "agent", [("agents", "list"), ("agents", "defaults", "brain"), _MODEL])
    yield from _setting(source, "reload", [("gateway", "reload")])


def _setting(source: Source, question: str, paths: Sequence[KeyPath]) -> Iterator[Setting]:
    """The first of the paths that the file has."""
    path = next((one for one in paths if one in source.values), None)
    if path is not None:
        value, line = source.at(path), source.values[path].line
        text = setting_text(source, path)
        yield Setting(question, format_path(path), line, text, value if isinstance(value, str) else "")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the file would say with the answers. `diff` are its changed lines, none for a new file."""

    source: Source
    place: AccountPlace
    text: str
    made: Source
    edits: tuple[Put, ...] = ()
    diff: tuple[str, ...] = ()


def _plan(ctx: OpContext, channel: str, account: str | None, answers: Answers) -> _Plan:
    """Raises `OpError` where the file says already what was answered."""
    from clawlane.config.edit import EditError, Put, draft
    from clawlane.config.source import parse_source

    source = ctx.written_config().source
    place = find_place(source, ctx.manifest(channel).id, account)
    _check_name(place)
    if not source.exists:
        text = first_file(place.channel, place.key, answers)
        return _Plan(source, place, text, parse_source(source.file, text.encode()))
    for one in _settings(source, place):
        if getattr(answers, one.question) is not None:
            change = f"openclaw config set {one.path} VALUE"
            raise OpError(f"{one.path} is in line {one.line} of the config already", change)
    edits = tuple(Put(one.path, one.value) for one in additions(source, place, answers))
    try:
        made = draft(source, edits)
    except EditError as error:
        raise OpError(str(error)) from None
    return _Plan(source, place, made.text, made.source, edits, tuple(made.diff()))


def _proposal(ctx: OpContext, request: Propose) -> Proposal:
    from clawlane.config.load import load_source

    plan = _plan(ctx, request.channel, request.account, request.answers)
    told = (str(ctx.paths.config_file), plan.text, plan.diff, plan.source.revision)
    try:
        config = load_source(plan.made, ctx.registry, ctx.environ)
    except ConfigError as error:
        return Proposal(*told, problems=error.problems)
    account = config.channels[plan.place.channel].account(plan.place.account)
    found = merged(of_policy(config, account, Pins())) if account else ()
    return Proposal(*told, warnings=config.warnings, findings=tuple(found))


def _write(ctx: OpContext, request: Write) -> Written:
    from clawlane.config.edit import EditError, backup_of, edit
    from clawlane.config.load import load_source
    from clawlane.credentials.files import create_private, secure

    plan = _plan(ctx, request.channel, request.account, request.answers)
    file = ctx.paths.config_file
    if plan.source.revision != request.revision:
        raise OpError(f"{file} was changed by something else in the meantime; nothing was written")
    _refuse_changed(ctx.written_config(), load_source(plan.made, ctx.registry, ctx.environ), plan.place)
    secure(ctx.paths)
    try:
        if not plan.source.exists:
            create_private(file, plan.text.encode())
        elif plan.edits:
            edit(plan.source, plan.edits)
    except EditError as error:
        raise OpError(str(error)) from None
    except FileExistsError:
        raise OpError(f"{file} was made by something else in the meantime; nothing was written") from None
    return Written(str(file), str(backup_of(file.resolve())) if plan.edits else "")


def _refuse_changed(before: Config, after: Config, place: AccountPlace) -> None:
    """A new account must leave the others as they are. Raises `OpError`."""
    for channel, block in before.channels.items():
        then = after.channels[channel]
        for account in block.accounts:
            mine = (channel, account.id) == (place.channel, place.account)
            if not mine and _what_counts(then.account(account.id)) != _what_counts(account):
                raise OpError(f"this would change the account {account}, so nothing was written")
        if then.default_account != block.default_account:
            raise OpError(f"this would change the default account of {channel}, so nothing was written")


def _what_counts(account: Account | None) -> Account | None:
    """An account without the settings that it has as fields of its own."""
    if account is None:
        return None
    own = {"profile": "", "name": "", "enabled": True}
    return replace(account, settings=account.settings.model_copy(update=own))
