"""Imports from OpenClaw: config, senders and, on request, logins, as one step.

What is brought is written into a journal first. With that file it is decided; if the process ends before all
of it is in place, no gateway starts, and the next import finishes it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.capabilities import Done, Expired, Failed, TakesLogin
from clawlane.channel import Account
from clawlane.credentials.profile import Consent
from clawlane.ops import import_journal as journals
from clawlane.ops.config_import import LeftOut
from clawlane.ops.context import OpContext
from clawlane.ops.exposure_text import sentences
from clawlane.ops.findings import Finding
from clawlane.ops.import_journal import Journal, NewConfig, NewLogin
from clawlane.ops.import_plan import LoginFound, Plan, plan
from clawlane.ops.login import ACCEPTED, ConsentNeeded, sound_refused
from clawlane.ops.openclaw_files import Home
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.process_lock import is_held
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.store.account_store import AccountStore

_MOST = 20
"""Senders that are named one by one."""

_LEAVE_OUT = later("leave out --with-session")


@dataclass(frozen=True, slots=True)
class Look(Request["Found"]):
    """Say what an import would do, and do nothing. With `session`, with the logins.

    Without `dry_run` a store that an older clawlane wrote, or has only begun, is brought up to date first.
    """

    home: str
    session: bool = False
    dry_run: bool = True


@dataclass(frozen=True, slots=True)
class NewSender:
    """Somebody who would be let in, or would wait, on an account (`channel/id`)."""

    account: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A login that would be taken over, and the risk that has to be accepted for it; None without one."""

    account: str
    profile: str
    question: ConsentNeeded | None


@dataclass(frozen=True, slots=True)
class Found:
    """What an import would do. `digest` stands for it. `diff` is that of the config, without secrets.

    `widens` and `narrows` say in sentences whose access changes. With `cut_off`, an earlier import is half
    done and everything else is empty.
    """

    home: str
    config_file: str
    digest: str = ""
    diff: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    adapted: list[LeftOut] = field(default_factory=list)
    conflicts: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    widens: list[str] = field(default_factory=list)
    narrows: list[str] = field(default_factory=list)
    approved: list[NewSender] = field(default_factory=list)
    waiting: list[NewSender] = field(default_factory=list)
    sessions: list[NewSession] = field(default_factory=list)
    cut_off: bool = False

    @property
    def empty(self) -> bool:
        """Whether everything of it is here already."""
        return not (self.diff or self.approved or self.waiting or self.sessions or self.cut_off)


@dataclass(frozen=True, slots=True)
class Accepted:
    """How the risk was accepted for the login of an account, as in `login.accept`."""

    account: str
    how: str
    expendable: str


@dataclass(frozen=True, slots=True)
class Bring(Request["Brought"]):
    """Import what a `Look` found, if it is still the same. Every login needs its risk `accepted`."""

    home: str
    session: bool = False
    digest: str = ""
    accepted: list[Accepted] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finish(Request["Brought"]):
    """Finish an import that was cut off."""


@dataclass(frozen=True, slots=True)
class LinkedUser:
    """Whose login an account has now."""

    account: str
    user_id: str
    user_name: str


@dataclass(frozen=True, slots=True)
class Brought:
    """What was imported: how many senders, and the logins. `config` is the file, empty if it stays as it was.

    `edited` says that the config file was edited after the import had begun, and was left alone.
    """

    home: str
    config: str
    backup: str
    approved: int
    waiting: int
    sessions: list[LinkedUser]
    edited: bool = False


@operation
async def look(ctx: OpContext, request: Look) -> Found:
    """Raises `ConfigError`, `OpError`, `StoreUnusable`."""
    written = ctx.as_written()
    file = str(written.paths.config_file)
    half = await asyncio.to_thread(journals.read, written.paths)
    if half is not None:
        return Found(half.home, file, cut_off=True)
    home = _home(ctx, request.home)
    if not request.dry_run:
        _check_alone(written)
        await written.update_store()
    made = await asyncio.to_thread(partial(plan, written, home, session=request.session))
    return _told(home, file, made)


@operation(changes=True)
async def bring(ctx: OpContext, request: Bring) -> Brought:
    """Nothing has changed if it raises: `ConfigError`, `OpError`, `StoreError`, `VaultError`."""
    written = ctx.as_written()
    _check_alone(written)
    if await asyncio.to_thread(journals.read, written.paths) is not None:
        raise OpError(later("an import was cut off"), later("finish it: clawlane import"))
    home = _home(ctx, request.home)
    made = await asyncio.to_thread(partial(plan, written, home, session=request.session))
    if request.digest and request.digest != made.digest:
        raise OpError(
            later("what would be imported has changed meanwhile; nothing was imported"),
            later("import again"),
        )
    from clawlane.credentials.files import secure

    await asyncio.to_thread(secure, written.paths)
    logins = [await _login(written, made, one, request.accepted) for one in made.logins]
    _check_users(logins)
    draft = made.draft
    config = NewConfig(str(draft.file), journals.digest_of(draft.raw), draft.text) if draft.changes else None
    journal = Journal(
        str(home.root),
        config,
        [(str(account), one.id, one.name) for account, one in made.approved],
        [(str(account), one.id, one.name, one.code, one.created_ms) for account, one in made.waiting],
        logins,
    )
    async with AsyncExitStack() as owned:
        stores = await _own(written, journal, owned)
        await asyncio.to_thread(journals.write, written.paths, journal)
        return await _put(written, journal, stores)


@operation(changes=True)
async def finish(ctx: OpContext, request: Finish) -> Brought:  # noqa: ARG001
    """Raises `OpError` where none was cut off, and `StoreError`."""
    written = ctx.as_written()
    _check_alone(written)
    journal = await asyncio.to_thread(journals.read, written.paths)
    if journal is None:
        raise OpError(later("no import was cut off"))
    async with AsyncExitStack() as owned:
        return await _put(written, journal, await _own(written, journal, owned))


def _home(ctx: OpContext, written: str) -> Home:
    home = Home.at(written)
    if home.root == ctx.paths.state.resolve():
        raise OpError(
            later("{folder} is clawlane's own state directory", folder=written),
            later("name the one of OpenClaw"),
        )
    return home


def _check_alone(ctx: OpContext) -> None:
    if ctx.in_gateway or is_held(ctx.paths.lock_file):
        raise OpError(later("a gateway runs with this state directory"), "clawlane gateway stop")


async def _login(ctx: OpContext, made: Plan, found: LoginFound, accepted: Sequence[Accepted]) -> NewLogin:
    """One login, tried out: the platform says whose it is. Raises `OpError`."""
    [(block, account)] = [
        (block, account)
        for block in made.config.channels.values()
        for account in block.accounts
        if str(account) == found.account
    ]
    how = next((one for one in accepted if one.account == found.account), None)
    if found.question is not None and how is None:
        raise OpError(
            later("the risk of {account} was not accepted, so nothing was imported", account=account)
        )
    channel = ctx.runtime(block.manifest)
    assert isinstance(channel, TakesLogin), "the plan has no login for another channel"
    step = await channel.take_over(account, found.exported)
    if not isinstance(step, Done):
        raise await _refused(ctx, account, step)
    for other in ctx.profiles.linked_elsewhere(account, block.accounts, step.user_id):
        used = later(
            "the login of {account} is that of {other}, where it is in use already; nothing was imported",
            account=account,
            other=other,
        )
        raise OpError(used, _LEAVE_OUT)
    user = (step.user_id, step.user_name)
    sealed = await asyncio.to_thread(ctx.vault(account).sealed, step.secret, user)
    consent = None
    if how is not None:
        said = (step.user_id, how.expendable, how.how, ACCEPTED)
        consent = Consent(account.channel, account.profile, ctx.now_ms(), *said)
    return NewLogin(str(account), account.profile, *user, base64.b64encode(sealed).decode(), consent)


async def _refused(ctx: OpContext, account: Account, step: Expired | Failed) -> OpError:
    anew = later("import without --with-session, then: clawlane channels login")
    if isinstance(step, Expired):
        return OpError(
            later("the login of {account} has expired; nothing was imported", account=account), anew
        )
    if step.not_let_in:
        await sound_refused(ctx, account, "imported_session")
        refused = later(
            "the login of {account} was refused: {reason}; nothing was imported",
            account=account,
            reason=step.reason,
        )
        return OpError(
            refused, later("do not try again and again; read: openclaw help runbooks/login-refused")
        )
    failed = later(
        "the login of {account} failed ({stage}): {reason}; nothing was imported",
        account=account,
        stage=step.stage,
        reason=step.reason,
    )
    return OpError(failed, anew)


def _check_users(logins: Sequence[NewLogin]) -> None:
    users = [(one.account.partition("/")[0], one.user_id) for one in logins]
    for one, user in zip(logins, users, strict=True):
        if users.count(user) > 1:
            twice = later(
                "the login of {account} is that of another account, too; nothing was imported",
                account=one.account,
            )
            raise OpError(twice, _LEAVE_OUT)


async def _own(ctx: OpContext, journal: Journal, owned: AsyncExitStack) -> dict[str, AccountStore]:
    """The accounts of an import, to be written to. Raises `StoreOwned` beside a gateway."""
    return {name: await owned.enter_async_context(ctx.own(name)) for name in journal.accounts}


async def _put(ctx: OpContext, journal: Journal, stores: dict[str, AccountStore]) -> Brought:
    """Put everything in its place. What is there already changes nothing."""
    from clawlane.config.edit import backup_of
    from clawlane.store import imports
    from clawlane.store.audit_log import note_login

    written, backup = True, ""
    if journal.config is not None:
        written = await asyncio.to_thread(journals.put_config, journal.config)
        backup = str(backup_of(Path(journal.config.file))) if written and journal.config.before else ""
    for login in journal.logins:
        generation = await asyncio.to_thread(journals.put_login, ctx.profiles, login)
        await stores[login.account].attempt(note_login, generation, login.user_id)
    await asyncio.gather(
        *(stores[name].attempt(imports.approve, id, told) for name, id, told in journal.approved),
        *(
            stores[name].attempt(imports.request, id, told, code, created_ms)
            for name, id, told, code, created_ms in journal.waiting
        ),
    )
    await asyncio.to_thread(journals.remove, ctx.paths)
    return Brought(
        home=journal.home,
        config=journal.config.file if journal.config is not None and written else "",
        backup=backup,
        approved=len(journal.approved),
        waiting=len(journal.waiting),
        sessions=[LinkedUser(one.account, one.user_id, one.user_name) for one in journal.logins],
        edited=not written,
    )


def _told(home: Home, file: str, made: Plan) -> Found:
    return Found(
        home=str(home.root),
        config_file=file,
        digest=made.digest,
        diff=made.draft.diff() if made.draft.changes else [],
        left_out=made.left_out,
        adapted=made.adapted,
        conflicts=made.conflicts,
        notes=made.notes,
        warnings=list(map(str, made.config.warnings)),
        findings=made.findings,
        widens=[*_let_in(made), *sentences(made.exposure.widens)],
        narrows=sentences(made.exposure.narrows),
        approved=[NewSender(str(account), one.id, one.name) for account, one in made.approved],
        waiting=[NewSender(str(account), one.id, one.name) for account, one in made.waiting],
        sessions=[NewSession(one.account, one.profile, one.question) for one in made.logins],
    )


def _let_in(made: Plan) -> list[str]:
    """A sentence for each account with new approvals."""
    accounts: dict[str, tuple[Account, list[str]]] = {}
    for account, one in made.approved:
        accounts.setdefault(str(account), (account, []))[1].append(one.id)
    told = []
    for account, ids in accounts.values():
        named = ", ".join(ids[:_MOST])
        if len(ids) > _MOST:
            named = later("{names} and {n} more", names=named, n=len(ids) - _MOST)
        does = (
            later("1 person is approved") if len(ids) == 1 else later("{n} people are approved", n=len(ids))
        )
        policy = account.settings.dm_policy
        if policy != "pairing":
            does = later(
                "{does} (counts under dmPolicy 'pairing'; it is '{policy}')", does=does, policy=policy
            )
        told.append(later("{account}: {does}: {people}", account=account, does=does, people=named))
    return told
