"""`uninstall`: take this program off the machine, with or without what it has stored."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json, size_words
from clawlane.ops.client import Client, gateway_runs
from clawlane.ops.uninstall import GetPieces, Piece, Uninstall
from clawlane.store.process_lock import is_held

_WORDS = {
    "unit": "the systemd unit",
    "key": "the key of the logins",
    "logins": "logins and their key",
    "store": "messages, conversations, approvals, pauses",
    "record": "keys of the record",
    "people": "copies of the address book",
    "media": "files that people sent, or that were to be sent",
    "config": "the config",
    "logs": "logs",
    "rest": "accepted risks, list of plugins, and the like",
    "foreign": "not ours, stays",
}


@click.command()
@click.option("--purge", is_flag=True, help="Also remove the state: logins, messages, media, config.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def uninstall(purge: bool, yes: bool, as_json: bool) -> None:
    """Remove the service, and with --purge everything that is stored here.

    Lists first what it would remove. The gateway must not run. The account on the platform is not touched:
    end its session on the phone, too.

    \b
    Examples:
      openclaw uninstall
      openclaw uninstall --purge
    """
    client = Client()
    if gateway_runs(client.paths) or is_held(client.paths.lock_file):
        raise CliError("a gateway runs with this state directory", "openclaw gateway stop")
    found = client.run_here(GetPieces())
    goes = [one for one in found if one.what != "foreign" and (purge or one.what == "unit")]
    if not as_json:
        for line in _listed(found, goes):
            echo_wrapped(line, hanging="  ")
    if goes and not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError("nobody can be asked whether to remove it", "say so with --yes")
        if not click.confirm("Remove it for good?" if purge else "Remove it?", default=False):
            raise CliError("nothing was removed")
    done = client.run_here(Uninstall(purge))
    if as_json:
        print_json(removed=done.removed, left=done.left)
        return
    for line in _ended(client, done.left, removed=bool(done.removed), purge=purge):
        echo_wrapped(line, hanging="  ")


def _listed(found: Iterable[Piece], goes: list[Piece]) -> Iterator[str]:
    if not goes:
        yield "There is nothing to remove."
    for one in found:
        does = "remove" if one in goes else "keep"
        yield f"{does:<7} {size_words(one.size):>8}  {one.path}  ({_WORDS[one.what]})"


def _ended(client: Client, left: list[Piece], *, removed: bool, purge: bool) -> Iterator[str]:
    if removed:
        yield "Removed."
    if not purge and left:
        yield f"Everything else is kept in {client.paths.state}; remove it: openclaw uninstall --purge"
    if purge:
        for one in left:
            yield f"Left: {one.path} ({_WORDS[one.what]})"
        if client.paths.agents_dir.is_dir():
            yield f"Left: {client.paths.agents_dir} (the folders of agents; remove them yourself)"
        yield "On the phone, end the session under Zalo's logged-in devices."
    if removed and (os.environ.get("XDG_RUNTIME_DIR") or not purge):
        yield "If systemd ran it: systemctl --user daemon-reload"
    yield "The program itself goes with: pip uninstall clawlane"
