"""Reads quotes: the message that a message answers, as the sender's client described it.

The number in `cliMsgType` stands for a `msgType`; `attach` is the JSON of the quoted content. The numbers are
those of Zalo's Android app; missing ids and texts occur in several public clients' databases.
"""

from __future__ import annotations

from zaloweb.events.content import kind_word
from zaloweb.events.content_reader import read_speech
from zaloweb.events.conversation import Quote, QuotedContent
from zaloweb.events.fields import Fields
from zaloweb.events.lenient import as_id, as_ms, as_object, as_text, as_whole, opened
from zaloweb.events.notices import find_notice

_TYPES = {
    10: "chat.sticker",  # of two clients; 36 of all others
    31: "chat.voice",
    32: "chat.photo",
    36: "chat.sticker",
    37: "chat.doodle",
    38: "chat.recommended",
    42: "chat.list.action",
    43: "chat.location.new",
    44: "chat.video.msg",
    46: "share.file",
    48: "chat.ecard",
    49: "chat.gif",
    50: "chat.video.live.msg",
    52: "chat.webcontent",
    53: "chat.video.memo",
    59: "chat.livelocation",
    61: "chat.webcontent.v2",
}
"""The types of quoted messages by number; 1 is a text, or a type without a number of its own."""


def read_quote(wire: object, own_id: str) -> Quote | None:
    """A quote, or the first in a list; None if there is none."""
    if isinstance(wire, str):
        wire = opened(wire)
    if isinstance(wire, list):
        wire = next((one for one in wire if isinstance(one, dict)), None)
    if not isinstance(wire, dict) or not wire:
        return None
    owner, words = as_text(wire.get("ownerId")), wire.get("msg")
    number = as_whole(wire.get("cliMsgType"))
    quoted = _quoted(number, wire.get("attach"))
    return Quote(
        owner_id=own_id if owner == "0" else owner,
        owner_name=as_text(wire.get("fromD")),
        msg_id=as_id(wire.get("globalMsgId")),
        cli_msg_id=as_id(wire.get("cliMsgId")),
        text=as_text(words) or (quoted.text if quoted else ""),
        type_number=number,
        attachment=as_text(wire.get("attach")),
        sent_ms=as_ms(wire.get("ts")),
        ttl_ms=as_whole(wire.get("ttl")),
        quoted=quoted,
    )


def _quoted(number: int, attach: object) -> QuotedContent | None:
    """What was quoted besides words. The kind is known even if the attachment cannot be read."""
    msg_type = _TYPES.get(number, "")
    if not msg_type and not attach:
        return None
    held = as_object(attach)
    if not held and isinstance(attach, str) and attach.startswith("https://"):
        held = {"href": attach}
    if not msg_type:  # anything with an address; what only looks like a text is none
        msg_type = "chat.webcontent" if held.get("href") or held.get("title") else ""
        msg_type = "chat.sticker" if "catId" in held else msg_type
    if not msg_type:
        return None
    fields = Fields(held)
    notice = find_notice(msg_type, fields) if held else None
    if notice is not None:
        return QuotedContent(notice.kind, notice.read(fields))
    content = read_speech(msg_type, fields)
    if content is None:
        return QuotedContent(msg_type)
    urls = (getattr(content, "url", ""), *map(fields.text, ("oriUrl", "normalUrl", "thumbUrl")))
    return QuotedContent(kind_word(msg_type, content), content.text, next(filter(None, urls), ""))
