"""`channels capabilities`: what a channel can do, how much it takes, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from clawlane.cli.options import UNOFFICIAL, json_option, one_account
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.ops.capabilities import Describe, Described
from clawlane.ops.client import Client

_ABILITIES = {
    "login": "log in by QR code",
    "probe": "ask whether a session is valid",
    "directory": "list people, groups and members",
    "fetch_media": "fetch the files of messages",
    "look_up_sends": "look up sends that nobody confirmed",
    "reconnect": "close its connection on purpose",
    "rehearsal": "rehearse against a simulator",
}


@click.command()
@one_account
@json_option
def capabilities(channel: str | None, account: str | None, as_json: bool) -> None:
    """Show what a channel can send and do, how much it takes, and what it cannot.

    Personal Zalo (zalouser) is experimental, unofficial: see openclaw plugins info.

    \b
    Example:
      openclaw channels capabilities --channel zalouser
    """
    found = Client().call(Describe(channel, account))
    if as_json:
        print_json(**{**asdict(found), "account": f"{found.channel}/{found.account}"})
        return
    for line in _lines(found):
        echo_wrapped(line, hanging="  ")


def _lines(found: Described) -> Iterator[str]:
    note = f" ({UNOFFICIAL})" if found.unofficial else ""
    yield f"{found.label} [{found.channel}]{note}, account {found.account}"
    yield f"Sends and shows: {', '.join(found.sends)}"
    if found.lacks:
        yield f"Does not: {', '.join(found.lacks)}"
    if found.abilities:
        yield f"Can: {', '.join(_ABILITIES.get(one, one) for one in found.abilities)}"
    yield "Writes to: people and groups"
    if found.text_units is not None:
        yield f"One message: {found.text_units} UTF-16 units; longer texts are cut where a reader pauses"
    if found.file_mb is not None:
        yield f"One file: {found.file_mb:g} MB (mediaMaxMb)"
    if found.reactions:
        icons = [f"{one.name}={one.emoji}" if one.emoji else one.name for one in found.reactions]
        yield f"Reactions: {', '.join(icons)}"
    for sentence in found.cannot:
        yield f"Cannot: {sentence}"
