"""Times and sizes as people read and write them."""

from __future__ import annotations

from datetime import datetime

from clawlane.clock import length
from clawlane.config.duration import duration
from clawlane.texts import t
from clawlane.zone import shown


def local(ms: int) -> str:
    """The time in the zone of the config: `2026-03-02 09:15:00`."""
    return f"{shown().at(ms):%Y-%m-%d %H:%M:%S}"


def local_minute(ms: int) -> str:
    """The time of day in that zone: `09:15`."""
    return shown().minute(ms)


def size_words(size: float) -> str:
    """A number of bytes: `436 B`, `12 KB`, `1.4 GB`."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


def when(ms: int | None, now_ms: int) -> str:
    """Local time to the minute with its age, for tables: `2026-03-02 09:15 (3 min ago)`, or `never`."""
    return t("never") if ms is None else f"{shown().at(ms):%Y-%m-%d %H:%M} ({ago(ms, now_ms)})"


def ago(ms: int | None, now_ms: int) -> str:
    """How long since: `3 min ago`, `never`."""
    return t("never") if ms is None else t("{time} ago", time=length(max(0, now_ms - ms)))


def day_words(ms: int, now_ms: int) -> str:
    """A time to come: `today at 04:00`, `tomorrow at 04:00`, `on 2026-03-02 at 04:00`."""
    then, days = shown().at(ms), (shown().at(ms).date() - shown().at(now_ms).date()).days
    time = f"{then:%H:%M}"
    if days == 0:
        return t("today at {time}", time=time)
    if days == 1:
        return t("tomorrow at {time}", time=time)
    return t("on {day} at {time}", day=f"{then:%Y-%m-%d}", time=time)


def written_ms(written: str, now_ms: int) -> int:
    """The time (ms since 1970) that somebody wrote: `2h` ago, a day, or a day with a time in the zone shown.

    Raises `ValueError`.
    """
    try:
        return now_ms - int(duration(written).total_seconds() * 1000)
    except ValueError:
        pass
    try:
        then = datetime.fromisoformat(written.strip())
        if then.tzinfo is not None:
            return int(then.timestamp() * 1000)
        whole_minutes = shown().ms_of(then.date(), then.hour * 60 + then.minute)
        return whole_minutes + then.second * 1000 + then.microsecond // 1000
    except (OverflowError, OSError) as error:
        raise ValueError(written) from error
