"""Typing, delivered and seen: what the accounts concerned are told."""

from __future__ import annotations

from collections.abc import Iterable

from zaloweb.sim.clock import ServerClock
from zaloweb.sim.groups import must_be_member
from zaloweb.sim.messages import Message
from zaloweb.sim.pushes import Push
from zaloweb.sim.registry import Group, Registry, User
from zaloweb.wire.frames import Cmd

_SMALLEST_GROUP_WITH_TYPING = 3


class Receipts:
    """Each method returns the pushes; nothing is kept."""

    def __init__(self, registry: Registry, clock: ServerClock) -> None:
        self._registry = registry
        self._clock = clock

    def typing_to(self, person: User, uid: str) -> list[Push]:
        """Somebody types in a direct chat with the user who has this uid."""
        return self._typing(person, [uid], "typing", "")

    def typing_in(self, person: User, group: Group) -> list[Push]:
        """Somebody types in a group. As on the real servers a group of two gets no push."""
        must_be_member(group, person)
        if len(group.members) < _SMALLEST_GROUP_WITH_TYPING:
            return []
        others = [uid for uid in group.members if uid != person.uid]
        return self._typing(person, others, "gtyping", f'"gid":"{group.gid}",')

    def received(self, person: User, messages: Iterable[Message], *, read: bool) -> list[Push]:
        """Messages reached somebody, who has `read` them or not: one push for each sender's account."""
        return [
            self._seen(person, message) if read else self._delivered(person, message)
            for message in messages
            if message.sender.uid in self._registry.accounts and message.sender is not person
        ]

    def _typing(self, person: User, uids: Iterable[str], act: str, where: str) -> list[Push]:
        """As on the real servers the data is the inside of a JSON object without braces."""
        data = f'"uid":"{person.uid}",{where}"ts":"{self._clock.now_ms()}","isPC":0'
        action = {"act_type": "typing", "act": act, "data": data}
        return [
            Push(uid, Cmd.ACTIONS, {"actions": [action]}) for uid in uids if uid in self._registry.accounts
        ]

    def _delivered(self, person: User, message: Message) -> Push:
        item = {
            "msgId": message.msg_id,
            "seen": 0,
            "deliveredUids": [person.uid],
            "seenUids": [],
            "realMsgId": "0",
            "mSTs": self._clock.now_ms(),
        }
        if message.in_group:
            item |= {"groupId": message.receiver}
            return Push(message.sender.uid, Cmd.GROUP_MARKS, {"delivereds": [item], "groupSeens": []})
        return Push(message.sender.uid, Cmd.USER_MARKS, {"delivereds": [item], "seens": []})

    def _seen(self, person: User, message: Message) -> Push:
        if message.in_group:
            item = {"msgId": message.msg_id, "groupId": message.receiver, "seenUids": [person.uid]}
            return Push(message.sender.uid, Cmd.GROUP_MARKS, {"delivereds": [], "groupSeens": [item]})
        item = {"idTo": person.uid, "msgId": message.msg_id, "realMsgId": "0"}
        return Push(message.sender.uid, Cmd.USER_MARKS, {"delivereds": [], "seens": [item]})
