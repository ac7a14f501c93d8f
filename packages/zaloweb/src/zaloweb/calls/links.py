"""Previews of links, and sending links with a preview."""

from __future__ import annotations

import msgspec

from zaloweb.calls.call import Call, require_thread
from zaloweb.calls.messages import SENT, SentAnswer
from zaloweb.events import Thread, ThreadKind
from zaloweb.wire.envelope import compact


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The preview of a link; any field may be empty. `media` is sent on unchanged."""

    title: str | None = ""
    desc: str | None = ""
    src: str | None = ""
    href: str | None = ""
    thumb: str | None = ""
    media: object = None


class ParsedLink(msgspec.Struct, frozen=True):
    """The answer about a link."""

    data: Preview = msgspec.field(default_factory=Preview)


def parse_link(link: str, *, imei: str) -> Call[ParsedLink]:
    """The preview of a link. Zalo fetches the page, so its owner sees a visit."""
    params = {"link": link, "version": 1, "imei": imei}
    return Call("parse link", "GET", "file", "/api/message/parselink", ParsedLink, params, safe_to_retry=True)


def send_link(
    thread: Thread, link: str, preview: Preview, *, text: str, ttl_ms: int, client_id: int, imei: str
) -> Call[SentAnswer | None]:
    """Sends a link with its preview. It is appended to the text unless the text contains it."""
    require_thread(thread, "a link")
    if not text.strip():
        text = link
    elif link not in text:
        text = f"{text} {link}"
    core = {
        "msg": text,
        "href": preview.href,
        "src": preview.src,
        "title": preview.title,
        "desc": preview.desc,
        "thumb": preview.thumb,
        "type": 2,
        "media": compact(preview.media),
        "ttl": ttl_ms,
        "clientId": client_id,
    }
    if thread.kind is ThreadKind.GROUP:
        params = {**core, "grid": thread.id, "imei": imei}
        return Call("send link", "POST", "group", "/api/group/sendlink", SENT, params, "form", nretry=True)
    params = {**core, "toId": thread.id, "mentionInfo": ""}
    return Call("send link", "POST", "chat", "/api/message/link", SENT, params, "form", nretry=True)
