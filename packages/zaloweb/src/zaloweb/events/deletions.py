"""The messages that deletions name, in all forms that clients have seen.

A recall (`chat.undo`, or an object with `deleteMsg`) is for everybody. A deletion (`chat.delete`) happens on
the account's own side: a list of entries, as in seven public clients, one of them with a real database; or an
object around such a list, as Zalo's Android app reads it. Ids may be numbers beyond 2^53.
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
    """A quick check whether an object can be a recall or a deletion."""
    return not _SIGNS.isdisjoint(content) or msg_type in (UNDO, DELETE)


def is_deletion(msg_type: str, content: object) -> bool:
    """Whether an item is a deletion: by its type, or by the ids in its entries."""
    if msg_type == DELETE:
        return True
    if isinstance(content, dict) and "contents" not in content:
        return not _ENTRY_IDS.isdisjoint(content)
    return any(not _ENTRY_IDS.isdisjoint(entry) for entry in _entries(content))


def deleted(content: object, thread: Thread, own_id: str) -> tuple[DeletedMessage, ...]:
    """The messages that a deletion names. `thread` is that of the item itself, as far as it is known."""
    found = []
    for entry in _entries(content):
        msg_id, cli_msg_id = as_id(entry.get("globalDelMsgId")), as_id(entry.get("clientDelMsgId"))
        author = as_text(entry.get("uidFrom"))
        author_id = own_id if author == "0" else author
        whole = as_text(entry.get("type")) in _WHOLE
        if msg_id or cli_msg_id:
            place = _thread(entry, thread, own_id)
            found.append(DeletedMessage(place, author_id, msg_id, cli_msg_id, whole_thread=whole))
    return tuple(found)


def _entries(content: object) -> list[dict[str, Any]]:
    listed = content
    if isinstance(content, dict):
        inside = content.get("contents")
        listed = (opened(inside) if isinstance(inside, str) else inside) or [content]
    if isinstance(listed, dict):
        listed = [listed]
    return [entry for entry in as_list(listed) if isinstance(entry, dict)]


def _thread(entry: dict[str, Any], thread: Thread, own_id: str) -> Thread:
    """The thread of the message: types 1 and 2 are for direct chats, 3 and 4 for groups."""
    sender, receiver, place = (as_id(entry.get(name)) for name in ("uidFrom", "uidTo", "destId"))
    kind = as_text(entry.get("type"))
    stands_in_group = kind not in _DIRECT or thread.id in (receiver, place)
    if kind in _IN_GROUP or (thread.kind is ThreadKind.GROUP and stands_in_group):
        return Thread(ThreadKind.GROUP, place or receiver or thread.id)
    others = (one for one in (sender, receiver, place) if one and one != own_id)
    return Thread(ThreadKind.USER, next(others, thread.id))
