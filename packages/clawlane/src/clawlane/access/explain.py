"""A decision in words: one sentence for people, and the config line or command that would change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clawlane.access.decision import ASKED_GATE, BUILT_IN, RETENTION, SENDER_GATE, Decision, Reason, Rule
from clawlane.access.names import NameList
from clawlane.config.errors import path_below
from clawlane.threads import Thread, ThreadKind


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why, and what would change it: a config line or a command, empty if there is none."""

    sentence: str
    change: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} To change it: {self.change}" if self.change else self.sentence


@dataclass(frozen=True, slots=True)
class Named:
    """What sender and group are called, fit to be shown; empty where nobody knows."""

    sender: str = ""
    group: str = ""


_ALLOW_GROUP = "{group_key}: {{}}"
_ADD_SENDER = "{path}: add '{sender}'"
_APPROVE = "approve the code that `openclaw pairing list` shows"
_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.SELF: ("The account wrote this message itself.{kept}", ""),
    Reason.OWN_ACCOUNT: ("The sender {sender} is another account of this gateway.", ""),
    Reason.MALFORMED_ID: ("The message has no usable id of its sender or group.", ""),
    Reason.EMPTY: ("The message has no text, attachment or quote.", ""),
    Reason.ALBUM_CLOSED: (
        "The message is part of an album that was decided before it came, and is not answered.{kept}",
        "",
    ),
    Reason.TOO_OLD: (
        "The message was older than {rule} allows when it was read.{kept}",
        "{path}: a longer time",
    ),
    Reason.OWNER_TOOK_OVER: (
        "The owner had written in this chat by hand, which holds the agent back there, by {rule}.{kept}",
        "openclaw resume --thread {thread}",
    ),
    Reason.OUTBOUND_OFF: ("{rule} lets nothing leave in this chat.{kept}", "{path}: 'approve' or 'auto'"),
    Reason.DM_ALLOWLISTED: ("The sender {sender} is in {rule}.", ""),
    Reason.DM_PAIRED: ("The owner approved the sender {sender} on this account.", ""),
    Reason.DM_OPEN: ("{rule} is 'open': anybody may write to this account.", "{path}: 'pairing'"),
    Reason.DM_DISABLED: ("{rule} is 'disabled': nobody may write directly.", "{path}: 'pairing'"),
    Reason.DM_NOT_ALLOWLISTED: ("Only senders in {rule} may write, and {sender} is not in it.", _ADD_SENDER),
    Reason.DM_PAIRING_REQUIRED: ("The sender {sender} is not approved and is sent a pairing code.", _APPROVE),
    Reason.DM_PAIRING_PENDING: (
        "The sender {sender} was sent a pairing code within the hour and still waits for approval.",
        _APPROVE,
    ),
    Reason.DM_PAIRING_SILENT: (
        "The sender {sender} waits for approval and is told nothing, as `pairing.reply` says.",
        _APPROVE,
    ),
    Reason.DM_PAIRING_HELD: (
        "The sender {sender} waits for approval; the code goes out with the next message that comes live and"
        " outside of quiet hours.",
        _APPROVE,
    ),
    Reason.DM_PAIRING_FULL: (
        "The sender {sender} is not approved, and three others already wait for approval.",
        "approve or reject those that `openclaw pairing list` shows, or wait an hour",
    ),
    Reason.DM_REJECTED: (
        "The owner rejected the sender {sender}.",
        "openclaw pairing reject {sender} --unblock",
    ),
    Reason.GROUP_DISABLED: ("{rule} is 'disabled': no group is listened to.", "{path}: 'allowlist'"),
    Reason.GROUP_ENTRY_DISABLED: ("{rule} closes the group {group}.", "{path}: true"),
    Reason.GROUP_NO_ALLOWLIST: ("Only groups in {rule} are listened to, and it lists none.", _ALLOW_GROUP),
    Reason.GROUP_NOT_ALLOWLISTED: (
        "Only groups in {rule} are listened to, and {group} is none.",
        _ALLOW_GROUP,
    ),
    Reason.GROUP_DENY_UNRESOLVED: (
        "{rule} shuts out a group by a name that is not pinned, so groups without an entry stay out.",
        "{path}: write the id of that group as the key, not its name",
    ),
    Reason.GROUP_SENDER_LIST_EMPTY: ("{rule} lists nobody who may write in groups.", "{path}: ['*']"),
    Reason.GROUP_SENDER_NOT_ALLOWED: ("The sender {sender} is not in {rule}.", _ADD_SENDER),
    Reason.COMMAND_UNAUTHORIZED: (
        "This is a control command, and the sender {sender} is in none of groupAllowFrom, allowFrom, {rule}.",
        _ADD_SENDER,
    ),
    Reason.MENTION_REQUIRED: (
        "The group {group} has to mention the account, by {rule}, and the message does not.{kept}",
        "{mention_key}: false",
    ),
    Reason.MENTION_UNDETECTABLE: (
        "The group {group} has to mention the account, but no mention can be recognised: "
        "the account's own id is unknown and {rule} is empty.",
        "{path}: ['\\\\bname\\\\b'], or log in again so that the own id is known",
    ),
    Reason.GROUP_ADMITTED: ("{opened}, and {sign}.", ""),
    Reason.REVOKED_BEFORE_RUN: (
        "The message was admitted, but {rule} no longer let it in when its turn came.",
        "",
    ),
}

_MAY = "the sender may speak to the account"
_SHARED_LISTS = ("", "anyone", NameList.ALLOW_FROM, NameList.GROUP_ALLOW_FROM)
"""What a trail says of the sender where no group's own list decided; such a list is told with its place."""

_FORGOTTEN = (
    "The message is older than all that is remembered: nobody can tell whether it was answered before.",
    "",
)
_SIGNS = {
    "explicit": "the message mentions it",
    "pattern": "the text fits a mention pattern",
    "quote": "the message quotes one of its messages",
    "command": "the message is a control command",
}
_OPENED = {
    "policy:open": "{rule} is 'open' and lets the group {group} in",
    "policy:allowlist": "{rule} lets the group {group} in",
}
_KEPT = " It is kept as context for the {place}'s next answer."


def explain(decision: Decision, sender_id: str, thread: Thread, named: Named = Named()) -> Explanation:
    """Why a message of this sender in this thread was decided this way, from the decision alone."""
    sentence, change = _WORDS[decision.reason] if decision.rule != RETENTION else _FORGOTTEN
    path = decision.rule.path
    in_group = thread.kind is ThreadKind.GROUP
    words = {
        "sender": sender_id or "(none)",
        "group": thread.id,
        "rule": _place(decision.rule),
        "path": path,
        "group_key": path_below(path, thread.id) if in_group else path,
        "mention_key": path.replace("['*']", path_below("", thread.id)) if in_group else path,
        "thread": str(thread),
        "kept": _KEPT.format(place="group" if in_group else "chat") if decision.keep_as_history else "",
        "sign": _SIGNS.get(decision.mention, f"{_asked(decision)} asks for no mention"),
    }
    shown = words | {
        "sender": _beside(named.sender, words["sender"]),
        "group": _beside(named.group, thread.id),
    }
    shown["opened"] = _opened(decision).format(**shown)
    return Explanation(sentence.format(**shown), change.format(**words))


def _beside(name: str, id_: str) -> str:
    return f"{name} ({id_})" if name else id_


def _opened(decision: Decision) -> str:
    """What let group and sender in. Decisions of older versions name the mention rule instead."""
    policy = next((gate for gate in decision.trail if gate in _OPENED), "")
    if _names_mention(decision.rule):
        sender = _sender(decision)
        return (
            "Group and sender may speak to the account"
            if sender == _MAY
            else f"The group may speak to the account, {sender}"
        )
    return f"{_OPENED.get(policy, '{rule} lets the group {group} in')}, {_sender(decision)}"


def _sender(decision: Decision) -> str:
    """What let the sender speak, if it is the group's own list."""
    gates = (gate.removeprefix(SENDER_GATE) for gate in decision.trail if gate.startswith(SENDER_GATE))
    listed = next(gates, "")
    if listed in _SHARED_LISTS:
        return _MAY
    return f"{listed} lets the sender speak".replace("{", "{{").replace("}", "}}")


def _asked(decision: Decision) -> str:
    """Where the config says that no mention is needed."""
    if _names_mention(decision.rule):
        return _place(decision.rule)
    asked = (gate.removeprefix(ASKED_GATE) for gate in decision.trail if gate.startswith(ASKED_GATE))
    return next(asked, "the group's entry")


def _names_mention(rule: Rule) -> bool:
    return rule.path.rpartition(".")[2] == "requireMention"


def as_dict(decision: Decision, sender_id: str, thread: Thread, named: Named = Named()) -> dict[str, Any]:
    """The decision and its explanation for `--json`.

    Keys: outcome, reason, rule {path, origin, line, text}, revision, trail, mention, command,
    kept_as_history, sentence, change.
    """
    explanation = explain(decision, sender_id, thread, named)
    rule = decision.rule
    return {
        "outcome": str(decision.outcome),
        "reason": str(decision.reason),
        "rule": {"path": rule.path, "origin": str(rule.origin), "line": rule.line, "text": rule.text or None},
        "revision": decision.revision or None,
        "trail": list(decision.trail),
        "mention": decision.mention or None,
        "command": decision.command or None,
        "kept_as_history": decision.keep_as_history,
        "sentence": explanation.sentence,
        "change": explanation.change or None,
    }


def _place(rule: Rule) -> str:
    if rule.line is not None:
        return f"{rule.path} (line {rule.line})"
    return f"{rule.path} (built-in)" if rule.origin == BUILT_IN else rule.path
