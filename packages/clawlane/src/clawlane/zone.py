"""The zone in which days begin and clocks are read: one of the IANA names, or that of this machine.

    Zone("Asia/Ho_Chi_Minh").day(ms)     the date there
    Zone()                               the machine's own zone
    shown()                              the zone in which this command or operation shows times

What the gateway counts by days takes a `Zone` of the config in force. What is only shown asks `shown`, which
is set for the length of a command or an operation.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

_LOCALTIME = Path("/etc/localtime")
_FOLDER = "zoneinfo/"


class ZoneUnknown(ValueError):
    """No zone of that name is known here. `missing` says that this machine knows no zones at all."""

    def __init__(self, name: str, *, missing: bool = False) -> None:
        super().__init__(name)
        self.missing = missing


class Zone(NamedTuple):  # not a dataclass: every command makes it
    """A zone by its IANA name; without a name, the machine's."""

    name: str = ""

    def at(self, ms: int) -> datetime:
        """A time (ms since 1970) as it is read there."""
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self._info())

    def day(self, ms: int) -> str:
        """The date of a time there: `2026-11-28`."""
        return self.at(ms).date().isoformat()

    def minute(self, ms: int) -> str:
        """The time of day there: `14:02`."""
        return f"{self.at(ms):%H:%M}"

    def ms_of(self, day: date, minutes: int, *, last: bool = False) -> int:
        """When it is so many minutes past midnight on a day there.

        A time that the clock shows twice on that day is its first, or with `last` its second one. One that
        the clock skips is the moment at which it skips.
        """
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        first, second = self._seconds(wall, fold=0), self._seconds(wall, fold=1)
        if first > second:  # the clock skips it: between these two its offset changes
            return self._change(second, first) * 1000
        return (second if last else first) * 1000

    def _seconds(self, wall: datetime, fold: int) -> int:
        return int(wall.replace(tzinfo=self._info(), fold=fold).timestamp())

    def _change(self, before: int, after: int) -> int:
        """The first second after one and up to another at which the clock runs by the later offset."""
        later = self.at(after * 1000).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if self.at(middle * 1000).utcoffset() == later:
                after = middle
            else:
                before = middle
        return after

    def _info(self) -> tzinfo | None:
        """The zone for `datetime`, where None stands for the machine's."""
        return _loaded(self.name) if self.name else None


MACHINE = Zone()


def find_zone(name: str) -> Zone:
    """The zone of an IANA name. Raises `ZoneUnknown`."""
    _loaded(name)
    return Zone(name)


def _loaded(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # costs a command 10 ms that the most of them do not need

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ZoneUnknown(name, missing=not known_zones()) from error


def known_zones() -> frozenset[str]:
    """The names of all zones that this machine knows."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def machine_zone(environ: dict[str, str] | os._Environ[str] = os.environ, link: Path = _LOCALTIME) -> str:
    """The IANA name of this machine's zone; empty where nothing names it."""
    written = environ.get("TZ", "").removeprefix(":")
    if not written and link.is_symlink():
        written = os.path.realpath(link)
    name = written.rpartition(_FOLDER)[2]
    return name if name in known_zones() else ""


def _machine() -> Zone:
    return MACHINE


_SHOWN: ContextVar[Callable[[], Zone]] = ContextVar("zone in which times are shown", default=_machine)


def shown() -> Zone:
    """The zone in which times are shown."""
    return _SHOWN.get()()


def show_in(zone: Callable[[], Zone]) -> None:
    """Show times in this zone from now on: for the rest of this command, or of this task."""
    _SHOWN.set(zone)
