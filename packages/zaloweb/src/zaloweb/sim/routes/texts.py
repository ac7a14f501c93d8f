"""Sending text: plain, quoting, mentioning, with a link preview, and forwarding one text to many threads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import Content, link
from zaloweb.sim.routes.sending import Outgoing, Thread, mentions, send, thread

_QUOTED = ("qmsgOwner", "qmsgId", "qmsgCliId", "qmsgType", "qmsgTs", "qmsg")
_URGENCIES = (0, 1, 2)
_NO_TARGET = "113"
_NO_MEDIA = {"type": 0, "count": 0, "mediaTitle": "", "artist": "", "streamUrl": "", "stream_icon": ""}


class _TextProperties(msgspec.Struct):
    styles: list[dict[str, Any]]
    ver: int


class _Forwarded(msgspec.Struct):
    message: str
    reference: str = ""


def text(call: ApiCall) -> object:
    """A text to somebody, or to a group the account is in."""
    return _send(call, [])


def mentioning(call: ApiCall) -> object:
    """A text to a group that mentions members."""
    if "mentionInfo" not in call.params:
        raise bad_parameters("mentionInfo must be a text")
    return _send(call, mentions(call))


def quoting(call: ApiCall) -> object:
    """A text that quotes a message; in a group it may mention members."""
    missing = [name for name in _QUOTED if name not in call.params]
    if missing:
        raise bad_parameters(f"a quote needs {', '.join(missing)}")
    return _send(call, mentions(call))


def forward(call: ApiCall) -> object:
    """One text to many threads; those the account cannot write to are listed in `fail`."""
    in_group = call.path.startswith("/api/group/")
    list_name, id_name = ("grids", "grid") if in_group else ("toIds", "toUid")
    forwarded: _Forwarded = call.json("msgInfo", _Forwarded)
    targets = call.params.get(list_name)
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise bad_parameters(f"{list_name} must be a list of targets")
    registry = call.backend.registry
    own = {group.gid for group in registry.groups_of(call.account)} if in_group else registry.people.keys()
    done: dict[str, list[dict[str, str]]] = {"success": [], "fail": []}
    for target in targets:
        thread_id, client_id = str(target.get(id_name, "")), str(target.get("clientId", ""))
        if thread_id not in own:
            done["fail"].append({"clientId": client_id, "error_code": _NO_TARGET})
            continue
        outgoing = Outgoing(
            client_id,
            forwarded.message,
            ttl_ms=call.number("ttl", 0),
            forwarded=bool(forwarded.reference),
        )
        message = send(call, Thread(thread_id, in_group), Content("webchat", forwarded.message), outgoing)
        done["success"].append({"clientId": client_id, "msgId": message.msg_id})
    return done


def parse_link(call: ApiCall) -> object:
    """The preview of a link. No page is fetched: title and description are made up from the address."""
    address = call.text("link")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_parameters("link must be an address that begins with http:// or https://")
    preview = {
        "thumb": "",
        "title": f"Trang {parts.hostname}",
        "desc": f"Mô tả của {parts.hostname}",
        "src": parts.hostname,
        "href": address,
        "media": _NO_MEDIA,
        "stream_icon": "",
    }
    return {"data": preview, "error_maps": {}}


def send_link(call: ApiCall) -> object:
    """A link with its preview."""
    outgoing = Outgoing(
        str(call.number("clientId")), call.text("msg"), ttl_ms=call.number("ttl", 0), url=call.text("href")
    )
    call.json("media", dict)
    title, described = str(call.params.get("title", "")), str(call.params.get("desc", ""))
    content = link(outgoing.url, outgoing.text, page_title=title, description=described)
    return {"msgId": send(call, thread(call, "toId"), content, outgoing).msg_id}


ROUTES = [
    Route("send text", "POST", "chat", "/api/message/sms", text, "form", recorded=True),
    Route("send text", "POST", "chat", "/api/message/quote", quoting, "form", recorded=True),
    Route("send text", "POST", "group", "/api/group/sendmsg", text, "form", recorded=True),
    Route("send text", "POST", "group", "/api/group/mention", mentioning, "form", recorded=True),
    Route("send text", "POST", "group", "/api/group/quote", quoting, "form", recorded=True),
    Route("forward", "POST", "file", "/api/message/mforward", forward, "form", recorded=True),
    Route("forward", "POST", "file", "/api/group/mforward", forward, "form", recorded=True),
    Route("parse link", "GET", "file", "/api/message/parselink", parse_link, "query"),
    Route("send link", "POST", "chat", "/api/message/link", send_link, "form", recorded=True),
    Route("send link", "POST", "group", "/api/group/sendlink", send_link, "form", recorded=True),
]


def _send(call: ApiCall, named: list[dict[str, Any]]) -> object:
    meta = call.params.get("metaData", {"urgency": 0})
    if not isinstance(meta, dict) or meta.get("urgency") not in _URGENCIES:
        raise bad_parameters("metaData must be an object with an urgency of 0, 1 or 2")
    styles: list[dict[str, Any]] = []
    if "textProperties" in call.params:
        styles = call.json("textProperties", _TextProperties).styles
    outgoing = Outgoing(
        client_id=str(call.number("clientId")),
        text=call.text("message"),
        ttl_ms=call.number("ttl", 0),
        mentions=named,
        styles=styles,
        quote=_quote(call),
    )
    return {"msgId": send(call, thread(call), Content("webchat", outgoing.text), outgoing).number}


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
