"""What an alert says to the owner: one sentence, and the command that helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clawlane.alarm_kinds import AlarmKind
from clawlane.ops.alarm_text import sentence
from clawlane.store.alerts import Alert, AlertKind
from clawlane.store.transaction import Noted

_KINDS = {
    AlertKind.PAIRING_REQUEST: "{who} asks to write to {account}",
    AlertKind.DRAFT_WAITING: "draft {key} of {account} for {to} waits for you",
    AlertKind.DECISION_NEEDED: "{what} of {account} waits for your decision",
    AlertKind.BUDGET_SPENT: "the agent {agent} of {account} is silent until midnight: {share} is spent",
    AlertKind.ALARM: "ALARM on {account}: {alarm}",
    AlertKind.ALARM_OVER: "over on {account}: {alarm}",
}
_DECISIONS = {
    "send": "an unconfirmed message (number {number})",
    "dead_letter": "a message that the agent could not answer ({message_id})",
}


def alert_text(alert: Alert, words: Mapping[str, str] | None = None) -> str:
    """One sentence. `words` are the names and texts that may be told: `name`, `text`."""
    words = words or {}
    facts = {name: "" if value is None else value for name, value in alert.facts.items()}
    told: dict[str, Noted] = {
        **facts,
        "account": alert.account,
        "key": alert.key,
        "who": f"{words['name']} ({alert.key})" if words.get("name") else alert.key,
        "alarm": _alarm(alert),
        "to": words.get("name") or str(facts.get("thread")),
        "what": _DECISIONS.get(str(facts.get("what")), "something"),
    }
    told["what"] = str(told["what"]).format_map(_Lenient(told))
    line = _KINDS[alert.kind].format_map(_Lenient(told))
    if alert.kind is AlertKind.PAIRING_REQUEST and facts.get("friend"):
        line += " (a friend)"
    if alert.times > 1:
        line += f" ({alert.times} times)"
    return f"{line}: {words['text']}" if words.get("text") else line


def _alarm(alert: Alert) -> str:
    """What an alarm is about, and whether it muted the account."""
    kind = alert.facts.get("alarm_kind")
    if kind not in set(AlarmKind):
        return alert.key
    return sentence(AlarmKind(str(kind))) + ("; the account is muted" if alert.facts.get("paused") else "")


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
    return "\n".join([*told, *([f"• and {more} more"] if more else [])])


class _Lenient(dict[str, Noted]):
    """A fact that is missing is left out of a sentence."""

    def __missing__(self, key: str) -> str:
        return ""
