"""A decision in words: one sentence for people, and the config line or command that would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawlane.access.decision import ASKED_GATE, BUILT_IN, RETENTION, SENDER_GATE, Decision, Reason, Rule
from clawlane.access.names import NameList
from clawlane.config.errors import path_below
from clawlane.texts import later, t
from clawlane.threads import Thread, ThreadKind


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why, and what would change it: a config line or a command, empty if there is none."""

    sentence: str
    change: str = ""

    def __str__(self) -> str:
        if not self.change:
            return self.sentence
        return t("{why} To change it: {change}", why=self.sentence, change=self.change)


@dataclass(frozen=True, slots=True)
class Named:
    """What sender and group are called, fit to be shown; empty where nobody knows."""

    sender: str = ""
    group: str = ""


_ALLOW_GROUP = "{group_key}: {{}}"
_ADD_SENDER = later("{path}: add '{sender}'")
_APPROVE = later("approve the code that `openclaw pairing list` shows")
_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.SELF: (later("The account wrote this message itself.{kept}"), ""),
    Reason.OWN_ACCOUNT: (later("The sender {sender} is another account of this gateway."), ""),
    Reason.MALFORMED_ID: (later("The message has no usable id of its sender or group."), ""),
    Reason.EMPTY: (later("The message has no text, attachment or quote."), ""),
    Reason.ALBUM_CLOSED: (
        later("The message is part of an album that was decided before it came, and is not answered.{kept}"),
        "",
    ),
    Reason.TOO_OLD: (
        later("The message was older than {rule} allows when it was read.{kept}"),
        later("{path}: a longer time"),
    ),
    Reason.OWNER_TOOK_OVER: (
        later(
            "The owner had written in this chat by hand, which holds the agent back there, by {rule}.{kept}"
        ),
        "openclaw resume --thread {thread}",
    ),
    Reason.OUTBOUND_OFF: (
        later("{rule} lets nothing leave in this chat.{kept}"),
        "{path}: 'approve' or 'auto'",
    ),
    Reason.DM_ALLOWLISTED: (later("The sender {sender} is in {rule}."), ""),
    Reason.DM_PAIRED: (later("The owner approved the sender {sender} on this account."), ""),
    Reason.DM_OPEN: (later("{rule} is 'open': anybody may write to this account."), "{path}: 'pairing'"),
    Reason.DM_DISABLED: (later("{rule} is 'disabled': nobody may write directly."), "{path}: 'pairing'"),
    Reason.DM_NOT_ALLOWLISTED: (
        later("Only senders in {rule} may write, and {sender} is not in it."),
        _ADD_SENDER,
    ),
    Reason.DM_PAIRING_REQUIRED: (
        later("The sender {sender} is not approved and is sent a pairing code."),
        _APPROVE,
    ),
    Reason.DM_PAIRING_PENDING: (
        later("The sender {sender} was sent a pairing code within the hour and still waits for approval."),
        _APPROVE,
    ),
    Reason.DM_PAIRING_SILENT: (
        later("The sender {sender} waits for approval and is told nothing, as `pairing.reply` says."),
        _APPROVE,
    ),
    Reason.DM_PAIRING_HELD: (
        later(
            "The sender {sender} waits for approval; the code goes out with the next message that comes live"
            " and outside of quiet hours."
        ),
        _APPROVE,
    ),
    Reason.DM_PAIRING_FULL: (
        later("The sender {sender} is not approved, and three others already wait for approval."),
        later("approve or reject those that `openclaw pairing list` shows, or wait an hour"),
    ),
    Reason.DM_REJECTED: (
        later("The owner rejected the sender {sender}."),
        "openclaw pairing reject {sender} --unblock",
    ),
    Reason.GROUP_DISABLED: (later("{rule} is 'disabled': no group is listened to."), "{path}: 'allowlist'"),
    Reason.GROUP_ENTRY_DISABLED: (later("{rule} closes the group {group}."), "{path}: true"),
    Reason.GROUP_NO_ALLOWLIST: (
        later("Only groups in {rule} are listened to, and it lists none."),
        _ALLOW_GROUP,
    ),
    Reason.GROUP_NOT_ALLOWLISTED: (
        later("Only groups in {rule} are listened to, and {group} is none."),
        _ALLOW_GROUP,
    ),
    Reason.GROUP_DENY_UNRESOLVED: (
        later("{rule} shuts out a group by a name that is not pinned, so groups without an entry stay out."),
        later("{path}: write the id of that group as the key, not its name"),
    ),
    Reason.GROUP_SENDER_LIST_EMPTY: (later("{rule} lists nobody who may write in groups."), "{path}: ['*']"),
    Reason.GROUP_SENDER_NOT_ALLOWED: (later("The sender {sender} is not in {rule}."), _ADD_SENDER),
    Reason.COMMAND_UNAUTHORIZED: (
        later(
            "This is a control command, and the sender {sender} is in none of groupAllowFrom, allowFrom,"
            " {rule}."
        ),
        _ADD_SENDER,
    ),
    Reason.MENTION_REQUIRED: (
        later("The group {group} has to mention the account, by {rule}, and the message does not.{kept}"),
        "{mention_key}: false",
    ),
    Reason.MENTION_UNDETECTABLE: (
        later(
            "The group {group} has to mention the account, but no mention can be recognised: "
            "the account's own id is unknown and {rule} is empty."
        ),
        later("{path}: ['\\\\bname\\\\b'], or log in again so that the own id is known"),
    ),
    Reason.GROUP_ADMITTED: (later("{opened}, and {sign}."), ""),
    Reason.REVOKED_BEFORE_RUN: (
        later("The message was admitted, but {rule} no longer let it in when its turn came."),
        "",
    ),
}

_MAY = later("the sender may speak to the account")
_SHARED_LISTS = ("", "anyone", NameList.ALLOW_FROM, NameList.GROUP_ALLOW_FROM)
"""What a trail says of the sender where no group's own list decided; such a list is told with its place."""

_FORGOTTEN = (
    later(
        "The message is older than all that is remembered: nobody can tell whether it was answered before."
    ),
    "",
)
_SIGNS = {
    "explicit": later("the message mentions it"),
    "pattern": later("the text fits a mention pattern"),
    "quote": later("the message quotes one of its messages"),
    "command": later("the message is a control command"),
}
_OPENED = {
    "policy:open": later("{rule} is 'open' and lets the group {group} in"),
    "policy:allowlist": later("{rule} lets the group {group} in"),
}
_KEPT = {
    ThreadKind.GROUP: later(" It is kept as context for the group's next answer."),
    ThreadKind.DM: later(" It is kept as context for the chat's next answer."),
}


def explain(decision: Decision, sender_id: str, thread: Thread, named: Named = Named()) -> Explanation:
    """Why a message of this sender in this thread was decided this way, from the decision alone."""
    sentence, change = _WORDS[decision.reason] if decision.rule != RETENTION else _FORGOTTEN
    path = decision.rule.path
    in_group = thread.kind is ThreadKind.GROUP
    words = {
        "sender": sender_id or t("(none)"),
        "group": thread.id,
        "rule": _place(decision.rule),
        "path": path,
        "group_key": path_below(path, thread.id) if in_group else path,
        "mention_key": path.replace("['*']", path_below("", thread.id)) if in_group else path,
        "thread": str(thread),
        "kept": t(_KEPT[thread.kind]) if decision.keep_as_history else "",
        "sign": _sign(decision),
    }
    shown = words | {
        "sender": _beside(named.sender, words["sender"]),
        "group": _beside(named.group, thread.id),
    }
    shown["opened"] = _opened(decision, shown)
    return Explanation(t(sentence, **shown), t(change, **words))


def _beside(name: str, id_: str) -> str:
    return f"{name} ({id_})" if name else id_


def _sign(decision: Decision) -> str:
    """Why a mention was seen, or none was needed."""
    if decision.mention in _SIGNS:
        return t(_SIGNS[decision.mention])
    return t("{where} asks for no mention", where=_asked(decision))


def _opened(decision: Decision, shown: Mapping[str, str]) -> str:
    """What let group and sender in. Decisions of older versions name the mention rule instead."""
    policy, listed = next((gate for gate in decision.trail if gate in _OPENED), ""), _own_list(decision)
    if _names_mention(decision.rule):
        if not listed:
            return t("Group and sender may speak to the account")
        return t("The group may speak to the account, {list} lets the sender speak", list=listed)
    group = t(_OPENED.get(policy, _OPENED["policy:allowlist"]), **shown)
    return f"{group}, {t('{list} lets the sender speak', list=listed) if listed else t(_MAY)}"


def _own_list(decision: Decision) -> str:
    """The group's own list, if that let the sender speak; else empty."""
    gates = (gate.removeprefix(SENDER_GATE) for gate in decision.trail if gate.startswith(SENDER_GATE))
    listed = next(gates, "")
    return "" if listed in _SHARED_LISTS else listed


def _asked(decision: Decision) -> str:
    """Where the config says that no mention is needed."""
    if _names_mention(decision.rule):
        return _place(decision.rule)
    asked = (gate.removeprefix(ASKED_GATE) for gate in decision.trail if gate.startswith(ASKED_GATE))
    return next(asked, t("the group's entry"))


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
        return t("{path} (line {line})", path=rule.path, line=rule.line)
    return t("{path} (built-in)", path=rule.path) if rule.origin == BUILT_IN else rule.path
