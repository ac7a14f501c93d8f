"""`why`: what was decided about messages, in one sentence each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.clean import clean
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Setup
from clawlane.cli.times import gap_words, local

if TYPE_CHECKING:
    from clawlane.store.catch_up import Gap
    from clawlane.store.decisions import Recorded

_UNDECIDED = "It is not decided yet: the account does not know its own id or the names of the config."
_GONE = "It was taken back before it was decided."


@click.command()
@click.argument("message_id", required=False)
@click.option("--last", type=click.IntRange(min=1), help="The newest N messages (default: 10).")
@click.option("--dropped", is_flag=True, help="Only messages that were dropped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(message_id: str | None, last: int | None, dropped: bool, as_json: bool) -> None:
    """Say why a message was or was not answered, with the line of the config that decided.

    With a message's id it is about that message, else about the newest ones.
    """
    if message_id and (last or dropped):
        raise CliError("a message's id stands alone", "leave --last and --dropped out, or the id")
    setup = Setup()
    gaps = _gaps(setup)
    found = _find(setup, message_id, last or 10, dropped, gaps)
    if as_json:
        told = {"messages": list(map(_as_dict, found)), "gaps": [asdict(gap) for gap in gaps]}
        click.echo(json.dumps({"ok": True, **told}, ensure_ascii=False))
        return
    for one in found:
        for line in _lines(one):
            click.echo(line)
    for gap in () if message_id else gaps:
        click.echo(gap_words(gap.kind, gap.from_ms, gap.to_ms))
    if not found:
        click.echo("No message was dropped." if dropped else "No message has been read yet.")


def _gaps(setup: Setup) -> list[Gap]:
    """Where any account could not catch up."""
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        return []
    with reading(setup.places.store) as reader:
        return reader.all_gaps()


def _find(setup: Setup, message_id: str | None, last: int, dropped: bool, gaps: list[Gap]) -> list[Recorded]:
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        found: list[Recorded] = []
    else:
        with reading(setup.places.store) as reader:
            found = reader.decided(message_id) if message_id else reader.newest_decided(last, dropped=dropped)
    if message_id and not found:
        unread = [gap_words(gap.kind, gap.from_ms, gap.to_ms) for gap in gaps[-1:]]
        raise CliError("; ".join([f"no message {message_id!r} was read", *unread]), "openclaw why --last 10")
    return found


def _as_dict(one: Recorded) -> dict[str, Any]:
    from clawlane.access.explain import as_dict

    return {
        "account": one.account,
        "messageId": one.message_id,
        "thread": {"kind": one.thread.kind, "id": one.thread.id},
        "sender": one.sender_id,
        "sentMs": one.sent_ms,
        "readMs": one.read_ms,
        "decisions": [
            {"stage": made.stage, "atMs": made.at_ms, **as_dict(made.decision, one.sender_id, one.thread)}
            for made in one.made
        ],
        "recalled": one.recalled or None,
        "repeats": one.repeats,
        "turn": {"state": one.turn, "reason": one.turn_reason} if one.turn else None,
    }


def _lines(one: Recorded) -> list[str]:
    from clawlane.access.explain import explain

    told = []
    for made in one.made:
        words = explain(made.decision, one.sender_id, one.thread)
        told.append(f"{made.decision.outcome} ({made.decision.reason}): {words}")
    head = f"{local(one.read_ms)} {one.account} message {clean(one.message_id)} in {one.thread}"
    lines = [head, *(f"  {clean(line, 400)}" for line in told or [_UNDECIDED if one.waiting else _GONE])]
    if one.recalled:
        lines.append(f"  It was {clean(one.recalled, 200)}.")
    if one.repeats:
        lines.append(f"  It came {one.repeats} more {'time' if one.repeats == 1 else 'times'}.")
    if one.turn_reason:
        lines.append(f"  Its turn is {one.turn}: {clean(one.turn_reason, 200)}")
    return lines
