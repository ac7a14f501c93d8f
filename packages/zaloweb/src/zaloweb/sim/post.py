"""The post of a world: gives messages their ids, keeps them for those who may read them, and pushes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from zaloweb.sim.accounts import Account
from zaloweb.sim.cast import Cast
from zaloweb.sim.deletions import entries
from zaloweb.sim.errors import Unknown
from zaloweb.sim.messages import Message
from zaloweb.sim.people import Person
from zaloweb.sim.pushes import Push
from zaloweb.sim.reactions import Reaction
from zaloweb.transport.clock import Clock
from zaloweb.wire.frames import Cmd

_MESSAGE_IDS = 6_800_000_000_000
_ACTION_IDS = 11_800_000_000


class Post:
    """Carries messages and reactions. Ids rise strictly, and so do the client ids it makes up (ms)."""

    def __init__(self, cast: Cast, clock: Clock, remembered: int) -> None:
        self._cast = cast
        self._clock = clock
        self._remembered = remembered
        self._by_id: dict[str, Message] = {}
        self._count = 0
        self._last_client_id = 0

    def accept(
        self,
        sender: Person,
        receiver: str,
        content: str | dict[str, Any] | list[dict[str, Any]],
        *,
        in_group: bool,
        client_id: str = "",
        msg_type: str = "webchat",
        ttl_ms: int = 0,
        mentions: Sequence[dict[str, Any]] = (),
        quote: dict[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        only_for: Account | None = None,
    ) -> Message:
        """A new message, kept for every account that may read it, or for one; it is not pushed yet."""
        msg_id, action_id = self._ids()
        message = Message(
            msg_id=msg_id,
            cli_msg_id=client_id or self._client_id(),
            action_id=action_id,
            sender=sender,
            receiver=receiver,
            in_group=in_group,
            content=content,
            sent_ms=self._clock.now_ms(),
            msg_type=msg_type,
            ttl_ms=ttl_ms,
            mentions=mentions,
            quote=quote,
            extra=extra or {},
        )
        self._by_id[msg_id] = message
        if len(self._by_id) > self._remembered:
            del self._by_id[next(iter(self._by_id))]
        for account in [only_for] if only_for else self._cast.readers(message):
            account.remember(message)
        return message

    async def deliver(self, message: Message, only_to: Account | None = None) -> None:
        """Push a message to every connected account that may read it, or to one."""
        for account in [only_to] if only_to else self._cast.readers(message):
            if account.listener is not None:
                await account.listener.push_messages(account.uid, [message])
            else:
                account.missed.append(message)

    def get(self, msg_id: str) -> Message | None:
        """The message with this id, if there is one."""
        return self._by_id.get(msg_id)

    def history(self, gid: str, count: int) -> list[Message]:
        """The newest messages of a group, oldest first."""
        newest = (m for m in reversed(self._by_id.values()) if m.in_group and m.receiver == gid)
        return list(islice(newest, count))[::-1]

    def find(self, msg_id: str) -> Message:
        """The message with this id. Raises `Unknown`."""
        message = self.get(msg_id)
        if message is None:
            raise Unknown(f"there is no message {msg_id}, or none any more")
        return message

    def undo(self, message: Message, client_id: str = "") -> Message:
        """Take a message back: what tells of it is a message itself. Nobody finds the old one any more."""
        self._lose(message)
        content = {
            "globalMsgId": message.number,
            "cliMsgId": int(message.cli_msg_id),
            "deleteMsg": 1,
            "srcId": int(message.sender.uid),
            "destId": int(message.receiver),
        }
        return self._tell_of(message, message.sender, "chat.undo", content, client_id=client_id)

    def delete(self, message: Message, by: Person) -> Message:
        """Delete a message for everybody in its group."""
        self._lose(message)
        return self._tell_of(message, by, "chat.delete", entries([message]))

    def delete_for(self, account: Account, messages: Sequence[Message], *, whole: bool = False) -> Message:
        """Delete messages on one account's side only, if `whole` with all before them in their thread."""
        first = messages[0]
        if whole:
            everything = account.remembered(group=first.in_group, before=None, count=self._remembered)
            thread = [one for one in everything if one.other_side(account) == first.other_side(account)]
            gone = [one for one in thread if one.number <= max(message.number for message in messages)]
        else:
            gone = [*messages]
        for message in gone:
            account.lose(message)
        content = entries(messages, account.uid, whole=whole)
        return self._tell_of(first, account, "chat.delete", content, only_for=account)

    def react(
        self, sender: Person, message: Message, icon: str, kind: int, client_id: str = ""
    ) -> tuple[Reaction, list[Push]]:
        """A reaction, kept for everybody who may read the message, and the pushes that tell them."""
        msg_id, action_id = self._ids()
        reaction = Reaction(
            msg_id=msg_id,
            cli_msg_id=client_id or self._client_id(),
            action_id=action_id,
            sender=sender,
            receiver=message.other_side(sender),
            message=message,
            icon=icon,
            kind=kind,
            sent_ms=self._clock.now_ms(),
        )
        readers = self._cast.readers(message)
        for account in readers:
            account.remember_reaction(reaction)
        return reaction, [_reaction_push(account, reaction) for account in readers]

    def _lose(self, message: Message) -> None:
        self._by_id.pop(message.msg_id, None)
        for account in self._cast.readers(message):
            account.lose(message)

    def _tell_of(
        self,
        message: Message,
        by: Person,
        msg_type: str,
        content: dict[str, Any] | list[dict[str, Any]],
        *,
        client_id: str = "",
        only_for: Account | None = None,
    ) -> Message:
        """What tells of a message that is gone stands where it stood."""
        return self.accept(
            by,
            message.other_side(by) if only_for else message.receiver,
            content,
            in_group=message.in_group,
            msg_type=msg_type,
            client_id=client_id,
            only_for=only_for,
        )

    def _ids(self) -> tuple[str, str]:
        self._count += 1
        return str(_MESSAGE_IDS + self._count), str(_ACTION_IDS + self._count)

    def _client_id(self) -> str:
        self._last_client_id = max(self._last_client_id + 1, self._clock.now_ms())
        return str(self._last_client_id)


def _reaction_push(account: Account, reaction: Reaction) -> Push:
    item = [reaction.seen_by(account.uid)]
    lists = ([], item) if reaction.in_group else (item, [])
    return Push(account, Cmd.REACTIONS, dict(zip(("reacts", "reactGroups"), lists, strict=True)))
