"""`backup` and `restore`: the state in one sealed file, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json, sanitize, size_words, when
from clawlane.cli.passphrase import VARIABLE, passphrase_option, read_passphrase
from clawlane.clock import now_ms
from clawlane.ops.archive import STORE, Entry, Manifest
from clawlane.ops.backup import BackUp
from clawlane.ops.client import Client
from clawlane.ops.restore import ReadBackup, Restore, Restored

_NOUNS = {
    STORE: ("store", "store"),
    "config": ("config", "config"),
    "plugins.json": ("list of plugins", "list of plugins"),
    "consent": ("accepted risk", "accepted risks"),
    "audit": ("file of the record", "files of the record"),
    "address-book": ("copy of an address book", "copies of an address book"),
    "vault": ("file of sessions and their key", "files of sessions and their key"),
    "media": ("received file", "received files"),
    "outgoing": ("file to be sent", "files to be sent"),
}


@click.command(
    epilog=f"The passphrase is typed, read from --passphrase-file, or taken from ${VARIABLE}.",
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--with-session", is_flag=True, help="Also the logins and their key.")
@click.option("--with-media", is_flag=True, help="Also the files that people sent.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@passphrase_option
@json_option
def backup(
    file: str, with_session: bool, with_media: bool, force: bool, passphrase_file: str | None, as_json: bool
) -> None:
    """Write the state into one encrypted FILE; the gateway may run.

    It holds messages, conversations, approvals, pauses, the config and accepted risks. It holds no login
    unless you say --with-session: whoever opens the file can then act as the account.

    \b
    Examples:
      openclaw backup lane.backup
      openclaw backup lane.backup --force --passphrase-file ~/lane.pass
    """
    passphrase = read_passphrase(passphrase_file, new=True)
    done = Client().run_here(BackUp(file, passphrase, with_session, with_media, force))
    if as_json:
        print_json(file=done.file, size=done.size, manifest=done.manifest, entries=done.entries)
        return
    click.echo(f"Backed up to {done.file} ({size_words(done.size)}): {_words(done.entries)}.")
    if missing := _missing(done.manifest):
        echo_wrapped(f"Not in it: {missing}.")
    echo_wrapped("Nobody can open it without the passphrase. Try it: openclaw restore --list FILE")


@click.command(
    epilog=f"The passphrase is typed, read from --passphrase-file, or taken from ${VARIABLE}.",
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--list", "only_list", is_flag=True, help="Only show what is in it; reads all of it.")
@click.option("--force", is_flag=True, help="Move a state directory that is not empty aside.")
@passphrase_option
@json_option
def restore(file: str, only_list: bool, force: bool, passphrase_file: str | None, as_json: bool) -> None:
    """Put a backup into an empty state directory.

    Every account is paused then. What had not left when the backup was made may have left since, so it waits
    for your decision; what people wrote before the first connection is not answered.

    \b
    Examples:
      openclaw restore --list lane.backup
      openclaw restore lane.backup
    """
    if only_list and force:
        raise CliError("--list changes nothing, so there is nothing to --force")
    client, passphrase = Client(), read_passphrase(passphrase_file, new=False)
    if only_list:
        found = client.run_here(ReadBackup(file, passphrase))
        if as_json:
            print_json(manifest=found.manifest, entries=found.entries)
        else:
            for line in _listed(found.manifest, found.entries):
                echo_wrapped(line, hanging="  ")
        return
    done = client.run_here(Restore(file, passphrase, force))
    if as_json:
        print_json(**_restored_json(done))
        return
    for line in _restored(done):
        echo_wrapped(line, hanging="  ")


def _listed(manifest: Manifest, entries: Iterable[Entry]) -> Iterator[str]:
    yield f"made       {when(manifest.made_ms, now_ms())} on {sanitize(manifest.host)}"
    yield f"by         clawlane {sanitize(manifest.version)}, schema {manifest.migration}"
    yield f"of         {sanitize(manifest.state_dir)}"
    yield f"accounts   {', '.join(map(sanitize, manifest.concerns)) or 'none'}"
    yield f"logins     {'yes: it can act as the accounts' if manifest.with_session else 'no'}"
    for one in entries:
        yield f"{size_words(one.size):>10} {sanitize(one.name)}"
    yield "It is whole."


def _restored(done: Restored) -> Iterator[str]:
    manifest = done.manifest
    host = sanitize(manifest.host)
    yield f"Restored to {done.state_dir}: {_words(done.entries)}."
    yield f"It is as {host} had it at {when(manifest.made_ms, now_ms())}."
    for path in done.moved:
        yield f"Moved aside: {path}"
    yield ""
    yield "1. Log the old gateway out, or the two end each other's connections. There, run:"
    yield "  openclaw gateway stop && openclaw channels logout"
    yield "  If it is out of reach, end its session on the phone, under Zalo's logged-in devices."
    yield "2. Every account is paused. Look at it, and start it:"
    yield "  openclaw doctor"
    if not manifest.with_session:
        yield "  openclaw channels login"
    yield "  openclaw gateway run"
    if done.undecided:
        told = "message(s) had not left then, and may have left since. You decide:"
        yield f"3. {done.undecided} {told}"
        yield "  openclaw outbox list"
    yield f"{4 if done.undecided else 3}. Let it answer what people write from then on:"
    yield "  openclaw resume"


def _restored_json(done: Restored) -> dict[str, object]:
    return {
        "state_dir": done.state_dir,
        "config_file": done.config_file,
        "manifest": done.manifest,
        "entries": done.entries,
        "moved": done.moved,
        "undecided": done.undecided,
    }


def _words(entries: Iterable[Entry]) -> str:
    """`store, config, 2 accepted risks`."""
    kinds = Counter(one.name.partition("/")[0] for one in entries)
    told = []
    for kind, count in kinds.items():
        one, many = _NOUNS[kind]
        told.append(one if one == many else f"{count} {one if count == 1 else many}")
    return ", ".join(told)


def _missing(manifest: Manifest) -> str:
    told = [] if manifest.with_session else ["logins (--with-session)"]
    told += [] if manifest.with_media else ["files that people sent (--with-media)"]
    return ", ".join([*told, "the folders of agents", "secrets that the config takes from elsewhere"])
