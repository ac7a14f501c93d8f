"""What recalls and deletions name: the messages that are gone, from the forms in which clients met them.

A recall (`chat.undo`, or an object that owns `deleteMsg`) is for everybody. A deletion (`chat.delete`)
happens on the account's own side: a list of entries, as seven public clients met it, one in a real database;
or an object around such a list, as Zalo's Android app reads it. Ids may be numbers beyond 2^53.
"""

from __future__ import annotations

from typing import Any

from zaloweb.events.conversation import DeletedMessage, Thread, ThreadKind
from zaloweb.events.lenient import as_id, as_list, as_text, opened

UNDO, DELETE = "chat.undo", "chat.delete"
_ENTRY_IDS = frozenset(("clientDelMsgId", "globalDelMsgId"))
_SIGNS = _ENTRY_IDS | {"deleteMsg", "contents"}
_WHOLE = frozenset(("2", "4"))
_DIRECT = frozenset(("1", "2"))
_IN_GROUP = frozenset(("3", "4"))


def may_be_gone(msg_type: str, content: dict[str, Any]) -> bool:
    """A quick look whether an object can be a recall or a deletion at all."""
    return not _SIGNS.isdisjoint(content) or msg_type in (UNDO, DELETE)


def is_undo(msg_type: str, content: object) -> bool:
    """Whether an item recalls a message: by the key, or by its type."""
    return isinstance(content, dict) and (msg_type == UNDO or "deleteMsg" in content)


def recalled(content: dict[str, Any]) -> tuple[str, str]:
    """The global and the client id of a recalled message; "" for one that is not known (0, null, missing)."""
    get = content.get
    return as_id(get("globalMsgId")) or as_id(get("globalMsgID")), (
        as_id(get("cliMsgId")) or as_id(get("cliMsgID"))
    )


def is_deletion(msg_type: str, content: object) -> bool:
    """Whether an item tells of deleted messages: by its type, or by the ids in its entries."""
    if msg_type == DELETE:
        return True
    if isinstance(content, dict) and "contents" not in content:
        return not _ENTRY_IDS.isdisjoint(content)
    return any(not _ENTRY_IDS.isdisjoint(entry) for entry in _entries(content))


def deleted(content: object, thread: Thread, own_id: str) -> tuple[DeletedMessage, ...]:
    """The messages that a deletion names. `thread` is where the item itself stands, as far as it says."""
    found = (_deleted(entry, thread, own_id) for entry in _entries(content))
    return tuple(one for one in found if one.msg_id or one.cli_msg_id)


def _entries(content: object) -> list[dict[str, Any]]:
    listed = content
    if isinstance(content, dict):
        inside = content.get("contents")
        listed = (opened(inside) if isinstance(inside, str) else inside) or [content]
    if isinstance(listed, dict):
        listed = [listed]
    return [entry for entry in as_list(listed) if isinstance(entry, dict)]


def _deleted(entry: dict[str, Any], thread: Thread, own_id: str) -> DeletedMessage:
    author = as_text(entry.get("uidFrom"))
    return DeletedMessage(
        thread=_thread(entry, thread, own_id),
        author_id=own_id if author == "0" else author,
        msg_id=as_id(entry.get("globalDelMsgId")),
        cli_msg_id=as_id(entry.get("clientDelMsgId")),
        whole_thread=as_text(entry.get("type")) in _WHOLE,
    )


def _thread(entry: dict[str, Any], thread: Thread, own_id: str) -> Thread:
    """Where the message stood: types 1 and 2 are of direct chats, 3 and 4 of groups."""
    sender, receiver, place = (as_id(entry.get(name)) for name in ("uidFrom", "uidTo", "destId"))
    if _is_in_group(entry, thread, (receiver, place)):
        return Thread(ThreadKind.GROUP, place or receiver or thread.id)
    others = (one for one in (sender, receiver, place) if one and one != own_id)
    return Thread(ThreadKind.USER, next(others, thread.id))


def _is_in_group(entry: dict[str, Any], thread: Thread, named: tuple[str, str]) -> bool:
    kind = as_text(entry.get("type"))
    if kind in _IN_GROUP:
        return True
    return thread.kind is ThreadKind.GROUP and (kind not in _DIRECT or thread.id in named)
