"""Messages, undos and reactions from the items of a frame.

On the wire "0" stands for the account itself, as sender or as addressee. Which thread an item belongs to and
whether it is the account's own is told by the wire's values, before "0" is replaced by the account's id.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.events.content import Content, TextContent, opened, read_content, whole
from zaloweb.events.values import Mention, Message, Quote, Reaction, Target, Thread, ThreadKind, Undo
from zaloweb.models import Id, Malformed, WireMessage, WireReaction, read
from zaloweb.text import Range, from_utf16

EVERYONE = "-1"
_ME = ("0", 0)
_MESSAGE = msgspec.json.Decoder(WireMessage)
_REACTION = msgspec.json.Decoder(WireReaction)


def read_message(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Message | Undo:
    """The message or the undo that an item is. Raises Malformed."""
    wire = read(_MESSAGE, item)
    content = wire.content
    if content is None:
        raise Malformed("a message without content")
    is_self = wire.uidFrom in _ME
    thread = _thread(wire, kind, is_self)
    sender = own_id if is_self else str(wire.uidFrom)
    if isinstance(content, dict) and "deleteMsg" in content:
        return _undo(wire, content, thread, sender, is_self, item)
    held = read_content(wire.msgType, content, wire.extraData)
    return Message(
        thread,
        sender,
        _name(wire.dName),
        is_self,
        str(wire.msgId),
        str(wire.cliMsgId),
        wire.msgType,
        held,
        _mentions(wire.mentions, held) if wire.mentions else (),
        _quote(wire.quote) if wire.quote else None,
        whole(wire.ts),
        whole(wire.ttl),
        item,
    )


def read_reaction(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Reaction:
    """The reaction that an item is. Raises Malformed."""
    wire = read(_REACTION, item)
    content = opened(wire.content)
    if not isinstance(content.get("rMsg"), list):
        raise Malformed("a reaction to nothing")
    is_self = wire.uidFrom in _ME
    return Reaction(
        thread=_thread(wire, kind, is_self),
        actor_id=own_id if is_self else str(wire.uidFrom),
        actor_name=_name(wire.dName),
        is_self=is_self,
        targets=tuple(_target(target) for target in content["rMsg"] if isinstance(target, dict)),
        icon=_name(content.get("rIcon")),
        type_number=whole(content.get("rType")),
        sent_ms=whole(wire.ts),
        wire=item,
    )


def _thread(wire: WireMessage | WireReaction, kind: ThreadKind, is_self: bool) -> Thread:
    in_group = kind is ThreadKind.GROUP
    return Thread(kind, str(wire.idTo if in_group or is_self else wire.uidFrom))


def _undo(
    wire: WireMessage, content: dict[str, Any], thread: Thread, actor: str, is_self: bool, item: msgspec.Raw
) -> Undo:
    return Undo(
        thread=thread,
        actor_id=actor,
        actor_name=_name(wire.dName),
        is_self=is_self,
        msg_id=_id(content.get("globalMsgId")),
        cli_msg_id=_id(content.get("cliMsgId")),
        sent_ms=whole(wire.ts),
        wire=item,
    )


def _mentions(wire: object, content: Content) -> tuple[Mention, ...]:
    if not isinstance(wire, list):
        return ()
    text = content.text if isinstance(content, TextContent) else getattr(content, "caption", content.text)
    ranges = [_range(mention) for mention in wire if isinstance(mention, dict)]
    return tuple(
        Mention(place.value, place.start, place.length, place.value == EVERYONE)
        for place in from_utf16(text, ranges)
    )


def _range(mention: dict[str, Any]) -> Range[str]:
    return Range(whole(mention.get("pos")), whole(mention.get("len")), _id(mention.get("uid")))


def _quote(wire: object) -> Quote | None:
    if not isinstance(wire, dict):
        return None
    return Quote(
        owner_id=_id(wire.get("ownerId")),
        owner_name=_name(wire.get("fromD")),
        msg_id=_id(wire.get("globalMsgId")),
        cli_msg_id=_id(wire.get("cliMsgId")),
        text=_name(wire.get("msg")),
        type_number=whole(wire.get("cliMsgType")),
        attachment=_name(wire.get("attach")),
        sent_ms=whole(wire.get("ts")),
        ttl_ms=whole(wire.get("ttl")),
    )


def _target(wire: dict[str, Any]) -> Target:
    return Target(_id(wire.get("gMsgID")), _id(wire.get("cMsgID")))


def _id(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else ""


def _name(value: object) -> str:
    return value if isinstance(value, str) else ""


__all__ = ["EVERYONE", "Id", "read_message", "read_reaction"]
