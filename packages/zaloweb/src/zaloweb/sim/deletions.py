"""What tells of deleted messages: the list in a `chat.delete`, as other clients met it on real accounts.

Types 1 and 3 are one message of a direct chat and of a group; 2 and 4 are everything up to the named one. The
recorded clearing of a direct chat names its last message by the client id alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zaloweb.sim.messages import Message

_ME = "0"


def entries(messages: Sequence[Message], viewer: str = "", *, whole: bool = False) -> list[dict[str, Any]]:
    """The entries for these messages. Whoever is the viewer stands in them as "0"."""
    return [_entry(message, viewer, whole) for message in messages]


def _entry(message: Message, viewer: str, whole: bool) -> dict[str, Any]:
    author, receiver = message.sender.uid, message.receiver
    return {
        "type": 1 + whole + 2 * message.in_group,
        "actionType": 0,
        "uidFrom": _ME if author == viewer else author,
        "uidTo": _ME if receiver == viewer else receiver,
        "clientDelMsgId": int(message.cli_msg_id),
        "globalDelMsgId": 0 if whole and not message.in_group else message.number,
        "destId": author if receiver == viewer else receiver,
    }
