"""`why`: what was decided about messages, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from clawlane.access import explain
from clawlane.cli.context import CliContext
from clawlane.cli.failure import CliError
from clawlane.cli.output import echo_wrapped, gap_words, local, sanitize
from clawlane.cli.turn_words import Live, tell
from clawlane.config.errors import format_path
from clawlane.config.origin import setting_text
from clawlane.store.decisions import Made, Recorded
from clawlane.store.notices import NotedItem

if TYPE_CHECKING:
    from clawlane.cli.turn_words import Live
    from clawlane.config.source import Source
    from clawlane.store.catch_up import Gap
    from clawlane.store.reader import Reader


Item: TypeAlias = Recorded | NotedItem
_UNDECIDED = "It is not decided yet: the account does not know its own id or the names of the config."
_RECALLED = "It was taken back before it was decided."
_BY_PLATFORM = "The platform wrote this itself: nobody was answered, challenged or shown anything for it."
_TEXT = 200
_SAID = 70
"""Characters of a message's text: one line."""


def lines(one: Item, live: Live, source: Source | None) -> Iterator[str]:
    """A head, and under it what was said, what was decided and why, and what became of it."""
    if isinstance(one, NotedItem):
        yield from _of_notice(one)
        return
    yield f"{local(one.read_ms)} {one.account} message {sanitize(one.message_id) or '(no id)'} {_from(one)}"
    if said := _said(one):
        yield said
    if one.repeats:
        yield f"It came {one.repeats + 1} times, and counts once."
    if not one.made:
        yield _UNDECIDED if one.waiting else _RECALLED
    for made in one.made:
        told = explain.explain(made.decision, one.sender_id, one.thread)
        yield sanitize(f"{made.decision.outcome} ({made.decision.reason}): {told}", 500)
        if then := _as_it_was(made, source):
            yield then
    standing = tell(one, live)
    if standing:
        yield f"turn: {standing.sentence}{_shared(one)}"
    if one.recalled and not (standing and one.recalled in standing.sentence):
        yield f"It was {sanitize(one.recalled, _TEXT)}."


def as_dict(one: Item, live: Live, source: Source | None) -> dict[str, Any]:
    """The same as JSON. `type` is message, notice or unreadable; a message's `turn` is null without one."""
    if isinstance(one, NotedItem):
        return _notice_dict(one)
    return {
        "type": "message",
        "account": one.account,
        "message_id": one.message_id,
        "thread": {"kind": one.thread.kind, "id": one.thread.id, "name": sanitize(one.group_name) or None},
        "sender": one.sender_id,
        "sender_name": sanitize(one.sender_name) or None,
        "text": None if one.text is None else sanitize(one.text, _TEXT),
        "attachments": list(one.attached),
        "sent_ms": one.sent_ms,
        "read_ms": one.read_ms,
        "times_received": one.repeats + 1,
        "recalled": sanitize(one.recalled, _TEXT) or None,
        "decisions": [_decision_dict(one, made, source) for made in one.made],
        "turn": _turn_dict(one, live),
    }


def _decision_dict(one: Recorded, made: Made, source: Source | None) -> dict[str, Any]:
    told = explain.as_dict(made.decision, one.sender_id, one.thread)
    changed = _text_now(made, source) is not None
    return {"stage": made.stage, "at_ms": made.at_ms, **told, "changed_since": changed}


def _turn_dict(one: Recorded, live: Live) -> dict[str, Any] | None:
    told, turn = tell(one, live), one.standing
    if told is None or turn is None:
        return None
    hold = {"rule": told.hold.rule, "until_ms": told.hold.until_ms} if told.hold else None
    return {
        "state": turn.state,
        "reason": turn.reason,
        "standing": told.standing,
        "sentence": told.sentence,
        "held": hold,
        "tries": turn.attempts,
        "messages": turn.messages,
        "parts": list(turn.chunks),
        "settled_ms": turn.settled_ms,
    }


def _of_notice(one: NotedItem) -> Iterator[str]:
    what = "unreadable" if one.unreadable else "notice"
    kind = f" {sanitize(one.kind)}" if one.kind else ""
    actor = f" from {sanitize(one.actor_id)}" if one.actor_id else ""
    where = f" in {one.thread}" if one.thread else ""
    id_ = f" {sanitize(one.message_id)}" if one.message_id else ""
    yield f"{local(one.noted_ms)} {one.account} {what}{id_}:{kind}{actor}{where}"
    text = sanitize(one.text, _TEXT)
    if one.unreadable:
        yield f"It could not be read{f': {text}' if text else ''}."
    else:
        if text:
            yield f"says: {text}"
        yield _BY_PLATFORM
    if one.repeats:
        yield f"It came {one.repeats + 1} times."


def _notice_dict(one: NotedItem) -> dict[str, Any]:
    return {
        "type": "unreadable" if one.unreadable else "notice",
        "account": one.account,
        "message_id": one.message_id,
        "thread": {"kind": one.thread.kind, "id": one.thread.id} if one.thread else None,
        "sender": one.actor_id,
        "kind": one.kind,
        "text": None if one.unreadable else sanitize(one.text, _TEXT),
        "reason": sanitize(one.text, _TEXT) if one.unreadable else None,
        "sent_ms": one.sent_ms,
        "read_ms": one.noted_ms,
        "times_received": one.repeats + 1,
    }


def _from(one: Recorded) -> str:
    name = sanitize(one.sender_name)
    sender = f"{name} ({one.sender_id})" if name else sanitize(one.sender_id) or "(no sender)"
    group = sanitize(one.group_name)
    return f"from {sender} in {one.thread}" + (f" ({group})" if group else "")


def _said(one: Recorded) -> str:
    """One line of the text, where it is kept."""
    text = sanitize(one.text or "", _SAID)
    kinds = ", ".join(map(sanitize, one.attached))
    return f"says: {text}" + (f" [{kinds}]" if kinds else "") if text or kinds else ""


def _shared(one: Recorded) -> str:
    turn = one.standing
    return f" (one turn of {turn.messages} messages)" if turn and turn.messages > 1 else ""


def _as_it_was(made: Made, source: Source | None) -> str:
    """The setting that decided, if it reads otherwise now."""
    now, rule = _text_now(made, source), made.decision.rule
    if now is None:
        return ""
    line = f" line {rule.line}" if rule.line is not None else ""
    today = f"now: {now}" if now else "it is not written any more"
    return (
        f"config{line} as it was then: {sanitize(rule.text, _TEXT) or '(nothing)'}; {sanitize(today, _TEXT)}"
    )


def _text_now(made: Made, source: Source | None) -> str | None:
    """What the setting that decided reads now; None if that is what it read then, or if nobody knows."""
    decision = made.decision
    if source is None or not decision.revision or decision.revision == source.revision:
        return None
    path = next((path for path in source.keys if format_path(path) == decision.rule.path), None)
    now = setting_text(source, path)
    return None if now == decision.rule.text else now


@click.command()
@click.argument("message_id", required=False)
@click.option("--last", type=click.IntRange(min=1), help="The newest N messages (default: 10).")
@click.option("--dropped", is_flag=True, help="Only messages that were dropped.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(message_id: str | None, last: int | None, dropped: bool, as_json: bool) -> None:
    """Say why a message was or was not answered, with the line of the config that decided.

    With a message's id it is about that message, else about the newest ones. What the platform wrote itself
    is shown as notice, and what could not be read as unreadable.
    """
    if message_id and (last or dropped):
        raise CliError("a message's id stands alone", "leave --last and --dropped out, or the id")
    setup = CliContext()
    found, gaps = _find(setup, message_id, last or 10, dropped)
    if message_id and not found:
        unread = [gap_words(gap.kind, gap.from_ms, gap.to_ms) for gap in gaps[-1:]]
        told = f"no message {sanitize(message_id)!r} was read"
        raise CliError("; ".join([told, *unread]), "openclaw why --last 10")
    live, source = _live(setup, found), _source(setup)
    if as_json:
        items = [as_dict(one, live, source) for one in found]
        body = {"ok": True, "messages": items, "gaps": [asdict(gap) for gap in gaps]}
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    for one in found:
        head, *rest = lines(one, live, source)
        echo_wrapped(head, "", "    ")
        for line in rest:
            echo_wrapped(line, "  ", "    ")
    for gap in () if message_id else gaps:
        echo_wrapped(gap_words(gap.kind, gap.from_ms, gap.to_ms))
    if not found:
        click.echo("No message was dropped." if dropped else "No message has been read yet.")


def _find(
    setup: CliContext, message_id: str | None, last: int, dropped: bool
) -> tuple[list[Item], list[Gap]]:
    """What is asked about, and where any account could not catch up."""
    from clawlane.store.reader import reading

    if not setup.places.store.exists():
        return [], []
    with reading(setup.places.store) as reader:
        if message_id:
            return [*reader.decided(message_id), *reader.noted(message_id)], reader.all_gaps()
        return _newest(reader, last, dropped), reader.all_gaps()


def _newest(reader: Reader, last: int, dropped: bool) -> list[Item]:
    """The newest first, messages and notices by the time they were read."""
    messages: Iterator[Item] = iter(reader.newest_decided(last, dropped=dropped))
    if dropped:
        return list(messages)
    found = [*messages, *reader.newest_noted(last)]
    return sorted(found, key=lambda one: one.read_ms, reverse=True)[:last]


def _live(setup: CliContext, found: Sequence[Item]) -> Live:
    """What holds replies right now. Nobody is asked unless something has not ended."""
    from clawlane.cli.turn_words import Live
    from clawlane.ops.client import ControlError, ask_gateway
    from clawlane.ops.operation import Caller, plain
    from clawlane.ops.status import GetStatus
    from clawlane.store.decisions import Recorded

    is_open = (one.standing and one.standing.settled_ms is None for one in found if isinstance(one, Recorded))
    if not any(is_open):
        return Live()
    try:
        return Live.of_status(plain(ask_gateway(setup.places, GetStatus(), Caller.CLI)))
    except ControlError:
        return Live(pauses=_stored_pauses(setup))


def _stored_pauses(setup: CliContext) -> list[dict[str, Any]]:
    from clawlane.ops.operation import plain
    from clawlane.ops.pause import PauseInfo
    from clawlane.store.reader import reading

    with reading(setup.places.store) as reader:
        return [plain(PauseInfo.of(pause)) for pause in reader.pauses()]


def _source(setup: CliContext) -> Source | None:
    """The config file as it stands now; None if it cannot be read."""
    from clawlane.config.errors import ConfigError
    from clawlane.config.source import read_source

    try:
        return read_source(setup.places.config_file)
    except ConfigError:
        return None
