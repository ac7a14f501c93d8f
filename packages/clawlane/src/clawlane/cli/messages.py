"""`outbox` and `channels dead-letters`: messages that have not left, and those that nobody could answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from clawlane.cli.context import CliContext, now_ms
from clawlane.cli.output import local, print_json, print_table, sanitize, when
from clawlane.ops.messages import (
    Arrived,
    ChunkDecided,
    DeadLetters,
    Drop,
    DropDeadLetter,
    LetterDecided,
    Outbox,
    Resend,
    Resubmit,
)
from clawlane.store.outbox import Listed
from clawlane.store.turns import DeadLetter

_LATER = "The gateway is not running: that happens once it does."

_HEADS = ("NUMBER", "TO", "STATE", "SINCE", "TRIES", "PART", "TEXT", "REASON")

_LONGEST = 40
_NEED = (
    "\nNobody knows whether what needs a decision has arrived. Look at the thread on the phone, then:\n"
    "  it is not there:  openclaw outbox resend NUMBER\n"
    "  it is there:      openclaw outbox drop NUMBER --arrived\n"
    "  give it up:       openclaw outbox drop NUMBER"
)


@click.group()
def outbox() -> None:
    """See what has not left yet, and decide about what may have arrived."""


@outbox.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the newest that will not be sent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_messages(everything: bool, as_json: bool) -> None:
    """List messages that wait to be sent, and those that need a decision."""
    rows = CliContext().call(Outbox(settled=everything))
    if as_json:
        print_json(messages=[_as_dict(row) for row in rows])
        return
    if not rows:
        click.echo("Nothing waits to be sent.")
        return
    print_table(_HEADS, list(map(_cells, rows)))
    if any(row.needs_decision for row in rows):
        click.echo(_NEED)


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def resend(number: int, as_json: bool) -> None:
    """Send a message again of which nobody knows whether it arrived, and the rest of its reply."""
    decided = CliContext().call(Resend(number))
    told = f"Message {number} is sent again, and what waits behind it follows."
    _print_chunk(decided, "resend", told if decided.running else f"{told} {_LATER}", as_json)


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--arrived", is_flag=True, help="It did arrive: the rest of its reply is sent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drop(number: int, arrived: bool, as_json: bool) -> None:
    """Do not send a message, nor the rest of its reply."""
    if arrived:
        decided = CliContext().call(Arrived(number))
        told = f"Message {number} has arrived; the rest of its reply follows."
        _print_chunk(decided, "arrived", told if decided.running else f"{told} {_LATER}", as_json)
    else:
        told = f"Message {number} is dropped, and the rest of its reply."
        _print_chunk(CliContext().call(Drop(number)), "drop", told, as_json)


def _print_chunk(decided: ChunkDecided, ruling: str, told: str, as_json: bool) -> None:
    if as_json:
        print_json(running=decided.running, account=decided.account, id=decided.id, ruling=ruling)
    else:
        click.echo(told)


def _as_dict(row: Listed) -> dict[str, Any]:
    told = asdict(row)
    return {**told, "thread": str(row.thread), "state": _state(row), "needs_decision": row.needs_decision}


def _cells(row: Listed) -> list[str]:
    return [
        str(row.id),
        f"{row.account} {row.thread}",
        _state(row),
        when(row.sent_ms or row.created_ms, now_ms()),
        str(row.tries),
        f"{row.part}/{row.parts}",
        sanitize(row.text, _LONGEST) or "–",
        _reason(row) or "–",
    ]


def _reason(row: Listed) -> str:
    reason = sanitize(row.reason, 200)
    if row.state == "unknown" and row.settling_ms is not None:
        return f"{reason}; being looked up"
    return f"{reason} until {local(row.held_until_ms)}" if row.held_until_ms else reason


def _state(row: Listed) -> str:
    return "needs_decision" if row.needs_decision else str(row.state)


@click.group("dead-letters")
def dead_letters() -> None:
    """See messages that the agent could not answer, and give them to it again."""


@dead_letters.command("list")
@click.option("--channel", help="The channel (default: the only one).")
@click.option("--account", help="Only this account (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_letters(channel: str | None, account: str | None, as_json: bool) -> None:
    """List the messages that were set aside, with the reason of the last try."""
    setup = CliContext()
    name = setup.manifest(channel).id
    rows = setup.call(DeadLetters(name, account))
    if as_json:
        print_json(letters=[{**asdict(row), "thread": str(row.thread)} for row in rows])
    elif rows:
        heads = ("MESSAGE", "ACCOUNT", "THREAD", "FROM", "TRIES", "SET ASIDE", "TEXT", "REASON")
        print_table(heads, list(map(_letter_cells, rows)))
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
    setup = CliContext()
    decided = setup.call(Resubmit(setup.manifest(channel).id, message, account))
    told = f"Message {message} is given to the agent again."
    _print_letter(decided, "resubmit", told if decided.running else f"{told} {_LATER}", as_json)


@dead_letters.command("drop")
@click.argument("message")
@click.option("--channel", help="The channel (default: the only one).")
@click.option("--account", help="The account (default: found by the message).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drop_letter(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message up; its text is forgotten."""
    setup = CliContext()
    decided = setup.call(DropDeadLetter(setup.manifest(channel).id, message, account))
    _print_letter(decided, "drop", f"Message {message} is dropped.", as_json)


def _print_letter(decided: LetterDecided, ruling: str, told: str, as_json: bool) -> None:
    if as_json:
        print_json(
            running=decided.running, account=decided.account, message_id=decided.message_id, ruling=ruling
        )
    else:
        click.echo(told)


def _letter_cells(row: DeadLetter) -> list[str]:
    return [
        sanitize(row.message_id),
        row.account,
        str(row.thread),
        f"{sanitize(row.sender_name) or '–'} ({row.sender_id})",
        str(row.tries),
        when(row.set_aside_ms, now_ms()),
        sanitize(row.text, _LONGEST) or "–",
        sanitize(row.reason, 200),
    ]
