"""`policy explain`: what the access rules would say to a message, without one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from clawlane.access.decision import Decision
from clawlane.access.explain import as_dict
from clawlane.access.explain import explain as in_words
from clawlane.cli.context import CliContext
from clawlane.cli.output import echo_wrapped, sanitize
from clawlane.ops.policy import Explain, Explained


@click.group()
def policy() -> None:
    """Say who may write, without waiting for a message."""


@policy.command()
@click.option("--channel", help="Which channel (default: the only one installed).")
@click.option("--account", help="Which account (default: the channel's default account).")
@click.option("--from", "sender", required=True, help="The id of who writes.")
@click.option("--group", default="", help="The id of the group (default: a direct message).")
@click.option("--mention", is_flag=True, help="The message mentions the account.")
@click.option("--quote", is_flag=True, help="The message quotes one of the account.")
@click.option("--text", default="hello", show_default=True, help="What it says.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    """Say what would become of a message, and which line of the config decides.

    The answer comes from the config file and the store as they are now. A running gateway decides by the
    config that it was started with. Before the login it is as if the account were linked.
    """
    setup = CliContext()
    config_file = str(setup.paths.config_file)
    told = setup.call(Explain(sender, channel, account, group, mention, quote, text, config_file))
    if as_json:
        standing = {"linked": told.linked, "configured": told.configured}
        decided = as_dict(told.decision, told.sender_id, told.thread)
        body = {"ok": True, "account": told.account, **standing, **decided}
        click.echo(json.dumps({**body, "not_looked_up": told.not_looked_up}, ensure_ascii=False))
        return
    echo_wrapped(_sentence(told, told.decision))
    echo_wrapped(f"passed: {', '.join(told.decision.trail) or 'no gate'}")
    for line in _provisos(told):
        echo_wrapped(line)
    if told.not_looked_up:
        names = ", ".join(map(sanitize, told.not_looked_up))
        echo_wrapped(f"not looked up yet, so they match nobody: {names}")


def _sentence(told: Explained, decision: Decision) -> str:
    return f"{decision.outcome} ({decision.reason}): {in_words(decision, told.sender_id, told.thread)}"


def _provisos(told: Explained) -> Iterator[str]:
    """What the answer takes for granted."""
    channel = told.account.partition("/")[0]
    if told.running is not None and told.running != told.decision:
        yield f"until its restart the gateway decides by its older config: {_sentence(told, told.running)}"
    elif told.runs_other and told.running is None:
        yield f"the gateway runs an older config without {told.account}; restart it after a change"
    if not told.configured:
        yield f"the config has no block for {channel}, so it is off; this is as if it had one"
    if not told.linked:
        yield f"{told.account} is not linked; this is as if it were: openclaw channels login {told.words}"
    if told.is_phone:
        from clawlane.config.phones import LOOKS_LIKE, find_the_id

        yield f"'{told.sender_id}' {LOOKS_LIKE}; {find_the_id(channel)}"
