"""Zones: days and times of day in them, with hours that the clock skips or shows twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from clawlane.zone import MACHINE, Zone, ZoneUnknown, find_zone, known_zones, machine_zone, show_in, shown

BERLIN = Zone("Europe/Berlin")
SKIPS, REPEATS = date(2026, 3, 29), date(2026, 10, 25)
"""The days on which the clock in Berlin goes from 02:00 to 03:00, and from 03:00 to 02:00."""


def ms(utc: str) -> int:
    return int(1000 * datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp())


@pytest.fixture(params=[BERLIN, MACHINE])
def berlin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    """The zone by its name, and as that of the machine."""
    zone: Zone = request.param
    with monkeypatch.context() as here:
        here.setenv("TZ", "UTC" if zone.name else BERLIN.name)
        time.tzset()
        yield zone
    time.tzset()


def test_a_day_begins_at_midnight_there(berlin: Zone) -> None:
    assert [berlin.day(ms(f"2026-11-28T{utc}")) for utc in ("22:59:59", "23:00:00")] == [
        "2026-11-28",
        "2026-11-29",
    ]
    assert berlin.minute(ms("2026-11-28T22:59:59")) == "23:59"


def test_a_time_of_a_day_is_found_again(berlin: Zone) -> None:
    assert berlin.ms_of(date(2026, 7, 1), 7 * 60) == ms("2026-07-01T05:00")
    assert berlin.ms_of(date(2026, 12, 1), 7 * 60) == ms("2026-12-01T06:00")


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("minutes", [121, 150, 179])
def test_a_time_that_the_clock_skips_is_when_it_skips(berlin: Zone, minutes: int, last: bool) -> None:
    assert berlin.ms_of(SKIPS, minutes, last=last) == ms("2026-03-29T01:00")


def test_a_time_that_comes_twice_is_its_first_or_its_second(berlin: Zone) -> None:
    assert berlin.ms_of(REPEATS, 150) == ms("2026-10-25T00:30")
    assert berlin.ms_of(REPEATS, 150, last=True) == ms("2026-10-25T01:30")


def test_a_day_that_a_zone_skips_is_the_moment_it_skips() -> None:
    apia = Zone("Pacific/Apia")  # west of the date line until the end of the 29th, east of it from the 31st
    assert apia.ms_of(date(2011, 12, 30), 0) == apia.ms_of(date(2011, 12, 31), 0) == ms("2011-12-30T10:00")


@pytest.mark.parametrize("name", ["Asia/Hanoi", "", "Asia", "/etc/passwd", "../UTC", "a" * 500, "Asia/\0"])
def test_other_names_are_no_zones(name: str) -> None:
    with pytest.raises(ZoneUnknown) as caught:
        find_zone(name)
    assert not caught.value.missing


def test_a_machine_without_zones_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import zoneinfo

    zoneinfo.reset_tzpath([tmp_path])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        if known_zones():
            pytest.skip("the package tzdata is installed")
        with pytest.raises(ZoneUnknown) as caught:
            find_zone("Asia/Ho_Chi_Minh")
        assert caught.value.missing
    finally:
        zoneinfo.reset_tzpath()


def test_the_zone_of_a_machine_has_a_name(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    assert machine_zone({}, link) == ""
    link.symlink_to("/usr/share/zoneinfo/Asia/Ho_Chi_Minh")
    assert machine_zone({}, link) == "Asia/Ho_Chi_Minh"
    assert machine_zone({"TZ": ":Europe/Berlin"}, link) == "Europe/Berlin"
    assert machine_zone({"TZ": "CET-1CEST"}, link) == ""


def test_times_are_shown_in_the_zone_of_the_command() -> None:
    assert shown() == MACHINE
    show_in(lambda: BERLIN)
    assert shown() == BERLIN
    show_in(lambda: MACHINE)
