"""What alarms say to people: the one place where a kind and its evidence become words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from clawlane.alarm_kinds import KNOWLEDGE, AlarmKind
from clawlane.clock import length

if TYPE_CHECKING:
    from clawlane.ops.alarm_info import AlarmInfo

_SENTENCES: Final = {
    AlarmKind.PLATFORM_WARNING: "the platform itself has written to the account, which it does to warn",
    AlarmKind.LOGIN_REFUSED: "the platform refuses the login as one of a third-party program",
    AlarmKind.KICKED: "the platform ended the session twice within an hour",
    AlarmKind.REFUSALS: "the platform refuses messages in several conversations",
    AlarmKind.FRIENDS_FELL: "the friend list is far shorter than before, and still was ten minutes later",
    AlarmKind.OUTBOUND_FAILS: "messages do not get out, while others wait behind them",
    AlarmKind.INBOUND_SILENT: "messages came that the connection never brought, although it answers",
}

_CHECKS: Final = {
    AlarmKind.PLATFORM_WARNING: "read the platform's message on the phone, and do what it asks there",
    AlarmKind.LOGIN_REFUSED: "see on the phone whether the account is warned or locked; do not log in again"
    " and again",
    AlarmKind.KICKED: "find out what else logs in: devices on the phone, a browser, a second gateway",
    AlarmKind.REFUSALS: "see what left lately (openclaw sent), and whether the phone can still write to"
    " strangers",
    AlarmKind.FRIENDS_FELL: "compare with the friends that the phone shows, and read what the platform wrote",
}
"""What to look at before an account that an alarm muted may write again."""


def sentence(kind: AlarmKind) -> str:
    """What is wrong, as one sentence."""
    return _SENTENCES[kind]


def check(kind: AlarmKind) -> str:
    """What to check before the account is resumed; empty for kinds that mute nothing."""
    return _CHECKS.get(kind, "")


def proof(kind: AlarmKind) -> str:
    """Whether such a sign was seen on a real account, and where it is known from."""
    known = KNOWLEDGE[kind]
    return f"{'seen on a real account' if known.seen else 'unproven'}: {known.source}"


def log_line(account: str, kind: AlarmKind) -> str:
    """What the log says of a new alarm."""
    muted = "; the account is muted" if kind.pauses else ""
    return f"{account}: alarm '{kind}': {sentence(kind)}{muted}; see: openclaw alarms list"


def status_line(alarm: AlarmInfo, now_ms: int) -> str:
    """An alarm in one line: its number, what is wrong, and the evidence."""
    return f"{alarm.id}: {sentence(alarm.kind)} ({evidence_words(alarm.kind, alarm.evidence, now_ms)})"


def evidence_words(kind: AlarmKind, evidence: Mapping[str, object], now_ms: int) -> str:
    """The evidence, as a list of facts."""
    facts = {name: _told(name, value, now_ms) for name, value in evidence.items()}
    template = _EVIDENCE[kind]
    return "; ".join(part.format(**facts) for part in template if _has(part, facts))


_EVIDENCE: Final[Mapping[AlarmKind, Sequence[str]]] = {
    AlarmKind.PLATFORM_WARNING: ("message {message} from the id {sender}",),
    AlarmKind.LOGIN_REFUSED: ("code -1005 at {stage}", "last {last_ms}"),
    AlarmKind.KICKED: ("{kicks} times (close code 3003)", "first {first_ms}", "last {last_ms}"),
    AlarmKind.REFUSALS: ("{threads} conversations", "last code {code}, {last_ms}", "in {refused}"),
    AlarmKind.FRIENDS_FELL: ("{before} friends before, {now} now", "fell {fell_ms}"),
    AlarmKind.OUTBOUND_FAILS: (
        "{failed} failed since the last that arrived",
        "failing since {since_ms}",
        "{waiting} wait, the oldest since {oldest_ms}",
    ),
    AlarmKind.INBOUND_SILENT: (
        "{missed} found in the history",
        "sent first {first_ms}",
        "connected {connected_ms}",
        "last push {pushed_ms}",
        "messages {messages}",
    ),
}


def _has(part: str, facts: Mapping[str, str]) -> bool:
    return all(name.partition("}")[0] in facts for name in part.split("{")[1:])


def _told(name: str, value: object, now_ms: int) -> str:
    if name.endswith("_ms") and isinstance(value, int):
        return f"{length(max(0, now_ms - value))} ago"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value).replace("_", " ")
