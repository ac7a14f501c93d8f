"""`store reset`: beginning anew without what the gateway has stored."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import print_json
from clawlane.ops.store import GetHoldings, Reset
from clawlane.store.marker import FORGOTTEN
from clawlane.store.reset import Holdings

_WORDS = {
    "approved": "senders approved by pairing",
    "rejected": "senders turned away",
    "requests": "pending pairing requests",
    "messages": "messages, and whether they were answered",
    "unsent": "messages that have not left, or may not have arrived",
}


@click.group()
def store() -> None:
    """Begin anew without what the gateway has stored."""


@store.command()
@click.option("--forget", is_flag=True, help="Do it. Without this it is only said what would be forgotten.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reset(forget: bool, as_json: bool) -> None:
    """Move the store aside, so that the gateway begins with an empty one.

    Logins and the config stay. A pause ends with the store that it stands in.
    """
    setup = CliContext()
    if not forget:
        told = _counted(setup.run_here(GetHoldings())) or FORGOTTEN
        raise CliError(f"this would forget: {told}", "openclaw store reset --forget")
    done = setup.run_here(Reset())
    if as_json:
        print_json(moved_to=done.moved_to, forgotten=done.forgotten)
        return
    if done.moved_to is not None:
        told = "remove it when you do not need it: it holds people's messages."
        click.echo(f"The store is now {done.moved_to}; {told}")
    click.echo("The next start of the gateway makes an empty store.")


def _counted(found: Holdings | None) -> str:
    if found is None or found.messages is None:
        return ""
    numbers = asdict(found)
    return ", ".join(f"{numbers[key]} {words}" for key, words in _WORDS.items()) + ", pauses, pinned names"
