"""What keeps an account from working as a whole, found in its status: data, with the command that helps.

`finding_text.problem_text` makes the sentence of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clawlane.abilities import Off
from clawlane.condition import Health, Phase
from clawlane.ops.account_status import AccountStatus, Problem, ProblemCode

AMONG: Final = 3
"""How many of the newest messages have to be too old before that is a problem."""

TOLERATED_MS: Final = 120_000
"""How far this machine's clock may be off without a problem."""

SET_CLOCK: Final = "timedatectl set-ntp true"


def problems(one: AccountStatus) -> Iterator[Problem]:
    """What is wrong with an account; nothing for a disabled one."""
    if not one.enabled:
        return
    for alarm in one.alarms:
        yield Problem(ProblemCode.ALARM, alarm.command, reason=alarm.kind)
    if one.storing is Health.BROKEN:
        yield Problem(ProblemCode.STORING, "openclaw doctor", reason=one.storing_reason)
    if one.too_old:
        yield Problem(ProblemCode.TOO_OLD, f"openclaw why --last {one.too_old}", count=one.too_old)
    if one.inbound is Health.BROKEN and not one.reason:
        yield Problem(ProblemCode.INBOUND, one.help or "openclaw doctor")
    # While an account is not ready, its reason says more than that nothing gets out.
    if one.outbound is Health.BROKEN and (one.phase is Phase.READY or not one.reason):
        yield Problem(ProblemCode.OUTBOUND, one.help or "openclaw outbox list --all", reason=one.reason)
    for off in one.abilities_off:
        if off.why is not Off.ECHOES:  # which status tells with the takeovers
            code, since_ms = ProblemCode.ABILITY_OFF, off.since_ms
            yield Problem(code, off.command, degrades=False, reason=off.name, since_ms=since_ms)
    waiting, letters = one.decisions, "openclaw channels dead-letters list"
    if waiting.sends:
        yield Problem(ProblemCode.NEEDS_DECISION, "openclaw outbox list", count=waiting.sends)
    if waiting.dead_letters:
        yield Problem(ProblemCode.DEAD_LETTERS, letters, count=waiting.dead_letters)
    if waiting.forgotten:
        yield Problem(ProblemCode.DEAD_LETTERS_FORGOTTEN, letters, degrades=False, count=waiting.forgotten)
    told = one.alerts
    if told.failing or told.dead:
        reason = f"{told.target}: {told.error}"
        yield Problem(ProblemCode.ALERTS, "openclaw alerts list", count=told.dead, reason=reason)
    if (since_ms := one.own_thread_silent_ms) is not None:
        see = f"openclaw sent --since 1d --thread user:{one.identity.id if one.identity else ''}"
        yield Problem(ProblemCode.OWN_THREAD, see, degrades=False, since_ms=since_ms)
    # A connected account that has something to say, such as services that it leaves out.
    if one.phase is Phase.READY and one.reason and one.outbound is not Health.BROKEN:
        yield Problem(ProblemCode.CONNECTION, one.help or "openclaw doctor", reason=one.reason)
    if found := clock_problem(one.skew_ms):
        yield found


def clock_problem(skew_ms: int | None) -> Problem | None:
    """The problem of a clock that is more than two minutes off the platform's."""
    if skew_ms is None or abs(skew_ms) <= TOLERATED_MS:
        return None
    return Problem(ProblemCode.CLOCK, SET_CLOCK, degrades=False, skew_ms=skew_ms)
