"""`outbox` and `channels dead-letters`: unsent and unconfirmed messages, and those without an answer."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import cell, local, print_json, print_result, print_table, sanitize, when
from clawlane.clock import now_ms
from clawlane.ops.accounts import FindChannel
from clawlane.ops.client import Client
from clawlane.ops.messages import Arrived, DeadLetters, Drop, DropDeadLetter, Outbox, Resend, Resubmit
from clawlane.store.outbox import Listed

_LATER = " The gateway is not running: that happens once it does."
_LONGEST = 40
_NEED = (
    "\nNobody knows whether what needs a decision has arrived. Look at the thread on the phone, then:\n"
    "  it is not there:  openclaw outbox resend NUMBER\n"
    "  it is there:      openclaw outbox drop NUMBER --arrived\n"
    "  give it up:       openclaw outbox drop NUMBER"
)


@click.group()
def outbox() -> None:
    """See what has not been sent yet, and decide about unconfirmed messages."""


@outbox.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the newest that will not be sent.")
@json_option
def list_messages(everything: bool, as_json: bool) -> None:
    """List messages that wait to be sent, and those that need a decision."""
    rows = Client().call(Outbox(settled=everything))
    if as_json:
        messages = []
        for row in rows:
            own = {"thread": str(row.thread), "state": _state(row), "needs_decision": row.needs_decision}
            messages.append({**asdict(row), **own})
        print_json(messages=messages)
        return
    if not rows:
        click.echo("Nothing waits to be sent.")
        return
    now = now_ms()
    cells = [
        [
            str(row.id),
            f"{row.account} {row.thread}",
            _state(row),
            when(row.sent_ms or row.created_ms, now),
            str(row.tries),
            f"{row.part}/{row.parts}",
            cell(row.text, _LONGEST),
            _reason(row) or "–",
        ]
        for row in rows
    ]
    print_table(("NUMBER", "TO", "STATE", "SINCE", "TRIES", "PART", "TEXT", "REASON"), cells)
    if any(row.needs_decision for row in rows):
        click.echo(_NEED)


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option
def resend(number: int, as_json: bool) -> None:
    """Resend a message whose delivery is unknown.

    The rest of its reply follows.
    """
    decided = Client().call(Resend(number))
    told = f"Message {number} is sent again, and what waits behind it follows."
    later = "" if decided.running else _LATER
    print_result([told + later], as_json, **asdict(decided), ruling="resend")


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--arrived", is_flag=True, help="It did arrive: the rest of its reply is sent.")
@json_option
def drop(number: int, arrived: bool, as_json: bool) -> None:
    """Do not send a message, nor the rest of its reply."""
    decided = Client().call(Arrived(number) if arrived else Drop(number))
    told = f"Message {number} is dropped, and the rest of its reply."
    if arrived:
        told = f"Message {number} has arrived; the rest of its reply follows."
        told += "" if decided.running else _LATER
    print_result([told], as_json, **asdict(decided), ruling="arrived" if arrived else "drop")


def _reason(row: Listed) -> str:
    reason = sanitize(row.reason, 200)
    if row.state == "unknown" and row.settling_ms is not None:
        reason = f"{reason}; being looked up"
    elif row.held_until_ms:
        reason = f"{reason} until {local(row.held_until_ms)}"
    by = "sent by the operator" if row.by_operator else ""
    if row.by_tool:
        by = f"sent by a tool while answering {sanitize(row.answers) or 'a message'}"
    return "; ".join(filter(None, (reason, by)))


def _state(row: Listed) -> str:
    return "needs_decision" if row.needs_decision else str(row.state)


@click.group("dead-letters")
def dead_letters() -> None:
    """See messages that the agent could not answer, and retry them."""


@dead_letters.command("list")
@channel_option()
@account_option()
@json_option
def list_letters(channel: str | None, account: str | None, as_json: bool) -> None:
    """List the messages that were set aside, and why."""
    client = Client()
    id_ = client.call(FindChannel(channel))
    rows = client.call(DeadLetters(id_, account))
    if as_json:
        print_json(letters=[{**asdict(row), "thread": str(row.thread)} for row in rows])
        return
    if not rows:
        click.echo(f"No message of {id_} was set aside.")
        return
    now = now_ms()
    cells = [
        [
            sanitize(row.message_id),
            row.account,
            str(row.thread),
            f"{cell(row.sender_name)} ({row.sender_id})",
            str(row.tries),
            when(row.set_aside_ms, now),
            cell(row.text, _LONGEST),
            sanitize(row.reason, 200),
        ]
        for row in rows
    ]
    print_table(("MESSAGE", "ACCOUNT", "THREAD", "FROM", "TRIES", "SET ASIDE", "TEXT", "REASON"), cells)
    click.echo("\nTry one again: openclaw channels dead-letters resubmit MESSAGE")


@dead_letters.command()
@click.argument("message")
@channel_option()
@account_option("The account (default: found by the message).")
@json_option
def resubmit(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message to the agent again, with a full set of tries."""
    decided = Client().call(Resubmit(channel, message, account))
    told = f"Message {message} is given to the agent again."
    later = "" if decided.running else _LATER
    print_result([told + later], as_json, **asdict(decided), ruling="resubmit")


@dead_letters.command("drop")
@click.argument("message")
@channel_option()
@account_option("The account (default: found by the message).")
@json_option
def drop_letter(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message up; its text is deleted."""
    decided = Client().call(DropDeadLetter(channel, message, account))
    print_result([f"Message {message} is dropped."], as_json, **asdict(decided), ruling="drop")
