"""The state of an account, since when it holds, and whether it lasts too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from clawlane.channel import Health, Phase, State, StateCode
from clawlane.lane.send_record import SendTrouble
from clawlane.ops.finding_text import problem_text
from clawlane.ops.problems import clock_problem
from clawlane.store.account_store import Clock
from clawlane.texts import later

DEADLINES = {Phase.STARTING: 30.0, Phase.CONNECTING: 60.0, Phase.DEGRADED: 600.0}
"""Seconds a phase may last before it is reported as overdue. The other phases wait for the operator."""

OVER = (
    Phase.NEEDS_LOGIN,
    Phase.NEEDS_CONSENT,
    Phase.REPLACED,
    Phase.FAILED,
    Phase.PAUSED,
    Phase.STOPPED,
)
"""The phases in which nothing of an account runs."""

_COMING_UP = (Phase.STARTING, Phase.CONNECTING)
_ACTION = "openclaw doctor"
log = logging.getLogger(__name__)


class AccountHealth:
    """The state of one account as others see it. `listener` is called with every change.

    An account that does not come up in time counts as degraded until it does; it keeps trying.
    """

    def __init__(
        self,
        account: str,
        listener: Callable[[State], None],
        now_ms: Clock,
        deadlines: Mapping[Phase, float] = DEADLINES,
    ) -> None:
        self.state = self._channel = State(Phase.STOPPED, code=StateCode.NOT_STARTED)
        self.since_ms = now_ms()
        self._account = account
        self._listener = listener
        self._now_ms = now_ms
        self._deadlines = deadlines
        self._late = False
        self._trouble: SendTrouble | None = None
        self._entered = asyncio.Event()

    def sending(self, trouble: SendTrouble | None) -> None:
        """Sending does not work, or works again. This overrides what the channel reports."""
        known, self._trouble = self._trouble, trouble
        if trouble is not None:
            self._keep(self._channel)
        elif known is not None or self._channel.outbound is not Health.OK:
            self._keep(replace(self._channel, outbound=Health.OK))
            if known is not None:
                log.info("%s: messages arrive again", self._account)

    def report(self, state: State) -> None:
        """Keep a state; health and identity that it leaves open stay as last known."""
        if state.phase not in _COMING_UP:
            self._late = False
        elif self._late:
            state = _overdue(state)
        self._keep(state)

    async def watch(self) -> None:
        """Report phases that last too long. Lives until cancelled."""
        while True:
            self._entered.clear()
            deadline = self._deadlines.get(self.state.phase)
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline):
                    await self._entered.wait()
                continue
            known = self._channel
            lasts = f"{(self._now_ms() - self.since_ms) / 1000:.0f}"
            if known.reason:
                reason = later("{reason}; for {n} s now", reason=known.reason, n=lasts)
            else:
                reason = later("{phase} for {n} s now", phase=later(str(known.phase)), n=lasts)
            self._late = known.phase in _COMING_UP
            self._keep(replace(_overdue(known), reason=reason))
            await self._entered.wait()

    def _keep(self, state: State) -> None:
        known, before = self._channel, self.state
        self._channel = replace(
            state,
            auth=state.auth or known.auth,
            inbound=state.inbound or known.inbound,
            outbound=state.outbound or known.outbound,
            user_id=state.user_id or known.user_id,
            user_name=state.user_name or known.user_name,
            language=state.language or known.language,
            noticed_ms=state.noticed_ms or known.noticed_ms,
            skew_ms=known.skew_ms if state.skew_ms is None else state.skew_ms,
        )
        if state.phase in OVER:
            self._trouble = None
        self.state = self._with_trouble(self._channel)
        if state.phase is not before.phase:
            self.since_ms = self._now_ms()
            self._entered.set()
        if (self.state.phase, self.state.reason) != (before.phase, before.reason):
            self._log(self.state)
        clock = clock_problem(self.state.skew_ms)
        if clock and not clock_problem(before.skew_ms):
            log.warning("%s: %s; set it: %s", self._account, problem_text(clock), clock.command)
        self._listener(self.state)

    def _with_trouble(self, state: State) -> State:
        """The state with outbound broken; its reason is the send trouble if the connection itself is fine."""
        if self._trouble is None:
            return state
        broken = replace(state, outbound=Health.BROKEN)
        if state.phase is not Phase.READY:
            return broken
        return replace(
            broken, code=StateCode.SENDING_FAILS, reason=self._trouble.reason, action=self._trouble.help
        )

    def _log(self, state: State) -> None:
        well = state.phase not in (*OVER, Phase.DEGRADED) or state.phase is Phase.STOPPED
        well = well and self._trouble is None
        reason = f": {state.reason}" if state.reason else ""
        command = f"; run: {state.action}" if state.action else ""
        level = logging.INFO if well else logging.WARNING
        log.log(level, "%s is %s%s%s", self._account, state.phase, reason, command)


def stopped(code: StateCode, reason: str) -> State:
    """The state of an account that does not run; the health of its connection is unknown."""
    return State(Phase.STOPPED, reason, inbound=Health.UNKNOWN, outbound=Health.UNKNOWN, code=code)


def _overdue(state: State) -> State:
    """The state of a phase that lasts too long; it keeps the code of a lost connection as the cause."""
    code = StateCode.OVERDUE if state.phase in _COMING_UP else state.code
    return replace(state, phase=Phase.DEGRADED, action=state.action or _ACTION, code=code)
