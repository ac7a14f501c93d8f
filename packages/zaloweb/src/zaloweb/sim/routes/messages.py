"""Sending text to a person or a group: plain, quoting, mentioning."""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.arrived import Sent
from zaloweb.sim.errors import Refusal
from zaloweb.sim.messages import Message

_NOT_A_MEMBER = 166
_QUOTED = ("qmsgOwner", "qmsgId", "qmsgCliId", "qmsgType", "qmsgTs", "qmsg")


class _TextProperties(msgspec.Struct):
    styles: list[dict[str, Any]]
    ver: int


def to_user(call: ApiCall) -> object:
    """A text to somebody; with `qmsg…` parameters it answers a message."""
    receiver = call.text("toid")
    if receiver not in call.world.cast.people:
        raise bad_parameters("toid is nobody's id")
    return _send(call, receiver, in_group=False, mentions=[])


def to_group(call: ApiCall) -> object:
    """A text to a group the account is in."""
    return _send(call, _own_group(call), in_group=True, mentions=[])


def to_group_mentioning(call: ApiCall) -> object:
    """A text to a group that names members."""
    group = _own_group(call)
    return _send(call, group, in_group=True, mentions=_mentions(call))


def user_quote(call: ApiCall) -> object:
    """An answer to a message in a chat of two."""
    _check_quote(call)
    return to_user(call)


def group_quote(call: ApiCall) -> object:
    """An answer to a message in a group; it may mention."""
    _check_quote(call)
    mentions = _mentions(call) if "mentionInfo" in call.params else []
    return _send(call, _own_group(call), in_group=True, mentions=mentions)


ROUTES = [
    Route("POST", "chat", "/api/message/sms", to_user, "form", recorded=True),
    Route("POST", "chat", "/api/message/quote", user_quote, "form", recorded=True),
    Route("POST", "group", "/api/group/sendmsg", to_group, "form", recorded=True),
    Route("POST", "group", "/api/group/mention", to_group_mentioning, "form", recorded=True),
    Route("POST", "group", "/api/group/quote", group_quote, "form", recorded=True),
]


def _send(call: ApiCall, receiver: str, *, in_group: bool, mentions: list[dict[str, Any]]) -> object:
    styles = _styles(call)
    message = call.world.post.accept(
        call.account,
        receiver,
        call.text("message"),
        in_group=in_group,
        client_id=str(call.number("clientId")),
        ttl_ms=call.number("ttl", 0),
        mentions=mentions,
        quote=_quote(call),
    )
    _record(call, message, styles)
    call.afterwards.append(lambda: call.world.post.deliver(message))
    return {"msgId": int(message.msg_id)}


def _record(call: ApiCall, message: Message, styles: list[dict[str, Any]]) -> None:
    assert isinstance(message.content, str)
    call.world.log.add(
        Sent(
            account=call.account.uid,
            thread="group" if message.in_group else "user",
            thread_id=message.receiver,
            text=message.content,
            msg_id=message.msg_id,
            client_id=message.cli_msg_id,
            ttl_ms=message.ttl_ms,
            quoted=str(call.params.get("qmsgId", "")),
            mentions=list(message.mentions),
            styles=styles,
            path=call.path,
            params=call.params,
        )
    )


def _own_group(call: ApiCall) -> str:
    gid = call.text("grid")
    group = call.world.cast.groups.get(gid)
    if group is None or call.account.uid not in group.members:
        raise Refusal(_NOT_A_MEMBER, "Bạn không phải là thành viên của nhóm")
    return gid


def _mentions(call: ApiCall) -> list[dict[str, Any]]:
    mentions: list[dict[str, Any]] = call.json("mentionInfo", list[dict[str, Any]])
    if not mentions or any(mention.keys() != {"pos", "uid", "len", "type"} for mention in mentions):
        raise bad_parameters("mentionInfo must list mentions of pos, uid, len and type")
    return mentions


def _styles(call: ApiCall) -> list[dict[str, Any]]:
    if "textProperties" not in call.params:
        return []
    properties: _TextProperties = call.json("textProperties", _TextProperties)
    return properties.styles


def _check_quote(call: ApiCall) -> None:
    missing = [name for name in _QUOTED if name not in call.params]
    if missing:
        raise bad_parameters(f"a quote needs {', '.join(missing)}")


def _quote(call: ApiCall) -> dict[str, Any] | None:
    if "qmsgId" not in call.params:
        return None
    owner = call.world.cast.people.get(str(call.params["qmsgOwner"]))
    return {
        "ownerId": int(owner.uid) if owner else 0,
        "cliMsgId": call.decimal("qmsgCliId"),
        "globalMsgId": call.decimal("qmsgId"),
        "cliMsgType": call.number("qmsgType"),
        "ts": call.decimal("qmsgTs"),
        "msg": call.params["qmsg"],
        "attach": call.params.get("qmsgAttach", ""),
        "fromD": owner.name if owner else "",
        "ttl": call.number("qmsgTTL", 0),
    }
