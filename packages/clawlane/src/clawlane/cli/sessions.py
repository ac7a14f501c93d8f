"""`sessions`: what agents remember of their conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import (
    cell,
    echo_wrapped,
    local,
    print_json,
    print_result,
    print_table,
    printable,
    sanitize,
    when,
)
from clawlane.clock import now_ms
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.sessions import ListSessions, ResetSessions, Said, SessionShown, ShowSession, TurnShown
from clawlane.texts import t, tn

_INDENT = "  "
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
    heads = [t("THREAD"), t("AGENT"), t("TURNS"), t("LAST"), t("ACCOUNT")]
    if len({row.account for row in rows}) == 1:
        heads.pop()
    cells = [
        [
            str(row.thread),
            cell(row.agent),
            _kept(row.turns - row.summarised, row.summarised),
            when(row.last_ms, now),
            row.account,
        ][: len(heads)]
        for row in rows
    ]
    print_table(heads, cells)
    click.echo()
    click.echo(t("Read one: openclaw sessions show THREAD"))
    click.echo(t("Make the agent forget it: openclaw sessions reset --thread THREAD"))


def _kept(whole: int, summarised: int) -> str:
    """How many turns an agent has word by word, and how many as a summary."""
    return t("{whole} + {n} summed up", whole=whole, n=summarised) if summarised else str(whole)


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
    for indent, line in _lines(shown):
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
    lines = [
        tn(
            "{agent} has forgotten {n} turn of {thread} ({account}).",
            "{agent} has forgotten {n} turns of {thread} ({account}).",
            one.forgotten,
            agent=sanitize(one.agent),
            thread=one.thread,
            account=one.account,
        )
        for one in done.reset
    ]
    print_result(lines or [t("No agent remembers anything.")], as_json, reset=done.reset)


def _lines(shown: SessionShown) -> Iterator[tuple[str, str]]:
    """The conversation as paragraphs, each after its indent."""
    who, account = sanitize(shown.agent), shown.account
    yield "", t("{agent} in {thread} ({account})", agent=who, thread=shown.thread, account=account)
    if shown.summary:
        yield "", t("Summary of what was before:")
        yield from _indented(shown.summary)
    for turn in shown.turns:
        yield "", ""
        yield from _turn_lines(shown.agent, turn)


def _turn_lines(agent: str, turn: TurnShown) -> Iterator[tuple[str, str]]:
    for said in turn.history:
        yield from _said_lines(said, f" {t('(to the group)')}")
    for said in turn.messages:
        yield from _said_lines(said, "")
    yield "", f"{sanitize(agent)}:"
    for part in filter(None, (turn.answer, t(turn.note))):
        yield from _indented(part)


def _said_lines(said: Said, where: str) -> Iterator[tuple[str, str]]:
    yield "", f"{local(said.sent_ms)} {cell(said.sender_name)} ({sanitize(said.sender_id)}){where}:"
    yield from _indented(said.text)
    if said.attachments:
        yield _INDENT, t("attached: {kinds}", kinds=", ".join(map(sanitize, said.attachments)))


def _indented(text: str) -> Iterator[tuple[str, str]]:
    return ((_INDENT, line) for line in printable(text).splitlines())
