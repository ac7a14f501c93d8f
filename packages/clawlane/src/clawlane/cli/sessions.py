"""`sessions`: what agents remember of their conversations."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_wrapped, print_json, print_result, print_table
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.sessions import ListSessions, ResetSessions, ShowSession
from clawlane.texts import t
from clawlane.words.sessions import kept, reset_sentence
from clawlane.words.sessions import lines as shown_lines
from clawlane.words.strangers import cell
from clawlane.words.times import when

_agent_option = click.option("--agent", help="Only what this agent remembers.")


@click.group()
def sessions() -> None:
    """See what agents remember of their conversations, and make them forget."""


@sessions.command("list")
@channel_option()
@account_option()
@json_option
def list_sessions(channel: str | None, account: str | None, as_json: bool) -> None:
    """List the conversations, the latest first.

    An agent that remembers by itself has no turns here.

    \b
    Example:
      openclaw sessions list
    """
    rows = Client().call(ListSessions(channel, account))
    if as_json:
        print_json(sessions=[{**asdict(row), "thread": str(row.thread)} for row in rows])
        return
    if not rows:
        click.echo(t("No agent remembers anything."))
        return
    now = now_ms()
    heads = [t("THREAD"), t("NAME"), t("AGENT"), t("TURNS"), t("LAST"), t("ACCOUNT")]
    if len({row.account for row in rows}) == 1:
        heads.pop()
    cells = [
        [
            str(row.thread),
            cell(row.name),
            cell(row.agent),
            kept(row.turns - row.summarised, row.summarised),
            when(row.last_ms, now),
            row.account,
        ][: len(heads)]
        for row in rows
    ]
    print_table(heads, cells)
    click.echo()
    click.echo(t("Read one: openclaw sessions show THREAD"))
    click.echo(t("Make the agent forget it: openclaw sessions reset --thread THREAD"))


@sessions.command()
@click.argument("thread")
@channel_option()
@account_option()
@_agent_option
@json_option
def show(thread: str, channel: str | None, account: str | None, agent: str | None, as_json: bool) -> None:
    """Show a conversation: who said what.

    THREAD is dm:ID, group:ID, or the id alone. It prints what people wrote.

    \b
    Example:
      openclaw sessions show dm:8200000000000000002
    """
    shown = Client().call(ShowSession(channel, account, thread, agent))
    if as_json:
        print_json(**plain(shown))
        return
    for indent, line in shown_lines(shown):
        echo_wrapped(line, indent)


@sessions.command()
@click.option("--thread", help="Only this thread: dm:ID, group:ID, or the id alone.")
@click.option("--all", "everything", is_flag=True, help="All conversations.")
@channel_option()
@account_option()
@_agent_option
@json_option
def reset(
    thread: str | None,
    everything: bool,
    channel: str | None,
    account: str | None,
    agent: str | None,
    as_json: bool,
) -> None:
    """Begin conversations anew: what was said before is forgotten.

    \b
    Examples:
      openclaw sessions reset --thread dm:8200000000000000002
      openclaw sessions reset --all
    """
    if everything is (thread is not None):
        raise CliError(t("name one conversation with --thread, or all of them with --all"))
    done = Client().call(ResetSessions(channel, account, thread, agent))
    lines = list(map(reset_sentence, done.reset))
    print_result(lines or [t("No agent remembers anything.")], as_json, reset=done.reset)
