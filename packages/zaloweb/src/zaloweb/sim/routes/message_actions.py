"""Reactions, undo, delete, and the history of a group."""

from __future__ import annotations

import msgspec

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.errors import Refusal
from zaloweb.sim.event_log import Deleted, Reacted, Undone
from zaloweb.sim.messages import Message
from zaloweb.sim.routes.sending import NOT_A_MEMBER, Thread, own_group, thread

_CANNOT_UNDO = 330
_DONE = {"status": 0}


class _Target(msgspec.Struct):
    gMsgID: int
    cMsgID: int


class _Reaction(msgspec.Struct):
    rMsg: list[_Target]
    rIcon: str
    rType: int
    source: int


def react(call: ApiCall) -> object:
    """Reactions to messages of one thread."""
    to, store, ids = thread(call), call.backend.message_store, []
    for one in call.objects("react_list"):
        try:
            sent = msgspec.json.decode(str(one.get("message", "")), type=_Reaction)
        except msgspec.MsgspecError as error:
            raise bad_parameters(f"a message of react_list must be JSON in a text: {error}") from None
        client_id, icon, type_ = str(one.get("clientId", "")), sent.rIcon, sent.rType
        for target in sent.rMsg:
            message = _message(call, to, target.gMsgID)
            reaction, pushes = store.react(call.account, message, icon, type_, client_id)
            msg_id = message.msg_id
            call.record(Reacted(thread=to.name, thread_id=to.id, msg_id=msg_id, icon=icon, type=type_))
            call.then_push(pushes)
            ids.append(reaction.number)
    return {"msgIds": msgspec.json.encode(ids).decode()}


def undo(call: ApiCall) -> object:
    """Undo a message of the account."""
    to, store = thread(call), call.backend.message_store
    message = _message(call, to, call.params.get("msgId"))
    if message.sender is not call.account or str(call.params.get("cliMsgIdUndo")) != message.cli_msg_id:
        raise Refusal(_CANNOT_UNDO, "Không thể thu hồi tin nhắn")
    call.then(store.deliver(store.undo(message, str(call.number("clientId")))))
    call.record(Undone(thread=to.name, thread_id=to.id, msg_id=message.msg_id))
    return _DONE


def delete(call: ApiCall) -> object:
    """Delete messages for the account only, or for everybody in a group it has made."""
    to, store, only_me = thread(call), call.backend.message_store, call.number("onlyMe")
    messages = [_message(call, to, one.get("globalMsgId")) for one in call.objects("msgs")]
    if only_me:
        call.then(store.deliver(store.delete_for(call.account, messages), call.account))
    elif not to.in_group:
        raise bad_parameters("in a chat of two messages are deleted for oneself only")
    elif own_group(call).creator is not call.account:
        raise Refusal(NOT_A_MEMBER, "Bạn không có quyền xoá tin nhắn")
    else:
        for message in messages:
            call.then(store.deliver(store.delete(message, call.account)))
    ids = [message.msg_id for message in messages]
    call.record(Deleted(thread=to.name, thread_id=to.id, msg_ids=ids, everyone=not only_me))
    return _DONE


def history(call: ApiCall) -> object:
    """The newest messages of a group, oldest first."""
    group = own_group(call)
    messages = call.backend.message_store.history(group.gid, call.number("count", 50) + 1)
    shown = messages[-call.number("count", 50) :]
    last = shown[-1].action_id if shown else "0"
    return {
        "lastActionId": last,
        "lastActionIdOther": last,
        "more": int(len(messages) > len(shown)),
        "groupMsgs": [message.item_for(call.account.uid) for message in shown],
    }


ROUTES = [
    Route("react", "POST", "reaction", "/api/message/reaction", react, "form", recorded=True),
    Route("react", "POST", "reaction", "/api/group/reaction", react, "form", recorded=True),
    Route("undo", "POST", "chat", "/api/message/undo", undo, "form", recorded=True),
    Route("undo", "POST", "group", "/api/group/undomsg", undo, "form", recorded=True),
    Route("delete message", "POST", "chat", "/api/message/delete", delete, "form", recorded=True),
    Route("delete message", "POST", "group", "/api/group/deletemsg", delete, "form", recorded=True),
    Route("group history", "GET", "group", "/api/group/history", history, "query"),
]


def _message(call: ApiCall, to: Thread, msg_id: object) -> Message:
    message = call.backend.message_store.find(str(msg_id))
    if message.in_group is not to.in_group or message.other_side(call.account) != to.id:
        raise bad_parameters(f"message {message.msg_id} is in another thread")
    return message
