"""What `why` says about one message or notice, as lines for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from clawlane.access import explain
from clawlane.cli.clean import clean
from clawlane.cli.times import local
from clawlane.cli.turn_words import Live, tell
from clawlane.config.problems import written
from clawlane.config.setting_text import setting_text
from clawlane.store.decisions import Made, Recorded
from clawlane.store.notices import NotedItem

if TYPE_CHECKING:
    from clawlane.config.source import Source

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
    yield f"{local(one.read_ms)} {one.account} message {clean(one.message_id) or '(no id)'} {_from(one)}"
    if said := _said(one):
        yield said
    if one.repeats:
        yield f"It came {one.repeats + 1} times, and counts once."
    if not one.made:
        yield _UNDECIDED if one.waiting else _RECALLED
    for made in one.made:
        told = explain.explain(made.decision, one.sender_id, one.thread)
        yield clean(f"{made.decision.outcome} ({made.decision.reason}): {told}", 500)
        if then := _as_it_was(made, source):
            yield then
    standing = tell(one, live)
    if standing:
        yield f"turn: {standing.sentence}{_shared(one)}"
    if one.recalled and not (standing and one.recalled in standing.sentence):
        yield f"It was {clean(one.recalled, _TEXT)}."


def as_dict(one: Item, live: Live, source: Source | None) -> dict[str, Any]:
    """The same as JSON. `type` is message, notice or unreadable; a message's `turn` is null without one."""
    if isinstance(one, NotedItem):
        return _notice_dict(one)
    return {
        "type": "message",
        "account": one.account,
        "message_id": one.message_id,
        "thread": {"kind": one.thread.kind, "id": one.thread.id, "name": clean(one.group_name) or None},
        "sender": one.sender_id,
        "sender_name": clean(one.sender_name) or None,
        "text": None if one.text is None else clean(one.text, _TEXT),
        "attachments": list(one.attached),
        "sent_ms": one.sent_ms,
        "read_ms": one.read_ms,
        "times_received": one.repeats + 1,
        "recalled": clean(one.recalled, _TEXT) or None,
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
    kind = f" {clean(one.kind)}" if one.kind else ""
    actor = f" from {clean(one.actor_id)}" if one.actor_id else ""
    where = f" in {one.thread}" if one.thread else ""
    id_ = f" {clean(one.message_id)}" if one.message_id else ""
    yield f"{local(one.noted_ms)} {one.account} {what}{id_}:{kind}{actor}{where}"
    text = clean(one.text, _TEXT)
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
        "text": None if one.unreadable else clean(one.text, _TEXT),
        "reason": clean(one.text, _TEXT) if one.unreadable else None,
        "sent_ms": one.sent_ms,
        "read_ms": one.noted_ms,
        "times_received": one.repeats + 1,
    }


def _from(one: Recorded) -> str:
    name = clean(one.sender_name)
    sender = f"{name} ({one.sender_id})" if name else clean(one.sender_id) or "(no sender)"
    group = clean(one.group_name)
    return f"from {sender} in {one.thread}" + (f" ({group})" if group else "")


def _said(one: Recorded) -> str:
    """One line of the text, where it is kept."""
    text = clean(one.text or "", _SAID)
    kinds = ", ".join(map(clean, one.attached))
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
    return f"config{line} as it was then: {clean(rule.text, _TEXT) or '(nothing)'}; {clean(today, _TEXT)}"


def _text_now(made: Made, source: Source | None) -> str | None:
    """What the setting that decided reads now; None if that is what it read then, or if nobody knows."""
    decision = made.decision
    if source is None or not decision.revision or decision.revision == source.revision:
        return None
    path = next((path for path in source.keys if written(path) == decision.rule.path), None)
    now = setting_text(source, path)
    return None if now == decision.rule.text else now
