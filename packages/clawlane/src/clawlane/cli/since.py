"""Points in time on a command line: `2h` ago, a day, or a day with a time."""

from __future__ import annotations

from clawlane.cli.failure import CliError
from clawlane.clock import now_ms
from clawlane.texts import t
from clawlane.words.times import written_ms

HELP = "Only what is newer: 30m, 2h, 7d, or a day such as 2026-11-28."
UNTIL_HELP = "Only what is older than that: as --since."


def since_ms(written: str | None, option: str = "--since") -> int | None:
    """Milliseconds since 1970; None where nothing is written. Raises `CliError`."""
    if written is None:
        return None
    try:
        return written_ms(written, now_ms())
    except ValueError:
        write = t("write 30m, 2h, 7d, 2026-11-28 or '2026-11-28 09:15'")
        told = t("{option} '{written}' is no time", option=option, written=written[:40])
        raise CliError(told, write) from None
