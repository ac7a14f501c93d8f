"""What keeps an account from working as a whole, found in its status: data, with the command that mends it.

`sentence` makes the one sentence of each, for the status, `doctor` and the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clawlane.channel import Health, Phase
from clawlane.ops.account_status import AccountStatus, Problem, ProblemCode

AMONG: Final = 3
"""As many of the newest messages have to be too old before that is a problem."""

TOLERATED_MS: Final = 120_000
"""By how much this machine's clock may be wrong without a word."""

SET_CLOCK: Final = "timedatectl set-ntp true"


def problems(one: AccountStatus) -> list[Problem]:
    """What is wrong with an account; nothing for a disabled one."""
    if not one.enabled:
        return []
    return [*_storing(one), *_way_in(one), *_way_out(one), *_decisions(one), *_connection(one), *_clock(one)]


def clock_problem(skew_ms: int | None) -> Problem | None:
    """If the platform's clock is more than two minutes ahead of this machine's, or behind it."""
    if skew_ms is None or abs(skew_ms) <= TOLERATED_MS:
        return None
    return Problem(ProblemCode.CLOCK, SET_CLOCK, degrades=False, skew_ms=skew_ms)


def sentence(problem: Problem) -> str:
    """One sentence for people, without the command."""
    count, one = problem.count, problem.count == 1
    match problem.code:
        case ProblemCode.STORING:
            return f"nothing can be stored, so nothing is answered ({problem.reason})"
        case ProblemCode.TOO_OLD:
            what = "the newest message was" if one else f"the newest {count} messages were all"
            return f"{what} older than backlogMaxAge when read, so nobody is answered"
        case ProblemCode.INBOUND:
            return "messages do not come in"
        case ProblemCode.OUTBOUND:
            unsaid = "the platform's answers to the last ones made no sense or were refusals"
            return problem.reason or f"messages do not get out: {unsaid}"
        case ProblemCode.NEEDS_DECISION:
            what = "message may or may not have arrived and waits"
            several = "messages may or may not have arrived and wait"
            return f"{count} {what if one else several} for your decision"
        case ProblemCode.DEAD_LETTERS:
            what = "message is set aside after too many tries and waits"
            several = "messages are set aside after too many tries and wait"
            return f"{count} {what if one else several} for your decision"
        case ProblemCode.DEAD_LETTERS_FORGOTTEN:
            return f"set-aside messages that were forgotten undecided: {count}"
        case ProblemCode.CONNECTION:
            return problem.reason
        case ProblemCode.CLOCK:
            side = "behind" if problem.skew_ms > 0 else "ahead of"
            return (
                f"this machine's clock is {_length(abs(problem.skew_ms))} {side} the platform's; messages are"
                " judged by the platform's, everything else by this machine's"
            )


def _storing(one: AccountStatus) -> Iterator[Problem]:
    if one.storing is Health.BROKEN:
        yield Problem(ProblemCode.STORING, "openclaw doctor", reason=one.storing_reason)


def _way_in(one: AccountStatus) -> Iterator[Problem]:
    if one.too_old:
        yield Problem(ProblemCode.TOO_OLD, f"openclaw why --last {one.too_old}", count=one.too_old)
    if one.inbound is Health.BROKEN and not one.reason:
        yield Problem(ProblemCode.INBOUND, one.help or "openclaw doctor")


def _way_out(one: AccountStatus) -> Iterator[Problem]:
    """While an account is not ready, its reason says more than that nothing gets out."""
    if one.outbound is Health.BROKEN and (one.phase is Phase.READY or not one.reason):
        yield Problem(ProblemCode.OUTBOUND, one.help or "openclaw outbox list --all", reason=one.reason)


def _decisions(one: AccountStatus) -> Iterator[Problem]:
    waiting = one.decisions
    if waiting.sends:
        yield Problem(ProblemCode.NEEDS_DECISION, "openclaw outbox list", count=waiting.sends)
    letters = "openclaw channels dead-letters list"
    if waiting.dead_letters:
        yield Problem(ProblemCode.DEAD_LETTERS, letters, count=waiting.dead_letters)
    if waiting.forgotten:
        yield Problem(ProblemCode.DEAD_LETTERS_FORGOTTEN, letters, degrades=False, count=waiting.forgotten)


def _connection(one: AccountStatus) -> Iterator[Problem]:
    """A connected account that has something to say, such as services that it leaves out."""
    if one.phase is Phase.READY and one.reason and one.outbound is not Health.BROKEN:
        yield Problem(ProblemCode.CONNECTION, one.help or "openclaw doctor", reason=one.reason)


def _clock(one: AccountStatus) -> Iterator[Problem]:
    if found := clock_problem(one.skew_ms):
        yield found


def _length(ms: int) -> str:
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"
