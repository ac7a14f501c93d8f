"""The questions about hours: the time zone, and when nothing is sent."""

from __future__ import annotations

from collections.abc import Callable

from clawlane.cli.failure import CliError
from clawlane.cli.prompts import tell
from clawlane.cli.setup_interview import Interview
from clawlane.texts import t
from clawlane.zone import machine_zone

OFF = "off"


def ask_timezone(interview: Interview) -> str:
    proposed = machine_zone()
    if not proposed:
        tell(
            t("This machine's zone has no name that is known here. Without an answer it counts all the same.")
        )
    typed = interview.asked.text(t("Time zone, for days and times:"), proposed, _wrong(read_timezone))
    return read_timezone(typed)


def ask_quiet_hours(interview: Interview) -> str:
    tell(t("In quiet hours nothing is sent on its own: replies wait for the end. Example: 22:00-07:00"))
    return read_quiet_hours(
        interview.asked.text(t("Quiet hours, or 'off':"), OFF, _wrong(read_quiet_hours)),
    )


def read_timezone(name: str) -> str:
    """The name of a zone; empty for the machine's. Raises `CliError`."""
    from clawlane.config.time_zone import check_zone

    try:
        return check_zone(name.strip()) if name.strip() else ""
    except ValueError as error:
        raise CliError(f"--timezone: {error}") from None


def read_quiet_hours(written: str) -> str:
    """One span of the day as `22:00-07:00`; empty for none. Raises `CliError`."""
    from pydantic import TypeAdapter, ValidationError

    from clawlane.config.quiet_hours import QuietSpans
    from clawlane.ops.setup_answers import span_of

    text = "".join(written.split()).replace("–", "-")
    if text.lower() in ("", OFF):
        return ""
    try:
        TypeAdapter(QuietSpans).validate_python(span_of(text))
    except ValidationError as error:
        told = error.errors(include_url=False)[0]
        why = str(told.get("ctx", {}).get("error", told["msg"]))
        raise CliError(f"--quiet-hours: '{text[:40]}' {why}", t("write it as 22:00-07:00, or off")) from None
    return text


def _wrong(read: Callable[[str], str]) -> Callable[[str], str]:
    """What is wrong with a text, empty if nothing is."""

    def check(typed: str) -> str:
        try:
            read(typed)
        except CliError as error:
            return str(error).partition(": ")[2]
        return ""

    return check
