"""Messages as JSON: what a row keeps of them beside its columns.

JSON escapes everything that is not ASCII, so that broken Unicode from a platform can be stored as well.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple
from sqlite3 import Row
from typing import Any

from clawlane.messages import Album, Attachment, Inbound, Mention, Quote, Style, Text, Thread, ThreadKind


def inbound_body(inbound: Inbound) -> str:
    """The parts of a message that have no column."""
    return json.dumps(
        {
            "name": inbound.sender_name,
            "text": inbound.text,
            "mentions": [astuple(mention) for mention in inbound.mentions],
            "quote": astuple(inbound.quote) if inbound.quote else None,
            "attachments": [astuple(attachment) for attachment in inbound.attachments],
            "friend": inbound.sender_is_friend,
            "live": inbound.live,
            "token": inbound.token,
        }
    )


def inbound_of(row: Row) -> Inbound:
    """The message as it was admitted, from a whole row with a body."""
    body = json.loads(row["body"])
    return Inbound(
        account=row["account"].partition("/")[2],
        message_id=row["message_id"],
        thread=thread_of(row),
        sender_id=row["sender_id"],
        sender_name=body["name"],
        text=body["text"],
        sent_ms=row["sent_ms"],
        mentions=tuple(Mention(*mention) for mention in body["mentions"]),
        quote=_quote_of(*body["quote"]) if body["quote"] else None,
        attachments=tuple(Attachment(*attachment) for attachment in body["attachments"]),
        sender_is_friend=body["friend"],
        live=body["live"],
        token=body["token"],
        client_id=row["client_id"],
        kind=row["kind"],
        album=Album(row["album"], row["album_total"]) if row["album"] else None,
    )


def _quote_of(message_id: str, owner_id: str, text: str, *later: Any) -> Quote:
    """An older gateway stored the first three fields only."""
    client_id, attachment = later or ("", None)
    return Quote(message_id, owner_id, text, client_id, Attachment(*attachment) if attachment else None)


def content_digest(inbound: Inbound) -> str:
    """What stands for what a message says: the same for the same text and attachments."""
    told = json.dumps([inbound.kind, inbound.text, [astuple(one) for one in inbound.attachments]])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def text_body(out: Text) -> str:
    return json.dumps({"text": out.text, "styles": [astuple(style) for style in out.styles]})


NO_TEXT = '{"text": "", "styles": []}'
"""The body of a chunk whose text was forgotten before it was settled."""


def text_of(row: Row) -> Text:
    """The chunk as it goes to the channel, with its client id."""
    body = json.loads(row["body"])
    styles = tuple(Style(*style) for style in body["styles"])
    return Text(thread_of(row), body["text"], styles, row["client_id"])


def said_in(body: str) -> str:
    """The text alone of a chunk's body."""
    return str(json.loads(body)["text"])


def thread_of(row: Row) -> Thread:
    return Thread(ThreadKind(row["thread_kind"]), row["thread_id"])


def storable(text: str) -> str:
    """A text for a column: broken Unicode becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
