"""What keeps an account from working as a whole, in the status: one sentence and one command each.

A problem: `code`, `text`, `command`, and `degrades` (whether the account counts as degraded for it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clawlane.channel import Health, Phase
from clawlane.ops.clocks import SET_CLOCK, clock_words

AMONG = 3
"""As many of the newest messages have to be too old before that is told."""

Fields = Mapping[str, Any]


def problems(one: Fields) -> list[dict[str, Any]]:
    """Of an account as `clawlane.gateway.status` describes it; none for a disabled one."""
    if not one["enabled"]:
        return []
    found = (*_storing(one), *_way_in(one), *_way_out(one), *_decisions(one), *_connection(one), *_clock(one))
    return [
        {"code": code, "text": text, "command": command, "degrades": degrades}
        for code, text, command, degrades in found
    ]


Problem = tuple[str, str, str, bool]


def _storing(one: Fields) -> Iterator[Problem]:
    if one["storing"] == Health.BROKEN:
        text = f"nothing can be stored, so nothing is answered ({one['storing_reason']})"
        yield "storing", text, "openclaw doctor", True


def _way_in(one: Fields) -> Iterator[Problem]:
    count = one["too_old"]
    if count:
        what = "the newest message was" if count == 1 else f"the newest {count} messages were all"
        text = f"{what} older than backlogMaxAge when read, so nobody is answered"
        yield "too_old", text, f"openclaw why --last {count}", True
    if one["inbound"] == Health.BROKEN and not one["reason"]:
        yield "inbound", "messages do not come in", one["help"] or "openclaw doctor", True


def _way_out(one: Fields) -> Iterator[Problem]:
    if one["outbound"] != Health.BROKEN:
        return
    if one["phase"] == Phase.READY and one["reason"]:
        yield "outbound", one["reason"], one["help"] or "openclaw outbox list --all", True
    elif not one["reason"]:
        text = (
            "messages do not get out: the platform's answers to the last ones made no sense or were refusals"
        )
        yield "outbound", text, one["help"] or "openclaw outbox list --all", True


def _decisions(one: Fields) -> Iterator[Problem]:
    waiting = one["decisions"]
    if sends := waiting["sends"]:
        what, waits = ("message", "waits") if sends == 1 else ("messages", "wait")
        text = f"{sends} {what} may or may not have arrived and {waits} for your decision"
        yield "needs_decision", text, "openclaw outbox list", True
    if letters := waiting["dead_letters"]:
        what, wait = ("message is", "waits") if letters == 1 else ("messages are", "wait")
        text = f"{letters} {what} set aside after too many tries and {wait} for your decision"
        yield "dead_letters", text, "openclaw channels dead-letters list", True
    if forgotten := waiting.get("forgotten", 0):
        text = f"set-aside messages that were forgotten undecided: {forgotten}"
        yield "dead_letters_forgotten", text, "openclaw channels dead-letters list", False


def _connection(one: Fields) -> Iterator[Problem]:
    """A connected account that has something to say, such as services that it leaves out."""
    if one["phase"] == Phase.READY and one["reason"] and one["outbound"] != Health.BROKEN:
        yield "connection", one["reason"], one["help"] or "openclaw doctor", True


def _clock(one: Fields) -> Iterator[Problem]:
    for text in clock_words(one.get("skew_ms")):
        yield "clock", text, SET_CLOCK, False
