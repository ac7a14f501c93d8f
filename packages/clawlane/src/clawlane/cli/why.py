"""`why`: what was decided about messages, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.clean import clean
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Setup
from clawlane.cli.times import gap_words
from clawlane.cli.why_lines import as_dict, lines
from clawlane.cli.wrap import echo_wrapped

if TYPE_CHECKING:
    from clawlane.cli.turn_words import Live
    from clawlane.cli.why_lines import Item
    from clawlane.config.source import Source
    from clawlane.store.catch_up import Gap
    from clawlane.store.reader import Reader


@click.command()
@click.argument("message_id", required=False)
@click.option("--last", type=click.IntRange(min=1), help="The newest N messages (default: 10).")
@click.option("--dropped", is_flag=True, help="Only messages that were dropped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(message_id: str | None, last: int | None, dropped: bool, as_json: bool) -> None:
    """Say why a message was or was not answered, with the line of the config that decided.

    With a message's id it is about that message, else about the newest ones. What the platform wrote itself
    is shown as notice, and what could not be read as unreadable.
    """
    if message_id and (last or dropped):
        raise CliError("a message's id stands alone", "leave --last and --dropped out, or the id")
    setup = Setup()
    found, gaps = _find(setup, message_id, last or 10, dropped)
    if message_id and not found:
        unread = [gap_words(gap.kind, gap.from_ms, gap.to_ms) for gap in gaps[-1:]]
        told = f"no message {clean(message_id)!r} was read"
        raise CliError("; ".join([told, *unread]), "openclaw why --last 10")
    live, source = _live(setup, found), _source(setup)
    if as_json:
        items = [as_dict(one, live, source) for one in found]
        body = {"ok": True, "messages": items, "gaps": [asdict(gap) for gap in gaps]}
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    for one in found:
        head, *rest = lines(one, live, source)
        echo_wrapped(head, "", "    ")
        for line in rest:
            echo_wrapped(line, "  ", "    ")
    for gap in () if message_id else gaps:
        echo_wrapped(gap_words(gap.kind, gap.from_ms, gap.to_ms))
    if not found:
        click.echo("No message was dropped." if dropped else "No message has been read yet.")


def _find(setup: Setup, message_id: str | None, last: int, dropped: bool) -> tuple[list[Item], list[Gap]]:
    """What is asked about, and where any account could not catch up."""
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        return [], []
    with reading(setup.places.store) as reader:
        if message_id:
            return [*reader.decided(message_id), *reader.noted(message_id)], reader.all_gaps()
        return _newest(reader, last, dropped), reader.all_gaps()


def _newest(reader: Reader, last: int, dropped: bool) -> list[Item]:
    """The newest first, messages and notices by the time they were read."""
    messages: Iterator[Item] = iter(reader.newest_decided(last, dropped=dropped))
    if dropped:
        return list(messages)
    found = [*messages, *reader.newest_noted(last)]
    return sorted(found, key=lambda one: one.read_ms, reverse=True)[:last]


def _live(setup: Setup, found: Sequence[Item]) -> Live:
    """What holds replies right now. Nobody is asked unless something has not ended."""
    from clawlane.cli.turn_words import Live
    from clawlane.host.control_client import ControlClient, ControlError
    from clawlane.store.decisions import Recorded

    is_open = (one.standing and one.standing.settled_ms is None for one in found if isinstance(one, Recorded))
    if not any(is_open):
        return Live()
    try:
        return Live.of_status(ControlClient(setup.places).status())
    except ControlError:
        return Live(pauses=_stored_pauses(setup))


def _stored_pauses(setup: Setup) -> list[dict[str, Any]]:
    from clawlane.host.pause_commands import pause_answer
    from clawlane.store.reader import reading

    with reading(setup.places.store) as reader:
        return list(map(pause_answer, reader.pauses()))


def _source(setup: Setup) -> Source | None:
    """The config file as it stands now; None if it cannot be read."""
    from clawlane.config.problems import ConfigError
    from clawlane.config.source import read_source

    try:
        return read_source(setup.places.config_file)
    except ConfigError:
        return None
