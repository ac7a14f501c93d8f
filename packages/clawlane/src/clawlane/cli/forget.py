"""`forget` and `export`: what is kept of a person, removed and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_wrapped, local, print_json, sanitize
from clawlane.cli.private_output import private_output
from clawlane.ops.client import Client
from clawlane.ops.export import Counted, ExportPerson, Held
from clawlane.ops.forget import Forget, Forgetting, Forgotten, ForgottenOf
from clawlane.ops.operation import plain

_WORDS = {
    "messages": ("message", "messages"),
    "answers": ("answer that repeated them", "answers that repeated them"),
    "texts_sent": ("text that was sent", "texts that were sent"),
    "summaries": ("summary", "summaries"),
    "sessions": ("conversation of an agent", "conversations of agents"),
    "notices": ("notice of the platform", "notices of the platform"),
    "requests": ("pairing request", "pairing requests"),
    "approvals": ("approval", "approvals"),
    "drafts": ("draft", "drafts"),
    "deliveries": ("webhook delivery", "webhook deliveries"),
    "alerts": ("alert", "alerts"),
    "files": ("message with files", "messages with files"),
}
"""What was removed, in words: of one, of several."""


@click.command()
@click.option("--person", default="", metavar="ID", help="Whose words are removed.")
@click.option("--group", default="", metavar="ID", help="The group that everything was said in.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--revoke", is_flag=True, help="Make an approved person a stranger again.")
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def forget(
    person: str,
    group: str,
    dry_run: bool,
    revoke: bool,
    channel: str | None,
    account: str | None,
    as_json: bool,
) -> None:
    """Remove what a person or a group said, and what agents remember of it.

    Messages, history, conversations, files, drafts and answers that repeat the words go; what has not
    left is cancelled. Ids stay for a while, so that nothing is answered twice. Stopped in the middle,
    the same command goes on. Afterwards the store is written anew, which takes a moment.

    \b
    Examples:
      openclaw forget --person 8200000000000000002 --dry-run
      openclaw forget --group 9100000000000000002
    """
    if bool(person) is bool(group):
        raise CliError("name whom to forget: either --person ID or --group ID")
    if revoke and group:
        raise CliError("--revoke is about a person")
    ended: list[Forgotten] = []

    def show(event: Forgetting | Forgotten) -> None:
        if isinstance(event, Forgotten):
            ended.append(event)

    Client().follow(Forget(person, group, channel, account, dry_run, revoke), show)
    if not ended:
        raise CliError("it ended without an answer", "run the same command again: it goes on")
    done = ended[0]
    if as_json:
        accounts = {one.account: {"removed": one.removed, "approved": one.approved} for one in done.accounts}
        print_json(ok=True, **{**plain(done), "accounts": accounts})
        return
    for line in _forgotten(done):
        echo_wrapped(line, "", "  ")


def _forgotten(done: Forgotten) -> Iterator[str]:
    what = f"{done.whom} {done.id}"
    if not done.accounts:
        yield f"Nothing that {what} said is kept here."
    for one in done.accounts:
        verb = "Would remove" if done.dry_run else "Removed"
        yield f"{verb} of {what} on {one.account}: {_counts(one)}."
        if one.approved:
            yield f"{done.id} may still write to {one.account}; --revoke ends that."
    if done.accounts and not done.dry_run:
        yield "Ids and the fingerprints of messages stay as long as they are needed to answer nothing twice."
    yield "Copies that cannot be reached from here:"
    yield from (f"- {sanitize(copy, 200)}" for copy in done.copies)


def _counts(one: ForgottenOf) -> str:
    told = [f"{count} {_WORDS[name][count != 1]}" for name, count in one.removed.items() if count]
    return ", ".join(told) or "nothing"


@click.command()
@click.option("--person", required=True, metavar="ID", help="Of whom.")
@click.option(
    "--output", "file", type=click.Path(path_type=Path), help="Write it to a file that only you can read."
)
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def export(person: str, file: Path | None, channel: str | None, account: str | None, as_json: bool) -> None:
    """Show everything that is kept of a person: what they wrote, and what is known of them.

    It prints what people wrote. --json has all of it; without, the most telling parts of each row.

    \b
    Examples:
      openclaw export --person 8200000000000000002
      openclaw export --person 8200000000000000002 --json --output person.json
    """
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    counted: list[Counted] = []

    def show(event: Held | Counted) -> None:
        if isinstance(event, Counted):
            counted.append(event)
        else:
            rows.setdefault(event.account, {}).setdefault(event.table, []).extend(event.rows)

    Client().follow(ExportPerson(person, channel, account), show)
    if not counted:
        raise CliError("it ended without an answer", "run the same command again")
    told = {"ok": True, "person": counted[0].person, "rows": counted[0].rows, "accounts": rows}
    if as_json:
        text = json.dumps(told, ensure_ascii=False, indent=2 if file else None) + "\n"
    else:
        text = "".join(f"{line}\n" for line in _readable(counted[0], rows))
    if file is None:
        sys.stdout.write(text)
        return
    with private_output(file) as opened:
        opened.write(text.encode("utf-8", "replace"))
    echo_wrapped(f"Written to {file}: {sum(counted[0].rows.values())} rows. It holds what people wrote.")


def _readable(counted: Counted, rows: dict[str, dict[str, list[dict[str, Any]]]]) -> Iterator[str]:
    if not rows:
        yield f"Nothing is kept of person {counted.person}."
    for account, tables in rows.items():
        yield f"{account}: what is kept of person {counted.person}"
        for table, found in tables.items():
            yield ""
            yield f"{table} ({len(found)})"
            for row in found:
                yield "  " + " · ".join(_told(row))


def _told(row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if value in ("", [], {}):
            continue
        if name.endswith("_ms") and isinstance(value, int) and 10**12 < value < 10**14:
            yield f"{name.removesuffix('_ms')} {local(value)}"
        elif isinstance(value, dict):
            yield from _told(value)
        elif isinstance(value, list):
            yield f"{name} {sanitize(json.dumps(value, ensure_ascii=False), 400)}"
        else:
            yield f"{name} {sanitize(str(value), 2000)}"
