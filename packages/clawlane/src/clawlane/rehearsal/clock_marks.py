"""Times of day in the config of a scenario, which is written long before it is played.

    quietHours: { from: '<now-1h>', to: '<now+2h>' }

They are in UTC, so the config says `timezone: 'UTC'`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_MARK = re.compile(r"<now(?:([+-])([0-9]{1,2})h)?>")


def at(config: str, now: datetime) -> str:
    """The config with a time of day, such as `22:30`, for each `<now>`, `<now-1h>` and `<now+2h>`."""

    def time_of(mark: re.Match[str]) -> str:
        sign, hours = mark.groups()
        away = timedelta(hours=int(f"{sign}{hours}")) if hours else timedelta()
        return f"{now + away:%H:%M}"

    return _MARK.sub(time_of, config)
