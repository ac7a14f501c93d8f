"""Quotes: what a message says about the message it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from zaloweb.errors import InvalidRequest
from zaloweb.events import Message
from zaloweb.events.content import type_number
from zaloweb.wire.envelope import compact

_TODO = "chat.todo"
_TODO_ATTACHMENT = {
    "properties": {
        "color": 0,
        "size": 0,
        "type": 0,
        "subType": 0,
        "ext": '{"shouldParseLinkOrContact":0}',
    }
}


@dataclass(frozen=True, slots=True)
class Quoted:
    """A message to quote, as Zalo pushed it.

    `content` and `property_ext` are as on the wire; `sent` is its `ts`, milliseconds as a text. `owner_id` is
    the sender, the account's own id for "0" on the wire.
    """

    owner_id: str
    msg_id: str
    cli_msg_id: str
    sent: str
    msg_type: str = "webchat"
    content: str | Mapping[str, object] = field(default="", repr=False)
    property_ext: Mapping[str, object] | None = field(default=None, repr=False)
    ttl_ms: int = 0

    def __post_init__(self) -> None:
        if self.msg_type == "group.poll":
            raise InvalidRequest("a poll cannot be quoted")
        if self.msg_type == "webchat" and not isinstance(self.content, str):
            raise InvalidRequest(
                "a text message whose content is no text (a card or a link) cannot be quoted"
            )

    @classmethod
    def of(cls, message: Message) -> Quoted:
        """The quote of a received or fetched message."""
        wire = message.raw
        content, extension = wire.get("content"), wire.get("propertyExt")
        return cls(
            owner_id=message.sender_id,
            msg_id=message.msg_id,
            cli_msg_id=message.cli_msg_id,
            sent=str(wire.get("ts") or message.sent_ms),
            msg_type=message.msg_type,
            content=content if isinstance(content, str | dict) else "",
            property_ext=extension if isinstance(extension, dict) else None,
            ttl_ms=message.ttl_ms,
        )

    def params(self) -> dict[str, object]:
        """The parameters of the quoted message that are the same for users and groups."""
        return {
            "qmsgOwner": self.owner_id,
            "qmsgId": self.msg_id,
            "qmsgCliId": self.cli_msg_id,
            "qmsgType": type_number(self.msg_type),
            "qmsgTs": self.sent,
            "qmsg": self.text,
        }

    @property
    def text(self) -> str:
        """The quoted text, or "" if the message has none."""
        if isinstance(self.content, str):
            return self.content
        return _todo_text(self.content) if self.msg_type == _TODO else ""

    def attachment(self) -> str | None:
        """The attachment parameter for groups, a JSON text; None to leave it out."""
        if isinstance(self.content, str):
            return None if self.property_ext is None else compact(self.property_ext)
        if self.msg_type == _TODO:
            return compact(_TODO_ATTACHMENT)
        urls = {"thumbUrl": "thumb", "oriUrl": "href", "normalUrl": "href"}
        content = self.content
        return compact({**content, **{name: content[key] for name, key in urls.items() if key in content}})


def _todo_text(content: Mapping[str, object]) -> str:
    params = content.get("params")
    try:
        return str(json.loads(params)["item"]["content"]) if isinstance(params, str) else ""
    except (ValueError, LookupError, TypeError):
        return ""
