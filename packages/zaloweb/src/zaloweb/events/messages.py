"""Messages, undos and reactions from the items of a frame.

On the wire "0" stands for the account itself, as sender or as addressee. Which thread an item belongs to and
whether it is the account's own is told by the wire's values, before "0" is replaced by the account's id.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.events.content import Content, Media
from zaloweb.events.content_reader import read_content
from zaloweb.events.lenient import as_object, as_text, as_whole
from zaloweb.events.values import Mention, Message, Quote, Reaction, Target, Thread, ThreadKind, Undo
from zaloweb.models import Malformed, WireMessage, WireReaction, read
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
    sender = own_id if is_self else str(wire.uidFrom)
    thread = _thread(wire, kind, is_self)
    if isinstance(content, dict) and "deleteMsg" in content:
        return _undo(wire, content, thread, sender, is_self, item)
    held = read_content(wire.msgType, content, wire.extraData)
    return Message(
        thread,
        sender,
        as_text(wire.dName),
        is_self,
        str(wire.msgId),
        str(wire.cliMsgId),
        wire.msgType,
        held,
        _mentions(wire.mentions, held) if wire.mentions else (),
        _quote(wire.quote) if wire.quote else None,
        as_whole(wire.ts),
        as_whole(wire.ttl),
        item,
    )


def read_reaction(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Reaction:
    """The reaction that an item is. Raises Malformed."""
    wire = read(_REACTION, item)
    content = as_object(wire.content)
    if not isinstance(content.get("rMsg"), list):
        raise Malformed("a reaction to nothing")
    is_self = wire.uidFrom in _ME
    return Reaction(
        thread=_thread(wire, kind, is_self),
        actor_id=own_id if is_self else str(wire.uidFrom),
        actor_name=as_text(wire.dName),
        is_self=is_self,
        targets=tuple(_target(target) for target in content["rMsg"] if isinstance(target, dict)),
        icon=as_text(content.get("rIcon")),
        type_number=as_whole(content.get("rType")),
        sent_ms=as_whole(wire.ts),
        wire=item,
    )


def _thread(wire: WireMessage | WireReaction, kind: ThreadKind, is_self: bool) -> Thread:
    return Thread(kind, str(wire.idTo if is_self or kind is ThreadKind.GROUP else wire.uidFrom))


def _undo(
    wire: WireMessage, content: dict[str, Any], thread: Thread, actor: str, is_self: bool, item: msgspec.Raw
) -> Undo:
    return Undo(
        thread=thread,
        actor_id=actor,
        actor_name=as_text(wire.dName),
        is_self=is_self,
        msg_id=as_text(content.get("globalMsgId")),
        cli_msg_id=as_text(content.get("cliMsgId")),
        sent_ms=as_whole(wire.ts),
        wire=item,
    )


def _mentions(wire: object, content: Content) -> tuple[Mention, ...]:
    if not isinstance(wire, list):
        return ()
    text = content.title if isinstance(content, Media) else content.text
    places = from_utf16(text, [_range(mention) for mention in wire if isinstance(mention, dict)])
    return tuple([Mention(at.value[0], at.start, at.length, at.value[1]) for at in places])


def _range(mention: dict[str, Any]) -> Range[tuple[str, bool]]:
    user_id = as_text(mention.get("uid"))
    everyone = user_id == EVERYONE or as_whole(mention.get("type")) == 1
    return Range(as_whole(mention.get("pos")), as_whole(mention.get("len")), (user_id, everyone))


def _quote(wire: object) -> Quote | None:
    if not isinstance(wire, dict):
        return None
    return Quote(
        owner_id=as_text(wire.get("ownerId")),
        owner_name=as_text(wire.get("fromD")),
        msg_id=as_text(wire.get("globalMsgId")),
        cli_msg_id=as_text(wire.get("cliMsgId")),
        text=as_text(wire.get("msg")),
        type_number=as_whole(wire.get("cliMsgType")),
        attachment=as_text(wire.get("attach")),
        sent_ms=as_whole(wire.get("ts")),
        ttl_ms=as_whole(wire.get("ttl")),
    )


def _target(wire: dict[str, Any]) -> Target:
    return Target(as_text(wire.get("gMsgID")), as_text(wire.get("cMsgID")))
