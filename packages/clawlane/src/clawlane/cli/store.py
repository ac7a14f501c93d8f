"""`store reset`: starting over without what the gateway has stored."""

from __future__ import annotations

from dataclasses import asdict

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, print_json
from clawlane.ops.client import Client
from clawlane.ops.store import GetHoldings, Reset
from clawlane.store.marker import FORGOTTEN

_WORDS = {
    "approved": "senders approved by pairing",
    "rejected": "rejected senders",
    "requests": "pending pairing requests",
    "messages": "messages, and whether they were answered",
    "unsent": "messages that have not left, or may not have arrived",
}


@click.group()
def store() -> None:
    """Start over without what the gateway has stored."""


@store.command()
@click.option("--forget", is_flag=True, help="Forget it. Without this, only say what would be forgotten.")
@json_option
def reset(forget: bool, as_json: bool) -> None:
    """Move the store aside, so that the gateway starts with an empty one.

    Logins and the config stay. A pause ends with the store that holds it.

    \b
    Examples:
      openclaw store reset
      openclaw store reset --forget
    """
    client = Client()
    if not forget:
        told = FORGOTTEN
        if (found := client.run_here(GetHoldings())) and found.messages is not None:
            numbers = asdict(found)
            counts = [f"{numbers[key]} {words}" for key, words in _WORDS.items()]
            told = ", ".join([*counts, "pauses", "pinned names"])
        raise CliError(f"this would forget: {told}", "openclaw store reset --forget")
    done = client.run_here(Reset())
    if as_json:
        print_json(moved_to=done.moved_to, forgotten=done.forgotten)
        return
    if done.moved_to is not None:
        told = "remove it when you do not need it: it holds people's messages."
        echo_line(f"The store is now {done.moved_to}; {told}")
    click.echo("The next start of the gateway makes an empty store.")
