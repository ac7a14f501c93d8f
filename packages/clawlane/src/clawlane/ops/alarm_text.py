"""What alarms say to people: the one place where a kind and its evidence become words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from clawlane.alarm_kinds import KNOWLEDGE, AlarmKind
from clawlane.clock import length
from clawlane.texts import later, t

if TYPE_CHECKING:
    from clawlane.ops.alarm_info import AlarmInfo

_SENTENCES: Final = {
    AlarmKind.PLATFORM_WARNING: later(
        "the platform itself has written to the account, which it does to warn"
    ),
    AlarmKind.LOGIN_REFUSED: later("the platform refuses the login as one of a third-party program"),
    AlarmKind.KICKED: later("the platform ended the session twice within an hour"),
    AlarmKind.REFUSALS: later("the platform refuses messages in several conversations"),
    AlarmKind.FRIENDS_FELL: later(
        "the friend list is far shorter than before, and still was ten minutes later"
    ),
    AlarmKind.OUTBOUND_FAILS: later("messages do not get out, while others wait behind them"),
    AlarmKind.INBOUND_SILENT: later("messages came that the connection never brought, although it answers"),
    AlarmKind.NODE_LOST: later("a node is gone, and its accounts wait: nobody answers on them"),
}

_CHECKS: Final = {
    AlarmKind.PLATFORM_WARNING: later("read the platform's message on the phone, and do what it asks there"),
    AlarmKind.LOGIN_REFUSED: later(
        "see on the phone whether the account is warned or locked; do not log in again and again"
    ),
    AlarmKind.KICKED: later("find out what else logs in: devices on the phone, a browser, a second gateway"),
    AlarmKind.REFUSALS: later(
        "see what left lately (openclaw sent), and whether the phone can still write to strangers"
    ),
    AlarmKind.FRIENDS_FELL: later(
        "compare with the friends that the phone shows, and read what the platform wrote"
    ),
}
"""What to look at before an account that an alarm muted may write again."""


def sentence(kind: AlarmKind) -> str:
    """What is wrong, as one sentence."""
    return t(_SENTENCES[kind])


def check(kind: AlarmKind) -> str:
    """What to check before the account is resumed; empty for kinds that mute nothing."""
    return t(_CHECKS.get(kind, ""))


def proof(kind: AlarmKind) -> str:
    """Whether such a sign was seen on a real account, and where it is known from."""
    known = KNOWLEDGE[kind]
    if known.seen:
        return t("seen on a real account: {source}", source=t(known.source))
    return t("unproven: {source}", source=t(known.source))


def log_line(account: str, kind: AlarmKind) -> str:
    """What the log says of a new alarm, in English."""
    muted = "; the account is muted" if kind.pauses else ""
    return f"{account}: alarm '{kind}': {_SENTENCES[kind]}{muted}; see: openclaw alarms list"


def status_line(alarm: AlarmInfo, now_ms: int) -> str:
    """An alarm in one line: its number, what is wrong, and the evidence."""
    return f"{alarm.id}: {sentence(alarm.kind)} ({evidence_words(alarm.kind, alarm.evidence, now_ms)})"


def evidence_words(kind: AlarmKind, evidence: Mapping[str, object], now_ms: int) -> str:
    """The evidence, as a list of facts."""
    facts = {name: _told(name, value, now_ms) for name, value in evidence.items()}
    template = _EVIDENCE[kind]
    return "; ".join(t(part, **facts) for part in template if _has(part, facts))


_EVIDENCE: Final[Mapping[AlarmKind, Sequence[str]]] = {
    AlarmKind.PLATFORM_WARNING: (later("message {message} from the id {sender}"),),
    AlarmKind.LOGIN_REFUSED: (later("code -1005 at {stage}"), later("last {last_ms}")),
    AlarmKind.KICKED: (
        later("{kicks} times (close code 3003)"),
        later("first {first_ms}"),
        later("last {last_ms}"),
    ),
    AlarmKind.REFUSALS: (
        later("{threads} conversations"),
        later("last code {code}, {last_ms}"),
        later("in {refused}"),
    ),
    AlarmKind.FRIENDS_FELL: (later("{before} friends before, {now} now"), later("fell {fell_ms}")),
    AlarmKind.OUTBOUND_FAILS: (
        later("{failed} failed since the last that arrived"),
        later("failing since {since_ms}"),
        later("{waiting} wait, the oldest since {oldest_ms}"),
    ),
    AlarmKind.INBOUND_SILENT: (
        later("{missed} found in the history"),
        later("sent first {first_ms}"),
        later("connected {connected_ms}"),
        later("last push {pushed_ms}"),
        later("messages {messages}"),
    ),
    AlarmKind.NODE_LOST: (
        later("node {node}, last there {gone_ms}"),
        later("{waiting} accounts wait: {held_up}"),
    ),
}


def _has(part: str, facts: Mapping[str, str]) -> bool:
    return all(name.partition("}")[0] in facts for name in part.split("{")[1:])


def _told(name: str, value: object, now_ms: int) -> str:
    if name.endswith("_ms") and isinstance(value, int):
        return t("{time} ago", time=length(max(0, now_ms - value)))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value).replace("_", " ")
