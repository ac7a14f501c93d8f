"""A message as the world keeps it, and as each account sees it on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zaloweb.events.content import type_number
from zaloweb.sim.contents import text_of
from zaloweb.sim.errors import Impossible
from zaloweb.wire.frames import Cmd

if TYPE_CHECKING:
    from zaloweb.sim.people import Person

_PLAIN_TEXT = {"color": 0, "size": 0, "type": 0, "subType": 0, "ext": '{"shouldParseLinkOrContact":0}'}
_EVERYONE = "-1"


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message. `receiver` is a group's id or a person's uid; times are milliseconds since 1970.

    Ids are decimal strings. `content` is a text, or the object of a message type that is none, or the
    list of a deletion. `mentions` count in UTF-16 units. `extra` stands beside the content (the album of a
    picture).
    """

    msg_id: str
    cli_msg_id: str
    action_id: str
    sender: Person
    receiver: str
    in_group: bool
    content: str | dict[str, Any] | list[dict[str, Any]]
    sent_ms: int
    msg_type: str = "webchat"
    ttl_ms: int = 0
    mentions: Sequence[dict[str, Any]] = ()
    quote: dict[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The id as a number: what messages are ordered and paged by."""
        return int(self.msg_id)

    def other_side(self, person: Person) -> str:
        """The thread's id as this person sees it: the group, or whom they talk to."""
        if self.in_group or self.sender is person:
            return self.receiver
        return self.sender.uid

    def seen_by(self, viewer: str) -> dict[str, Any]:
        """The item pushed to an account (its uid). Whoever reads their own message finds "0" as the sender.

        Fields and their types: an item of the commands 501 and 521.
        """
        item = {
            "actionId": self.action_id,
            "msgId": self.msg_id,
            "cliMsgId": self.cli_msg_id,
            "msgType": self.msg_type,
            "uidFrom": "0" if self.sender.uid == viewer else self.sender.uid,
            "idTo": self.receiver,
            "dName": self.sender.name,
            "ts": str(self.sent_ms),
            "status": 1,
            "content": self.content,
            "notify": "1",
            "ttl": self.ttl_ms,
            "userId": "0",
            "uin": "0",
            "topOut": "0",
            "topOutTimeOut": "0",
            "topOutImprTimeOut": "0",
            "propertyExt": _PLAIN_TEXT,
            "paramsExt": {"countUnread": 1, "containType": 0, "platformType": 1},
            "cmd": Cmd.GROUP_MESSAGES if self.in_group else Cmd.USER_MESSAGES,
            "st": 3,
            "at": 0,
            "realMsgId": "0",
        }
        if self.mentions:
            item["mentions"] = list(self.mentions)
        if self.quote is not None:
            item["quote"] = self.quote
        if self.extra:
            item["extraData"] = text_of(self.extra)
        return item

    def as_quote(self) -> dict[str, Any]:
        """How another message quotes this one; ids are numbers here."""
        return {
            "ownerId": int(self.sender.uid),
            "cliMsgId": int(self.cli_msg_id),
            "globalMsgId": int(self.msg_id),
            "cliMsgType": type_number(self.msg_type),
            "ts": self.sent_ms,
            "msg": self.content if isinstance(self.content, str) else "",
            "attach": "" if isinstance(self.content, str) else text_of(self.content),
            "fromD": self.sender.name,
            "ttl": self.ttl_ms,
        }


def mentions_in(text: str, people: Sequence[Person]) -> list[dict[str, Any]]:
    """Where these people stand in the text as `@Name`, in UTF-16 units. Raises `Impossible`.

    Of several with one name the first stands where the name comes first.
    """
    found = []
    ends: dict[str, int] = {}
    for person in people:
        word = "@" + person.name
        start = text.find(word, ends.get(word, 0))
        found.append(_mention(text, word, start, person.uid))
        ends[word] = start + len(word)
    return found


def _mention(text: str, word: str, start: int, uid: str) -> dict[str, Any]:
    if start < 0:
        raise Impossible(f"{word} does not stand in the text: write it where the mention belongs")
    return {
        "uid": uid,
        "pos": _utf16_units(text[:start]),
        "len": _utf16_units(word),
        "type": 1 if uid == _EVERYONE else 0,
    }


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
