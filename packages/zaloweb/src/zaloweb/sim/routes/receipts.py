"""What shows itself to others without being a message: typing, delivered, seen; and the keep-alive."""

from __future__ import annotations

from typing import Any

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.event_log import Delivered, Seen, ThreadName, Typed
from zaloweb.sim.pushes import Push, push_all
from zaloweb.sim.routes.sending import own_group

_MOST_ITEMS = 50
_DONE = {"status": 0}


def typing_to_user(call: ApiCall) -> object:
    """The account types in a chat of two."""
    return _typed(
        call, "user", call.text("toid"), call.world.receipts.typing_to(call.account, call.text("toid"))
    )


def typing_to_group(call: ApiCall) -> object:
    """The account types in a group."""
    group = own_group(call)
    return _typed(call, "group", group.gid, call.world.receipts.typing_in(call.account, group))


def delivered(call: ApiCall) -> object:
    """Messages reached the client."""
    told = _told(call)
    thread, thread_id = _thread(told)
    call.world.log.add(
        Delivered(
            account=call.account.uid,
            thread=thread,
            thread_id=thread_id,
            msg_ids=_ids(told),
            seen=told.get("seen") == 1,
        )
    )
    call.then(_tell_senders(call, told, seen=False))
    return ""


def seen(call: ApiCall) -> object:
    """Messages were read."""
    told = _told(call)
    thread, thread_id = _thread(told)
    call.world.log.add(Seen(account=call.account.uid, thread=thread, thread_id=thread_id, msg_ids=_ids(told)))
    call.then(_tell_senders(call, told, seen=True))
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
    call.world.log.add(Typed(account=call.account.uid, thread=thread, thread_id=thread_id))
    call.then(push_all(pushes))
    return _DONE


def _told(call: ApiCall) -> dict[str, Any]:
    told: dict[str, Any] = call.json("msgInfos", dict[str, Any])
    items = told.get("data")
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS:
        raise bad_parameters(f"msgInfos must hold 1 to {_MOST_ITEMS} messages in data")
    if any(not isinstance(item, dict) or "gmi" not in item or "si" not in item for item in items):
        raise bad_parameters("each message in msgInfos needs gmi and si")
    return told


async def _tell_senders(call: ApiCall, told: dict[str, Any], *, seen: bool) -> None:
    """The senders are told, as far as they are accounts; a message the world holds no more tells nobody."""
    known = [message for msg_id in _ids(told) if (message := call.world.message_store.get(msg_id))]
    await push_all(call.world.receipts.received(call.account, known, seen=seen))


def _thread(told: dict[str, Any]) -> tuple[ThreadName, str]:
    if "grid" in told:
        return "group", str(told["grid"])
    return "user", str(told["data"][0]["si"])


def _ids(told: dict[str, Any]) -> list[str]:
    return [str(item["gmi"]) for item in told["data"]]
