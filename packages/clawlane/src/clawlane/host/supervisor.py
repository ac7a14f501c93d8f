"""One account over its whole life in the gateway: whether it may run, how it is, and starting it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clawlane.channel import Health, Login, Phase, Risky, State, VaultError
from clawlane.host.runner import Parts, Runner, runner
from clawlane.store.consent import Consent, read_consent
from clawlane.store.errors import ConsentDamaged, StoreLost
from clawlane.store.journal import Journal
from clawlane.store.pauses import Resumed
from clawlane.store.store import Store
from clawlane.store.vault import FileVault, Identity

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0
_STABLE_MS = 300_000
_OVER = (
    Phase.NEEDS_LOGIN,
    Phase.NEEDS_CONSENT,
    Phase.REPLACED,
    Phase.GAVE_UP,
    Phase.PAUSED,
    Phase.STOPPED,
)
log = logging.getLogger(__name__)


class Supervisor:
    """Keeps one account running while it is wanted. `run` owns the account in the store."""

    def __init__(self, parts: Parts, vaults: Path, consents: Path, is_default: bool) -> None:
        self.parts = replace(parts, report=self._report)
        self.journal: Journal | None = None
        self.state = State(Phase.STOPPED)
        self.since_ms = parts.now_ms()
        self._told = parts.report
        self._vaults = vaults
        self._consents = consents
        self._flag = () if is_default else ("--account", parts.account.id)
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stop: Callable[[], object] = self._wanted.clear
        self._runner: Runner | None = None

    def vault(self) -> FileVault:
        """The sealed session of the account's profile; a new handle each time, bound to no generation."""
        return FileVault(self._vaults, self.parts.account.channel, self.parts.account.profile)

    def wake(self) -> None:
        """There is something new to send."""
        if self._runner is not None:
            self._runner.wake()

    async def resumed(self, resumed: Resumed) -> None:
        """A pause has ended: the lanes learn what expired, and what goes on again."""
        if self._runner is not None:
            await self._runner.resumed(resumed)

    def start(self) -> None:
        """The account is wanted."""
        self._wanted.set()

    async def stop(self, reason: str = "stopped by the operator") -> None:
        """Returns once nothing of the account runs. What is on its way gets its answer first."""
        self._wanted.clear()
        if self._runner is not None:
            await self._runner.park()
        self._stop()
        await self._idle.wait()
        self._report(State(Phase.STOPPED, reason, inbound=Health.UNKNOWN, outbound=Health.UNKNOWN))

    async def restart(self) -> None:
        """Start again from what is stored now."""
        await self.stop("starting again")
        self.start()

    async def run(self, store: Store) -> None:
        """Live until cancelled; run the account whenever it is wanted."""
        async with store.own(str(self.parts.account)) as self.journal:
            while True:
                await self._wanted.wait()
                if self._wanted.is_set():
                    await self._while_wanted(self.journal)

    async def _while_wanted(self, journal: Journal) -> None:
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                self._stop = group.create_task(self._keep_running(journal)).cancel
        finally:
            self._wanted.clear()
            self._idle.set()

    async def _keep_running(self, journal: Journal) -> None:
        wait = _FIRST_WAIT
        while self._may_run():
            started_ms = self.parts.now_ms()
            try:
                await self._once(journal)
            except Exception as error:
                if _lost(error):
                    self._report(State(Phase.GAVE_UP, "another gateway runs this account now"))
                    return
                wait = _FIRST_WAIT if self.parts.now_ms() - started_ms > _STABLE_MS else wait
                await self._pause(error, wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                self._ended()
                return

    async def _once(self, journal: Journal) -> None:
        async with runner(self.parts, journal, self.vault()) as made:
            self._runner = made
            try:
                await made.run()
            finally:
                self._runner = None

    async def _pause(self, error: Exception, wait: float) -> None:
        log.error(
            "%s stopped unexpectedly; starting again in %.0f s", self.parts.account, wait, exc_info=error
        )
        reason = f"stopped unexpectedly ({type(error).__name__}); starting again in {wait:.0f} s"
        self._report(State(Phase.DEGRADED, reason, inbound=Health.BROKEN, outbound=Health.BROKEN))
        await asyncio.sleep(wait * (1 + 0.1 * self.parts.jitter()))

    def _ended(self) -> None:
        """The channel returned; it has said why, or else this does."""
        if self.state.phase not in _OVER:
            self._report(State(Phase.STOPPED, "the channel stopped by itself"))

    def _may_run(self) -> bool:
        """Whether nobody paused it, the risk was accepted and a session is stored.

        The state says so, or what to do.
        """
        if self.parts.gate.offline is not None:
            self._report(State(Phase.PAUSED, "offline by the operator", f"openclaw resume {self._words()}"))
            return False
        try:
            identity = self.vault().identity()
            consent = read_consent(self._consents, self.parts.account.channel, self.parts.account.profile)
        except VaultError as error:
            self._report(State(Phase.NEEDS_LOGIN, str(error), self._login("--force"), auth=Health.BROKEN))
            return False
        except ConsentDamaged as error:
            self._report(State(Phase.NEEDS_CONSENT, str(error), self._login()))
            return False
        missing = self._missing(identity, consent)
        user_id, name = identity or ("", "")
        self._report(missing or State(Phase.STARTING, user_id=user_id, user_name=name))
        return missing is None

    def _missing(self, identity: Identity | None, consent: Consent | None) -> State | None:
        channel = self.parts.channel
        if isinstance(channel, Risky) and consent is None:
            return State(Phase.NEEDS_CONSENT, "the risk of this channel has not been accepted", self._login())
        if isinstance(channel, Login) and identity is None:
            return State(Phase.NEEDS_LOGIN, "nobody is logged in", self._login(), auth=Health.BROKEN)
        if isinstance(channel, Risky) and consent and identity and consent.user_id not in ("", identity[0]):
            reason = f"the risk was accepted for {consent.user_id}, but {identity[0]} is logged in"
            return State(Phase.NEEDS_CONSENT, reason, self._login("--force"))
        return None

    def _login(self, *flags: str) -> str:
        return " ".join(
            ("openclaw channels login --channel", self.parts.account.channel, *self._flag, *flags)
        )

    def _words(self) -> str:
        return f"--channel {self.parts.account.channel} --account {self.parts.account.id}"

    def _report(self, state: State) -> None:
        """Keep a state; health and identity that it leaves open stay as they were known."""
        known = self.state
        changed = (state.phase, state.reason) != (known.phase, known.reason)
        self.state = replace(
            state,
            auth=state.auth or known.auth,
            inbound=state.inbound or known.inbound,
            outbound=state.outbound or known.outbound,
            user_id=state.user_id or known.user_id,
            user_name=state.user_name or known.user_name,
        )
        if changed:
            self.since_ms = self.parts.now_ms()
            _tell(str(self.parts.account), state)
        self._told(self.state)


def _tell(account: str, state: State) -> None:
    level = logging.WARNING if state.phase in (*_OVER[:-1], Phase.DEGRADED) else logging.INFO
    reason = f": {state.reason}" if state.reason else ""
    command = f"; run: {state.help}" if state.help else ""
    log.log(level, "%s is %s%s%s", account, state.phase, reason, command)


def _lost(error: BaseException) -> bool:
    """Whether an error, or one inside a group of errors, says that somebody else owns the account."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(_lost, error.exceptions))
    return isinstance(error, StoreLost)
