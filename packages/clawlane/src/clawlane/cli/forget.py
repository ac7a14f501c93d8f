"""`forget` and `export`: what is kept of a person, removed and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.private_output import private_output
from clawlane.ops.client import Client
from clawlane.ops.export import Counted, ExportPerson, Held
from clawlane.ops.forget import Forget, Forgetting, Forgotten, ForgottenOf, words_of
from clawlane.ops.operation import plain
from clawlane.texts import later, t, tn
from clawlane.words.strangers import sanitize
from clawlane.words.times import local

_WORDS: dict[str, Callable[[int], str]] = {
    "messages": lambda n: tn("{n} message", "{n} messages", n),
    "answers": lambda n: tn("{n} answer that repeated them", "{n} answers that repeated them", n),
    "texts_sent": lambda n: tn("{n} text that was sent", "{n} texts that were sent", n),
    "summaries": lambda n: tn("{n} summary", "{n} summaries", n),
    "sessions": lambda n: tn("{n} conversation of an agent", "{n} conversations of agents", n),
    "notices": lambda n: tn("{n} notice of the platform", "{n} notices of the platform", n),
    "requests": lambda n: tn("{n} pairing request", "{n} pairing requests", n),
    "approvals": lambda n: tn("{n} approval", "{n} approvals", n),
    "drafts": lambda n: tn("{n} draft", "{n} drafts", n),
    "deliveries": lambda n: tn("{n} webhook delivery", "{n} webhook deliveries", n),
    "alerts": lambda n: tn("{n} alert", "{n} alerts", n),
    "files": lambda n: tn("{n} message with files", "{n} messages with files", n),
}
"""How many of what were removed."""


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
        raise CliError(later("name whom to forget: either --person ID or --group ID"))
    if revoke and group:
        raise CliError(later("--revoke is about a person"))
    ended: list[Forgotten] = []

    def show(event: Forgetting | Forgotten) -> None:
        if isinstance(event, Forgotten):
            ended.append(event)

    Client().follow(Forget(person, group, channel, account, dry_run, revoke), show)
    if not ended:
        raise CliError(later("it ended without an answer"), later("run the same command again: it goes on"))
    done = ended[0]
    if as_json:
        accounts = {one.account: {"removed": one.removed, "approved": one.approved} for one in done.accounts}
        print_json(ok=True, **{**plain(done), "accounts": accounts})
        return
    for line in _forgotten(done):
        echo_wrapped(line, "", "  ")


def _forgotten(done: Forgotten) -> Iterator[str]:
    whom = words_of(done.whom, done.id)
    if not done.accounts:
        yield t("Nothing that {whom} said is kept here.", whom=whom)
    for one in done.accounts:
        counted = {"whom": whom, "account": one.account, "what": _counts(one)}
        if done.dry_run:
            yield t("{account}: would remove what {whom} said: {what}.", **counted)
        else:
            yield t("{account}: removed what {whom} said: {what}.", **counted)
        if one.approved:
            yield t("{id} may still write to {account}; --revoke ends that.", id=done.id, account=one.account)
    if done.accounts and not done.dry_run:
        yield t(
            "Ids and the fingerprints of messages stay as long as they are needed to answer nothing twice."
        )
    yield t("Copies that cannot be reached from here:")
    yield from (f"- {sanitize(t(copy), 200)}" for copy in done.copies)


def _counts(one: ForgottenOf) -> str:
    return ", ".join(_WORDS[name](n) for name, n in one.removed.items() if n) or t("nothing")


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
        raise CliError(later("it ended without an answer"), later("run the same command again"))
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
    echo_wrapped(
        tn(
            "Written to {file}: {n} row. It holds what people wrote.",
            "Written to {file}: {n} rows. It holds what people wrote.",
            sum(counted[0].rows.values()),
            file=file,
        )
    )


def _readable(counted: Counted, rows: dict[str, dict[str, list[dict[str, Any]]]]) -> Iterator[str]:
    if not rows:
        yield t("Nothing is kept of person {id}.", id=counted.person)
    for account, tables in rows.items():
        yield t("{account}: what is kept of person {id}", account=account, id=counted.person)
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
