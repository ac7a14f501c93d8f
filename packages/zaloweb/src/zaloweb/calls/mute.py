"""Muting threads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

import msgspec

from zaloweb.calls.call import Call, require_thread
from zaloweb.events import Thread, ThreadKind

VIETNAM: Final = timezone(timedelta(hours=7))
"""The time zone of Zalo's users, without summer time."""

FOREVER: Final = -1
"""The duration of a permanent mute."""

_MUTE, _UNMUTE = 1, 3
_MORNING = 8


class Mute(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A muted thread: since when, in seconds since 1970, and for how many seconds, or `FOREVER`."""

    id: str | int
    duration: int = FOREVER
    start_time: int = 0

    @property
    def thread_id(self) -> str:
        """The exact id of the thread."""
        return str(self.id)


class Mutes(msgspec.Struct, frozen=True, rename="camel"):
    """All muted threads."""

    chat_entries: list[Mute] = msgspec.field(default_factory=list)
    group_chat_entries: list[Mute] = msgspec.field(default_factory=list)


def muted(imei: str) -> Call[Mutes]:
    """Which threads are muted."""
    path = "/api/social/profile/getmute"
    return Call("muted", "GET", "profile", path, Mutes, {"imei": imei}, safe_to_retry=True)


def mute(thread: Thread, seconds: int, *, now_ms: int, imei: str) -> Call[object]:
    """Mutes a thread for some seconds or `FOREVER`."""
    return _set(thread, _MUTE, seconds, now_ms, imei)


def unmute(thread: Thread, *, now_ms: int, imei: str) -> Call[object]:
    """Unmutes a thread."""
    return _set(thread, _UNMUTE, FOREVER, now_ms, imei)


def seconds_until_morning(now_ms: int, zone: tzinfo = VIETNAM) -> int:
    """Seconds until eight in the morning; a whole day at exactly eight."""
    now = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(zone)
    morning = now.replace(hour=_MORNING, minute=0, second=0)
    if morning <= now:
        morning += timedelta(days=1)
    return int((morning - now).total_seconds())


def _set(thread: Thread, action: int, seconds: int, now_ms: int, imei: str) -> Call[object]:
    params: dict[str, object] = {
        "toid": require_thread(thread, "muting"),
        "duration": seconds,
        "action": action,
        "startTime": now_ms // 1000,
        "muteType": 2 if thread.kind is ThreadKind.GROUP else 1,
        "imei": imei,
    }
    # Idempotent, so it may be retried.
    path = "/api/social/profile/setmute"
    return Call("mute", "POST", "profile", path, object, params, "form", safe_to_retry=True)
