"""Recalling an own message for everybody, and deleting messages for oneself or from a group."""

from __future__ import annotations

from zaloweb.calls.call import Call, require_thread
from zaloweb.calls.reactions import MessageIds
from zaloweb.errors import InvalidRequest
from zaloweb.events import Thread, ThreadKind


def undo(thread: Thread, target: MessageIds, *, client_id: int, imei: str) -> Call[object]:
    """Recalls an own message for everybody."""
    require_thread(thread, "a recall")
    params: dict[str, object] = {
        "msgId": target.msg_id,
        "clientId": client_id,
        "cliMsgIdUndo": target.cli_msg_id,
    }
    if thread.kind is ThreadKind.GROUP:
        params |= {"grid": thread.id, "visibility": 0, "imei": imei}
        return Call("undo", "POST", "group", "/api/group/undomsg", object, params, "form")
    params |= {"toid": thread.id}
    return Call("undo", "POST", "chat", "/api/message/undo", object, params, "form")


def delete(
    thread: Thread,
    target: MessageIds,
    sender_id: str,
    *,
    for_everyone: bool,
    own_id: str,
    client_id: int,
    imei: str,
) -> Call[object]:
    """Deletes a message: for the account alone or, in a group that it administers, for everyone.

    Raises `InvalidRequest` for deletions that Zalo does not offer: own messages are recalled instead, and
    messages of a direct conversation are deleted for the account only.
    """
    if for_everyone and sender_id == own_id:
        raise InvalidRequest("an own message is not deleted for everyone but recalled: use undo")
    if for_everyone and thread.kind is ThreadKind.USER:
        raise InvalidRequest("in a conversation with one person a message is deleted for oneself only")
    require_thread(thread, "a deletion")
    message = {
        "cliMsgId": target.cli_msg_id,
        "globalMsgId": target.msg_id,
        "ownerId": sender_id,
        "destId": thread.id,
    }
    core = {"cliMsgId": client_id, "msgs": [message], "onlyMe": int(not for_everyone)}
    if thread.kind is ThreadKind.GROUP:
        params: dict[str, object] = {"grid": thread.id, **core}
        return Call("delete", "POST", "group", "/api/group/deletemsg", object, params, "form")
    params = {"toid": thread.id, **core, "imei": imei}
    return Call("delete", "POST", "chat", "/api/message/delete", object, params, "form")
