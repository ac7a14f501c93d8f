"""Sending text to a person or a group: plain, quoting, mentioning; and sending one text to many."""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import Content
from zaloweb.sim.errors import Refusal
from zaloweb.sim.routes.sending import Outgoing, Thread, group_of, mentions, send, thread

_QUOTED = ("qmsgOwner", "qmsgId", "qmsgCliId", "qmsgType", "qmsgTs", "qmsg")
_URGENCIES = (0, 1, 2)
_NO_TARGET = "113"


class _TextProperties(msgspec.Struct):
    styles: list[dict[str, Any]]
    ver: int


class _Forwarded(msgspec.Struct):
    message: str
    reference: str = ""


def text(call: ApiCall) -> object:
    """A text to somebody, or to a group the account is in."""
    return _send(call, thread(call), [])


def mentioning(call: ApiCall) -> object:
    """A text to a group that names members."""
    if "mentionInfo" not in call.params:
        raise bad_parameters("mentionInfo must be a text")
    return _send(call, thread(call), mentions(call))


def quoting(call: ApiCall) -> object:
    """An answer to a message; in a group it may mention."""
    missing = [name for name in _QUOTED if name not in call.params]
    if missing:
        raise bad_parameters(f"a quote needs {', '.join(missing)}")
    return _send(call, thread(call), mentions(call))


def forward(call: ApiCall) -> object:
    """One text to many threads; those that are not the account's to write to are told in `fail`."""
    group = call.path.startswith("/api/group/")
    told: _Forwarded = call.json("msgInfo", _Forwarded)
    done: dict[str, list[dict[str, str]]] = {"success": [], "fail": []}
    for target in _targets(call, "grids" if group else "toIds"):
        to = _target(call, str(target.get("grid" if group else "toUid", "")), in_group=group)
        client_id = str(target.get("clientId", ""))
        if to is None:
            done["fail"].append({"clientId": client_id, "error_code": _NO_TARGET})
            continue
        outgoing = Outgoing(client_id, told.message, ttl_ms=call.number("ttl", 0))
        message = send(call, to, Content("webchat", told.message), outgoing)
        done["success"].append({"clientId": client_id, "msgId": message.msg_id})
    return done


ROUTES = [
    Route("send text", "POST", "chat", "/api/message/sms", text, "form", recorded=True),
    Route("send text", "POST", "chat", "/api/message/quote", quoting, "form", recorded=True),
    Route("send text", "POST", "group", "/api/group/sendmsg", text, "form", recorded=True),
    Route("send text", "POST", "group", "/api/group/mention", mentioning, "form", recorded=True),
    Route("send text", "POST", "group", "/api/group/quote", quoting, "form", recorded=True),
    Route("forward", "POST", "file", "/api/message/mforward", forward, "form", recorded=True),
    Route("forward", "POST", "file", "/api/group/mforward", forward, "form", recorded=True),
]


def _send(call: ApiCall, to: Thread, named: list[dict[str, Any]]) -> object:
    _check_urgency(call)
    outgoing = Outgoing(
        client_id=str(call.number("clientId")),
        text=call.text("message"),
        ttl_ms=call.number("ttl", 0),
        mentions=named,
        styles=_styles(call),
        quote=_quote(call),
    )
    message = send(call, to, Content("webchat", outgoing.text), outgoing)
    return {"msgId": message.number}


def _check_urgency(call: ApiCall) -> None:
    meta = call.params.get("metaData", {"urgency": 0})
    if not isinstance(meta, dict) or meta.get("urgency") not in _URGENCIES:
        raise bad_parameters("metaData must be an object with an urgency of 0, 1 or 2")


def _targets(call: ApiCall, name: str) -> list[dict[str, Any]]:
    targets = call.params.get(name)
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise bad_parameters(f"{name} must be a list of targets")
    return targets


def _target(call: ApiCall, wanted: str, *, in_group: bool) -> Thread | None:
    if in_group:
        try:
            return Thread(group_of(call, wanted).gid, in_group=True)
        except Refusal:
            return None
    return Thread(wanted, in_group=False) if wanted in call.backend.registry.people else None


def _styles(call: ApiCall) -> list[dict[str, Any]]:
    if "textProperties" not in call.params:
        return []
    properties: _TextProperties = call.json("textProperties", _TextProperties)
    return properties.styles


def _quote(call: ApiCall) -> dict[str, Any] | None:
    if "qmsgId" not in call.params:
        return None
    owner = call.backend.registry.people.get(str(call.params["qmsgOwner"]))
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
