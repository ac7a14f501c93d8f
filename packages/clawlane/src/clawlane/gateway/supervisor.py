"""One account over its whole life in the gateway: whether it may run, how it is, and starting it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from clawlane.backoff import Backoff
from clawlane.capabilities import Login, NeedsConsent
from clawlane.channel import Account, Channel, Health, Phase, State, StateCode, VaultError
from clawlane.credentials.profile import Consent, ConsentDamaged, Takeover, TakeoverMark, read_consent
from clawlane.credentials.vault import FileVault, Identity
from clawlane.gateway.health import OVER, AccountHealth, stopped
from clawlane.gateway.state_log import StateLog
from clawlane.lane.runner import AccountDeps, Runner, runner
from clawlane.ops.directory import Lookup
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import StoreLost
from clawlane.store.models import OpenTurn
from clawlane.store.pauses import Pause, Resumed

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0
_STABLE_MS = 300_000
_MOST_CRASHES = 10
"""In a row, none of them after a stable run: then the operator has to look."""

_TAKE_BACK = 3.0
"""Seconds for the other client to be closed before the account is taken back."""

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps one account running while it is wanted. `run` owns the account in the store."""

    def __init__(
        self, parts: AccountDeps, store: Store, vaults: Path, consents: Path, is_default: bool
    ) -> None:
        self._state_log = StateLog(parts.now_ms)
        self._told = parts.report
        self._standing = AccountHealth(str(parts.account), self._tell, parts.now_ms)
        self._report = self._standing.report
        self.parts = replace(parts, report=self._report, trouble=self._standing.sending)
        self.account_store: AccountStore | None = None
        self.paired: frozenset[str] = frozenset()
        """The ids that pairing lets in."""
        self.language = ""
        """The language of the account on its platform, as it was told last."""
        self._store = store
        self.owned = asyncio.Event()
        self._vaults = vaults
        self._consents = consents
        self._flag = () if is_default else ("--account", parts.account.id)
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stop: Callable[[], object] = self._wanted.clear
        self._runner: Runner | None = None
        self._patience = 0.0

    @property
    def state(self) -> State:
        """How the account is."""
        return self._standing.state

    @property
    def since_ms(self) -> int:
        """Since when it is in its phase."""
        return self._standing.since_ms

    @property
    def account(self) -> Account:
        return self.parts.account

    @property
    def channel(self) -> Channel:
        return self.parts.channel

    @property
    def pauses(self) -> list[Pause]:
        """What is in force of its pauses, whether it could be written down or not."""
        return self.parts.gate.pauses

    def pairing_changed(self) -> None:
        """Read again whom the owner let in."""
        with self._store.read() as reader:
            self.paired = frozenset(approved.sender_id for approved in reader.approved(str(self.account)))

    def hold(self, pauses: Sequence[Pause]) -> None:
        """Let these pauses hold and no others, from now on."""
        self.parts.gate.pause(pauses)
        self.wake()

    async def connect(self) -> None:
        """Close or open the connection where the pauses changed that."""
        is_paused = self.state.phase is Phase.PAUSED
        if self.account.enabled and is_paused is not (self.parts.gate.offline is not None):
            await self.restart()

    def vault(self) -> FileVault:
        """The sealed session of the account's profile; a new handle each time, bound to no generation."""
        return FileVault(self._vaults, self.parts.account.channel, self.parts.account.profile)

    def lookup(self) -> Lookup:
        """The way to ask whom the account knows."""
        return Lookup(self.account, self.channel, self.vault(), self.account_store)

    def wake(self) -> None:
        """There is something new to send."""
        if self._runner is not None:
            self._runner.wake()

    def settled(self, turn: int | None) -> None:
        """The operator decided about a chunk: its turn may be settled, and others may go."""
        if self._runner is not None:
            self._runner.settled(turn)

    def again(self, turn: OpenTurn) -> None:
        """A turn that was over is open again."""
        if self._runner is not None:
            self._runner.again(turn)

    async def resumed(self, resumed: Resumed) -> None:
        """A pause has ended: the lanes learn what expired, and what goes on again."""
        if self._runner is not None:
            await self._runner.resumed(resumed)

    def start(self) -> None:
        """The account is wanted."""
        self._wanted.set()

    async def stop(
        self,
        code: StateCode = StateCode.STOPPED_BY_OPERATOR,
        reason: str = "stopped by the operator",
    ) -> None:
        """Returns once nothing of the account runs. What is on its way gets its answer first."""
        self._wanted.clear()
        if self._runner is not None:
            await self._runner.park()
        self._stop()
        await self._idle.wait()
        self._report(stopped(code, reason))

    async def restart(self) -> None:
        """Start again from what is stored now."""
        await self.stop(StateCode.RESTARTING, "starting again")
        self.start()

    async def take_back(self) -> bool:
        """Run an account again that was replaced by another client, or given up. False if it was neither."""
        marked = await asyncio.to_thread(self._mark().clear)
        if not (marked or self.state.phase in (Phase.REPLACED, Phase.FAILED)):
            return False
        if self.parts.account.enabled:
            self._patience = _TAKE_BACK
            await self.restart()
        return True

    async def run(self) -> None:
        """Live until cancelled; run the account whenever it is wanted."""
        async with (
            self._store.own(str(self.parts.account)) as self.account_store,
            asyncio.TaskGroup() as group,
        ):
            self.owned.set()
            group.create_task(self._standing.watch())
            group.create_task(self._state_log.write(self.account_store))
            while True:
                await self._wanted.wait()
                if self._wanted.is_set():
                    await self._while_wanted(self.account_store)

    def _tell(self, state: State) -> None:
        self._state_log.note(state)
        self._told(state)

    async def _while_wanted(self, account_store: AccountStore) -> None:
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                self._stop = group.create_task(self._keep_running(account_store)).cancel
        finally:
            self._wanted.clear()
            self._idle.set()

    async def _keep_running(self, account_store: AccountStore) -> None:
        backoff, crashes = Backoff(_FIRST_WAIT, _LONGEST_WAIT, self.parts.jitter), 0
        while await self._begins():
            started_ms = self.parts.now_ms()
            try:
                await self._once(account_store)
            except Exception as error:
                if _lost(error):
                    reason = "another gateway runs this account now"
                    self._report(State(Phase.FAILED, reason, code=StateCode.OWNED_ELSEWHERE))
                    return
                if self.parts.now_ms() - started_ms > _STABLE_MS:
                    backoff.reset()
                    crashes = 0
                crashes += 1
                if crashes >= _MOST_CRASHES:
                    self._give_up(error, crashes)
                    return
                await self._pause(error, backoff.next())
            else:
                self._ended()
                return

    async def _begins(self) -> bool:
        """Whether the account may run; with the patience that taking it back needs."""
        if not await self._may_run():
            return False
        patience, self._patience = self._patience, 0.0
        if patience:
            reason = f"taking the account back in {patience:.0f} s"
            self._report(State(Phase.STARTING, reason, code=StateCode.TAKING_BACK))
            await asyncio.sleep(patience)
        return True

    async def _once(self, account_store: AccountStore) -> None:
        vault = self.vault()
        parts = replace(self.parts, report=lambda state: self._hear(state, vault))
        async with runner(parts, account_store, vault) as made:
            self._runner = made
            try:
                await made.run()
            finally:
                self._runner = None

    def _hear(self, state: State, vault: FileVault) -> None:
        """What the channel tells. That it was replaced must be on the disk before anybody knows of it."""
        if state.phase is Phase.REPLACED:
            try:
                self._mark().set(Takeover(vault.generation, state.reason, self.parts.now_ms()))
            except OSError as error:
                log.error("%s: a restart will connect it again: %s", self.parts.account, error)
        self._report(state)

    async def _pause(self, error: Exception, wait: float) -> None:
        log.error(
            "%s stopped unexpectedly; starting again in %.0f s", self.parts.account, wait, exc_info=error
        )
        reason = f"stopped unexpectedly ({_kind(error)}); starting again in {wait:.0f} s"
        broken = Health.BROKEN
        self._report(State(Phase.DEGRADED, reason, inbound=broken, outbound=broken, code=StateCode.CRASHED))
        await self.parts.sleep(wait)

    def _give_up(self, error: Exception, crashes: int) -> None:
        log.error("%s stopped unexpectedly once more", self.parts.account, exc_info=error)
        reason = f"stopped unexpectedly {crashes} times in a row ({_kind(error)}); the log says more"
        again = f"openclaw resume {self._words()}"
        broken, code = Health.BROKEN, StateCode.CRASHED_REPEATEDLY
        self._report(State(Phase.FAILED, reason, again, inbound=broken, outbound=broken, code=code))

    def _ended(self) -> None:
        """The channel returned; it has said why, or else this does."""
        if self.state.phase not in OVER:
            self._report(stopped(StateCode.CHANNEL_ENDED, "the channel stopped by itself"))

    async def _may_run(self) -> bool:
        """Whether nobody paused it or took it over, the risk was accepted and a session is stored.

        The state says so, or what to do.
        """
        if self.parts.gate.offline is not None:
            again = f"openclaw resume {self._words()}"
            self._report(State(Phase.PAUSED, "offline by the operator", again, code=StateCode.OFFLINE))
            return False
        try:
            identity = self.vault().identity()
            consent = read_consent(self._consents, self.parts.account.channel, self.parts.account.profile)
        except VaultError as error:
            self._report(self._needs_login(StateCode.SESSION_UNREADABLE, str(error), "--force"))
            return False
        except ConsentDamaged as error:
            self._report(self._needs_consent(StateCode.CONSENT_UNREADABLE, str(error)))
            return False
        missing = self._missing(identity, consent) or await self._taken_over()
        user_id, name = identity or ("", "")
        starting = State(Phase.STARTING, user_id=user_id, user_name=name, code=StateCode.STARTING)
        self._report(missing or starting)
        return missing is None

    def _missing(self, identity: Identity | None, consent: Consent | None) -> State | None:
        channel = self.parts.channel
        if isinstance(channel, NeedsConsent) and consent is None:
            reason = "the risk of this channel has not been accepted"
            return self._needs_consent(StateCode.CONSENT_MISSING, reason)
        if isinstance(channel, Login) and identity is None:
            return self._needs_login(StateCode.NOT_LOGGED_IN, "nobody is logged in")
        if (
            isinstance(channel, NeedsConsent)
            and consent
            and identity
            and consent.user_id not in ("", identity[0])
        ):
            reason = f"the risk was accepted for {consent.user_id}, but {identity[0]} is logged in"
            return self._needs_consent(StateCode.CONSENT_OF_OTHER_USER, reason, "--force")
        return None

    def _needs_login(self, code: StateCode, reason: str, *flags: str) -> State:
        return State(Phase.NEEDS_LOGIN, reason, self._login(*flags), auth=Health.BROKEN, code=code)

    def _needs_consent(self, code: StateCode, reason: str, *flags: str) -> State:
        return State(Phase.NEEDS_CONSENT, reason, self._login(*flags), code=code)

    async def _taken_over(self) -> State | None:
        """What was told when another client took the account over, if that holds for the stored session."""
        vault = self.vault()
        await vault.read()
        found = self._mark().read(vault.generation)
        if found is None:
            return None
        again, code = f"openclaw resume {self._words()}", StateCode.TAKEN_OVER
        return State(Phase.REPLACED, found.reason, again, inbound=Health.BROKEN, code=code)

    def _mark(self) -> TakeoverMark:
        return TakeoverMark(self._vaults, self.parts.account.channel, self.parts.account.profile)

    def _login(self, *flags: str) -> str:
        return " ".join(
            ("openclaw channels login --channel", self.parts.account.channel, *self._flag, *flags)
        )

    def _words(self) -> str:
        return f"--channel {self.parts.account.channel} --account {self.parts.account.id}"


def _kind(error: BaseException) -> str:
    """What kind of error it was that ended a group of tasks."""
    return _kind(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else type(error).__name__


def _lost(error: BaseException) -> bool:
    """Whether an error, or one inside a group of errors, says that somebody else owns the account."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(_lost, error.exceptions))
    return isinstance(error, StoreLost)
