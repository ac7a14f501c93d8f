"""A reaction as the world keeps it, and as each account sees it on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zaloweb.events.content import type_number
from zaloweb.sim.contents import text_of
from zaloweb.sim.errors import Impossible

if TYPE_CHECKING:
    from zaloweb.sim.messages import Message
    from zaloweb.sim.people import Person

REMOVED = -1
_SOURCE = 6
_KINDS = {"": REMOVED, "/-heart": 5, "/-strong": 3, ":>": 0, ":o": 32, ":-((": 2, ":-h": 20, "/-rose": 120}


def kind_of(icon: str) -> int:
    """The number that goes with an icon that people use here; an empty one takes a reaction back."""
    if icon not in _KINDS:
        known = " ".join(filter(None, _KINDS))
        raise Impossible(f"what number goes with {icon!r} must be said; known are: {known}")
    return _KINDS[icon]


@dataclass(frozen=True, slots=True, eq=False)
class Reaction:
    """Somebody's reaction to a message; `receiver` is a group's id or the other's uid."""

    msg_id: str
    cli_msg_id: str
    action_id: str
    sender: Person
    receiver: str
    message: Message
    icon: str
    kind: int
    sent_ms: int

    @property
    def number(self) -> int:
        """The id as a number: what reactions are ordered and paged by."""
        return int(self.msg_id)

    @property
    def in_group(self) -> bool:
        """Whether the message stands in a group."""
        return self.message.in_group

    def seen_by(self, viewer: str) -> dict[str, Any]:
        """The item pushed to an account (its uid); its own reactions have "0" as their sender.

        Fields and their types: an item of command 612. The content is JSON in a text.
        """
        target = {
            "gMsgID": int(self.message.msg_id),
            "cMsgID": int(self.message.cli_msg_id),
            "msgType": type_number(self.message.msg_type),
        }
        content = {"rMsg": [target], "rIcon": self.icon, "rType": self.kind, "source": _SOURCE}
        return {
            "actionId": self.action_id,
            "msgId": self.msg_id,
            "cliMsgId": self.cli_msg_id,
            "msgType": "chat.reaction",
            "uidFrom": "0" if self.sender.uid == viewer else self.sender.uid,
            "idTo": self.receiver,
            "dName": self.sender.name,
            "content": text_of(content),
            "ts": str(self.sent_ms),
            "ttl": 0,
        }
