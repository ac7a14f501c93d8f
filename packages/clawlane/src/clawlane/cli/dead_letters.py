"""`channels dead-letters list|resubmit|drop`: messages that were set aside after too many tries."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from clawlane.cli.clean import clean
from clawlane.cli.rulings import rule_letter
from clawlane.cli.setup import Setup
from clawlane.cli.table import print_table
from clawlane.cli.times import when

if TYPE_CHECKING:
    from clawlane.store.dead_letters import DeadLetter

_LONGEST = 40


@click.group("dead-letters")
def dead_letters() -> None:
    """See messages that the agent could not answer, and give them to it again."""


@dead_letters.command("list")
@click.option("--channel", help="The channel (default: the only one).")
@click.option("--account", help="Only this account (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_letters(channel: str | None, account: str | None, as_json: bool) -> None:
    """List the messages that were set aside, with the reason of the last try."""
    setup = Setup()
    name = setup.manifest(channel).id
    rows = _find(setup, name, setup.meant(channel, account).account.id if account else None)
    if as_json:
        told = [{**asdict(row), "thread": str(row.thread)} for row in rows]
        click.echo(json.dumps({"ok": True, "letters": told}, ensure_ascii=False))
    elif rows:
        heads = ("MESSAGE", "ACCOUNT", "THREAD", "FROM", "TRIES", "SET ASIDE", "TEXT", "REASON")
        print_table(heads, list(map(_cells, rows)))
        click.echo("\nTry one again: openclaw channels dead-letters resubmit MESSAGE")
    else:
        click.echo(f"No message of {name} was set aside.")


@dead_letters.command()
@click.argument("message")
@click.option("--channel", help="The channel (default: the only one).")
@click.option("--account", help="The account (default: found by the message).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def resubmit(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message to the agent again, with all its tries."""
    _rule("resubmit", message, channel, account, as_json)


@dead_letters.command()
@click.argument("message")
@click.option("--channel", help="The channel (default: the only one).")
@click.option("--account", help="The account (default: found by the message).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drop(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message up; its text is forgotten."""
    _rule("drop", message, channel, account, as_json)


def _rule(ruling: str, message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    setup = Setup()
    name = setup.manifest(channel).id
    known = setup.meant(channel, account).account.id if account else None
    rule_letter(setup, ruling, name, known, message, as_json)


def _find(setup: Setup, channel: str, account: str | None) -> list[DeadLetter]:
    from clawlane.store.offline import on_account
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        return []
    with reading(setup.places.store) as reader:
        return on_account(reader.dead_letters(), channel, account)


def _cells(row: DeadLetter) -> list[str]:
    return [
        clean(row.message_id),
        row.account,
        str(row.thread),
        f"{clean(row.sender_name) or '–'} ({row.sender_id})",
        str(row.tries),
        when(row.set_aside_ms, time.time_ns() // 1_000_000),
        clean(row.text, _LONGEST) or "–",
        clean(row.reason, 200),
    ]
