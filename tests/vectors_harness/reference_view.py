"""Our events in the words of the reference, so that recordings can be compared with them field by field.

The reference hands most items of the wire on as they are. Here an item is taken from `raw` and every field
that an event of ours has a name for is put over it from the event: where both agree, our reading of that
field is right.

    ours                         the reference
    Message, Notice              message [{type, data, threadId, isSelf}]
    Undo, Reaction               undo, reaction [{data, threadId, isSelf, isGroup}]
    Typing                       typing [{type, data, threadId, isSelf}]
    Delivered…, Seen…            delivered_messages, seen_messages [[…]]: neighbours in one list
    GroupEvent                   group_event [{type, act, data, threadId, isSelf}]
    FriendEvent                  friend_event [{type, data, threadId, isSelf}]
    FileDone                     upload_attachment [{fileUrl, fileId}]: the id always as a text
    OldMessages, OldReactions    old_messages [[…], type], old_reactions [[…], isGroup]
    CipherKey                    cipher_key [base64]
    Undecodable                  error: the wording is the reference's own and is not compared
    others                       nothing
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from zaloweb.events import (
    CipherKey,
    Deletion,
    Delivered,
    Event,
    FileDone,
    FriendEvent,
    FriendEventKind,
    GroupEvent,
    Mention,
    Message,
    Notice,
    OldMessages,
    OldReactions,
    Quote,
    Reaction,
    Seen,
    TextContent,
    ThreadKind,
    Typing,
    Undecodable,
    Undo,
)
from zaloweb.wire import text

Emitted = dict[str, Any]


def seen_by_reference(event: Event, own_id: str) -> Emitted | None:
    """What the reference would emit for an event of ours, or None where it has nothing like it."""
    shape = _SHAPES.get(type(event))
    return None if shape is None else shape(event, own_id)


def normalised(emitted: Emitted) -> Emitted:
    """What the reference emitted, without what is not compared."""
    if emitted["event"] == "error":
        return {"event": "error"}
    if emitted["event"] == "upload_attachment":
        done = emitted["args"][0]
        return {**emitted, "args": [{**done, "fileId": str(done["fileId"])}]}
    return emitted


def merged(emitted: list[Emitted]) -> list[Emitted]:
    """Marks that follow each other as the one list in which the reference gives them."""
    whole: list[Emitted] = []
    for one in emitted:
        if whole and one["event"] == whole[-1]["event"] and one["event"] in LISTS:
            whole[-1]["args"][0].extend(one["args"][0])
        else:
            whole.append(one)
    return whole


LISTS = {"delivered_messages", "seen_messages"}


def _message(event: Message, own_id: str) -> Emitted:
    return _emitted("message", _old_message(event, own_id))


def _notice(event: Notice, own_id: str) -> Emitted:
    return _emitted("message", _old_message(event, own_id))


def _old_message(event: Message | Undo | Notice | Deletion, own_id: str) -> dict[str, Any]:
    match event:
        case Message():
            data = _message_data(event, own_id)
        case Undo():
            data = _undo_data(event, own_id)
        case Notice():
            data = _notice_data(event, own_id)
        case Deletion():
            data = event.raw
    return {
        "type": event.thread.kind.value,
        "data": data,
        "threadId": event.thread.id,
        "isSelf": event.is_self,
    }


def _message_data(event: Message, own_id: str) -> dict[str, Any]:
    raw = event.raw
    read = {
        **_parties(raw, event.sender_id, event.thread.kind, own_id),
        "dName": event.sender_name,
        "msgId": event.msg_id,
        "cliMsgId": event.cli_msg_id,
        "msgType": event.msg_type,
        "content": event.text if isinstance(event.content, TextContent) else raw["content"],
        "ts": str(event.sent_ms),
        "ttl": event.ttl_ms,
        "mentions": [_mention(mention, event.text) for mention in event.mentions],
        "quote": event.quote and _quote(event.quote, raw["quote"]),
    }
    return _over(raw, read)


def _notice_data(event: Notice, own_id: str) -> dict[str, Any]:
    raw = event.raw
    read = {
        **_parties(raw, event.actor_id, event.thread.kind, own_id),
        "dName": event.actor_name,
        "msgId": event.msg_id,
        "cliMsgId": event.cli_msg_id,
        "msgType": event.msg_type,
        "ts": str(event.sent_ms),
    }
    return _over(raw, read)


def _mention(mention: Mention, content: str) -> dict[str, Any]:
    place = text.to_utf16(content, [text.Range(mention.start, mention.length, None)])[0]
    return {"uid": mention.user_id, "pos": place.start, "len": place.length, "type": int(mention.everyone)}


def _quote(quote: Quote, raw: dict[str, Any]) -> dict[str, Any]:
    read = {
        "ownerId": quote.owner_id,
        "fromD": quote.owner_name,
        "globalMsgId": int(quote.msg_id),
        "cliMsgId": int(quote.cli_msg_id),
        "cliMsgType": quote.type_number,
        "msg": quote.text,
        "attach": quote.attachment,
        "ts": quote.sent_ms,
        "ttl": quote.ttl_ms,
    }
    return _over(raw, read)


def _undo(event: Undo, own_id: str) -> Emitted:
    return _emitted("undo", _in_thread(event, _undo_data(event, own_id)))


def _undo_data(event: Undo, own_id: str) -> dict[str, Any]:
    raw = event.raw
    recalled = {"globalMsgId": int(event.msg_id), "cliMsgId": int(event.cli_msg_id)}
    read = {
        **_parties(raw, event.actor_id, event.thread.kind, own_id),
        "dName": event.actor_name,
        "ts": str(event.sent_ms),
        "content": _over(raw["content"], recalled),
    }
    return _over(raw, read)


def _reaction(event: Reaction, own_id: str) -> Emitted:
    data = _reaction_data(event, own_id)
    content = json.loads(event.raw["content"])
    targets = [
        {**raw, "gMsgID": int(target.msg_id), "cMsgID": int(target.cli_msg_id)}
        for raw, target in zip(content["rMsg"], event.targets, strict=True)
    ]
    data["content"] = {**content, "rMsg": targets, "rIcon": event.icon, "rType": event.type_number}
    return _emitted("reaction", _in_thread(event, data))


def _reaction_data(event: Reaction, own_id: str) -> dict[str, Any]:
    raw = event.raw
    read = {
        **_parties(raw, event.actor_id, event.thread.kind, own_id),
        "dName": event.actor_name,
        "ts": str(event.sent_ms),
    }
    return _over(raw, read)


def _typing(event: Typing, own_id: str) -> Emitted:
    data: dict[str, Any] = {"uid": event.user_id, "ts": str(event.sent_ms), "isPC": int(event.on_pc)}
    if event.thread.kind is ThreadKind.GROUP:
        data["gid"] = event.thread.id
    return _emitted("typing", _typed(event.thread.kind, data, event.thread.id, False))


def _delivered(event: Delivered, own_id: str) -> Emitted:
    read = {
        "msgId": event.msg_id,
        "deliveredUids": list(event.user_ids),
        "seenUids": list(event.seen_ids),
        "mSTs": event.at_ms,
        "groupId": event.thread.id,
    }
    data = _over(event.raw, read)
    return _emitted("delivered_messages", [_typed(event.thread.kind, data, event.thread.id, event.is_self)])


def _seen(event: Seen, own_id: str) -> Emitted:
    place = {"groupId": event.thread.id, "idTo": event.thread.id}
    data = _over(event.raw, {"msgId": event.msg_id, "seenUids": list(event.user_ids), **place})
    return _emitted("seen_messages", [_typed(event.thread.kind, data, event.thread.id, event.is_self)])


def _group_event(event: GroupEvent, own_id: str) -> Emitted:
    told = {"type": event.kind.value, "act": event.act, "data": event.data}
    return _emitted("group_event", {**told, "threadId": event.thread.id, "isSelf": event.is_self})


def _friend_event(event: FriendEvent, own_id: str) -> Emitted:
    data = event.data
    if event.kind is FriendEventKind.UNKNOWN:
        data = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    thread = _friend_thread(event, own_id)
    return _emitted(
        "friend_event", {"type": event.kind.value, "data": data, "threadId": thread, "isSelf": event.is_self}
    )


def _friend_thread(event: FriendEvent, own_id: str) -> str:
    # For requests the reference names who was asked, even if that is the account itself; ours is the other
    # person.
    if isinstance(event.data, dict) and "toUid" in event.data:
        other = own_id if not event.is_self else event.user_id
        assert other == event.data["toUid"]
        return other
    return own_id if event.kind is FriendEventKind.SEEN_REQUEST else event.user_id


def _file_done(event: FileDone, own_id: str) -> Emitted:
    return _emitted("upload_attachment", {"fileUrl": event.url, "fileId": event.file_id})


def _old_messages(event: OldMessages, own_id: str) -> Emitted:
    return _emitted("old_messages", [_old_message(item, own_id) for item in event.items], event.kind.value)


def _old_reactions(event: OldReactions, own_id: str) -> Emitted:
    items = [_in_thread(item, _reaction_data(item, own_id)) for item in event.items]
    return _emitted("old_reactions", items, event.kind is ThreadKind.GROUP)


def _cipher_key(event: CipherKey, own_id: str) -> Emitted:
    return _emitted("cipher_key", b64encode(event.key).decode())


def _undecodable(event: Undecodable, own_id: str) -> Emitted:
    return {"event": "error"}


_SHAPES: dict[type, Callable[[Any, str], Emitted]] = {
    Message: _message,
    Notice: _notice,
    Undo: _undo,
    Reaction: _reaction,
    Typing: _typing,
    Delivered: _delivered,
    Seen: _seen,
    GroupEvent: _group_event,
    FriendEvent: _friend_event,
    FileDone: _file_done,
    OldMessages: _old_messages,
    OldReactions: _old_reactions,
    CipherKey: _cipher_key,
    Undecodable: _undecodable,
}


def _emitted(name: str, *args: Any) -> Emitted:
    return {"event": name, "args": list(args)}


def _typed(kind: ThreadKind, data: dict[str, Any], thread: str, is_self: bool) -> dict[str, Any]:
    return {"type": kind.value, "data": data, "threadId": thread, "isSelf": is_self}


def _in_thread(event: Undo | Reaction, data: dict[str, Any]) -> dict[str, Any]:
    in_group = event.thread.kind is ThreadKind.GROUP
    return {"data": data, "threadId": event.thread.id, "isSelf": event.is_self, "isGroup": in_group}


def _parties(raw: dict[str, Any], sender: str, kind: ThreadKind, own_id: str) -> dict[str, Any]:
    to_me = raw["idTo"] == "0" and kind is ThreadKind.USER
    return {"uidFrom": sender, "idTo": own_id if to_me else raw["idTo"]}


def _over(raw: dict[str, Any], read: dict[str, Any]) -> dict[str, Any]:
    return {**raw, **{name: value for name, value in read.items() if name in raw}}
