"""Points in time on a command line: `2h` ago, a day, or a day with a time."""

from __future__ import annotations

from datetime import datetime

from clawlane.cli.failure import CliError
from clawlane.clock import now_ms
from clawlane.config.duration import duration
from clawlane.texts import t

HELP = "Only what is newer: 30m, 2h, 7d, or a day such as 2026-11-28."


def since_ms(written: str | None) -> int | None:
    """Milliseconds since 1970; None where nothing is written. Raises `CliError`."""
    if written is None:
        return None
    try:
        return now_ms() - int(duration(written).total_seconds() * 1000)
    except ValueError:
        pass
    try:
        return int(datetime.fromisoformat(written.strip()).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        write = t("write 30m, 2h, 7d, 2026-11-28 or '2026-11-28 09:15'")
        raise CliError(t("--since '{written}' is no time", written=written[:40]), write) from None
