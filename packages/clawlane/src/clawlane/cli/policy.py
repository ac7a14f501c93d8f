"""`policy explain`: what the access rules would say to a message, without one."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.access.decision import Decision, Rule
from clawlane.access.explain import Named, as_dict
from clawlane.access.explain import explain as in_words
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.ops.client import Client
from clawlane.ops.policy import Explain, Explained
from clawlane.texts import later, t
from clawlane.threads import ThreadKind
from clawlane.words.rules import rules_line
from clawlane.words.strangers import sanitize

_UNCONFIGURED = later("the config has no block for {channel}, so it is off; this assumes that it has one")
_UNLINKED = later("{account} is not linked; this assumes that it is: openclaw channels login {words}")


@click.group()
def policy() -> None:
    """Check who may write, without waiting for a message."""


@policy.command()
@one_account
@click.option("--from", "sender", required=True, help="Who writes: user:ID, an id, or a known name.")
@click.option("--group", default="", help="In this group: group:ID, an id, or its name (default: directly).")
@click.option("--mention", is_flag=True, help="The message mentions the account.")
@click.option("--quote", is_flag=True, help="The message quotes one of the account.")
@click.option("--text", default="hello", show_default=True, help="The text of the message.")
@json_option
def explain(
    channel: str | None,
    account: str | None,
    sender: str,
    group: str,
    mention: bool,
    quote: bool,
    text: str,
    as_json: bool,
) -> None:
    """Say what would happen to a message, and which config line decides.

    The answer comes from the config file and the store as they are now. If a running gateway decides
    otherwise, that is said too. Before the login, the answer is as if the account were linked.

    \b
    Example:
      openclaw policy explain --from user:1471383327500481391
    """
    client = Client()
    config_file = str(client.paths.config_file)
    told = client.call(Explain(sender, channel, account, group, mention, quote, text, config_file))
    if as_json:
        decided = as_dict(told.decision, told.sender_id, told.thread, _named(told))
        thread = {"kind": told.thread.kind, "id": told.thread.id, "name": _named(told).group or None}
        who = {"sender": told.sender_id, "sender_name": _named(told).sender or None, "thread": thread}
        known = {**who, "linked": told.linked, "configured": told.configured}
        known["outbound"] = {"mode": told.outbound, "rule": told.outbound_rule.path}
        more = {"not_looked_up": told.not_looked_up, "rules": told.rules}
        print_json(account=told.account, **known, **decided, **more)
        return
    for line in _lines(told):
        echo_wrapped(line)


def _lines(told: Explained) -> Iterator[str]:
    """The decision, and what the answer takes for granted."""
    channel = told.account.partition("/")[0]
    yield _sentence(told, told.decision)
    yield t("asked about: {message}", message=_asked_about(told))
    if told.decision.admitted and told.outbound == "approve":
        rule = _rule(told.outbound_rule)
        yield t("the answer waits for your approval, by {rule}: openclaw drafts list", rule=rule)
    if told.running is not None and told.running != told.decision:
        otherwise = _sentence(told, told.running)
        yield t("the running gateway decides otherwise: {decision}", decision=otherwise)
    elif told.runs_other and told.running is None:
        yield t("the running gateway has no account {account}", account=told.account)
    if not told.configured:
        yield t(_UNCONFIGURED, channel=channel)
    if not told.linked:
        yield t(_UNLINKED, account=told.account, words=told.words)
    if told.not_looked_up:
        names = ", ".join(map(sanitize, told.not_looked_up))
        yield t("not looked up yet, so they match nobody: {names}", names=names)
    yield rules_line(told.rules)


def _rule(rule: Rule) -> str:
    """Where a rule is set."""
    return rule.path if rule.line is None else t("{path} (line {line})", path=rule.path, line=rule.line)


def _sentence(told: Explained, decision: Decision) -> str:
    why = in_words(decision, told.sender_id, told.thread, _named(told))
    return f"{decision.outcome} ({decision.reason}): {why}"


def _named(told: Explained) -> Named:
    return Named(sanitize(told.sender_name), sanitize(told.group_name))


def _asked_about(told: Explained) -> str:
    named, group = _named(told), told.thread.kind is ThreadKind.GROUP
    sender = t("{id}, whom nobody knows", id=told.sender_id)
    if named.sender:
        sender = f"{named.sender} ({told.sender_id})"
    if not group:
        return t("a direct message from {sender}", sender=sender)
    where = t("the group {name}", name=told.thread.id)
    if named.group:
        where = f"{named.group} ({told.thread.id})"
    return t("a message in {group} from {sender}", group=where, sender=sender)
