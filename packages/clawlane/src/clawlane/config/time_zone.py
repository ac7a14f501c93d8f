"""The time zone of a config: an IANA name that this machine knows."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StrictStr

from clawlane.config.errors import did_you_mean
from clawlane.zone import ZoneUnknown, find_zone, known_zones

_LONGEST_SHOWN = 40
_OFFSET = re.compile(r"(UTC|GMT)?\s*[+-]\d", re.IGNORECASE)
_VIETNAM = "Asia/Ho_Chi_Minh"
_OF_VIETNAM = ("hanoi", "ha_noi", "da_nang", "vietnam", "viet_nam", "ho_chi_minh_city")
"""What stands for Vietnam elsewhere, and is no name of a zone."""

NO_ZONES = "this machine has no time zones; install its package tzdata, or run: pip install tzdata"


def check_zone(name: str) -> str:
    """The name itself. Raises `ValueError` with what is wrong and what may have been meant."""
    shown = name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…"
    try:
        find_zone(name)
    except ZoneUnknown as error:
        if error.missing:
            raise ValueError(f"'{shown}' cannot be looked up: {NO_ZONES}") from None
        raise ValueError(f"'{shown}' is no time zone; {meant(name)}") from None
    return name


def meant(name: str) -> str:
    """The zone that may have been meant, or an example."""
    zones = sorted(known_zones())
    folded = name.strip().casefold().replace(" ", "_")
    if _OFFSET.match(name.strip()):
        return f"write a place such as '{_VIETNAM}', not an offset"
    if folded.rpartition("/")[2] in _OF_VIETNAM:
        return f"did you mean '{_VIETNAM}'?"
    for zone in zones:
        city = zone.rpartition("/")[2]
        if folded in (zone.casefold(), city.casefold()):
            return f"did you mean '{zone}'?"
    return did_you_mean(name, zones) or f"write one such as '{_VIETNAM}', or remove the key"


TimeZone = Annotated[StrictStr, AfterValidator(check_zone)]
