"""Quoting: what the gateway keeps of a message in its token, and the quote that Zalo wants."""

from __future__ import annotations

import msgspec

from clawlane.messages import Inbound
from zaloweb import events
from zaloweb.calls.quotes import Quoted
from zaloweb.errors import InvalidRequest

_LONGEST = 8000
"""Bytes of a content that is kept. Larger ones, such as cards with many parts, cannot be quoted."""


class _Kept(msgspec.Struct):
    """A part of the token: ids and type as receipts have them, and what only quotes need.

    `content` is left out for a text, which the gateway keeps itself.
    """

    msg_id: str
    cli_msg_id: str
    sender_id: str
    msg_type: str = "webchat"
    ts: object = 0
    content: dict[str, object] | str | None = None
    property_ext: dict[str, object] | None = None
    ttl_ms: int = 0


_TOKEN = msgspec.json.Decoder(_Kept)


def kept_of(message: events.Message) -> dict[str, object]:
    """What a quote of a message needs besides its ids, type and text."""
    content, extension = message.raw.get("content"), message.raw.get("propertyExt")
    kept: dict[str, object] = {}
    if isinstance(content, dict | str) and message.kind != events.TextContent.kind:
        kept["content"] = content
    if isinstance(extension, dict):
        kept["property_ext"] = extension
    if len(msgspec.json.encode(kept)) > _LONGEST:
        kept = {}
    return {**kept, "ttl_ms": message.ttl_ms} if message.ttl_ms else kept


def quoted(inbound: Inbound) -> Quoted:
    """The quote of a message that was admitted. Raises `InvalidRequest` for one that cannot be quoted."""
    try:
        kept = _TOKEN.decode(inbound.token)
    except msgspec.DecodeError:
        raise InvalidRequest("too little is known of the message to quote it") from None
    if kept.content is None and inbound.kind != events.TextContent.kind:
        raise InvalidRequest("too much is in the message to quote it")
    return Quoted(
        owner_id=kept.sender_id,
        msg_id=kept.msg_id,
        cli_msg_id=kept.cli_msg_id,
        sent=str(kept.ts or inbound.sent_ms),
        msg_type=kept.msg_type,
        content=inbound.text if kept.content is None else kept.content,
        property_ext=kept.property_ext,
        ttl_ms=kept.ttl_ms,
    )
