"""What an alert says to the owner: one sentence, and the command that helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clawlane.alarm_kinds import AlarmKind
from clawlane.ops.alarm_text import sentence
from clawlane.store.alerts import Alert, AlertKind
from clawlane.store.transaction import Noted
from clawlane.texts import later, t

_KINDS = {
    AlertKind.PAIRING_REQUEST: later("{who} asks to write to {account}"),
    AlertKind.DRAFT_WAITING: later("draft {key} of {account} for {to} waits for you"),
    AlertKind.DECISION_NEEDED: later("{what} of {account} waits for your decision"),
    AlertKind.BUDGET_SPENT: later(
        "the agent {agent} of {account} is silent until midnight: {share} is spent"
    ),
    AlertKind.ALARM: later("ALARM on {account}: {alarm}"),
    AlertKind.ALARM_OVER: later("over on {account}: {alarm}"),
}
_DECISIONS = {
    "send": later("an unconfirmed message (number {number})"),
    "dead_letter": later("a message that the agent could not answer ({message_id})"),
}
_SOMETHING = later("something")
_NAMES = ("who", "to", "what", "agent", "share", "number", "message_id")


def trial_text(account: str) -> str:
    """What a target is told that is only tried out."""
    return t("This is a test of the alerts of {account}.", account=account)


def alert_text(alert: Alert, words: Mapping[str, str] | None = None) -> str:
    """One sentence. `words` are the names and texts that may be told: `name`, `text`."""
    words = words or {}
    told = _facts(alert, words)
    told["what"] = _said(_DECISIONS.get(str(told["what"]), _SOMETHING), told)
    line = _said(_KINDS[alert.kind], told)
    if alert.kind is AlertKind.PAIRING_REQUEST and alert.facts.get("friend"):
        line = t("{line} (a friend)", line=line)
    if alert.times > 1:
        line = t("{line} ({n} times)", line=line, n=alert.times)
    return t("{line}: {text}", line=line, text=words["text"]) if words.get("text") else line


def _facts(alert: Alert, words: Mapping[str, str]) -> dict[str, Noted]:
    """What the sentences of alerts name; a fact that is missing is left out of them."""
    facts = {name: "" if value is None else value for name, value in alert.facts.items()}
    return {
        **dict.fromkeys(_NAMES, ""),
        **facts,
        "account": alert.account,
        "key": alert.key,
        "who": f"{words['name']} ({alert.key})" if words.get("name") else alert.key,
        "alarm": _alarm(alert),
        "to": words.get("name") or str(alert.facts.get("thread")),
    }


def _said(sentence: str, told: Mapping[str, Noted]) -> str:
    return t(sentence, **told)


def _alarm(alert: Alert) -> str:
    """What an alarm is about, and whether it muted the account."""
    kind = alert.facts.get("alarm_kind")
    if kind not in set(AlarmKind):
        return alert.key
    what = sentence(AlarmKind(str(kind)))
    return t("{what}; the account is muted", what=what) if alert.facts.get("paused") else what


def alert_command(alert: Alert) -> str:
    """The command that helps; empty if there is none."""
    channel, _, account = alert.account.partition("/")
    match alert.kind:
        case AlertKind.PAIRING_REQUEST:
            return f"openclaw pairing approve {channel} {alert.facts.get('code')}"
        case AlertKind.DRAFT_WAITING:
            return f"openclaw drafts show {alert.key}"
        case AlertKind.DECISION_NEEDED if alert.facts.get("what") == "dead_letter":
            return "openclaw channels dead-letters list"
        case AlertKind.DECISION_NEEDED:
            return "openclaw outbox list"
        case AlertKind.ALARM if number := alert.facts.get("alarm"):
            return f"openclaw alarms show {number}"
        case AlertKind.ALARM:
            return f"openclaw channels status --channel {channel} --account {account}"
    return ""


def batch_text(lines: Sequence[tuple[str, str]], more: int) -> str:
    """All of a batch as one text: a line for each alert, with its command."""
    told = [f"• {text}" + (f"\n  {command}" if command else "") for text, command in lines]
    return "\n".join([*told, *([t("• and {n} more", n=more)] if more else [])])
