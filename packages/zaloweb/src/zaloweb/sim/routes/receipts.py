"""Typing, delivered and seen; and the keep-alive."""

from __future__ import annotations

from typing import Any

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.event_log import Delivered, Seen, ThreadName, Typed
from zaloweb.sim.pushes import Push
from zaloweb.sim.routes.sending import own_group

_MOST_ITEMS = 50
_DONE = {"status": 0}


def typing_to_user(call: ApiCall) -> object:
    """The account types in a direct chat."""
    return _typed(
        call, "user", call.text("toid"), call.backend.receipts.typing_to(call.account, call.text("toid"))
    )


def typing_to_group(call: ApiCall) -> object:
    """The account types in a group."""
    group = own_group(call)
    return _typed(call, "group", group.gid, call.backend.receipts.typing_in(call.account, group))


def delivered(call: ApiCall) -> object:
    """Messages reached the client."""
    told = _told(call)
    thread, thread_id = _thread(told)
    call.backend.log.add(
        Delivered(
            account=call.account.uid,
            thread=thread,
            thread_id=thread_id,
            msg_ids=_ids(told),
            seen=told.get("seen") == 1,
        )
    )
    _tell_senders(call, told, read=False)
    return ""


def seen(call: ApiCall) -> object:
    """Messages were read."""
    told = _told(call)
    thread, thread_id = _thread(told)
    call.backend.log.add(
        Seen(account=call.account.uid, thread=thread, thread_id=thread_id, msg_ids=_ids(told))
    )
    _tell_senders(call, told, read=True)
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


def _typed(call: ApiCall, thread: ThreadName, thread_id: str, pushes: list[Push]) -> object:
    call.backend.log.add(Typed(account=call.account.uid, thread=thread, thread_id=thread_id))
    call.then_push(pushes)
    return _DONE


def _told(call: ApiCall) -> dict[str, Any]:
    told: dict[str, Any] = call.json("msgInfos", dict[str, Any])
    items = told.get("data")
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS:
        raise bad_parameters(f"msgInfos must hold 1 to {_MOST_ITEMS} messages in data")
    if any(not isinstance(item, dict) or "gmi" not in item or "si" not in item for item in items):
        raise bad_parameters("each message in msgInfos needs gmi and si")
    return told


def _tell_senders(call: ApiCall, told: dict[str, Any], *, read: bool) -> None:
    """Tell the senders that are accounts; messages that the store has dropped tell nobody."""
    known = [message for msg_id in _ids(told) if (message := call.backend.message_store.get(msg_id))]
    pushes = call.backend.receipts.received(call.account, known, read=read)
    call.then_push(pushes)


def _thread(told: dict[str, Any]) -> tuple[ThreadName, str]:
    if "grid" in told:
        return "group", str(told["grid"])
    return "user", str(told["data"][0]["si"])


def _ids(told: dict[str, Any]) -> list[str]:
    return [str(item["gmi"]) for item in told["data"]]
