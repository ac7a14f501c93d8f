"""Links: what stands behind one, and sending one."""

from __future__ import annotations

from urllib.parse import urlsplit

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import link
from zaloweb.sim.routes.sending import Outgoing, send, thread

_NO_MEDIA = {"type": 0, "count": 0, "mediaTitle": "", "artist": "", "streamUrl": "", "stream_icon": ""}


def parse(call: ApiCall) -> object:
    """What a preview shows. No page is fetched: title and description are made up from the address."""
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
    Route("parse link", "GET", "file", "/api/message/parselink", parse, "query"),
    Route("send link", "POST", "chat", "/api/message/link", send_link, "form", recorded=True),
    Route("send link", "POST", "group", "/api/group/sendlink", send_link, "form", recorded=True),
]
