"""Messages and reactions, and the items that each account gets of them on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zaloweb.events.content import type_number
from zaloweb.sim.contents import json_text
from zaloweb.sim.errors import Impossible
from zaloweb.sim.registry import User
from zaloweb.wire.frames import Cmd
from zaloweb.wire.text import utf16_len

_PLAIN_TEXT = {"color": 0, "size": 0, "type": 0, "subType": 0, "ext": '{"shouldParseLinkOrContact":0}'}
_EVERYONE = "-1"
_ME = "0"
_REACTION_SOURCE = 6
_REACTION_TYPES = {
    "": -1,
    "/-heart": 5,
    "/-strong": 3,
    ":>": 0,
    ":o": 32,
    ":-((": 2,
    ":-h": 20,
    "/-rose": 120,
}


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message. `receiver` is a group id or a uid; times are milliseconds since 1970.

    Ids are decimal strings. `content` is the text of a `webchat`, the object of any other message type, or
    the list of a deletion. `mentions` count in UTF-16 units. `extra` is the `extraData` beside the content
    (the album of a picture). `forwarded` says that it passes on what was written elsewhere.
    """

    msg_id: str
    cli_msg_id: str
    action_id: str
    sender: User
    receiver: str
    in_group: bool
    content: str | dict[str, Any] | list[dict[str, Any]]
    sent_ms: int
    msg_type: str = "webchat"
    ttl_ms: int = 0
    mentions: Sequence[dict[str, Any]] = ()
    quote: dict[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    forwarded: bool = False

    @property
    def number(self) -> int:
        """The id as a number; messages are ordered and paged by it."""
        return int(self.msg_id)

    def other_side(self, user: User) -> str:
        """The thread id from this user's side: the group, or the other user."""
        if self.in_group or self.sender is user:
            return self.receiver
        return self.sender.uid

    def item_for(self, viewer: str) -> dict[str, Any]:
        """The item pushed to the account with this uid, whose own messages have "0" as the sender.

        Fields and types are those of an item of the commands 501 and 521.
        """
        item = {
            "actionId": self.action_id,
            "msgId": self.msg_id,
            "cliMsgId": self.cli_msg_id,
            "msgType": self.msg_type,
            "uidFrom": _ME if self.sender.uid == viewer else self.sender.uid,
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
            item["extraData"] = json_text(self.extra)
        if self.forwarded:
            origin = {"id": self.msg_id, "ts": self.sent_ms, "logSrcType": 1, "fwLvl": 1}
            item["reference"] = {"type": 3, "data": json_text(origin)}
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
            "attach": "" if isinstance(self.content, str) else json_text(self.content),
            "fromD": self.sender.name,
            "ttl": self.ttl_ms,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Reaction:
    """A reaction to a message; `receiver` is a group id or the uid of the other user."""

    msg_id: str
    cli_msg_id: str
    action_id: str
    sender: User
    receiver: str
    message: Message
    icon: str
    type: int
    sent_ms: int

    @property
    def number(self) -> int:
        """The id as a number; reactions are ordered and paged by it."""
        return int(self.msg_id)

    @property
    def in_group(self) -> bool:
        """Whether the message is in a group."""
        return self.message.in_group

    def item_for(self, viewer: str) -> dict[str, Any]:
        """The item pushed to the account with this uid, whose own reactions have "0" as the sender.

        Fields and types are those of an item of command 612. The content is JSON in a string.
        """
        target = {
            "gMsgID": int(self.message.msg_id),
            "cMsgID": int(self.message.cli_msg_id),
            "msgType": type_number(self.message.msg_type),
        }
        content = {"rMsg": [target], "rIcon": self.icon, "rType": self.type, "source": _REACTION_SOURCE}
        return {
            "actionId": self.action_id,
            "msgId": self.msg_id,
            "cliMsgId": self.cli_msg_id,
            "msgType": "chat.reaction",
            "uidFrom": _ME if self.sender.uid == viewer else self.sender.uid,
            "idTo": self.receiver,
            "dName": self.sender.name,
            "content": json_text(content),
            "ts": str(self.sent_ms),
            "ttl": 0,
        }


def reaction_type(icon: str) -> int:
    """The number that goes with a common icon; an empty icon removes a reaction. Raises `Impossible`."""
    if icon not in _REACTION_TYPES:
        known = " ".join(filter(None, _REACTION_TYPES))
        raise Impossible(f"what number goes with {icon!r} must be said; known are: {known}")
    return _REACTION_TYPES[icon]


def deletion_list(
    messages: Sequence[Message], viewer: str = "", *, whole: bool = False
) -> list[dict[str, Any]]:
    """The content of a `chat.delete` for these messages, in which the viewer is "0".

    As seen on real accounts: types 1 and 3 are one message of a direct chat and of a group, 2 and 4 (`whole`)
    everything up to the named one. A recorded clearing of a direct chat names its last message by the client
    id alone.
    """
    return [
        {
            "type": 1 + whole + 2 * message.in_group,
            "actionType": 0,
            "uidFrom": _ME if message.sender.uid == viewer else message.sender.uid,
            "uidTo": _ME if message.receiver == viewer else message.receiver,
            "clientDelMsgId": int(message.cli_msg_id),
            "globalDelMsgId": 0 if whole and not message.in_group else message.number,
            "destId": message.sender.uid if message.receiver == viewer else message.receiver,
        }
        for message in messages
    ]


def mentions_in(text: str, people: Sequence[User]) -> list[dict[str, Any]]:
    """The mentions of these users in a text that names each as `@Name`. Raises `Impossible`.

    Users with the same name take the places of that name in order.
    """
    found = []
    ends: dict[str, int] = {}
    for user in people:
        word = "@" + user.name
        start = text.find(word, ends.get(word, 0))
        if start < 0:
            raise Impossible(f"the text does not contain {word}: write it where the mention belongs")
        found.append(
            {
                "uid": user.uid,
                "pos": utf16_len(text[:start]),
                "len": utf16_len(word),
                "type": 1 if user.uid == _EVERYONE else 0,
            }
        )
        ends[word] = start + len(word)
    return found
