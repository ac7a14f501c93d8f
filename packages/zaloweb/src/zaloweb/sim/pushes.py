"""What is pushed to an account besides messages: group and friend events, typing, marks, uploads.

The payloads are those of recorded pushes (commands 502, 522, 524, 601, 602).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zaloweb.wire.frames import Cmd

if TYPE_CHECKING:
    from zaloweb.sim.accounts import Account
    from zaloweb.sim.messages import Message
    from zaloweb.sim.people import Group, Person


@dataclass(frozen=True, slots=True)
class Push:
    """One frame for one account; nothing comes of it while no client of the account listens."""

    account: Account
    cmd: int
    data: dict[str, Any]


async def push_all(pushes: Iterable[Push]) -> None:
    """Push these, one after the other."""
    for push in pushes:
        if push.account.listener is not None:
            await push.account.listener.push(push.cmd, 0, push.data)


def control(account: Account, act_type: str, act: str, data: object) -> Push:
    """Something that happened to a group (`group`) or a friend (`fr`)."""
    content = {"act_type": act_type, "act": act, "data": data}
    return Push(account, Cmd.CONTROLS, {"controls": [{"content": content}]})


def file_done(account: Account, file_id: str, url: str) -> Push:
    """An upload of the account that can be used now."""
    content = {"act_type": "file_done", "fileId": file_id, "data": {"url": url}}
    return Push(account, Cmd.CONTROLS, {"controls": [{"content": content}]})


def typing(account: Account, person: Person, group: Group | None, at_ms: int) -> Push:
    """Somebody is typing. As on the real servers the data is the inside of a JSON object without braces."""
    where = f'"gid":"{group.gid}",' if group else ""
    data = f'"uid":"{person.uid}",{where}"ts":"{at_ms}","isPC":0'
    action = {"act_type": "typing", "act": "gtyping" if group else "typing", "data": data}
    return Push(account, Cmd.ACTIONS, {"actions": [action]})


def delivered(
    account: Account, person: Person, messages: Sequence[Message], at_ms: int, *, seen: bool
) -> Push:
    """Messages of the account reached somebody."""
    items = [
        {
            "msgId": message.msg_id,
            "seen": int(seen),
            "deliveredUids": [person.uid],
            "seenUids": [person.uid] if seen else [],
            "realMsgId": "0",
            "mSTs": at_ms,
        }
        | ({"groupId": message.receiver} if message.in_group else {})
        for message in messages
    ]
    cmd, name = _marks(messages)
    return Push(account, cmd, {"delivereds": items, name: []})


def seen(account: Account, person: Person, messages: Sequence[Message]) -> Push:
    """Messages of the account were read by somebody."""
    cmd, name = _marks(messages)
    return Push(account, cmd, {"delivereds": [], name: [_seen_item(person, one) for one in messages]})


def unread_cleared(account: Account, thread_id: str, last_msg_id: str, *, group: bool) -> Push:
    """The account read a thread on another device."""
    item = {"idTo": thread_id, "lastMsgId": last_msg_id, "isGroup": int(group)}
    return Push(account, Cmd.UNREAD_CLEARED, {"clearUnreads": [item]})


def _marks(messages: Sequence[Message]) -> tuple[int, str]:
    return (Cmd.GROUP_MARKS, "groupSeens") if messages[0].in_group else (Cmd.USER_MARKS, "seens")


def _seen_item(person: Person, message: Message) -> dict[str, Any]:
    if message.in_group:
        return {"msgId": message.msg_id, "groupId": message.receiver, "seenUids": [person.uid]}
    return {"idTo": person.uid, "msgId": message.msg_id, "realMsgId": "0"}
