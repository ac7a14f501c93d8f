"""Messages and notices in lines: what was decided about each and why, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from clawlane.access import explain
from clawlane.access.decision import Rule
from clawlane.clock import now_ms
from clawlane.ops.why import Item, Story
from clawlane.store.told import NotedItem, Recorded
from clawlane.texts import later, t
from clawlane.threads import Thread
from clawlane.words.strangers import Said, sanitize
from clawlane.words.times import ago, local
from clawlane.words.turns import sentence

_UNDECIDED = later("It is not decided yet: the account does not know its own id or the names of the config.")


_RECALLED = later("It was taken back before it was decided.")


_BY_PLATFORM = later(
    "The platform wrote this itself: nobody was answered, challenged or shown anything for it."
)


_TEXT = 200


_SAID = 70
"""Characters of a message's text: one line."""


def lines(item: Item) -> Iterator[str]:
    """A head, and under it what was said, what was decided and why, and what became of it."""
    if item.notice is not None:
        yield from _of_notice(item.notice)
    if item.message is not None:
        yield from _of_message(item.message)


def looked_to_words(ms: int) -> str:
    """Why there may be more than a search has found."""
    return t("Looked at what was read since {time}; what is older is found from there on.", time=local(ms))


def as_dict(item: Item) -> dict[str, Any]:
    """The same as JSON. `type` is message, notice or unreadable; a message's `turn` is null without one."""
    if item.notice is not None:
        return _notice_dict(item.notice)
    assert item.message is not None
    return _message_dict(item.message)


def _of_message(story: Story) -> Iterator[str]:
    one = story.recorded
    name, group = sanitize(one.sender_name), sanitize(one.group_name)
    sender = f"{name} ({one.sender_id})" if name else sanitize(one.sender_id) or t("(no sender)")
    where = f"{one.thread} ({group})" if group else str(one.thread)
    id_ = sanitize(one.message_id) or t("(no id)")
    message = t("message {id} from {sender} in {where}", id=id_, sender=sender, where=where)
    yield Said(f"{_moment(one.read_ms)} {one.account} {message}")
    said = sanitize(one.text or "", _SAID)
    kinds = f" [{', '.join(map(sanitize, one.attached))}]" if one.attached else ""
    if said or kinds:
        yield Said(t("says: {text}", text=f"{said}{kinds}"))
    if one.repeats:
        yield t("It came {n} times, and counts once.", n=one.repeats + 1)
    if not one.made:
        yield t(_UNDECIDED if one.waiting else _RECALLED)
    for made, now in zip(one.made, story.now, strict=True):
        told = explain.explain(made.decision, one.sender_id, one.thread, _named(one))
        yield sanitize(f"{made.decision.outcome} ({made.decision.reason}): {told}", 500)
        if now is not None:  # the setting that decided reads otherwise today
            yield f"{_then(made.decision.rule)}; {_today(now)}"
    stands = sentence(one.standing, story.standing) if one.standing and story.standing else ""
    if one.standing and stands:
        many = one.standing.messages
        shared = t(" (one turn of {n} messages)", n=many) if many > 1 else ""
        yield t("turn: {stands}", stands=f"{stands}{shared}")
    if one.standing and one.standing.tools:
        yield t("sent by tools: {tools}", tools=sanitize(one.standing.tools, _TEXT))
    if one.recalled and one.recalled not in stands:
        yield t("It was {what}.", what=sanitize(one.recalled, _TEXT))


def _then(rule: Rule) -> str:
    """What the setting that decided said then."""
    text = sanitize(rule.text, _TEXT) or t("(nothing)")
    if rule.line is None:
        return t("config as it was then: {text}", text=text)
    return t("config line {line} as it was then: {text}", line=rule.line, text=text)


def _today(now: str) -> str:
    return t("now: {text}", text=sanitize(now, _TEXT)) if now else t("it is no longer written")


def _moment(ms: int) -> str:
    return f"{local(ms)} ({ago(ms, now_ms())})"


def _message_dict(story: Story) -> dict[str, Any]:
    one = story.recorded
    return {
        "type": "message",
        "account": one.account,
        "message_id": one.message_id,
        "thread": _thread_dict(one.thread, one.group_name),
        "sender": one.sender_id,
        "sender_name": sanitize(one.sender_name) or None,
        "text": None if one.text is None else sanitize(one.text, _TEXT),
        "attachments": list(one.attached),
        "sent_ms": one.sent_ms,
        "read_ms": one.read_ms,
        "times_received": one.repeats + 1,
        "recalled": sanitize(one.recalled, _TEXT) or None,
        "decisions": [
            {
                "stage": made.stage,
                "at_ms": made.at_ms,
                **explain.as_dict(made.decision, one.sender_id, one.thread, _named(one)),
                "changed_since": now is not None,
            }
            for made, now in zip(one.made, story.now, strict=True)
        ],
        "turn": _turn_dict(story),
    }


def _named(one: Recorded) -> explain.Named:
    return explain.Named(sanitize(one.sender_name), sanitize(one.group_name))


def _thread_dict(thread: Thread, group_name: str) -> dict[str, str | None]:
    return {"kind": thread.kind, "id": thread.id, "name": sanitize(group_name) or None}


def _turn_dict(story: Story) -> dict[str, Any] | None:
    turn, standing = story.recorded.standing, story.standing
    if standing is None or turn is None:
        return None
    return {
        "state": turn.state,
        "reason": turn.reason,
        "standing": standing.stage,
        "sentence": sentence(turn, standing),
        "held": asdict(standing.hold) if standing.hold else None,
        "tries": turn.attempts,
        "messages": turn.messages,
        "parts": list(turn.chunks),
        "tools": turn.tools or None,
        "settled_ms": turn.settled_ms,
    }


def _of_notice(one: NotedItem) -> Iterator[str]:
    what = t("unreadable") if one.unreadable else t("notice")
    kind = f" {sanitize(one.kind)}" if one.kind else ""
    name, group = sanitize(one.actor_name), sanitize(one.group_name)
    who = f"{name} ({one.actor_id})" if name else sanitize(one.actor_id)
    actor = t(" from {sender}", sender=who) if one.actor_id else ""
    thread = f"{one.thread} ({group})" if group else str(one.thread)
    where = t(" in {thread}", thread=thread) if one.thread else ""
    id_ = f" {sanitize(one.message_id)}" if one.message_id else ""
    yield Said(f"{_moment(one.read_ms)} {one.account} {what}{id_}:{kind}{actor}{where}")
    text = sanitize(one.text, _TEXT)
    if one.unreadable:
        yield t("It could not be read: {why}.", why=text) if text else t("It could not be read.")
    else:
        if text:
            yield Said(t("says: {text}", text=text))
        yield t(_BY_PLATFORM)
    if one.repeats:
        yield t("It came {n} times.", n=one.repeats + 1)


def _notice_dict(one: NotedItem) -> dict[str, Any]:
    return {
        "type": "unreadable" if one.unreadable else "notice",
        "account": one.account,
        "message_id": one.message_id,
        "thread": _thread_dict(one.thread, one.group_name) if one.thread else None,
        "sender": one.actor_id,
        "sender_name": sanitize(one.actor_name) or None,
        "kind": one.kind,
        "text": None if one.unreadable else sanitize(one.text, _TEXT),
        "reason": sanitize(one.text, _TEXT) if one.unreadable else None,
        "sent_ms": one.sent_ms,
        "read_ms": one.read_ms,
        "times_received": one.repeats + 1,
    }
