"""`outbox list|resend|drop`: what has not left yet, and what nobody knows of whether it arrived."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.clean import clean
from clawlane.cli.rulings import rule_send
from clawlane.cli.setup import Setup
from clawlane.cli.table import print_table
from clawlane.cli.times import local, when

if TYPE_CHECKING:
    from clawlane.store.outbox_list import Listed

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
    rows = _find(Setup(), everything)
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


def _find(setup: Setup, everything: bool) -> list[Listed]:
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
        clean(row.text, _LONGEST) or "–",
        _reason(row) or "–",
    ]


def _reason(row: Listed) -> str:
    reason = clean(row.reason, 200)
    if row.state == "unknown" and row.settling_ms is not None:
        return f"{reason}; being looked up"
    return f"{reason} until {local(row.held_until_ms)}" if row.held_until_ms else reason


def _state(row: Listed) -> str:
    return "needs_decision" if row.needs_decision else str(row.state)
