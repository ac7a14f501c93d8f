"""Messages of the outbox in words."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.ops.messages import ChunkDecided
from clawlane.ops.operation import plain
from clawlane.ops.pause import PauseInfo
from clawlane.store.models import Purpose
from clawlane.store.outbox_listing import Listed
from clawlane.texts import later, t, tn
from clawlane.threads import ThreadKind
from clawlane.words.pauses import resume_command
from clawlane.words.send_states import SEND_STATES, STATES, reason_words
from clawlane.words.strangers import Said, sanitize
from clawlane.words.times import local

_LATER = later(" The gateway is not running; this happens once it runs.")
_LONGEST = 70


_KINDS = {
    "album": later("album"),
    "file": later("file"),
    "link": later("link"),
    "photo": later("photo"),
    "reaction": later("reaction"),
    "undo": later("undo"),
    "video": later("video"),
    "voice": later("voice"),
}
"""What a message is, where it is no text."""


_PURPOSES = {
    Purpose.REPLY: later("reply"),
    Purpose.CHALLENGE: later("pairing code"),
    Purpose.NOTICE: later("notice"),
    Purpose.COMMAND: later("answer to a command"),
    Purpose.TOOL: later("by a tool"),
    Purpose.OPERATOR: later("by the operator"),
    Purpose.ALERT: later("alert"),
    Purpose.OWNER: later("answer to the owner"),
    Purpose.CLIENT: later("by an MCP client"),
}


def later_words(decided: ChunkDecided) -> str:
    """When it goes on, where no gateway runs."""
    return "" if decided.running else t(_LATER)


def _about(row: Listed) -> Iterator[str]:
    """To whom, and what it is."""
    whom = f"{'group' if row.thread.kind is ThreadKind.GROUP else 'user'}:{row.thread.id}"
    yield t("to {whom}", whom=f"{sanitize(row.name)} ({whom})" if row.name else whom)
    yield t(_PURPOSES[row.purpose])
    if row.kind not in ("", "text"):
        yield t(_KINDS.get(row.kind, row.kind))
    if row.parts > 1:
        yield t("part {part} of {n}", part=row.part, n=row.parts)
    if row.tries > 1:
        yield tn("{n} try", "{n} tries", row.tries)


def _reason(row: Listed) -> str:
    reason, by = sanitize(reason_words(row.reason), 200), ""
    if row.state == "unknown" and row.settling_ms is not None:
        reason = t("{reason}; being looked up", reason=reason)
    elif row.held_until_ms:
        reason = t("{reason} until {time}", reason=reason, time=local(row.held_until_ms))
    if row.by_tool:
        answers = sanitize(row.answers) or t("a message")
        by = t("sent by a tool while answering {message}", message=answers)
    return "; ".join(filter(None, (reason, by)))


def _held(pause: PauseInfo | None) -> str:
    if pause is None:
        return ""
    command = resume_command(pause)
    if pause.until_ms is None:
        return t("paused; to go on: {command}", command=command)
    until = local(pause.until_ms)
    return t("paused until {time}; to go on: {command}", time=until, command=command)


def state_words(row: Listed) -> str:
    """Where a message stands."""
    return t("needs a decision") if row.needs_decision else t(STATES[row.state])


def fate(row: Listed) -> str:
    """What became of a message that left."""
    return t("taken back") if row.taken_back else t(SEND_STATES[row.state])


def lines(row: Listed) -> tuple[str, ...]:
    """To whom, what it is, and what it says."""
    return tuple(map(Said, filter(None, (", ".join(_about(row)), sanitize(plain(row.text), _LONGEST)))))


def waiting_lines(row: Listed, pause: PauseInfo | None) -> tuple[str, ...]:
    """The same, and why it has not left."""
    return (*lines(row), *filter(None, (_reason(row), _held(pause))))


def resent_sentence(decided: ChunkDecided) -> str:
    """That a message is sent again."""
    again = t("Message {number} is sent again, and what waits behind it follows.", number=decided.id)
    return again + later_words(decided)


def arrived_sentence(decided: ChunkDecided) -> str:
    """That a message had arrived."""
    done = t("Message {number} has arrived; the rest of its reply follows.", number=decided.id)
    return done + later_words(decided)


def dropped_sentence(decided: ChunkDecided) -> str:
    """That a message was given up."""
    return t("Message {number} is dropped, and the rest of its reply.", number=decided.id)
