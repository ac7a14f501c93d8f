"""Messages as JSON: what a row keeps of them beside its columns.

JSON escapes everything that is not ASCII, so that broken Unicode from a platform can be stored as well.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple
from pathlib import PurePath
from typing import Any

from clawlane.messages import (
    Album,
    Attachment,
    Inbound,
    Link,
    Media,
    MediaKind,
    Mention,
    Outgoing,
    Photos,
    Quote,
    Reaction,
    Style,
    Text,
    Thread,
    ThreadKind,
    Undo,
)
from clawlane.store.sql import Row
from clawlane.texts import later


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
            **({"owner": True} if inbound.by_owner else {}),
            **({"forwarded": True} if inbound.forwarded else {}),
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
        by_owner=body.get("owner", False),
        forwarded=body.get("forwarded", False),
    )


def _quote_of(message_id: str, owner_id: str, text: str, *later: Any) -> Quote:
    """An older gateway stored the first three fields only."""
    client_id, attachment = later or ("", None)
    return Quote(message_id, owner_id, text, client_id, Attachment(*attachment) if attachment else None)


def content_digest(inbound: Inbound) -> str:
    """What stands for what a message says: the same for the same text and attachments."""
    attached = [(one.kind, one.title, one.url) for one in inbound.attachments]
    told = json.dumps([inbound.kind, inbound.text, attached])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def outgoing_body(out: Outgoing) -> str:
    """The parts of a chunk that have no column. A text has no `kind`, as an older gateway wrote it."""
    match out:
        case Text():
            body: dict[str, Any] = {"text": out.text, "styles": [astuple(style) for style in out.styles]}
            if out.mentions:
                body["mentions"] = [astuple(mention) for mention in out.mentions]
            if out.quote is not None:
                body["quote"] = [out.quote.sender_id, out.quote.message_id]
            if out.discloses:
                body["discloses"] = out.discloses
        case Media():
            body = {"kind": out.kind, "path": out.path, "name": out.name, "text": out.caption}
            if out.discloses:
                body["discloses"] = out.discloses
        case Photos():
            body = {"kind": "album", "paths": out.paths}
        case Link():
            body = {"kind": "link", "url": out.url, "text": out.text}
        case Reaction():
            body = {
                "kind": "reaction",
                "message": out.message_id,
                "client": out.message_client_id,
                "icon": out.icon,
            }
        case Undo():
            body = {"kind": "undo", "message": out.message_id, "client": out.message_client_id}
    return json.dumps(body)


def message_count(out: Outgoing) -> int:
    """How many messages a chunk becomes."""
    return len(out.paths) if isinstance(out, Photos) else 1


NO_TEXT = '{"text": "", "styles": []}'
"""The body of a chunk whose text was forgotten before it was settled."""


def outgoing_of(row: Row) -> Outgoing:
    """The chunk as it goes to the channel, with its client id, and without what it quotes (`quoted_by`)."""
    body, thread, client_id = json.loads(row["body"]), thread_of(row), row["client_id"]
    match body.get("kind"):
        case None:
            styles = tuple(Style(*style) for style in body["styles"])
            mentions = tuple(Mention(*mention) for mention in body.get("mentions", ()))
            discloses = body.get("discloses", "")
            return Text(thread, body["text"], styles, client_id, mentions, discloses=discloses)
        case "album":
            return Photos(thread, tuple(body["paths"]), client_id)
        case "link":
            return Link(thread, body["url"], body["text"], client_id)
        case "reaction":
            return Reaction(thread, body["message"], body["icon"], body["client"], client_id)
        case "undo":
            return Undo(thread, body["message"], body["client"], client_id)
        case kind:
            told = (body["path"], body["name"], body["text"], client_id, body.get("discloses", ""))
            return Media(thread, MediaKind(kind), *told)


def said_in(body: str) -> str:
    """What a chunk says, for people: its text, or in words what it is."""
    told = json.loads(body)
    match told.get("kind"):
        case None:
            return str(told["text"])
        case "album":
            return later("({n} photos)", n=len(told["paths"]))
        case "link":
            return "\n".join(filter(None, (told["text"], told["url"])))
        case "reaction":
            icon = told["icon"]
            return later("(reaction {icon})", icon=icon) if icon else later("(reaction taken back)")
        case "undo":
            return later("(takes a message back)")
        case kind:
            file = later("({kind}: {name})", kind=later(kind), name=told["name"])
            return later("{text}\n{file}", text=told["text"], file=file) if told["text"] else file


def kind_of(body: str) -> str:
    """What a chunk is: `text`, `album`, `link`, `reaction`, `undo`, or a kind of file; empty if pruned."""
    return str(json.loads(body).get("kind", "text")) if body else ""


def words_in(body: str) -> str:
    """The words that others read in a chunk; empty if there are none."""
    return str(json.loads(body).get("text", ""))


def compared(body: str) -> str:
    """What a chunk says, for telling a repetition: its words, and the contents of its files.

    The name of a private copy begins with the digest of what is in it.
    """
    told = json.loads(body)
    paths = told.get("paths") or [path for path in (told.get("path"),) if path]
    return "\n".join((said_in(body), *(PurePath(path).name.partition("-")[0] for path in paths)))


def is_message(body: str) -> bool:
    """Whether a chunk is a message: a reaction and an undo are about one."""
    return not body or json.loads(body).get("kind") not in ("reaction", "undo")


def undone_by(body: str) -> str:
    """The id of the message that a chunk takes back; empty for every other chunk."""
    told = json.loads(body) if body else {}
    return str(told["message"]) if told.get("kind") == "undo" else ""


def message_ids(receipt: str | None) -> tuple[str, ...]:
    """The ids in a stored receipt; those that are not known are left out."""
    return tuple(filter(None, json.loads(receipt))) if receipt else ()


def quoted_by(body: str) -> tuple[str, str] | None:
    """Author and id of the message that a chunk quotes."""
    told = json.loads(body).get("quote")
    return (told[0], told[1]) if told else None


def thread_of(row: Row) -> Thread:
    return Thread(ThreadKind(row["thread_kind"]), row["thread_id"])


def storable(text: str) -> str:
    """A text for a column: broken Unicode becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
