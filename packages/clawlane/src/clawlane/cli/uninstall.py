"""`uninstall`: take this program off the machine, with or without what it has stored."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import columns, echo_wrapped, print_json
from clawlane.cli.prompt_answers import confirm
from clawlane.ops.client import Client, gateway_runs
from clawlane.ops.uninstall import STAYS, GetPieces, Piece, Uninstall
from clawlane.store.process_lock import is_held
from clawlane.texts import later, t
from clawlane.words.times import size_words

_WORDS = {
    "unit": later("the systemd unit"),
    "key": later("the key of the logins"),
    "logins": later("logins and their key"),
    "store": later("messages, conversations, approvals, pauses"),
    "record": later("keys of the record"),
    "people": later("copies of the address book"),
    "media": later("files that people sent, or that were to be sent"),
    "config": later("the config"),
    "logs": later("logs"),
    "rest": later("accepted risks, list of plugins, and the like"),
    "database": later("the database with messages, approvals, pauses: it stays"),
    "foreign": later("not ours, stays"),
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
        raise CliError(t("a gateway runs with this state directory"), "openclaw gateway stop")
    found = client.run_here(GetPieces())
    goes = [one for one in found if one.what not in STAYS and (purge or one.what == "unit")]
    if not as_json:
        if not goes:
            echo_wrapped(t("There is nothing to remove."))
        for begin, text in _listed(found, goes):
            echo_wrapped(text, begin, " " * columns(begin))
    if goes and not yes:
        if as_json or not sys.stdin.isatty():
            raise CliError(t("nobody can be asked whether to remove it"), t("say so with --yes"))
        if not confirm(t("Remove it for good?") if purge else t("Remove it?"), default=False):
            raise CliError(t("nothing was removed"))
    done = client.run_here(Uninstall(purge))
    if as_json:
        print_json(removed=done.removed, left=done.left)
        return
    for line in _ended(client, done.left, removed=bool(done.removed), purge=purge):
        echo_wrapped(line, hanging="  ")


def _listed(found: Iterable[Piece], goes: list[Piece]) -> Iterator[tuple[str, str]]:
    """What becomes of each piece and how large it is, then where and what it is."""
    removes, keeps = t("remove"), t("keep")
    width = max(columns(removes), columns(keeps))
    for one in found:
        does = removes if one in goes else keeps
        gap = " " * (width - columns(does) + 2)
        yield f"{does}{gap}{size_words(one.size):>8}  ", f"{one.path} ({t(_WORDS[one.what])})"


def _ended(client: Client, left: list[Piece], *, removed: bool, purge: bool) -> Iterator[str]:
    if removed:
        yield t("Removed.")
    if not purge and left:
        kept = later("Everything else is kept in {folder}; remove it: openclaw uninstall --purge")
        yield t(kept, folder=client.paths.state)
    if purge:
        for one in left:
            yield t("Left: {path} ({what})", path=one.path, what=_WORDS[one.what])
        if client.paths.agents_dir.is_dir():
            agents = later("the folders of agents; remove them yourself")
            yield t("Left: {path} ({what})", path=client.paths.agents_dir, what=agents)
        yield t("On the phone, end the session under Zalo's logged-in devices.")
    if removed and (os.environ.get("XDG_RUNTIME_DIR") or not purge):
        yield t("If systemd ran it: systemctl --user daemon-reload")
    yield t("The program itself goes with: pip uninstall clawlane")
