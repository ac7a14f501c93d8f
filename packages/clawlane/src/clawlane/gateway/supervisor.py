"""One account over its whole life in the gateway: whether it may run, its state, restarts after crashes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

from clawlane.access.in_force import Rules
from clawlane.access.outbound import Verdict
from clawlane.alarm_kinds import AlarmKind
from clawlane.backoff import Backoff
from clawlane.capabilities import DescribesSession, Login, NeedsConsent
from clawlane.channel import Account, Channel, Health, Phase, State, StateCode, VaultError
from clawlane.config.settings import Pacing
from clawlane.credentials.profile import (
    NOT_EXPENDABLE,
    Consent,
    ConsentDamaged,
    Takeover,
    TakeoverMark,
)
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.session_seal import Identity
from clawlane.credentials.vault import ProfileVault
from clawlane.gateway.alarms import AlarmWatch
from clawlane.gateway.health import OVER, AccountHealth, stopped
from clawlane.gateway.log_level import LEVEL
from clawlane.gateway.state_log import StateLog
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.evidence import Evidence
from clawlane.lane.live_settings import LaneSettings
from clawlane.lane.runner import Runner, runner
from clawlane.lookup import Lookup
from clawlane.messages import Person, Thread, ThreadKind
from clawlane.store import audit_log, owner_takeovers, warm_ups
from clawlane.store.account_store import AccountStore
from clawlane.store.alarm_told import Alarm, Alarmed
from clawlane.store.database import Store
from clawlane.store.errors import NotOwned, StoreFailed, StoreLost
from clawlane.store.models import Judged, OpenTurn, RecallResult
from clawlane.store.people import Approved
from clawlane.store.told import Pause, Resumed
from clawlane.texts import later

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0
_STABLE_MS = 300_000
_MOST_CRASHES = 10
"""In a row, none of them after a stable run: then the operator has to look."""

_TAKE_BACK = 3.0
"""Seconds for the other client to be closed before the account is taken back."""

log = logging.getLogger(__name__)


class _Permit(NamedTuple):
    """What an account may run with: its session, and the accepted risk where its channel needs that."""

    vault: ProfileVault
    consent: Consent | None


Prepare = Callable[[AccountStore], Awaitable[None]]


async def _prepared(_: AccountStore) -> None:
    """There is nothing to prepare."""


class Supervisor:
    """Keeps one account running while it is wanted. `run` owns the account in the store."""

    def __init__(
        self, deps: AccountDeps, store: Store, profiles: Profiles, prepare: Prepare = _prepared
    ) -> None:
        """`prepare` is awaited once the account is owned, before it may run."""
        self._state_log = StateLog(deps.now_ms)
        self._listener = deps.report
        self._health = AccountHealth(str(deps.account), self._changed, deps.now_ms)
        self._report = self._health.report
        self.alarms = AlarmWatch(
            str(deps.account), deps.now_ms, lambda: self.pauses, self.hold, self.look_up, self._friends
        )
        """What looks for trouble with the platform."""
        self.deps = replace(deps, report=self._report, trouble=self._health.sending, alarms=self.alarms)
        self.account_store: AccountStore | None = None
        self.paired: frozenset[str] = frozenset()
        """The ids of the senders that the owner approved."""
        self._store = store
        self.owned = asyncio.Event()
        self.tried = asyncio.Event()
        """It is owned and prepared, or could not be yet, which is tried again."""
        self._profiles = profiles
        self._prepare = prepare
        self.made_for = deps.account
        """The account with the settings by which it connects; `account` has those of now."""
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stop: Callable[[], object] = self._wanted.clear
        self._runner: Runner | None = None
        self._patience = 0.0
        self._ends = False

    def elsewhere(self, reason: str, identity: Identity | None) -> None:
        """Report that another node has the account, or none; `identity` is who is logged in."""
        user_id, name = identity or ("", "")
        code = StateCode.OWNED_ELSEWHERE
        self._report(State(Phase.STOPPED, reason, user_id=user_id, user_name=name, code=code))

    @property
    def state(self) -> State:
        """The account's state: the only place that holds its own id, its language there and clock skew."""
        return self._health.state

    @property
    def language(self) -> str:
        """The language in which people are written to: of the config, else of the account on its platform."""
        return self.deps.settings.now.locale or self.state.language

    def outbound(self, thread: Thread) -> Verdict:
        """What may leave in a thread now, and the setting that says so."""
        return self.deps.gate.outbound(thread)

    @property
    def since_ms(self) -> int:
        """When it entered its phase."""
        return self._health.since_ms

    @property
    def account(self) -> Account:
        return self.deps.account

    @property
    def channel(self) -> Channel:
        return self.deps.channel

    @property
    def evidence(self) -> Evidence:
        """What it did that the store does not keep."""
        return self.deps.evidence

    @property
    def pauses(self) -> list[Pause]:
        """The pauses in force, whether they could be stored or not."""
        return self.deps.gate.pauses

    @property
    def rules(self) -> Rules:
        """The access rules in force."""
        return self.deps.settings.rules()

    def follow(self, settings: LaneSettings) -> None:
        """Work by other settings. What waits to be sent is checked by their rules before it leaves."""
        self.deps.settings.now = settings
        self.deps.gate.account = settings.account
        self.deps.gate.keep_quiet(settings.quiet_hours)
        if not settings.rules.takeover.takeover_ms:
            self.deps.gate.take(Judged(off=True))
            if self.account_store is not None:
                self.account_store.post(owner_takeovers.end_all)
        if self._runner is not None:
            self._runner.sender.rules_changed()

    async def pace(self, pacing: Pacing, jitter: Callable[[], float]) -> None:
        """Pace by other limits."""
        await self.deps.gate.follow(pacing, jitter, self.account_store)
        self.wake()

    async def pairing_changed(self) -> None:
        """Read again whom the owner approved."""
        self.pair(await self._store.ask(lambda reader: reader.approved(str(self.account))))

    def pair(self, approved: Iterable[Approved]) -> None:
        """Take whom the owner approved."""
        self.paired = frozenset(one.sender_id for one in approved)

    def hold(self, pauses: Sequence[Pause]) -> None:
        """Replace the pauses in force."""
        self.deps.gate.pause(pauses)
        self.wake()

    def friends_listed(self, known: int, listed: int) -> None:
        """The platform listed so many friends; so many were known before."""
        self.alarms.friends(known, listed)

    def alarmed(self, kind: AlarmKind, alarmed: Alarmed) -> None:
        """An operation has raised an alarm; its pause holds from now on."""
        self.alarms.raised(kind)
        self.alarms.alarmed(alarmed)

    def acknowledged(self, alarms: Sequence[Alarm]) -> None:
        """The operator has seen these alarms."""
        self.alarms.acknowledged(alarms)

    def debug_lines(self) -> AbstractContextManager[None]:
        """Log its debug lines while entered, whatever the level of the config."""
        return LEVEL.debugging(str(self.account))

    async def connect(self) -> None:
        """Close or open the connection where the pauses changed that."""
        is_paused = self.state.phase is Phase.PAUSED
        if self.account.enabled and is_paused is not (self.deps.gate.offline is not None):
            await self.restart()

    def vault(self) -> ProfileVault:
        """The sealed session of the account's profile; a new handle each time, bound to no generation."""
        return self._profiles.vault(self.account.channel, self.account.profile, self.account_store)

    def lookup(self) -> Lookup:
        """The questions to the account's directory."""
        return Lookup(self.account, self.channel, self.vault(), self.account_store, self.alarms.friends)

    def wake(self) -> None:
        """There is something new to send."""
        self.settled(None)

    def settled(self, turn: int | None) -> None:
        """The operator resolved a chunk: its turn may be settled, and others may go."""
        if self._runner is not None:
            self._runner.sender.settled(turn)

    def answered(self, turn: int) -> None:
        """An answer to a turn came later, and is stored."""
        if self._runner is not None:
            self._runner.arrivals.arrived(turn)

    def again(self, turn: OpenTurn) -> None:
        """A turn that was over is open again: it goes to the end of its lane."""
        if self._runner is not None:
            self._runner.scheduler.put(turn)

    def recalled(self, recalled: RecallResult) -> None:
        """Messages were taken back: what waits for them ends, or begins anew."""
        if self._runner is not None:
            self._runner.recalled(recalled)

    async def resumed(self, resumed: Resumed) -> None:
        """A pause has ended: the lanes learn which turns expired and which continue."""
        if self._runner is not None:
            await self._runner.resumed(resumed)

    def give_back(self, thread: Thread) -> None:
        """The operator ended what the owner took over in a thread."""
        self.deps.gate.give_back(thread)
        self.wake()

    async def look_up(self, kind: ThreadKind) -> bool:
        """Ask the platform for past messages. False if it does not run, or its channel cannot."""
        return self._runner is not None and await self._runner.look_up(kind)

    def start(self) -> None:
        """The account is wanted, unless the gateway stops."""
        if not self._ends:
            self._wanted.set()

    async def stop(
        self,
        code: StateCode = StateCode.STOPPED_BY_OPERATOR,
        reason: str = later("stopped by the operator"),
    ) -> None:
        """Returns once nothing of the account runs. Chunks in flight are answered first.

        After it has stopped because the gateway stops, nothing starts it again.
        """
        self._ends = self._ends or code is StateCode.GATEWAY_STOPS
        self._wanted.clear()
        if self._runner is not None:
            await self._runner.park()
        self._stop()
        await self._idle.wait()
        self._report(stopped(code, reason))

    async def restart(self) -> None:
        """Start again from what is stored now. One that does not run here yet begins with that."""
        if self.account_store is not None:
            await self.stop(StateCode.RESTARTING, later("starting again"))
        self.start()

    async def take_back(self) -> bool:
        """Run an account again that another client took over, or that failed. False if it was neither."""
        marked = await asyncio.to_thread(self._takeover.clear)
        if not (marked or self.state.phase in (Phase.REPLACED, Phase.FAILED)):
            return False
        if self.account.enabled:
            self._patience = _TAKE_BACK
            await self.restart()
        return True

    async def run(self) -> None:
        """Live until cancelled; run the account whenever it is wanted."""
        try:
            await self._run()
        finally:
            self.tried.set()  # nobody need wait for it any more

    async def _run(self) -> None:
        async with self._owning() as account_store, asyncio.TaskGroup() as group:
            self.account_store = account_store
            self.owned.set()
            account_store.post(audit_log.note_config)
            await self.alarms.recall(account_store)
            group.create_task(self.alarms.run(account_store))
            group.create_task(self._health.watch())
            group.create_task(self._state_log.write(account_store))
            await self._until_prepared(account_store)
            while True:
                await self._wanted.wait()
                if self._wanted.is_set():
                    await self._while_wanted(account_store)

    @asynccontextmanager
    async def _owning(self) -> AsyncIterator[AccountStore]:
        """Own the account, after an operation that owns it, and once the disk takes that."""
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT, self.deps.jitter)
        async with AsyncExitStack() as owning:
            while True:
                try:
                    owned = self._store.own(str(self.account), patient=True, to_run=True)
                    store = await owning.enter_async_context(owned)
                    break
                except NotOwned:
                    self.tried.set()
                    raise
                except StoreFailed as error:
                    wait = backoff.next()
                    log.error("%s cannot start yet; trying again in %.0f s: %s", self.account, wait, error)
                    if self.account.enabled:
                        self.not_started(error, wait)
                    self.tried.set()
                    await self.deps.sleep(wait)
            yield store

    async def _until_prepared(self, account_store: AccountStore) -> None:
        """Prepare the account, and try that again until it works. One that is lost says so as it runs."""
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT, self.deps.jitter)
        while True:
            try:
                await self._prepare(account_store)
            except StoreLost:
                pass
            except Exception as error:
                wait = backoff.next()
                log.error("%s cannot start yet; trying again in %.0f s", self.account, wait, exc_info=error)
                if self.account.enabled:
                    self.not_started(error, wait)
                self.tried.set()
                await self.deps.sleep(wait)
                continue
            self.tried.set()
            return

    async def _friends(self) -> Sequence[Person]:
        """The friends as the platform lists them now. Raises `DirectoryError`."""
        return await Lookup(self.account, self.channel, self.vault()).peers()

    def _changed(self, state: State) -> None:
        if self.owned.is_set() or state.code is not StateCode.OWNED_ELSEWHERE:  # else its owner records it
            self._state_log.note(state)
        self.alarms.state(state)
        self._listener(state)

    async def _while_wanted(self, account_store: AccountStore) -> None:
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                self._stop = group.create_task(self._keep_running(account_store)).cancel
        finally:
            self._wanted.clear()
            self._idle.set()

    async def _keep_running(self, account_store: AccountStore) -> None:
        backoff, crashes = Backoff(_FIRST_WAIT, _LONGEST_WAIT, self.deps.jitter), 0
        while True:
            started_ms = self.deps.now_ms()
            try:
                if (permit := await self._permit()) is None:
                    return
                await self._be_patient()
                started_ms = self.deps.now_ms()
                await self._run_once(account_store, permit)
            except Exception as error:
                if _lost(error):
                    reason = later("another gateway runs this account now")
                    self._report(State(Phase.FAILED, reason, code=StateCode.OWNED_ELSEWHERE))
                    return
                if self.deps.now_ms() - started_ms > _STABLE_MS:
                    backoff.reset()
                    crashes = 0
                crashes += 1
                if crashes >= _MOST_CRASHES:
                    self._report_failed(error, crashes)
                    return
                wait = backoff.next()
                self._report_crash(error, wait)
                await self.deps.sleep(wait)
            else:
                if self.state.phase not in OVER:  # a channel that returns has said why, or else this does
                    self._report(stopped(StateCode.CHANNEL_ENDED, later("the channel stopped on its own")))
                return

    async def _be_patient(self) -> None:
        """After an account was taken back, give the other client the time to be closed."""
        patience, self._patience = self._patience, 0.0
        if patience:
            reason = later("taking the account back in {seconds} s", seconds=f"{patience:.0f}")
            self._report(State(Phase.STARTING, reason, code=StateCode.TAKING_BACK))
            await asyncio.sleep(patience)

    async def _run_once(self, account_store: AccountStore, permit: _Permit) -> None:
        vault = permit.vault
        await self._begin_session(account_store, permit)

        async with asyncio.TaskGroup() as marking:

            def report(state: State) -> None:
                if state.phase is Phase.REPLACED and self.deps.before_write():  # its next owner has connected
                    reason = later("another gateway runs this account now")
                    self._report(State(Phase.FAILED, reason, code=StateCode.OWNED_ELSEWHERE))
                elif state.phase is Phase.REPLACED:  # stored before anybody knows of it
                    marking.create_task(self._taken_by_other(state, vault.generation, account_store))
                else:
                    self._report(state)

            async with runner(replace(self.deps, report=report), account_store, vault) as made:
                self._runner = made
                try:
                    await made.run()
                finally:
                    self._runner = None

    async def _taken_by_other(self, state: State, generation: str, account_store: AccountStore) -> None:
        """Another client took the account over. Raises `StoreLost` if that was another gateway of ours."""
        try:
            await self._takeover.set(Takeover(generation, state.reason, self.deps.now_ms()), account_store)
        except (OSError, StoreFailed) as error:
            log.error("%s: a restart will connect it again: %s", self.account, error)
        self._report(state)

    async def _begin_session(self, account_store: AccountStore, permit: _Permit) -> None:
        """Let the gate know since when the session warms up, and whether it has to."""
        opened, login_ms = permit.vault.opened, None
        if opened is not None and isinstance(self.channel, DescribesSession):
            with suppress(VaultError):  # it will say so itself, better than here
                login_ms = self.channel.describe(opened.secret).logged_in_ms
        user_id = opened.identity[0] if opened else ""
        begun_ms = await account_store.run(warm_ups.begin, user_id, login_ms)
        needed = permit.consent is not None and permit.consent.expendable == NOT_EXPENDABLE
        self.deps.gate.session_begun(begun_ms, always_warms_up=needed)
        await self.deps.gate.follow(self.account.settings.pacing, self.deps.jitter, account_store)

    def not_started(self, error: Exception, wait: float) -> None:
        """Report that it could not be started, which is tried again in so many seconds."""
        reason = later(
            "could not be started ({error}); trying again in {seconds} s",
            error=_kind(error),
            seconds=f"{wait:.0f}",
        )
        broken = Health.BROKEN
        self._report(State(Phase.DEGRADED, reason, inbound=broken, outbound=broken, code=StateCode.CRASHED))

    def _report_crash(self, error: Exception, wait: float) -> None:
        log.error("%s stopped unexpectedly; starting again in %.0f s", self.account, wait, exc_info=error)
        reason = later(
            "stopped unexpectedly ({error}); starting again in {seconds} s",
            error=_kind(error),
            seconds=f"{wait:.0f}",
        )
        broken = Health.BROKEN
        self._report(State(Phase.DEGRADED, reason, inbound=broken, outbound=broken, code=StateCode.CRASHED))

    def _report_failed(self, error: Exception, crashes: int) -> None:
        log.error("%s stopped unexpectedly again", self.account, exc_info=error)
        reason = later(
            "stopped unexpectedly {n} times in a row ({error}); the log says more",
            n=crashes,
            error=_kind(error),
        )
        broken, code = Health.BROKEN, StateCode.CRASHED_REPEATEDLY
        self._report(State(Phase.FAILED, reason, self._resume, inbound=broken, outbound=broken, code=code))

    async def _permit(self) -> _Permit | None:
        """What the account runs with: not offline or taken over, its risk accepted, a session stored.

        Reports that it starts, or why it may not.
        """
        if self.deps.gate.offline is not None:
            reason = later("offline by the operator")
            self._report(State(Phase.PAUSED, reason, self._resume, code=StateCode.OFFLINE))
            return None
        try:
            vault = self.vault()
            consent, taken_over = await asyncio.to_thread(self._read_profile, vault)
        except VaultError as error:
            self._report(self._needs_login(StateCode.SESSION_UNREADABLE, str(error), "--force"))
            return None
        except ConsentDamaged as error:
            self._report(self._needs_consent(StateCode.CONSENT_UNREADABLE, str(error)))
            return None
        identity = vault.opened.identity if vault.opened else None
        missing = self._missing(identity, consent) or self._taken(taken_over)
        if identity and self.account_store is not None:
            # Logins are recorded when they are made; one that could not be, or came another way, is here.
            self.account_store.post(audit_log.note_login, vault.generation, identity[0])
        user_id, name = identity or ("", "")
        starting = State(Phase.STARTING, user_id=user_id, user_name=name, code=StateCode.STARTING)
        self._report(missing or starting)
        return None if missing else _Permit(vault, consent)

    def _missing(self, identity: Identity | None, consent: Consent | None) -> State | None:
        needs_consent = isinstance(self.channel, NeedsConsent)
        if needs_consent and consent is None:
            reason = later("the risk of this channel has not been accepted")
            return self._needs_consent(StateCode.CONSENT_MISSING, reason)
        if isinstance(self.channel, Login) and identity is None:
            return self._needs_login(StateCode.NOT_LOGGED_IN, later("nobody is logged in"))
        if needs_consent and consent and identity and consent.user_id not in ("", identity[0]):
            reason = later(
                "the risk was accepted for {accepted}, but {id} is logged in",
                accepted=consent.user_id,
                id=identity[0],
            )
            return self._needs_consent(StateCode.CONSENT_OF_OTHER_USER, reason, "--force")
        return None

    def _needs_login(self, code: StateCode, reason: str, *flags: str) -> State:
        return State(Phase.NEEDS_LOGIN, reason, self._login(*flags), auth=Health.BROKEN, code=code)

    def _needs_consent(self, code: StateCode, reason: str, *flags: str) -> State:
        return State(Phase.NEEDS_CONSENT, reason, self._login(*flags), code=code)

    def _read_profile(self, vault: ProfileVault) -> tuple[Consent | None, Takeover | None]:
        """The accepted risk, and whether another client took over the session that the vault reads now."""
        name = self.account.channel, self.account.profile
        with self._profiles.at_once() as profiles:
            vault.read_among(profiles.records)
            return profiles.consent(*name), profiles.takeover(*name).read(vault.generation)

    def _taken(self, found: Takeover | None) -> State | None:
        """The state in which another client left the account, if one took it over."""
        if found is None:
            return None
        code = StateCode.TAKEN_OVER
        return State(Phase.REPLACED, found.reason, self._resume, inbound=Health.BROKEN, code=code)

    @property
    def _takeover(self) -> TakeoverMark:
        return self._profiles.takeover(self.account.channel, self.account.profile)

    def _login(self, *flags: str) -> str:
        return " ".join(("openclaw channels login --channel", self.account.channel, *self._named, *flags))

    @property
    def _named(self) -> tuple[str, ...]:
        """The options that name the account in a command, where it has to be named."""
        return () if self.deps.settings.now.is_default else ("--account", self.account.id)

    @property
    def _resume(self) -> str:
        return f"openclaw resume --channel {self.account.channel} --account {self.account.id}"


def _kind(error: BaseException) -> str:
    """The kind of error that ended a group of tasks."""
    return _kind(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else type(error).__name__


def _lost(error: BaseException) -> bool:
    """Whether an error, or one inside a group of errors, says that another process owns the account."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(_lost, error.exceptions))
    return isinstance(error, StoreLost)
