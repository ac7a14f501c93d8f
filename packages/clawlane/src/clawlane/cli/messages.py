"""`outbox list|resend|drop`: what has not left yet, and what nobody knows of whether it arrived."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.context import CliContext
from clawlane.cli.output import local, print_table, sanitize, when

if TYPE_CHECKING:
    from clawlane.ops.messages import Resolutions
    from clawlane.store.reader import Listed
    from clawlane.store.turns import DeadLetter


Fields = dict[str, Any]

_LATER = "The gateway is not running: that happens once it does."


def rule_send(ruling: str, number: int, as_json: bool, told: str) -> None:
    """Decide about a message of the outbox, and print `told`."""
    from clawlane.ops.client import ControlClient
    from clawlane.ops.messages import Resolution

    setup = CliContext()
    client = ControlClient(setup.places)
    running = client.running()
    if running:
        answer = client.rule_send(ruling, number)
    else:
        answer = _alone(setup, lambda rulings: rulings.send(Resolution(ruling), number))
    _print(answer, running, as_json, told if running or ruling == "drop" else f"{told} {_LATER}")


def rule_letter(
    setup: CliContext, ruling: str, channel: str, account: str | None, message: str, as_json: bool
) -> None:
    """Decide about a message that was set aside."""
    from clawlane.ops.client import ControlClient
    from clawlane.ops.messages import Resolution

    client = ControlClient(setup.places)
    running = client.running()
    if running:
        answer = client.rule_letter(ruling, channel, account, message)
    else:
        answer = _alone(setup, lambda rulings: rulings.letter(Resolution(ruling), channel, account, message))
    if ruling == "drop":
        told = f"Message {message} is dropped."
    else:
        told = f"Message {message} is given to the agent again." + ("" if running else f" {_LATER}")
    _print(answer, running, as_json, told)


def _alone(setup: CliContext, rule: Callable[[Resolutions], Awaitable[Fields]]) -> Fields:
    async def ruled() -> Fields:
        from clawlane.ops.messages import AccountStores, Resolutions
        from clawlane.store.database import open_store

        async with open_store(setup.places.store, setup.places.lock_file, _now_ms, checked=False) as store:
            return await rule(Resolutions(store, AccountStores(store, lambda _: None)))

    return asyncio.run(ruled())


def _print(answer: Fields, running: bool, as_json: bool, told: str) -> None:
    click.echo(json.dumps({"ok": True, "running": running, **answer}) if as_json else told)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


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
    rows = _find(CliContext(), everything)
    if as_json:
        told = [_as_dict(row) for row in rows]
        click.echo(json.dumps({"ok": True, "messages": told}, ensure_ascii=False))
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
    rule_send("resend", number, as_json, f"Message {number} is sent again, and what waits behind it follows.")


@outbox.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--arrived", is_flag=True, help="It did arrive: the rest of its reply is sent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drop(number: int, arrived: bool, as_json: bool) -> None:
    """Do not send a message, nor the rest of its reply."""
    if arrived:
        rule_send("arrived", number, as_json, f"Message {number} has arrived; the rest of its reply follows.")
    else:
        rule_send("drop", number, as_json, f"Message {number} is dropped, and the rest of its reply.")


def _find(setup: CliContext, everything: bool) -> list[Listed]:
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        return []
    with reading(setup.places.store) as reader:
        return reader.outbox(settled=everything)


def _as_dict(row: Listed) -> dict[str, Any]:
    told = asdict(row)
    return {**told, "thread": str(row.thread), "state": _state(row), "needs_decision": row.needs_decision}


def _cells(row: Listed) -> list[str]:
    return [
        str(row.id),
        f"{row.account} {row.thread}",
        _state(row),
        when(row.sent_ms or row.created_ms, time.time_ns() // 1_000_000),
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
    rows = _find_dead_letters(setup, name, setup.meant(channel, account).account.id if account else None)
    if as_json:
        told = [{**asdict(row), "thread": str(row.thread)} for row in rows]
        click.echo(json.dumps({"ok": True, "letters": told}, ensure_ascii=False))
    elif rows:
        heads = ("MESSAGE", "ACCOUNT", "THREAD", "FROM", "TRIES", "SET ASIDE", "TEXT", "REASON")
        print_table(heads, list(map(_cells_dead_letters, rows)))
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


@dead_letters.command("drop")
@click.argument("message")
@click.option("--channel", help="The channel (default: the only one).")
@click.option("--account", help="The account (default: found by the message).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drop_dead_letters(message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    """Give a message up; its text is forgotten."""
    _rule("drop", message, channel, account, as_json)


def _rule(ruling: str, message: str, channel: str | None, account: str | None, as_json: bool) -> None:
    setup = CliContext()
    name = setup.manifest(channel).id
    known = setup.meant(channel, account).account.id if account else None
    rule_letter(setup, ruling, name, known, message, as_json)


def _find_dead_letters(setup: CliContext, channel: str, account: str | None) -> list[DeadLetter]:
    from clawlane.ops.pairing_offline import on_account
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        return []
    with reading(setup.places.store) as reader:
        return on_account(reader.dead_letters(), channel, account)


def _cells_dead_letters(row: DeadLetter) -> list[str]:
    return [
        sanitize(row.message_id),
        row.account,
        str(row.thread),
        f"{sanitize(row.sender_name) or '–'} ({row.sender_id})",
        str(row.tries),
        when(row.set_aside_ms, time.time_ns() // 1_000_000),
        sanitize(row.text, _LONGEST) or "–",
        sanitize(row.reason, 200),
    ]
