"""What the operator should know about this machine's clock, in the status, the log and `doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from clawlane.ops.findings import Finding, Severity

TOLERATED_MS: Final = 120_000
"""By how much this machine's clock may be wrong without a word."""

SET_CLOCK: Final = "timedatectl set-ntp true"


def clock_words(skew_ms: int | None) -> list[str]:
    """One sentence if the platform's clock is more than two minutes ahead of this machine's, or behind it."""
    if skew_ms is None or abs(skew_ms) <= TOLERATED_MS:
        return []
    side = "behind" if skew_ms > 0 else "ahead of"
    return [
        f"this machine's clock is {_length(abs(skew_ms))} {side} the platform's; messages are judged by the"
        " platform's, everything else by this machine's"
    ]


def of_status(status: Mapping[str, Any]) -> Iterator[Finding]:
    """What the status of a running gateway says about the clock of each account."""
    for channel, block in status["channels"].items():
        for account, fields in block["accounts"].items():
            for text in clock_words(fields["skew_ms"]):
                where = (f"{channel}/{account}",)
                yield Finding(Severity.WARNING, "clock", "clock", text, f"set it: {SET_CLOCK}", None, where)


def _length(ms: int) -> str:
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"
