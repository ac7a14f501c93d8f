"""What the operator should know about this machine's clock, in the status, the log and `doctor`."""

from __future__ import annotations

from typing import Final

TOLERATED_MS: Final = 120_000
"""By how much this machine's clock may be wrong without a word."""


def clock_findings(skew_ms: int | None) -> list[str]:
    """One line if the platform's clock is more than two minutes ahead of this machine's, or behind it."""
    if skew_ms is None or abs(skew_ms) <= TOLERATED_MS:
        return []
    side = "behind" if skew_ms > 0 else "ahead of"
    return [
        f"this machine's clock is {_length(abs(skew_ms))} {side} the platform's; messages are judged by the"
        " platform's, everything else by this machine's; set it: timedatectl set-ntp true"
    ]


def _length(ms: int) -> str:
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"
