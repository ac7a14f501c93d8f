"""What a webhook is told of an event: its kind, and the body of the request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from clawlane.access.decision import Outcome
from clawlane.config.webhooks import EventKind
from clawlane.store.events import (
    ConfigChanged,
    Decided,
    Event,
    MessageRecalled,
    OperatorChanged,
    StateChanged,
)
from clawlane.store.stored_messages import Words
from clawlane.store.told import Stage

LONGEST_TEXT, LONGEST_NAME = 20_000, 200
"""Characters; what is longer is cut."""

_MOST_ATTACHMENTS = 100


def kind_of(event: Event, wanted: Collection[EventKind]) -> EventKind | None:
    """As what an event is told to a webhook that wants these kinds; None if it is not.

    An admitted message is a decision, too: it is told once, as a message where these are wanted.
    """
    match event:
        case Decided(stage=Stage.ADMISSION, outcome=Outcome.ADMIT) if EventKind.MESSAGE in wanted:
            kind = EventKind.MESSAGE
        case Decided():
            kind = EventKind.DECISION
        case MessageRecalled():
            kind = EventKind.RECALL
        case StateChanged():
            kind = EventKind.STATE
        case OperatorChanged():
            kind = EventKind.CHANGE
        case ConfigChanged():
            kind = EventKind.CONFIG
    return kind if kind in wanted else None


def id_of(event: Event) -> str:
    """The id of an event, the same for every try and every webhook."""
    return f"evt_{hashlib.sha256(f'{event.cursor}.{event.at_ms}'.encode()).hexdigest()[:24]}"


def body_of(
    event: Event, kind: EventKind, words: Words | None = None, missed: int = 0, *, truncated: bool = False
) -> bytes:
    """The body. `words` are what may be told of people; so many events were `missed` before this one."""
    body: dict[str, Any] = {
        "type": kind,
        "id": id_of(event),
        "account": event.account,
        "at_ms": event.at_ms,
        "data": _data(event, words),
    }
    if missed or truncated:
        body |= {"missed": missed, "truncated": truncated}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _data(event: Event, words: Words | None) -> Mapping[str, Any]:
    match event:
        case Decided():
            decided = {"stage": event.stage, "outcome": event.outcome, "reason": event.reason}
            return {**_message(event, words), **decided, **(_said(words) if words else {})}
        case MessageRecalled():
            return {**_message(event, words), "by": event.who}
        case StateChanged():
            return {"phase": event.phase, "code": event.code}
        case OperatorChanged():
            done = {"caller": event.caller, "operation": event.operation, "change": event.change}
            return {**done, "details": event.details}
        case ConfigChanged():
            edit = {"revision": event.revision, "edit": event.edit}
            return {**edit, "widens": event.widens, "narrows": event.narrows}


def _message(event: Decided | MessageRecalled, words: Words | None) -> dict[str, Any]:
    thread = {"kind": event.thread.kind, "id": event.thread.id}
    sender = {"id": event.sender_id}
    if words is not None:
        thread["name"] = words.thread_name[:LONGEST_NAME]
        sender["name"] = words.sender_name[:LONGEST_NAME]
    return {"message_id": event.message_id, "thread": thread, "sender": sender}


def _said(words: Words) -> dict[str, Any]:
    """What the message says; the text is null where it is not kept."""
    message = words.message
    if message is None:
        return {"text": None}
    quote, attached = message.quote, message.attachments[:_MOST_ATTACHMENTS]
    return {
        "text": message.text[:LONGEST_TEXT],
        "quote": {"message_id": quote.message_id, "text": quote.text[:LONGEST_TEXT]} if quote else None,
        "attachments": [{"kind": one.kind, "title": one.title[:LONGEST_NAME]} for one in attached],
    }
