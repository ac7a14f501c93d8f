"""Times for people: local clock time, and how long ago."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((86_400, "days"), (3_600, "h"), (60, "min"))


def local(ms: int) -> str:
    """Local time with its offset: `2026-03-02 09:15:00+07:00`."""
    return _local(ms).isoformat(" ", "seconds")


def when(ms: int | None, now_ms: int) -> str:
    """Local time to the minute with its age, for tables: `2026-03-02 09:15 (3 min ago)`, or `never`."""
    return "never" if ms is None else f"{_local(ms):%Y-%m-%d %H:%M} ({ago(ms, now_ms)})"


def ago(ms: int | None, now_ms: int) -> str:
    """How long since: `3 min ago`, `never`."""
    return "never" if ms is None else f"{length(max(0, now_ms - ms))} ago"


def gap_words(kind: str, from_ms: int, to_ms: int) -> str:
    """A stretch of time whose messages the platform did not give out."""
    whose = {"dm": "direct messages", "group": "messages of groups"}[kind]
    return (
        f"{whose} from {local(from_ms)} to {local(to_ms)} may be missing: the platform did not give them out"
    )


def length(ms: int) -> str:
    """A length of time in the largest unit of which there are two: `3 min`, `2 days`, `90 s`."""
    seconds = ms // 1000
    for size, unit in _STEPS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone()
