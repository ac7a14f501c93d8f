"""Reads messages, recalls, deletions, notices and reactions from the items of a frame.

On the wire "0" stands for the account itself, as sender or as addressee. The thread of an item and whether it
is the account's own follow from the values on the wire, before "0" is replaced by the account's id.

The kind of an item is decided in this order: a plain text of a typed kind is a message; then recalls,
deletions and known notices; then what people are known to send. The rest is a message if somebody typed words
into it, and else a notice. Only indispensable fields are required.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.events.content import Content, Media, TextContent, UnknownContent
from zaloweb.events.content_reader import TYPED, is_speech, read_speech, typed_text
from zaloweb.events.conversation import (
    Album,
    Deletion,
    Mention,
    Message,
    Notice,
    Reaction,
    Target,
    Thread,
    ThreadKind,
    Undo,
)
from zaloweb.events.deletions import UNDO, deleted, is_deletion, may_be_gone
from zaloweb.events.fields import Fields
from zaloweb.events.lenient import as_id, as_list, as_ms, as_object, as_text, as_whole, is_prose, opened
from zaloweb.events.notices import find_notice, is_notice_type, notice_kind
from zaloweb.events.quotes import read_quote
from zaloweb.wire.models import Malformed, WireMessage, WireReaction, read
from zaloweb.wire.text import Range, from_utf16

EVERYONE = "-1"
_ME = "0"
_FORWARDED = 3
_USER = ThreadKind.USER  # Python 3.11 takes long to look a member up in its enum
_NOWHERE = "nothing says in which conversation this stands"
_MESSAGE = msgspec.json.Decoder(WireMessage)
_REACTION = msgspec.json.Decoder(WireReaction)

Item = Message | Undo | Deletion | Notice


class Head(msgspec.Struct, gc=False):
    """Sender and thread of an item; a missing id is ""."""

    thread: Thread
    sender_id: str
    is_self: bool
    msg_type: str
    msg_id: str


def read_message(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Item:
    """The event of an item in a list of messages. Raises Malformed."""
    wire = read(_MESSAGE, item)
    head = _head(wire, kind, own_id)
    msg_type, content = head.msg_type, wire.content
    if isinstance(content, str):
        if msg_type in TYPED:
            return _message(wire, head, TextContent(content), item, own_id)
        content = opened(content) or content
    elif type(content) is int and msg_type in TYPED:
        return _message(wire, head, TextContent(str(content)), item, own_id)
    if isinstance(content, dict):
        return _from_object(wire, head, content, item, own_id)
    if msg_type == UNDO:
        raise Malformed("a recall that names no message")
    if is_deletion(msg_type, content):
        return _deletion(wire, head, content, item, own_id)
    if isinstance(content, str) and is_prose(content) and not is_notice_type(msg_type):
        held = TextContent(content) if is_speech(msg_type) else UnknownContent(msg_type, content, content)
        return _message(wire, head, held, item, own_id)
    return _unsaid(wire, head, item)


def read_head(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Head | None:
    """Sender and thread of an undecodable item; None if these cannot be read either."""
    try:
        return _head(read(_MESSAGE, item), kind, own_id)
    except Malformed:
        return None


def read_reaction(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Reaction:
    """The reaction of an item. Raises Malformed."""
    wire = read(_REACTION, item)
    content = as_object(wire.content)
    if not isinstance(content.get("rMsg"), list):
        raise Malformed("a reaction to nothing")
    head = _placed(_head(wire, kind, own_id))
    return Reaction(
        thread=head.thread,
        actor_id=head.sender_id,
        actor_name=as_text(wire.dName),
        is_self=head.is_self,
        targets=tuple(
            Target(as_id(one.get("gMsgID")), as_id(one.get("cMsgID")))
            for one in content["rMsg"]
            if isinstance(one, dict)
        ),
        icon=as_text(content.get("rIcon")),
        type_number=as_whole(content.get("rType")),
        sent_ms=as_ms(wire.ts),
        wire=item,
    )


def _head(wire: WireMessage | WireReaction, kind: ThreadKind, own_id: str) -> Head:
    sender, place, msg_type = wire.uidFrom, wire.idTo, wire.msgType
    sender = sender if type(sender) is str else as_text(sender)
    is_self = sender == _ME
    if not is_self and kind is _USER:
        place = sender
    return Head(
        Thread(kind, place if type(place) is str else as_text(place)),
        own_id if is_self else sender,
        is_self,
        msg_type if type(msg_type) is str else "",
        as_id(wire.msgId),
    )


def _placed(head: Head) -> Head:
    """The head, which must name a thread. Raises Malformed."""
    if not head.thread.id:
        raise Malformed(_NOWHERE)
    return head


def _from_object(
    wire: WireMessage, head: Head, content: dict[str, Any], item: msgspec.Raw, own_id: str
) -> Item:
    msg_type = head.msg_type
    if may_be_gone(msg_type, content):
        if msg_type == UNDO or "deleteMsg" in content:
            return _undo(wire, head, content, item)
        if is_deletion(msg_type, content):
            return _deletion(wire, head, content, item, own_id)
    fields = Fields(content)
    row = find_notice(msg_type, fields)
    if row is not None:
        return _notice(wire, head, row.kind, row.read(fields), item)
    held = read_speech(msg_type, fields)
    if held is None:
        words = typed_text(fields)
        if not words:
            return _notice(wire, head, notice_kind(msg_type or fields.action or "unknown"), "", item)
        held = UnknownContent(msg_type or "unknown", words, content)
    return _message(wire, head, held, item, own_id, fields)


def _unsaid(wire: WireMessage, head: Head, item: msgspec.Raw) -> Notice:
    """The notice of an item without content. Raises Malformed for a type that must have content."""
    msg_type = head.msg_type
    if msg_type in TYPED or (is_speech(msg_type) and not is_notice_type(msg_type)):
        raise Malformed(f"a message whose content is {_JSON_NAMES.get(type(wire.content), 'missing')}")
    return _notice(wire, head, notice_kind(msg_type), "", item)


_JSON_NAMES = {
    str: "an empty text",
    list: "a list",
    bool: "a truth value",
    int: "a number",
    float: "a number",
}


def _message(
    wire: WireMessage,
    head: Head,
    held: Content,
    item: msgspec.Raw,
    own_id: str,
    fields: Fields | None = None,
) -> Message:
    thread, sender, name, ttl = head.thread, head.sender_id, wire.dName, wire.ttl
    if not sender:
        raise Malformed("a message without a sender")
    if not thread.id:
        raise Malformed(_NOWHERE)
    mentions, album = wire.mentions, None
    if fields is not None:
        mentions = mentions or fields.params.get("mentions")
        album = _album(fields.params, wire.extraData)
    # The usual types are checked here: a call for each field takes longer than everything else.
    return Message(
        thread,
        sender,
        name if type(name) is str else as_text(name),
        head.is_self,
        head.msg_id,
        as_id(wire.cliMsgId),
        head.msg_type,
        held,
        _mentions(mentions, held, own_id) if mentions else (),
        read_quote(wire.quote, own_id) if wire.quote else None,
        as_ms(wire.ts),
        ttl if type(ttl) is int else as_whole(ttl),
        album,
        bool(wire.reference) and is_forwarded(wire.reference),
        wire=item,
    )


def _undo(wire: WireMessage, head: Head, content: dict[str, Any], item: msgspec.Raw) -> Undo:
    get = content.get
    msg_id = as_id(get("globalMsgId")) or as_id(get("globalMsgID"))
    cli_msg_id = as_id(get("cliMsgId")) or as_id(get("cliMsgID"))
    if not msg_id and not cli_msg_id:
        raise Malformed("a recall that names no message")
    if not head.sender_id:
        raise Malformed("a recall by nobody")
    return Undo(
        thread=_placed(head).thread,
        actor_id=head.sender_id,
        actor_name=as_text(wire.dName),
        is_self=head.is_self,
        msg_id=msg_id,
        cli_msg_id=cli_msg_id,
        sent_ms=as_ms(wire.ts),
        wire=item,
    )


def _deletion(wire: WireMessage, head: Head, content: object, item: msgspec.Raw, own_id: str) -> Deletion:
    entries = deleted(content, head.thread, own_id)
    if not entries:
        raise Malformed("a deletion that names no message")
    return Deletion(head.thread, head.sender_id, head.is_self, entries, as_ms(wire.ts), wire=item)


def _notice(wire: WireMessage, head: Head, kind: str, text: str, item: msgspec.Raw) -> Notice:
    return Notice(
        thread=_placed(head).thread,
        actor_id=head.sender_id,
        actor_name=as_text(wire.dName),
        is_self=head.is_self,
        kind=kind,
        text=text,
        msg_id=head.msg_id,
        cli_msg_id=as_id(wire.cliMsgId),
        msg_type=head.msg_type,
        sent_ms=as_ms(wire.ts),
        wire=item,
    )


def is_forwarded(reference: object) -> bool:
    """Whether what an item refers to is the message that it passes on.

    Public clients read it so: `{"type": 3, "data": "{…, \\"fwLvl\\": 1}"}`. Nobody has recorded one for us.
    """
    told = as_object(reference)
    return told.get("type") == _FORWARDED or "fwLvl" in as_object(told.get("data"))


def _album(params: dict[str, Any], extra: object) -> Album | None:
    """The album, from the parameters (with a total) or from beside the content (without one)."""
    album = as_id(params.get("group_layout_id"))
    if not album and extra:
        album = as_id(as_object(as_object(extra).get("groupMediaMsg")).get("groupLayoutId"))
    return Album(album, max(0, as_whole(params.get("total_item_in_group")))) if album else None


def _mentions(wire: object, content: Content, own_id: str) -> tuple[Mention, ...]:
    """The mentions in the text, or in the caption if there is one."""
    listed = opened(wire) if isinstance(wire, str) else wire
    ranges = []
    for mention in as_list(listed):
        if isinstance(mention, dict):
            get = mention.get
            user_id = as_text(get("uid"))
            everyone = user_id == EVERYONE or as_whole(get("type")) == 1
            who = own_id if user_id == _ME else user_id
            ranges.append(Range(as_whole(get("pos")), as_whole(get("len")), (who, everyone)))
    text = content.title if isinstance(content, Media) else content.text
    places = from_utf16(text, ranges)
    return tuple([Mention(at.value[0], at.start, at.length, at.value[1]) for at in places])
