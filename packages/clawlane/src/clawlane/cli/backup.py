"""`backup` and `restore`: the state in one sealed file, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json
from clawlane.cli.passphrase import VARIABLE, passphrase_option, read_passphrase
from clawlane.clock import now_ms
from clawlane.ops.archive import STORE, Entry, Manifest
from clawlane.ops.backup import BackUp
from clawlane.ops.client import Client
from clawlane.ops.restore import ReadBackup, Restore, Restored
from clawlane.texts import later, t, tn
from clawlane.words.strangers import sanitize
from clawlane.words.times import size_words, when

_NOUNS = {STORE: later("store"), "config": later("config"), "plugins.json": later("list of plugins")}
"""What there is one of."""

_COUNTED: dict[str, Callable[[int], str]] = {
    "consent": lambda n: tn("{n} accepted risk", "{n} accepted risks", n),
    "audit": lambda n: tn("{n} file of the record", "{n} files of the record", n),
    "address-book": lambda n: tn("{n} copy of an address book", "{n} copies of an address book", n),
    "vault": lambda n: tn("{n} file of sessions and their key", "{n} files of sessions and their key", n),
    "media": lambda n: tn("{n} received file", "{n} received files", n),
    "outgoing": lambda n: tn("{n} file to be sent", "{n} files to be sent", n),
}
"""What there may be several of."""


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
    size, content = size_words(done.size), _words(done.entries)
    click.echo(t("Backed up to {file} ({size}): {content}.", file=done.file, size=size, content=content))
    echo_wrapped(t("Not in it: {missing}.", missing=_missing(done.manifest)))
    echo_wrapped(t("Nobody can open it without the passphrase. Try it: openclaw restore --list FILE"))


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
        raise CliError(later("--list changes nothing, so there is nothing to --force"))
    client, passphrase = Client(), read_passphrase(passphrase_file, new=False)
    if only_list:
        found = client.run_here(ReadBackup(file, passphrase))
        if as_json:
            print_json(manifest=found.manifest, entries=found.entries)
        else:
            for line in _listed(found.manifest, found.entries):
                echo_line(line)
        return
    done = client.run_here(Restore(file, passphrase, force))
    if as_json:
        print_json(**_restored_json(done))
        return
    for line in _restored(done):
        echo_line(line)


def _listed(manifest: Manifest, entries: Iterable[Entry]) -> Iterator[str]:
    made, host = when(manifest.made_ms, now_ms()), sanitize(manifest.host)
    version, accounts = sanitize(manifest.version), ", ".join(map(sanitize, manifest.concerns)) or t("none")
    yield t("made       {when} on {host}", when=made, host=host)
    yield t("by         clawlane {version}, schema {schema}", version=version, schema=manifest.migration)
    yield t("of         {folder}", folder=sanitize(manifest.state_dir))
    yield t("accounts   {accounts}", accounts=accounts)
    if manifest.with_session:
        yield t("logins     yes: it can act as the accounts")
    else:
        yield t("logins     no")
    for one in entries:
        yield f"{size_words(one.size):>10} {sanitize(one.name)}"
    yield t("It is whole.")


def _restored(done: Restored) -> Iterator[str]:
    manifest = done.manifest
    yield t("Restored to {folder}: {content}.", folder=done.state_dir, content=_words(done.entries))
    made = when(manifest.made_ms, now_ms())
    yield t("It is as {host} had it at {when}.", host=sanitize(manifest.host), when=made)
    for path in done.moved:
        yield t("Moved aside: {path}", path=path)
    yield ""
    yield t("1. Log the old gateway out, or the two end each other's connections. There, run:")
    yield "  openclaw gateway stop && openclaw channels logout"
    yield t("  If it is out of reach, end its session on the phone, under Zalo's logged-in devices.")
    yield t("2. Every account is paused. Look at it, and start it:")
    yield "  openclaw doctor"
    if not manifest.with_session:
        yield "  openclaw channels login"
    yield "  openclaw gateway run"
    if done.undecided:
        yield tn(
            "3. {n} message had not left then, and may have left since. You decide:",
            "3. {n} messages had not left then, and may have left since. You decide:",
            done.undecided,
        )
        yield "  openclaw outbox list"
    last = 4 if done.undecided else 3
    yield t("{number}. Let it answer what people write from then on:", number=last)
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
    return ", ".join(t(_NOUNS[kind]) if kind in _NOUNS else _COUNTED[kind](n) for kind, n in kinds.items())


def _missing(manifest: Manifest) -> str:
    told = [] if manifest.with_session else [t("logins (--with-session)")]
    told += [] if manifest.with_media else [t("files that people sent (--with-media)")]
    return ", ".join([*told, t("the folders of agents"), t("secrets that the config takes from elsewhere")])
