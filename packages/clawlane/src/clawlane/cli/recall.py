"""`sent --recall`: what is taken back, and what became of each message."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped, local, print_json, sanitize
from clawlane.ops.client import Client
from clawlane.ops.recall import Fate, FindRecallable, Recall, Recallable, Recalled
from clawlane.ops.targets import target_words

_DONE, _FAILED, _WAITS = 0, 1, 2
_LONGEST = 40
_GOOD = (Fate.RECALLED, Fate.ALREADY, Fate.NOT_A_MESSAGE, Fate.PLANNED)
_WORDS = {
    Fate.PLANNED: "would be taken back",
    Fate.RECALLED: "taken back",
    Fate.ALREADY: "was already taken back",
    Fate.REFUSED: "refused",
    Fate.UNKNOWN: "unknown",
    Fate.WAITS: "waits in the outbox",
    Fate.CANNOT: "cannot be taken back",
    Fate.NOT_A_MESSAGE: "stays",
    Fate.NOT_TRIED: "not tried",
}


def recall(client: Client, request: FindRecallable, *, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Take back what the request finds and tell what became of each message. Gives the exit code."""
    found = client.call(request)
    planned = [one for one in found.messages if one.fate is Fate.PLANNED]
    if planned and not dry_run and not yes:
        _ask(planned, as_json=as_json)
    run = Recall(client)
    done = []
    for one in found.messages if dry_run else run.run(found.messages):
        done.append(one)
        if not as_json:
            echo_wrapped(_line(one), hanging="  ")
    code = _code(done, chosen=bool(request.sent.numbers))
    if as_json:
        _print_json(found, done, run, ok=code != _FAILED, dry_run=dry_run)
        return code
    for line in _ended(found, done, run, dry_run=dry_run):
        echo_wrapped(line, hanging="  ")
    return code


def _ask(planned: Sequence[Recalled], *, as_json: bool) -> None:
    """Raises `CliError` unless the operator agrees."""
    if as_json or not sys.stdin.isatty():
        raise CliError("nobody can be asked whether to take it back", "say so with --yes")
    places = {(one.message.account, one.message.thread) for one in planned}
    oldest, newest = planned[-1].message, planned[0].message
    echo_wrapped(
        f"{_count(len(planned), 'message')} in {_count(len(places), 'conversation')}, sent"
        f" {local(oldest.sent_ms or 0)} to {local(newest.sent_ms or 0)}. Everybody there loses them."
    )
    if not click.confirm("Take them back?", default=False):
        raise CliError("nothing was taken back")


def _code(done: Sequence[Recalled], *, chosen: bool) -> int:
    """A reaction counts as a failure only where it was chosen by its number."""
    fates = {one.fate for one in done}
    waits = fates - {Fate.NOT_TRIED} if Fate.WAITS in fates else fates
    bad = waits - {*_GOOD, Fate.WAITS} | ({Fate.NOT_A_MESSAGE} & fates if chosen else set())
    if bad:
        return _FAILED
    return _WAITS if Fate.WAITS in fates else _DONE


def _line(one: Recalled) -> str:
    """`12  refused: too old · to Lan (user:ID): the text`."""
    row = one.message
    whom = target_words(row.thread)
    to = f"{sanitize(row.name)} ({whom})" if row.name else whom
    reason = f": {sanitize(one.reason, 200)}" if one.reason else ""
    said = "" if one.fate is Fate.ALREADY else f": {sanitize(row.text, _LONGEST)}"
    return f"{row.id}  {_WORDS[one.fate]}{reason} · to {to}{said}"


def _ended(found: Recallable, done: Sequence[Recalled], run: Recall, *, dry_run: bool) -> Iterator[str]:
    counts = Counter(one.fate for one in done)
    if not set(counts) - {Fate.NOT_A_MESSAGE, Fate.ALREADY}:
        yield "There is nothing to take back."
    elif dry_run:
        yield f"Dry run: {_count(counts[Fate.PLANNED], 'message')} would be taken back. Nothing was done."
    else:
        tried = len(done) - counts[Fate.ALREADY] - counts[Fate.NOT_A_MESSAGE]
        yield f"Taken back: {counts[Fate.RECALLED]} of {tried}."
    if run.stopped:
        left = counts[Fate.NOT_TRIED]
        rest = f" Not tried: {left}; the same command goes on." if left else ""
        yield f"Stopped: {sanitize(run.stopped, 200)}; {run.help}.{rest}"
    if found.more:
        yield "There is more than this; the same command goes on."


def _print_json(found: Recallable, done: Sequence[Recalled], run: Recall, *, ok: bool, dry_run: bool) -> None:
    messages = [
        {
            "number": one.message.id,
            "account": one.message.account,
            "thread": str(one.message.thread),
            "name": one.message.name,
            "kind": one.message.kind,
            "message_ids": one.message.message_ids,
            "sent_ms": one.message.sent_ms,
            "result": one.fate,
            "reason": one.reason,
        }
        for one in done
    ]
    stopped = {"stopped": run.stopped, "help": run.help}
    print_json(ok=ok, dry_run=dry_run, messages=messages, more=found.more, **stopped)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
