"""The group `audit`: the record of what left and what was changed. `security audit` is another thing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import cell, echo_wrapped, local, print_json, print_table, sanitize, when
from clawlane.cli.private_output import private_output
from clawlane.cli.since import HELP as SINCE
from clawlane.cli.since import since_ms
from clawlane.clock import now_ms
from clawlane.ops.audit_log import (
    Exported,
    ExportRecord,
    RecordEntry,
    ShowRecord,
    VerifyExport,
    VerifyRecord,
    line_of,
)
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.store.audit_told import Checked, Fault, Kind, Note

_LONGEST_TEXT = 64 * 1024
_QUIET = {"operation": None, "purpose": None, "tries": 1}
"""Details that are shown only where they say something else than this, or never."""


@click.group()
def audit() -> None:
    """The record of what left in the owner's name, and of what was changed."""


@audit.command()
@click.option("--since", help=SINCE)
@click.option("--kind", type=click.Choice([str(one) for one in Kind]), help="Only entries of this kind.")
@click.option("--thread", default="", help="Only this thread: dm:ID, group:ID, or the id alone.")
@click.option("--said", metavar="FILE", help="Only sends of exactly this text; - reads the keyboard.")
@click.option(
    "--last", type=click.IntRange(1, 10_000), default=20, show_default=True, help="The newest entries."
)
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def show(
    since: str | None,
    kind: str | None,
    thread: str,
    said: str | None,
    last: int,
    channel: str | None,
    account: str | None,
    as_json: bool,
) -> None:
    """Show the record: sends, approvals, policy changes, logins, pauses.

    It has no texts. A digest stands for each, so --said finds the sends of a
    text that you have: one whole message, as it arrived.

    \b
    Examples:
      openclaw audit show --since 1d --kind send
      openclaw audit show --thread dm:5583212290912038 --last 5
    """
    request = ShowRecord(channel, account, since_ms(since), kind or "", thread.strip(), _text(said), last)
    found = Client().call(request)
    if as_json:
        print_json(entries=found)
        return
    if not found:
        click.echo("Nothing of that is in the record.")
        return
    now, several = now_ms(), len({one.account for one in found}) > 1
    heads = ("NUMBER", "TIME", "KIND", "WHAT", "BY", "ABOUT")
    rows = [
        (
            str(one.number),
            when(one.at_ms, now),
            sanitize(one.kind),
            sanitize(one.what),
            sanitize(one.who),
            _about(one, several),
        )
        for one in found
    ]
    print_table(heads, rows)


@audit.command()
@click.option("--file", help="Check an exported file in place of the store.")
@click.option("--expect", metavar="HEAD", default="", help="A head (NUMBER:HASH) that you noted earlier.")
@channel_option("Only this channel (default: all).")
@account_option()
@json_option
def verify(file: str | None, expect: str, channel: str | None, account: str | None, as_json: bool) -> int:
    """Check that nothing in the record was changed, removed or moved.

    Each entry is bound to the one before it, and the last one is named in a
    private file outside the database. Whoever may write both can make up a
    whole new record: only a head that you keep elsewhere shows that.

    \b
    Exit code:
      0  the record is whole
      1  it is not; the first bad entry is named

    \b
    Examples:
      openclaw audit verify
      openclaw audit verify --file record.jsonl
    """
    if file is not None and (channel or account):
        raise CliError("--file checks all that is in the file", "leave out --channel and --account")
    if file is None:
        found = Client().call(VerifyRecord(channel, account, expect))
    else:
        found = Client().run_here(VerifyExport(str(Path(file).absolute()), expect))
    code = 1 if any(one.faults for one in found) else 0
    if as_json:
        print_json(ok=code == 0, exit_code=code, accounts={one.account: _json(one) for one in found})
        return code
    if not found:
        click.echo("Nothing is recorded yet.")
    for one in found:
        for line in _verdict(one):
            echo_wrapped(line, hanging="  ")
        if one.entries:
            click.echo(f"  head {one.head}")
    if file is not None and found:
        echo_wrapped("A file cannot tell what came before its first entry or after its last one.")
    return code


@audit.command()
@click.option("--out", metavar="FILE", help="Write to this file, for you alone (default: print).")
@click.option("--since", help=SINCE)
@channel_option("Only this channel (default: all).")
@account_option()
def export(out: str | None, since: str | None, channel: str | None, account: str | None) -> None:
    """Write the record as JSON lines, oldest first, an object for each entry.

    It has ids and digests, and neither texts nor names. `openclaw audit verify
    --file` checks it, on any machine.

    \b
    Examples:
      openclaw audit export --out record.jsonl
      openclaw audit export --since 30d --account work
    """
    request = ExportRecord(channel, account, since_ms(since))
    if out is None:
        _write(request, sys.stdout.buffer)
        return
    with private_output(Path(out)) as opened:
        count = _write(request, opened)
    click.echo(f"{count} entries are in {out}.")


def _write(request: ExportRecord, to: BinaryIO) -> int:
    count = 0

    def write(page: Exported) -> None:
        nonlocal count
        count += len(page.entries)
        to.write(b"".join(line_of(one).encode() + b"\n" for one in page.entries))

    Client().follow(request, write)
    return count


def _text(said: str | None) -> str:
    """The text to look for. Raises `CliError`."""
    if said is None:
        return ""
    raw = sys.stdin.buffer.read(_LONGEST_TEXT + 1) if said == "-" else _head_of(Path(said))
    if len(raw) > _LONGEST_TEXT:
        raise CliError(f"--said: more than {_LONGEST_TEXT // 1024} KB are no message")
    try:
        text = raw.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise CliError("--said: that is no text in UTF-8") from None
    if not text:
        raise CliError("--said: there is no text")
    return text


def _head_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LONGEST_TEXT + 1)


def _about(entry: RecordEntry, several: bool) -> str:
    """`dm:11 (Lan), chunk 5, messages 77`."""
    details = entry.details if isinstance(entry.details, dict) else {}
    parts = [entry.account] if several else []
    if thread := details.get("thread"):
        parts.append(sanitize(str(thread)) + (f" ({cell(entry.name)})" if entry.name else ""))
    for name, value in details.items():
        if name != "thread" and _QUIET.get(name, "") not in (None, value) and (told := _value(name, value)):
            parts.append(f"{name.replace('_', ' ')} {told}")
    return ", ".join(parts) or "–"


def _value(name: str, value: object) -> str:
    if isinstance(value, list):
        return " ".join(sanitize(str(one)) for one in value)
    if name.endswith("_ms") and isinstance(value, int):
        return local(value)
    if value is None or value is False or value == "":
        return ""
    told = sanitize(str(value), 130)
    return f"{told[:12]}…" if name == "hash" else told


def _json(checked: Checked) -> dict[str, Any]:
    told: dict[str, Any] = plain(checked)
    del told["account"]
    return told


def _verdict(checked: Checked) -> Iterator[str]:
    account = sanitize(checked.account)
    if not checked.entries:
        span = "no entries"
    else:
        last = checked.head.partition(":")[0]
        count = "1 entry" if checked.entries == 1 else f"{checked.entries} entries"
        span = f"{count} ({checked.first} to {last})"
    if not checked.faults:
        yield f"{account}: {span}, whole"
    else:
        yield f"{account}: {span}, NOT WHOLE"
    for fault in checked.faults:
        yield f"  {fault_words(fault)}"
    for note in checked.notes:
        yield f"  {_note_words(note)}"


def fault_words(fault: Fault) -> str:
    """What is wrong, with the first bad entry."""
    entry = f"entry {fault.number}"
    span = f"entries {fault.number} to {fault.last}" if fault.last > fault.number else entry
    are = "are" if fault.last > fault.number else "is"
    at = f" on {local(fault.at_ms)}" if fault.at_ms else ""
    match fault.code:
        case "changed":
            return f"{entry}: it was changed after it was written"
        case "missing":
            return f"{span}: {are} missing"
        case "order":
            return f"{entry}: it is not in its place"
        case "link":
            return f"{entry}: it is another one than entry {fault.number + 1} followed"
        case "tail":
            return f"{span}: {are} missing; the head file knows of entry {fault.last}"
        case "head":
            return f"{entry}: it is not the one that the head file names: it, or one before, was written anew"
        case "gap":
            return f"{span}: {are} missing or another; that was noticed{at}"
        case "rewritten":
            return f"{entry}: an earlier one was written anew; that was noticed{at}"
        case "head_missing":
            return f"{entry}: what came after it, if anything did, cannot be told: the head file was gone{at}"
        case "head_damaged":
            return (
                f"{entry}: what came after it, if anything did, cannot be told: the head file is damaged{at}"
            )
        case "anchor":
            return f"{entry}: other entries were removed than the record says"
        case "triggers":
            return f"{entry}: the triggers are gone that keep the database from changing entries"
        case "expected":
            return f"{entry}: it is not the one that you noted, or is not there any more"
        case _:
            return f"{entry}: it cannot be read ({sanitize(fault.text, 200)})"


def _note_words(note: Note) -> str:
    at = f" on {local(note.at_ms)}" if note.at_ms else ""
    match note.what:
        case "pruned":
            return f"entries up to {note.known} had their time and were removed{at}"
        case "restored" | "restored_now":
            words = "a backup was restored"
        case "rolled_back" | "rolled_back_now":
            words = "the store of an earlier version was put back"
        case "reset" | "reset_now":
            words = "the store was begun anew"
        case what:
            words = sanitize(what)
    return f"{words}{at}; the record had {note.known} entries then"
