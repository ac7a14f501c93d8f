"""`directory export`: the address book of an account, for another program or for the day after."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import one_account
from clawlane.cli.output import echo_wrapped
from clawlane.cli.private_output import private_output
from clawlane.clock import now_ms
from clawlane.ops.address_book import AddressBook
from clawlane.ops.client import Client
from clawlane.ops.directory_export import ExportDirectory, MembersAsked
from clawlane.ops.operation import plain
from clawlane.texts import t, tn
from clawlane.words.strangers import sanitize
from clawlane.words.times import when


@click.command("export")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("csv", "vcard", "json")),
    default="csv",
    show_default=True,
    help="csv for spreadsheets, vcard for address books, json for programs.",
)
@click.option("--out", metavar="FILE", help="Write to this file, for you alone (default: print).")
@click.option("--refresh", is_flag=True, help="Ask the platform for friends and groups first.")
@click.option("--members", is_flag=True, help="Also ask for the members, group by group; takes a while.")
@click.option("--snapshot", metavar="DAY", default="", help="The copy of a day, or latest.")
@one_account
def export_directory(
    format_: str,
    out: str | None,
    refresh: bool,
    members: bool,
    snapshot: str,
    channel: str | None,
    account: str | None,
) -> None:
    """Write friends, groups and their members to a file.

    It is what was looked up last, so it works when the account is banned. A
    running gateway also keeps a copy of each day for 30 days: --snapshot.

    \b
    Examples:
      openclaw directory export --format vcard --out contacts.vcf
      openclaw directory export --snapshot latest --format json
    """
    books: list[AddressBook] = []

    def show(event: MembersAsked | AddressBook) -> None:
        if isinstance(event, AddressBook):
            books.append(event)
        elif event.failed or out is not None:
            told = f": {sanitize(t(event.failed), 200)}" if event.failed else ""
            group = sanitize(event.group) or "?"
            line = t("members of group {n} of {all}, {group}", n=event.done, all=event.total, group=group)
            echo_wrapped(f"{line}{told}", err=True)

    Client().follow(ExportDirectory(channel, account, refresh, members, snapshot), show)
    if not books:
        raise CliError(t("the address book did not come"), t("try again"))
    [book] = books
    content = _text(book, format_).encode()
    if out is None:
        sys.stdout.buffer.write(content)
        return
    with private_output(Path(out)) as opened:
        opened.write(content)
    known = sum(len(one.members) for one in book.groups)
    counted = t(
        "{file} has {friends}, {groups} and {members} of them.",
        file=out,
        friends=tn("{n} friend", "{n} friends", len(book.friends)),
        groups=tn("{n} group", "{n} groups", len(book.groups)),
        members=tn("{n} member", "{n} members", known),
    )
    echo_wrapped(f"{counted} {_age(book)}")


def _text(book: AddressBook, format_: str) -> str:
    from clawlane.cli.address_book_text import as_csv, as_vcards

    if format_ == "json":
        return json.dumps({"ok": True, **plain(book)}, ensure_ascii=False) + "\n"
    return as_csv(book) if format_ == "csv" else as_vcards(book)


def _age(book: AddressBook) -> str:
    now = now_ms()
    friends, groups = when(book.friends_ms, now), when(book.groups_ms, now)
    return t("Friends as of {friends}, groups as of {groups}.", friends=friends, groups=groups)
