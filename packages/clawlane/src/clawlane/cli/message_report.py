"""What became of what the operator sent, reacted to or took back: waited for, and told."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.cli.output import echo_wrapped, print_json
from clawlane.ops.client import Client
from clawlane.ops.message import Outcome, Outcomes, Part, Queued, SendWarning
from clawlane.ops.operation import plain
from clawlane.ops.outcome import wait_for
from clawlane.store.operator_sends import ChunkStatus
from clawlane.store.states import ChunkState
from clawlane.texts import later, t, tn
from clawlane.words.kinds import KINDS
from clawlane.words.send_states import SEND_STATES, reason_words
from clawlane.words.strangers import sanitize

_ARRIVED, _FAILED, _WAITS = 0, 1, 2
_LONGEST_SHOWN = 60
_WARNINGS = {
    SendWarning.STRANGER: later("{target} is not a known friend of the account"),
    SendWarning.NOT_A_MEMBER: later("the account is not known to be in {target}"),
    SendWarning.REJECTED: later("you rejected {target}"),
    SendWarning.QUIET_HOURS: later("it is sent in the quiet hours of the account"),
}
_DONE = {"reaction": later("reacted"), "undo": later("taken back")}
_WAITING = (ChunkState.QUEUED, ChunkState.SENDING, ChunkState.HELD)
_GOOD = (ChunkState.SENT, *_WAITING)


def report(client: Client, queued: Queued, wait_s: float, as_json: bool, *, dry_run: bool = False) -> int:
    """Wait up to `wait_s` seconds for the outcome and print it. Gives the exit code.

    Without waiting, what is queued counts as good.
    """
    if not as_json:
        for line in _announced(queued, dry_run=dry_run):
            echo_wrapped(line, hanging="  ")
    numbers = tuple(part.number for part in queued.parts if part.number)
    if dry_run or not numbers:
        found = Outcomes((), queued.paused)
    else:
        found = wait_for(client, Outcome(queued.account, numbers), wait_s)
    code = _code(found) if wait_s else _ARRIVED
    if as_json:
        _print_json(queued, found, ok=code != _FAILED, dry_run=dry_run)
        return code
    for line in _told(queued, found):
        echo_wrapped(line, hanging="  ")
    return code


def _code(found: Outcomes) -> int:
    states = {part.state for part in found.parts}
    if not states <= set(_GOOD):
        return _FAILED
    return _WAITS if states & set(_WAITING) else _ARRIVED


def _announced(queued: Queued, *, dry_run: bool) -> Iterator[str]:
    """What is going to be sent, where that is more than one message or none is sent."""
    for warning in queued.warnings:
        yield t("warning: {what}", what=t(_WARNINGS[warning], target=queued.target))
    count, to = len(queued.parts), _recipient(queued)
    if queued.cancelled:
        yield t("Cancelled before it left: {n} of {recipient}.", n=queued.cancelled, recipient=to)
    if dry_run:
        yield tn(
            "Dry run: {n} message would go to {recipient} from {account}. Nothing was sent.",
            "Dry run: {n} messages would go to {recipient} from {account}. Nothing was sent.",
            count,
            recipient=to,
            account=queued.account,
        )
        for place, part in enumerate(queued.parts, 1):
            kind = t(KINDS.get(part.kind, part.kind))
            yield f"{_place(place, count)}{kind}: {sanitize(t(part.text), _LONGEST_SHOWN)}"
    elif count > 1:
        sends = later("{n} messages to {recipient} from {account}")
        yield t(sends, n=count, recipient=to, account=queued.account)


def _told(queued: Queued, found: Outcomes) -> Iterator[str]:
    kinds = {part.number: part for part in queued.parts}
    count = len(found.parts)
    for place, status in enumerate(found.parts, 1):
        whom = f" · {_recipient(queued)}" if count == 1 else ""
        yield f"{_place(place, count)}{_line(kinds[status.number], status)}{whom}"
    states = {part.state for part in found.parts}
    if ChunkState.UNKNOWN in states:
        yield t("Look at the thread on the phone, then decide: openclaw outbox list")
    elif states & set(_WAITING):
        if found.paused:
            yield t("Paused: it stays in the outbox until: {command}", command=found.paused)
        elif found.trouble:
            stays, why = later("It stays in the outbox: {why}; {help}"), sanitize(t(found.trouble), 200)
            yield t(stays, why=why, help=t(found.help))
        else:
            yield t("It stays in the outbox; see: openclaw outbox list")
    elif not found.parts and found.paused:
        yield t("Paused: it would wait until: {command}", command=found.paused)


def _line(part: Part, status: ChunkStatus) -> str:
    state, number = t(SEND_STATES[status.state]), status.number
    if status.state is ChunkState.SENT:
        state, ids = t(_DONE.get(part.kind, state)), ", ".join(status.message_ids)
        if not ids:
            return t("{state}: outbox {number}", state=state, number=number)
        return t("{state}: message {ids}, outbox {number}", state=state, ids=ids, number=number)
    reason = sanitize(reason_words(status.reason), 200)
    told = t("{state} (outbox {number})", state=state, number=number)
    return f"{told}: {reason}" if reason else told


def _place(place: int, count: int) -> str:
    return f"{place}/{count} " if count > 1 else ""


def _recipient(queued: Queued) -> str:
    return f"{sanitize(queued.name)} ({queued.target})" if queued.name else queued.target


def _print_json(queued: Queued, found: Outcomes, *, ok: bool, dry_run: bool) -> None:
    statuses = {part.number: part for part in found.parts}
    messages = []
    for part in queued.parts:
        status = statuses.get(part.number)
        state = {"state": "planned" if dry_run else "gone"} if status is None else plain(status)
        state.pop("thread", None)  # that is the target
        state.pop("kind", None)
        messages.append({**plain(part), **state})
    print_json(
        ok=ok,
        account=queued.account,
        target=queued.target,
        name=queued.name,
        dry_run=dry_run,
        messages=messages,
        cancelled=queued.cancelled,
        warnings=queued.warnings,
        paused=found.paused,
        trouble=found.trouble,
        help=found.help,
    )
