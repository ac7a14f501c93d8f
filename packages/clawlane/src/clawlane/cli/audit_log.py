"""The group `audit`: the record of what left and what was changed. `security audit` is another thing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import account_option, channel_option, json_option
from clawlane.cli.output import echo_line, echo_wrapped, print_json, print_table
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
from clawlane.texts import later, t, tn
from clawlane.words.strangers import cell, sanitize
from clawlane.words.times import local, when

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
        click.echo(t("Nothing of that is in the record."))
        return
    now, several = now_ms(), len({one.account for one in found}) > 1
    heads = (t("NUMBER"), t("TIME"), t("KIND"), t("ACTION"), t("BY"), t("DETAILS"))
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
        told = later("--file checks all that is in the file")
        raise CliError(told, later("leave out --channel and --account"))
    if file is None:
        found = Client().call(VerifyRecord(channel, account, expect))
    else:
        found = Client().run_here(VerifyExport(str(Path(file).absolute()), expect))
    code = 1 if any(one.faults for one in found) else 0
    if as_json:
        print_json(ok=code == 0, exit_code=code, accounts={one.account: _json(one) for one in found})
        return code
    if not found:
        click.echo(t("Nothing is recorded yet."))
    for one in found:
        for line in _verdict(one):
            echo_line(line)
        if one.entries:
            click.echo(t("  head {head}", head=one.head))
    if file is not None and found:
        echo_wrapped(t("A file cannot tell what came before its first entry or after its last one."))
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
    click.echo(tn("{n} entry is in {file}.", "{n} entries are in {file}.", count, file=out))


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
        raise CliError(later("--said: more than {n} KB are no message", n=_LONGEST_TEXT // 1024))
    try:
        text = raw.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise CliError(later("--said: that is no text in UTF-8")) from None
    if not text:
        raise CliError(later("--said: there is no text"))
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
    account, span = sanitize(checked.account), _span(checked)
    if not checked.faults:
        yield t("{account}: {entries}, whole", account=account, entries=span)
    else:
        yield t("{account}: {entries}, NOT WHOLE", account=account, entries=span)
    for fault in checked.faults:
        yield f"  {fault_words(fault)}"
    for note in checked.notes:
        yield f"  {_note_words(note)}"


def _span(checked: Checked) -> str:
    if not checked.entries:
        return t("no entries")
    last = checked.head.partition(":")[0]
    return tn(
        "{n} entry ({first} to {last})",
        "{n} entries ({first} to {last})",
        checked.entries,
        first=checked.first,
        last=last,
    )


_FAULTS = {
    "changed": later("entry {n}: it was changed after it was written"),
    "order": later("entry {n}: it is not in its place"),
    "link": later("entry {n}: it is another one than entry {next} followed"),
    "head": later(
        "entry {n}: it is not the one that the head file names: it, or one before, was written anew"
    ),
    "head_missing": later(
        "entry {n}: what came after it, if anything did, cannot be told: the head file is gone"
    ),
    "head_damaged": later(
        "entry {n}: what came after it, if anything did, cannot be told: the head file is damaged"
    ),
    "anchor": later("entry {n}: other entries were removed than the record says"),
    "triggers": later("entry {n}: the triggers are gone that keep the database from changing entries"),
    "expected": later("entry {n}: it is not the one that you noted, or is not there any more"),
}
"""What is wrong, by its code."""

_NOTICED = {
    "head_missing": later(
        "entry {n}: what came after it, if anything did, cannot be told: the head file was gone on {time}"
    ),
    "head_damaged": later(
        "entry {n}: what came after it, if anything did, cannot be told: the head file was damaged on {time}"
    ),
    "rewritten": later("entry {n}: an earlier one was written anew; that was noticed on {time}"),
}
"""What the record says was wrong at a time."""

_MISSING = {
    "missing": (later("entry {n} is missing"), later("entries {n} to {last} are missing")),
    "tail": (
        later("entry {n} is missing; the head file knows of entry {last}"),
        later("entries {n} to {last} are missing; the head file knows of entry {last}"),
    ),
    "gap": (
        later("entry {n} is missing or another; that was noticed on {time}"),
        later("entries {n} to {last} are missing or others; that was noticed on {time}"),
    ),
}
"""What is missing: one entry, several."""


def fault_words(fault: Fault) -> str:
    """What is wrong, with the first bad entry."""
    time = local(fault.at_ms) if fault.at_ms else ""
    values = {"n": fault.number, "next": fault.number + 1, "last": fault.last, "time": time}
    if fault.code in _MISSING:
        one, several = _MISSING[fault.code]
        return t(several if fault.last > fault.number else one, **values)
    if found := (_NOTICED if time else _FAULTS).get(fault.code) or _FAULTS.get(fault.code):
        return t(found, **values)
    reason = sanitize(t(fault.text), 200)
    return t("entry {n}: it cannot be read ({reason})", n=fault.number, reason=reason)


_NOTES = {
    "restored": later("a backup was restored"),
    "rolled_back": later("the store of an earlier version was put back"),
    "reset": later("the store was begun anew"),
}
"""What was done to a record on purpose."""


def _note_words(note: Note) -> str:
    time = local(note.at_ms) if note.at_ms else ""
    if note.what == "pruned":
        return t("entries up to {n} had their time and were removed on {time}", n=note.known, time=time)
    what = t(_NOTES.get(note.what.removesuffix("_now"), "")) or sanitize(note.what)
    if time:
        return t("{what} on {time}; the record had {n} entries then", what=what, time=time, n=note.known)
    return t("{what}; the record had {n} entries then", what=what, n=note.known)
