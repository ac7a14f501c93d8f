"""The frames that are pushed to accounts; those of typing and receipts are in `receipts`.

The payloads have the form of recorded pushes (commands 501, 502, 521, 522, 524, 601, 602, 612).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zaloweb.sim.messages import Message, Reaction
from zaloweb.sim.registry import User
from zaloweb.wire.frames import Cmd


@dataclass(frozen=True, slots=True)
class Push:
    """One frame for the account with this uid. It is lost if no client of the account is connected."""

    uid: str
    cmd: int
    data: dict[str, Any]


def new_messages(uid: str, messages: Sequence[Message]) -> list[Push]:
    """New messages: one frame for direct chats and one for groups."""
    pushes = []
    for in_group, cmd, name in ((False, Cmd.USER_MESSAGES, "msgs"), (True, Cmd.GROUP_MESSAGES, "groupMsgs")):
        items = [message.item_for(uid) for message in messages if message.in_group is in_group]
        if items:
            pushes.append(Push(uid, cmd, {name: items}))
    return pushes


def reacted(uid: str, reaction: Reaction) -> Push:
    """A reaction to a message the account can read."""
    item = [reaction.item_for(uid)]
    users, groups = ([], item) if reaction.in_group else (item, [])
    return Push(uid, Cmd.REACTIONS, {"reacts": users, "reactGroups": groups})


def control(uid: str, act_type: str, act: str, data: object) -> Push:
    """A change of a group (`group`) or a friendship (`fr`)."""
    content = {"act_type": act_type, "act": act, "data": data}
    return Push(uid, Cmd.CONTROLS, {"controls": [{"content": content}]})


def file_done(uid: str, file_id: str, url: str) -> Push:
    """An upload of the account is ready to be sent."""
    content = {"act_type": "file_done", "fileId": file_id, "data": {"url": url}}
    return Push(uid, Cmd.CONTROLS, {"controls": [{"content": content}]})


def unread_cleared(account: User, message: Message) -> Push:
    """The account read a thread up to this message on another device."""
    item = {
        "idTo": message.other_side(account),
        "lastMsgId": message.msg_id,
        "isGroup": int(message.in_group),
    }
    return Push(account.uid, Cmd.UNREAD_CLEARED, {"clearUnreads": [item]})
