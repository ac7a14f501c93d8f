"""`store reset`: beginning anew without what the gateway has stored."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError

if TYPE_CHECKING:
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
    from clawlane.store.marker import FORGOTTEN
    from clawlane.store.reset import forget as move_aside
    from clawlane.store.reset import holdings

    places, now_ms = CliContext().places, time.time_ns() // 1_000_000
    found = holdings(places.store, now_ms)
    if not forget:
        told = _counted(found) or FORGOTTEN
        raise CliError(f"this would forget: {told}", "openclaw store reset --forget")
    if not places.state.is_dir():
        raise CliError(
            f"there is no state directory {places.state}", "nothing is stored, so nothing to reset"
        )
    aside = move_aside(places.store, places.lock_file, now_ms)
    if as_json:
        body = {
            "ok": True,
            "moved_to": str(aside) if aside else None,
            "forgotten": asdict(found) if found else None,
        }
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    if aside is not None:
        click.echo(
            f"The store is now {aside}; remove it when you do not need it: it holds people's messages."
        )
    click.echo("The next start of the gateway makes an empty store.")


def _counted(found: Holdings | None) -> str:
    if found is None or found.messages is None:
        return ""
    numbers = asdict(found)
    return ", ".join(f"{numbers[key]} {words}" for key, words in _WORDS.items()) + ", pauses, pinned names"
