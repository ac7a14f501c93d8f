"""`sent --recall`: what is taken back, and what became of each message."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.cli.prompt_answers import confirm
from clawlane.ops.client import Client
from clawlane.ops.operation import plain
from clawlane.ops.recall import Fate, FindRecallable, Recall, Recallable, Recalled
from clawlane.ops.targets import target_words
from clawlane.texts import later, t, tn
from clawlane.words.send_states import reason_words
from clawlane.words.strangers import sanitize
from clawlane.words.times import local

_DONE, _FAILED, _WAITS = 0, 1, 2
_LONGEST = 40
_GOOD = (Fate.RECALLED, Fate.ALREADY, Fate.NOT_A_MESSAGE, Fate.PLANNED)
_WORDS = {
    Fate.PLANNED: later("would be taken back"),
    Fate.RECALLED: later("taken back"),
    Fate.ALREADY: later("was already taken back"),
    Fate.REFUSED: later("refused"),
    Fate.UNKNOWN: later("unknown"),
    Fate.WAITS: later("waits in the outbox"),
    Fate.CANNOT: later("cannot be taken back"),
    Fate.NOT_A_MESSAGE: later("stays"),
    Fate.NOT_TRIED: later("not tried"),
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
        raise CliError(t("nobody can be asked whether to take it back"), t("say so with --yes"))
    places = {(one.message.account, one.message.thread) for one in planned}
    oldest, newest = planned[-1].message, planned[0].message
    lost = later(
        "{messages} in {conversations}, sent between {first} and {last}. Nobody there will see them any more."
    )
    echo_wrapped(
        t(
            lost,
            messages=_messages(len(planned)),
            conversations=tn("{n} conversation", "{n} conversations", len(places)),
            first=local(oldest.sent_ms or 0),
            last=local(newest.sent_ms or 0),
        )
    )
    if not confirm(t("Take them back?"), default=False):
        raise CliError(t("nothing was taken back"))


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
    to = t("to {whom}", whom=f"{sanitize(row.name)} ({whom})" if row.name else whom)
    reason = f": {sanitize(reason_words(one.reason), 200)}" if one.reason else ""
    said = "" if one.fate is Fate.ALREADY else f": {sanitize(plain(row.text), _LONGEST)}"
    return f"{row.id}  {t(_WORDS[one.fate])}{reason} · {to}{said}"


def _ended(found: Recallable, done: Sequence[Recalled], run: Recall, *, dry_run: bool) -> Iterator[str]:
    counts = Counter(one.fate for one in done)
    if not set(counts) - {Fate.NOT_A_MESSAGE, Fate.ALREADY}:
        yield t("There is nothing to take back.")
    elif dry_run:
        messages = _messages(counts[Fate.PLANNED])
        yield t("Dry run: {messages} would be taken back. Nothing was done.", messages=messages)
    else:
        tried = len(done) - counts[Fate.ALREADY] - counts[Fate.NOT_A_MESSAGE]
        yield t("Taken back: {n} of {all}.", n=counts[Fate.RECALLED], all=tried)
    if run.stopped:
        left = counts[Fate.NOT_TRIED]
        help = f"; {t(run.help)}" if run.help else ""
        stopped = t("Stopped: {why}.", why=f"{sanitize(reason_words(run.stopped), 200)}{help}")
        rest = t("Not tried: {n}; the same command goes on.", n=left) if left else ""
        yield f"{stopped} {rest}".rstrip()
    if found.more:
        yield t("There is more than this; the same command goes on.")


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


def _messages(count: int) -> str:
    return tn("{n} message", "{n} messages", count)
