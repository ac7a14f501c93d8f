"""`policy explain`: what the access rules would say to a message, without one."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawlane.access.decision import Decision, rule_gate
from clawlane.access.explain import Named, as_dict
from clawlane.access.explain import explain as in_words
from clawlane.cli.options import json_option, one_account
from clawlane.cli.output import echo_wrapped, print_json, rules_line, sanitize
from clawlane.ops.client import Client
from clawlane.ops.policy import Explain, Explained
from clawlane.threads import ThreadKind


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
    yield f"asked about: {_asked_about(told)}"
    if told.decision.admitted and told.outbound == "approve":
        rule = rule_gate(told.outbound_rule)
        yield f"the answer waits for your approval, by {rule}: openclaw drafts list"
    if told.running is not None and told.running != told.decision:
        yield f"the running gateway decides otherwise: {_sentence(told, told.running)}"
    elif told.runs_other and told.running is None:
        yield f"the running gateway has no account {told.account}"
    if not told.configured:
        yield f"the config has no block for {channel}, so it is off; this assumes that it has one"
    if not told.linked:
        yield f"{told.account} is not linked; this assumes that it is: openclaw channels login {told.words}"
    if told.not_looked_up:
        names = ", ".join(map(sanitize, told.not_looked_up))
        yield f"not looked up yet, so they match nobody: {names}"
    yield rules_line(told.rules)


def _sentence(told: Explained, decision: Decision) -> str:
    why = in_words(decision, told.sender_id, told.thread, _named(told))
    return f"{decision.outcome} ({decision.reason}): {why}"


def _named(told: Explained) -> Named:
    return Named(sanitize(told.sender_name), sanitize(told.group_name))


def _asked_about(told: Explained) -> str:
    named, group = _named(told), told.thread.kind is ThreadKind.GROUP
    sender = f"{named.sender} ({told.sender_id})" if named.sender else f"{told.sender_id}, whom nobody knows"
    if not group:
        return f"a direct message from {sender}"
    where = f"{named.group} ({told.thread.id})" if named.group else f"the group {told.thread.id}"
    return f"a message in {where} from {sender}"
