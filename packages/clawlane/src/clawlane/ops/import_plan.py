"""What an import from OpenClaw would bring: config, senders and logins, and whose access that changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from clawlane.access.comparison import compare
from clawlane.access.exposure import Exposure, Known
from clawlane.capabilities import NeedsConsent, TakesLogin
from clawlane.channel import Account, VaultError
from clawlane.messages import Person
from clawlane.ops.config import posture
from clawlane.ops.config_import import LeftOut, fitted
from clawlane.ops.config_merge import merge
from clawlane.ops.context import OpContext
from clawlane.ops.exposure import policies
from clawlane.ops.findings import Finding
from clawlane.ops.login import ConsentNeeded, question_of
from clawlane.ops.openclaw_files import Home
from clawlane.ops.openclaw_people import People, Sender, Waiting, people_of
from clawlane.ops.openclaw_running import DEFAULT_PORT, gateway_on
from clawlane.ops.openclaw_sessions import LoggedOut, session_of
from clawlane.ops.operation import OpError
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import Draft
    from clawlane.config.load import ChannelConfig, Config
    from clawlane.config.source import Source

CONFIG = "openclaw.json"
_TURNED_AWAY = later("was turned away here, and stays so")


@dataclass(frozen=True, slots=True)
class LoginFound:
    """A login that would be taken over for an account (`channel/id`), and the risk to be accepted."""

    account: str
    profile: str
    exported: bytes = field(repr=False)
    question: ConsentNeeded | None = None


@dataclass(slots=True)
class Plan:
    """Everything that an import would do. `config` is as it would be then, `draft` the file with it.

    `approved` and `waiting` are who is new here. `left_out` are keys and entries that go nowhere, `adapted`
    values that are written otherwise because they mean more here, `conflicts` what says something else here
    and stays.
    """

    config: Config
    draft: Draft
    left_out: list[LeftOut]
    adapted: list[LeftOut]
    conflicts: list[LeftOut]
    notes: list[str]
    findings: list[Finding]
    approved: list[tuple[Account, Sender]]
    waiting: list[tuple[Account, Waiting]]
    logins: list[LoginFound]
    exposure: Exposure = field(default_factory=Exposure)

    @property
    def empty(self) -> bool:
        return not (self.draft.changes or self.approved or self.waiting or self.logins)

    @property
    def digest(self) -> str:
        """Stands for what would be done: another one, and something else would be."""
        told = [
            self.draft.text if self.draft.changes else "",
            [[str(account), one.id, one.name] for account, one in self.approved],
            [[str(account), one.id, one.code] for account, one in self.waiting],
            [[one.account, hashlib.sha256(one.exported).hexdigest()] for one in self.logins],
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def plan(ctx: OpContext, home: Home, *, session: bool) -> Plan:
    """Reads both sides and changes neither. Raises `ConfigError`, `OpError`, `StoreUnusable`."""
    if not ctx.registry.manifests():
        raise OpError(later("no channel plugin is installed"), "openclaw plugins install @openclaw/zalouser")
    given = _given(home)
    if session and (why := gateway_on(home.root, _port(given))):
        in_use = later(
            "an OpenClaw gateway runs on {home}: {why}; a login must not be in use at two places",
            home=home.root,
            why=why,
        )
        raise OpError(in_use, later("stop it, and import again"))
    made = _config_part(ctx, home, given)
    planned = replace(ctx, plan=made.config, loaded=None)
    for manifest in ctx.registry.manifests():
        found = people_of(home, manifest, ctx.now_ms())
        made.left_out += (LeftOut(place, None, why) for place, why in found.odd)
        if (block := made.config.channels.get(manifest.id)) is None:
            _no_block(made, manifest.id, found)
            continue
        _people_part(ctx, made, block, found)
        if session:
            made.logins += _logins(planned, made, home, block)
    _compare(ctx, made)
    return made


def _given(home: Home) -> Source | None:
    """The config of OpenClaw; None if there is none."""
    from clawlane.config.source import read_source

    path = home.place(CONFIG)
    return None if path is None else read_source(path)


def _port(given: Source | None) -> int:
    port = given.at(("gateway", "port")) if given else None
    return port if isinstance(port, int) and 0 < port < 65536 else DEFAULT_PORT


def _config_part(ctx: OpContext, home: Home, given: Source | None) -> Plan:
    """The config that would be, with nothing else."""
    from clawlane.config.edit import Draft, EditError, apply_edits
    from clawlane.config.load import load_source
    from clawlane.config.source import parse_source, read_source

    target = ctx.paths.config_file
    here = read_source(target)
    raw = target.resolve().read_bytes() if here.exists else None
    text, left_out, adapted, conflicts = (raw or b"{\n}\n").decode(), [], [], []
    if given is None:
        left_out.append(LeftOut(str(home.root / CONFIG), None, later("there is no config there")))
    else:
        fit = fitted(ctx, given, target)
        left_out, adapted, text_there = list(fit.left_out), list(fit.adapted), fit.text
        if not here.exists:
            text = text_there
        else:
            load_source(here, ctx.registry, ctx.environ)  # what is broken here is mended first
            merged = merge(here.data, fit.config.source.data)
            conflicts = [LeftOut(path, None, why) for path, why in merged.conflicts]
            try:
                text = apply_edits(here, text, merged.edits)
            except EditError as error:
                raise OpError(error.args[0]) from None
    source = parse_source(target, text.encode())
    config = load_source(source, ctx.registry, ctx.environ)
    if raw is None and given is None:
        raw = text.encode()  # no file is made for the sake of senders
    draft = Draft(target.resolve(), raw, text, here, source)
    notes = [] if given is None else list(_notes(config, here))
    return Plan(config, draft, left_out, adapted, conflicts, notes, posture(ctx, config), [], [], [])


def _notes(config: Config, here: Source) -> Iterator[str]:
    """What the same words mean there and here, for accounts that are new."""
    from clawlane.config.origin import Layer

    for account in config.accounts:
        if here.at(("channels", account.channel)) is not None:
            continue
        policy = config.effective(account, "groupPolicy")
        if policy.origin.layer is Layer.BUILT_IN:
            yield later(
                "{account}: groupPolicy is not set. OpenClaw before March 2026 answered in every group then;"
                " here nobody in a group is answered until you set it",
                account=account,
            )
        if policy.value == "allowlist" and account.settings.group_allow_from is None:
            yield later(
                "{account}: groupAllowFrom is not set. Here allowFrom says who may speak in groups, as in"
                " OpenClaw before March 2026; a later one lets nobody speak there",
                account=account,
            )


def _no_block(made: Plan, channel: str, found: People) -> None:
    if found.approved or found.waiting:
        why = later("{n}: the config has no such channel", n=len(found.approved) + len(found.waiting))
        made.left_out.append(LeftOut(_senders_of(channel), None, why))


def _senders_of(whom: str) -> str:
    return later("senders of {whom}", whom=whom)


def _people_part(ctx: OpContext, made: Plan, block: ChannelConfig, found: People) -> None:
    """Who would be let in and who would wait. A decision that was made here stays."""
    with ctx.read() as reader:
        approved = {(one.account, one.sender_id) for one in reader.approved()}
        rejected = {(one.account, one.sender_id) for one in reader.rejected(ctx.now_ms())}
        requests = reader.requests(ctx.now_ms())
    waiting = {(one.account, one.sender_id) for one in requests}
    codes = {one.code for one in requests}
    for sender in found.approved:
        if (account := _account_of(made, block, sender.account)) is None:
            continue
        key = (str(account), sender.id)
        if key in rejected:
            made.conflicts.append(LeftOut(f"{account}: {sender.id}", None, _TURNED_AWAY))
        elif key not in approved:
            approved.add(key)
            made.approved.append((account, sender))
    for one in found.waiting:
        if (account := _account_of(made, block, one.account)) is None:
            continue
        key = (str(account), one.id)
        if key in rejected:
            made.conflicts.append(LeftOut(f"{account}: {one.id}", None, _TURNED_AWAY))
        elif key not in approved and key not in waiting and one.code not in codes:
            waiting.add(key)
            codes.add(one.code)
            made.waiting.append((account, one))


def _account_of(made: Plan, block: ChannelConfig, name: str) -> Account | None:
    """Whom a list is for. One that names nobody is for the account `default`, or for the only one."""
    account = block.account(name or "default")
    if account is None and not name and len(block.accounts) == 1:
        account = block.accounts[0]
    if account is None:
        where = _senders_of(f"{block.manifest.id}/{name}" if name else block.manifest.id)
        none, several = (
            later("the config has no such account"),
            later("they name no account, and there are several"),
        )
        if all(one.path != where for one in made.left_out):
            made.left_out.append(LeftOut(where, None, none if name else several))
    return account


def _logins(ctx: OpContext, made: Plan, home: Home, block: ChannelConfig) -> Iterator[LoginFound]:
    """The logins of a channel's accounts that are not logged in here."""
    channel = ctx.runtime(block.manifest)
    for account in block.accounts:
        place = later("the login of {account}", account=account)
        try:
            exported = session_of(home, account.channel, account.profile)
        except LoggedOut:
            made.left_out.append(LeftOut(place, None, later("OpenClaw has logged it out")))
            continue
        if exported is None:
            why = later(
                "there is none of the profile '{profile}' in a form that is known here",
                profile=account.profile,
            )
            made.left_out.append(LeftOut(place, None, why))
        elif not isinstance(channel, TakesLogin):
            made.left_out.append(LeftOut(place, None, later("this channel cannot take one over")))
        elif _linked(ctx, account):
            made.conflicts.append(LeftOut(place, None, later("somebody is logged in here, and stays")))
        else:
            try:
                channel.check_export(exported)
            except VaultError as error:
                raise OpError(
                    later("{place}: {problem}; nothing was imported", place=place, problem=error.args[0])
                ) from None
            asked = question_of(ctx, channel, account) if isinstance(channel, NeedsConsent) else None
            yield LoginFound(str(account), account.profile, exported, asked)


def _linked(ctx: OpContext, account: Account) -> bool:
    try:
        return ctx.vault(account).identity() is not None
    except VaultError:
        return True  # damaged, and still not ours to replace


def _compare(ctx: OpContext, made: Plan) -> None:
    """What opens and closes, for everybody who is known here or there."""
    before: Mapping[str, Any] = {}
    if made.draft.before.exists:
        from clawlane.config.load import load_source

        before = policies(load_source(made.draft.before, ctx.registry, ctx.environ))
    after = policies(made.config)
    with ctx.read() as reader:
        known = {account: reader.reach(account) for account in {*before, *after}}
    for account in known:
        approved = [Person(one.id, one.name) for on, one in made.approved if str(on) == account]
        seen = [Person(one.id, one.name) for on, one in made.waiting if str(on) == account]
        known[account] = _with(known[account], approved, seen)
    made.exposure = compare(before, after, known)


def _with(known: Known, approved: Iterable[Person], seen: Iterable[Person]) -> Known:
    return replace(known, approved=(*known.approved, *approved), seen=(*known.seen, *seen))
