"""Linking an account by QR code, accepting the risk of its channel, and forgetting its session."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.alarm_kinds import AlarmKind
from clawlane.capabilities import (
    Confirmed,
    Declined,
    Done,
    Expired,
    Failed,
    Login,
    LoginStep,
    NeedsConsent,
    Probe,
    Scanned,
    ShowQr,
)
from clawlane.channel import Account, Manifest
from clawlane.config.errors import ConfigError
from clawlane.credentials.profile import Consent
from clawlane.finishing import finished
from clawlane.ops.agent_findings import admitted_to
from clawlane.ops.channel_list import risk_of
from clawlane.ops.context import OpContext, Target, account_words
from clawlane.ops.devices import device_help
from clawlane.ops.findings import Finding
from clawlane.ops.operation import AccountRequest, Caller, OpError, Request, Stream, operation
from clawlane.ops.probing import probed, rehearsal_of
from clawlane.ops.running import Start, Stop, start, stop
from clawlane.plugins.errors import PluginError
from clawlane.store.alarm_told import Ended, Raised
from clawlane.texts import later, t, told

if TYPE_CHECKING:
    from clawlane.config.load import Config
    from clawlane.credentials.profiles import Profiles
    from clawlane.store.account_store import AccountStore

log = logging.getLogger(__name__)
NOT_ASKED = later("not asked")
ACCEPTED = "accepted"
OTHERS_TITLE = later("Words of people who never agreed")
_OTHERS = later(
    "Names, words, pictures and voice of everybody who writes to the account or in its groups go to the host"
    " of the agent. None of them agreed to that."
)
_WITHHOLD = later("What an agent need not see can be withheld: agents.<id>.share; see docs/privacy.md.")
_CONSENT_DEADLINE = 600.0
"""Seconds that a login waits for the answer to the question about the risk."""

_LOOK_EVERY = 0.2
"""Seconds between two looks for the answer, which another process may give."""


@dataclass(frozen=True, slots=True)
class Tightened:
    """A file or folder was made private."""

    text: str


@dataclass(frozen=True, slots=True)
class ConsentNeeded:
    """The risk has to be accepted: the login waits for `login.accept`.

    `former_user` is who it was accepted for, if somebody else has just logged in. `others` is what goes to
    the hosts of agents, a line each. Without `lines` that alone is asked: the rest was accepted before.
    """

    title: str
    lines: tuple[str, ...]
    alternative: str
    account: str
    profile: str
    former_user: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """The platform says that the stored session is over, so a new code is shown."""


@dataclass(frozen=True, slots=True)
class OtherLogin:
    """Another account of the channel (`channel/id`) that somebody is logged in on."""

    account: str
    user_id: str
    user_name: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The account is about to be linked on this host. `rehearsal` is where the simulator is, or empty.

    A scan with the phone of one of the `others` would end the session that is linked there. `on_phone` is
    where on the phone the device is removed, should the login fail after it was confirmed there.
    """

    host: str
    rehearsal: str
    others: tuple[OtherLogin, ...] = ()
    on_phone: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """Somebody is logged in: `already` before, or since the scan.

    `configured` is false while the config has no block for the channel. `started` says that the running
    gateway starts the account now, and `start_failed` why it does not. `agents` are those that act with the
    operator's rights and answer whoever is admitted here. `risk` is that of the channel, in words, and
    `consent` how it was accepted.
    """

    user_id: str
    user_name: str
    already: bool
    configured: bool
    started: bool = False
    start_failed: str = ""
    agents: tuple[Finding, ...] = ()
    risk: str = ""
    consent: Consent | None = None


LoginEvent = Tightened | ConsentNeeded | SessionExpired | Begun | ShowQr | Scanned | Confirmed | Linked


@dataclass(frozen=True, slots=True)
class LogIn(Stream[LoginEvent]):
    """Link an account; ends with `Linked`. With `force` a new code is shown although it is linked.

    A code that expires is followed by another until so many `codes` were shown.
    """

    channel: str | None = None
    account: str | None = None
    force: bool = False
    codes: int = 1


@dataclass(frozen=True, slots=True)
class Accept(Request[None]):
    """Accept the risk of a channel for an account.

    `how` is `terminal`, `console`, or the flag that stood in for the question; `expendable` is the answer to
    "can you do without this account?": `yes`, `no`, or `not asked`, which keeps an answer that was given.
    With `others` it is accepted what goes to the hosts of agents.
    """

    channel: str
    account: str
    how: str
    expendable: str = NOT_ASKED
    others: bool = False


@dataclass(frozen=True, slots=True)
class LogOut(AccountRequest["LoggedOut"]):
    """Stop an account in a running gateway and forget its session. A broken config is no obstacle."""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The account whose session is gone; `cleared` is false if there was none.

    `on_phone` is where on the phone the device is removed, empty where nobody knows.
    """

    channel: str
    account: str
    profile: str
    cleared: bool
    warnings: tuple[str, ...] = ()
    on_phone: str = ""


@operation
async def log_in(ctx: OpContext, request: LogIn) -> AsyncIterator[LoginEvent]:
    """Raises `OpError` for a login that failed, with everything as it was. Closing it cancels the login."""
    from clawlane.credentials.files import secure

    target = ctx.target(request.channel, request.account)
    for line in await asyncio.to_thread(secure, ctx.paths):
        yield Tightened(line)
    with _alone(ctx, target.account):
        async with aclosing(_log_in(ctx, request, target)) as events:
            async for event in events:
                yield event


@contextmanager
def _alone(ctx: OpContext, account: Account) -> Iterator[None]:
    """The only login of an account. Raises `OpError` that says where another one runs."""
    from clawlane.credentials.files import file_name
    from clawlane.credentials.login_lock import LoginRuns, only_login

    name = file_name(account.channel, account.profile)
    try:
        with only_login(ctx.paths.login_dir / name, ctx.caller):
            yield
    except LoginRuns as error:
        if error.where == Caller.CONSOLE:
            told = later("a login of {account} runs already, in the console", account=str(account))
            raise OpError(told, later("go on there, or cancel it on its page")) from None
        told = later("a login of {account} runs already, at a terminal", account=str(account))
        raise OpError(told, later("go on there, or end it with Ctrl-C")) from None


async def _log_in(ctx: OpContext, request: LogIn, target: Target) -> AsyncGenerator[LoginEvent]:
    channel, account = ctx.runtime(target.manifest), target.account
    if not isinstance(channel, Login):
        raise OpError(later("{channel} has no login", channel=target.manifest.label))
    if isinstance(channel, NeedsConsent):
        before = ctx.consent(account)
        if before is None or before.others == NOT_ASKED:
            question = question_of(ctx, channel, account)
            yield question if before is None else replace(question, lines=(), alternative="")
            await _answered(ctx, account, before)
    agents = tuple(admitted_to(ctx.config, account))
    vault = ctx.vault(account)
    linked = None if request.force else await asyncio.to_thread(vault.identity)
    if linked and isinstance(channel, Probe) and (await probed(channel, account, vault)).expired:
        yield SessionExpired()
        linked = None
    if linked:
        found = Linked(*linked, already=True, configured=target.configured, agents=agents)
        yield replace(found, risk=risk_of(channel), consent=ctx.consent(account))
        return
    others = await asyncio.to_thread(_others, ctx, target)
    on_phone = device_help(ctx, account.channel)
    yield Begun(socket.gethostname(), rehearsal_of(channel), others, on_phone)
    done, again = None, later("try again: openclaw channels login {words}", words=target.words)
    async with aclosing(_steps(channel, account, request.codes)) as steps:
        async for step in steps:
            match step:
                case Done():
                    done = step
                case ShowQr() | Scanned() | Confirmed():
                    yield step
                case Expired():
                    raise OpError(later("the QR code expired before it was scanned and confirmed"), again)
                case Declined():
                    raise OpError(later("the login was declined on the phone"), again)
                case Failed(stage, reason, not_let_in=True):
                    await sound_refused(ctx, target.account, f"qr_{stage}")
                    raise OpError(
                        later(
                            "the login failed ({stage}): {reason}; the account is muted",
                            stage=stage,
                            reason=t(reason),
                        ),
                        later("do not try again and again; read: openclaw help runbooks/login-refused"),
                    )
                case Failed(stage, reason):
                    raise OpError(
                        later("the login failed ({stage}): {reason}", stage=stage, reason=t(reason)), again
                    )
    if done is None:
        raise OpError(later("the login ended without an answer"), again)
    await asyncio.to_thread(_refuse_second, ctx, ctx.profiles, target, done)
    consent = ctx.consent(account)
    if isinstance(channel, NeedsConsent) and consent and consent.user_id not in ("", done.user_id):
        yield replace(question_of(ctx, channel, account), former_user=consent.user_id)
        consent = await _answered(ctx, account, consent)
    await finished(_linked(ctx, target, done, consent), "storing the login")
    failed = ""
    try:
        if ctx.live:
            await start(ctx, Start(account.channel, account.id))
    except OpError as error:
        failed = told(error)
    started = bool(ctx.live) and not failed
    now = await asyncio.to_thread(ctx.consent, account)
    how = (started, failed, agents, risk_of(channel), now)
    yield Linked(done.user_id, done.user_name, False, target.configured, *how)


async def _steps(channel: Login, account: Account, codes: int) -> AsyncGenerator[LoginStep]:
    """The steps of a login in which so many codes may be shown, one after another."""
    for left in reversed(range(codes)):
        expired = False
        async with aclosing(channel.steps(account)) as steps:  # type: ignore[type-var]
            async for step in steps:
                expired = isinstance(step, Expired)
                if not (expired and left):
                    yield step
        if not expired:
            return


@operation(changes=True)
async def accept(ctx: OpContext, request: Accept) -> None:
    account = ctx.target(request.channel, request.account).account
    before = ctx.consent(account)
    user_id = before.user_id if before else ""
    expendable, others = request.expendable, ACCEPTED if request.others else NOT_ASKED
    if before is not None:
        expendable = before.expendable if expendable == NOT_ASKED else expendable
        others = before.others if others == NOT_ASKED else others
    said = (user_id, expendable, request.how, others)
    consent = Consent(account.channel, account.profile, ctx.now_ms(), *said)
    await asyncio.to_thread(ctx.profiles.accept, consent)


@operation(changes=True)
async def log_out(ctx: OpContext, request: LogOut) -> LoggedOut:
    """Raises `OpError` where a broken config leaves open which of several sessions is meant."""
    from clawlane.store.audit_log import note_logout

    channel, account, profile, doubt = _to_log_out(ctx, request.channel, request.account)
    warnings = [doubt] if doubt else []
    if ctx.live:
        try:
            await stop(ctx, Stop(channel, account))
        except OpError as error:
            warnings.append(later("the running gateway did not stop the account: {error}", error=told(error)))
    cleared = await asyncio.to_thread(ctx.profiles.vault(channel, profile).close)
    if cleared:
        await record(ctx, f"{channel}/{account}", lambda store: store.attempt(note_logout))
    on_phone = await asyncio.to_thread(device_help, ctx, channel)
    return LoggedOut(channel, account, profile, cleared, tuple(warnings), on_phone)


async def sound_refused(ctx: OpContext, account: Account, stage: str) -> None:
    """Raise the alarm that the platform does not let this program in."""
    from clawlane.ops.alarms import sound
    from clawlane.store.errors import StoreError

    raised = Raised(AlarmKind.LOGIN_REFUSED, {"stage": stage, "last_ms": ctx.now_ms()})
    try:
        await sound(ctx, str(account), raised)
    except StoreError as error:
        log.warning("%s: the alarm that its login was refused is not stored: %s", account, error)


def _to_log_out(ctx: OpContext, channel: str | None, account: str | None) -> tuple[str, str, str, str]:
    """Channel, account and profile, and why they are a guess, if the config or the plugin is broken."""
    try:
        found = ctx.target(channel, account).account
        return found.channel, found.id, found.profile, ""
    except ConfigError as error:
        manifest: Manifest | None = ctx.manifest(channel)
        name, why = (
            ctx.manifest(channel).id,
            later("the config does not load ({problem})", problem=error.problems[0]),
        )
    except PluginError as error:
        manifest, name, why = None, (channel or "").strip().lower(), str(error)
        if not ctx.profiles.of_channel(name):
            raise
    from clawlane.config.accounts import guess_profile

    guess = guess_profile(ctx.paths, name, manifest, account, ctx.environ)
    stored = ctx.profiles.of_channel(name)
    if not guess.sure and not account and len(stored) > 1:
        raise OpError(
            later("{why}, so it is not clear which session is meant", why=why),
            later("name the profile with --account: {profiles}", profiles=", ".join(stored)),
        )
    profile = stored[0] if not guess.sure and not account and stored else guess.profile
    named = guess.account if guess.sure or account else profile
    return (
        name,
        named,
        profile,
        later("{why}; this was about the profile '{profile}'", why=why, profile=profile),
    )


def question_of(ctx: OpContext, channel: NeedsConsent, account: Account) -> ConsentNeeded:
    """The question about the risk of a channel, and about what goes to the hosts of an account's agents."""
    notice = channel.risk().said()
    risk = (notice.title, notice.lines, notice.alternative, account.id, account.profile)
    return ConsentNeeded(*risk, others=words_of_others(ctx.config, account))


def words_of_others(config: Config, account: Account) -> tuple[str, ...]:
    """What goes to the hosts of the account's agents, and where each is: the risk besides the channel's."""
    from clawlane.config.agent_hosts import hosts

    root = config.root
    answer = [one for one in config.agents if config.routing.answers(one.id, account.channel, account.id)]
    found = hosts(answer, root.models, root.tools.media.audio, root.webhooks)
    return (t(_OTHERS), *(one.said() for one in found), t(_WITHHOLD))


async def _answered(ctx: OpContext, account: Account, before: Consent | None) -> Consent:
    """Waits for an answer other than `before`. Raises `OpError` if none comes."""
    try:
        async with asyncio.timeout(_CONSENT_DEADLINE):
            # The answer may come from another process.
            while True:
                consent = await asyncio.to_thread(ctx.consent, account)
                if consent is not None and consent != before:
                    return consent
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise OpError(later("the risk was not accepted, so nothing was done")) from None


async def _linked(ctx: OpContext, target: Target, done: Done, consent: Consent | None) -> None:
    """Store the session, and record the login. An alarm that it does not work is over."""
    from clawlane.store import alarms
    from clawlane.store.audit_log import note_login

    generation = await asyncio.to_thread(_keep, ctx, target, done, consent)

    async def write(account_store: AccountStore) -> None:
        await account_store.attempt(note_login, generation, done.user_id)
        await account_store.attempt(alarms.apply, [Ended(AlarmKind.LOGIN_REFUSED)])

    await record(ctx, str(target.account), write)


async def record(ctx: OpContext, account: str, write: Callable[[AccountStore], Awaitable[object]]) -> None:
    """Record what was done to a session. It is done: a store that cannot be written changes nothing.

    Beside a gateway that does not have the account yet, that records it when it takes the account.
    """
    from clawlane.store.errors import StoreError, StoreOwned

    try:
        async with ctx.own(account) as account_store:
            await write(account_store)
    except StoreOwned as error:
        log.info("%s: %s", account, error)
    except StoreError as error:
        log.warning("%s: the record does not tell of it yet: %s", account, error)


def _keep(ctx: OpContext, target: Target, done: Done, consent: Consent | None) -> str:
    """Store the session. Raises `OpError` if the user was linked on another account meanwhile.

    Gives the generation, which stands for the login.
    """
    account = target.account
    with ctx.profiles.alone() as profiles:
        _refuse_second(ctx, profiles, target, done)
        vault = profiles.vault(account.channel, account.profile)
        vault.replace(done.secret, (done.user_id, done.user_name))
        if consent is not None:
            profiles.accept(replace(consent, user_id=done.user_id))
    return vault.generation


def _others(ctx: OpContext, target: Target) -> tuple[OtherLogin, ...]:
    """The other accounts of the channel whose session a scan could end."""
    from clawlane.channel import VaultError

    found = []
    block, _ = ctx.block(target.manifest)
    for other in block.accounts:
        if other.profile != target.account.profile:
            with suppress(VaultError):
                if identity := ctx.vault(other).identity():
                    found.append(OtherLogin(str(other), *identity))
    return tuple(found)


def _refuse_second(ctx: OpContext, profiles: Profiles, target: Target, done: Done) -> None:
    """Two accounts of one user would end each other's session again and again. Raises `OpError`."""
    block, _ = ctx.block(target.manifest)
    for other in profiles.linked_elsewhere(target.account, block.accounts, done.user_id):
        words = account_words(other.channel, other.id, other.id == block.default_account)
        raise OpError(
            later(
                "{name} ({user}) is linked on {other} already; on two accounts each would end the other's"
                " session. Nothing was changed on {account}, but the scan has ended the session of"
                " {other}: it does not connect again by itself",
                name=done.user_name,
                user=done.user_id,
                other=other,
                account=target.account,
            ),
            later(
                "bring it back: openclaw channels login {words} --force; for {account} scan with the"
                " phone of another account, or first: openclaw channels logout {words}",
                words=words,
                account=target.account,
            ),
        )
