"""Typing, delivered and seen; and the keep-alive."""

from __future__ import annotations

from typing import Any

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.event_log import Delivered, Seen, ThreadName, Typed
from zaloweb.sim.routes.sending import own_group

_MOST_ITEMS = 50
_DONE = {"status": 0}


def typing_to_user(call: ApiCall) -> object:
    """The account types in a direct chat."""
    uid = call.text("toid")
    call.record(Typed(thread="user", thread_id=uid))
    call.then_push(call.backend.receipts.typing_to(call.account, uid))
    return _DONE


def typing_to_group(call: ApiCall) -> object:
    """The account types in a group."""
    group = own_group(call)
    call.record(Typed(thread="group", thread_id=group.gid))
    call.then_push(call.backend.receipts.typing_in(call.account, group))
    return _DONE


def delivered(call: ApiCall) -> object:
    """Messages reached the client."""
    marks, thread, thread_id, ids = _marked(call, read=False)
    call.record(Delivered(thread=thread, thread_id=thread_id, msg_ids=ids, seen=marks.get("seen") == 1))
    return ""


def seen(call: ApiCall) -> object:
    """Messages were read."""
    _, thread, thread_id, ids = _marked(call, read=True)
    call.record(Seen(thread=thread, thread_id=thread_id, msg_ids=ids))
    return _DONE


def keep_alive(_: ApiCall) -> object:
    """The session is alive."""
    return {"config_vesion": 12}


ROUTES = [
    Route("typing", "POST", "chat", "/api/message/typing", typing_to_user, "form", recorded=True),
    Route("typing", "POST", "group", "/api/group/typing", typing_to_group, "form", recorded=True),
    Route("delivered", "POST", "chat", "/api/message/deliveredv2", delivered, "form", recorded=True),
    Route("delivered", "POST", "group", "/api/group/deliveredv2", delivered, "form", recorded=True),
    Route("seen", "POST", "chat", "/api/message/seenv2", seen, "form", recorded=True),
    Route("seen", "POST", "group", "/api/group/seenv2", seen, "form", recorded=True),
    Route("keep alive", "GET", "chat", "/keepalive", keep_alive, "query", sealed=False),
]


def _marked(call: ApiCall, *, read: bool) -> tuple[dict[str, Any], ThreadName, str, list[str]]:
    """The marks of a call, its thread and its message ids. Pushes them to the senders that are accounts.

    Nobody is told of messages that the store has dropped.
    """
    marks: dict[str, Any] = call.json("msgInfos", dict[str, Any])
    items = marks.get("data")
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS:
        raise bad_parameters(f"msgInfos must hold 1 to {_MOST_ITEMS} messages in data")
    if any(not isinstance(item, dict) or "gmi" not in item or "si" not in item for item in items):
        raise bad_parameters("each message in msgInfos needs gmi and si")
    ids = [str(item["gmi"]) for item in items]
    known = [message for msg_id in ids if (message := call.backend.message_store.get(msg_id))]
    call.then_push(call.backend.receipts.received(call.account, known, read=read))
    if "grid" in marks:
        return marks, "group", str(marks["grid"]), ids
    return marks, "user", str(items[0]["si"]), ids
