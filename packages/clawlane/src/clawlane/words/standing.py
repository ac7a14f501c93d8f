"""What the running gateway makes of a config file that was just written, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from clawlane.ops.config_standing import Standing, Verdict
from clawlane.texts import t
from clawlane.words.strangers import sanitize

_LONGEST = 300
APPLY = "openclaw config apply"


def standing_lines(standing: Standing, told: Collection[str] = ()) -> Iterator[str]:
    """What becomes of the file, in sentences; what would open only where it was not `told` already."""
    match standing.verdict:
        case Verdict.NO_GATEWAY:
            yield t("No gateway runs; the next start applies it.")
        case Verdict.IN_FORCE:
            yield t("The running gateway uses it now.")
        case Verdict.WAITS:
            yield from _waiting(standing, told)
        case Verdict.REFUSED:
            error = sanitize(standing.error, _LONGEST)
            yield t("The running gateway cannot use it, and keeps the last good config: {error}", error=error)
        case Verdict.PENDING:
            yield t("The running gateway has not applied it yet; see: openclaw channels status")
        case Verdict.OTHER_FILE:
            yield t("The running gateway uses another file: {file}", file=standing.file)
        case Verdict.NOT_TOLD:
            error = sanitize(standing.error, _LONGEST)
            yield t("A gateway runs, but it did not say whether it applied this: {error}", error=error)


def standing_json(standing: Standing) -> dict[str, Any]:
    """The same for programs."""
    return {
        "running": standing.running,
        "verdict": standing.verdict,
        "waits": standing.verdict is Verdict.WAITS,
        "widens": standing.widens,
        "revision": standing.revision or None,
        "error": standing.error,
    }


def _waiting(standing: Standing, told: Collection[str]) -> Iterator[str]:
    for one in standing.widens:
        if one not in told:
            yield t("waits, too: {what}", what=sanitize(one, _LONGEST))
    yield t(
        "The running gateway applies what this closes at once; the rest waits for: {command}", command=APPLY
    )
