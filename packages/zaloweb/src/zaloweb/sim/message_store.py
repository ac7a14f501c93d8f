"""The messages and reactions that Zalo holds, and their delivery to the accounts that may read them."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Generic, TypeVar

from zaloweb.sim.clock import ServerClock
from zaloweb.sim.connections import Connections
from zaloweb.sim.contents import Content
from zaloweb.sim.errors import Unknown
from zaloweb.sim.messages import Message, Reaction, deletion_list
from zaloweb.sim.pushes import Push, new_messages, reacted
from zaloweb.sim.registry import Registry, User

_MESSAGE_IDS = 6_800_000_000_000
_ACTION_IDS = 11_800_000_000
_FOREIGN_CLIENT_IDS = 9_000_000_000_000


T = TypeVar("T")


class RingBuffer(Generic[T]):
    """The newest `limit` items in order. Adding one takes constant time."""

    def __init__(self, limit: int, number: Callable[[T], int]) -> None:
        self._limit = limit
        self._number = number
        self._items: list[T] = []

    def __len__(self) -> int:
        return min(len(self._items), self._limit)

    def add(self, item: T) -> None:
        """Keep an item whose number is above all others."""
        self._items.append(item)
        if len(self._items) >= 2 * self._limit:  # dropping half at a time keeps adding cheap
            del self._items[: -self._limit or None]

    def before(self, number: int | None, count: int) -> list[T]:
        """The newest `count` items below this number (None: of all), oldest first."""
        end = len(self._items) if number is None else bisect_left(self._items, number, key=self._number)
        start = max(end - count, len(self._items) - self._limit, 0)
        return self._items[start:end]

    def drop(self, number: int) -> None:
        """Remove the item with this number, if there is one."""
        at = bisect_left(self._items, number, key=self._number)
        if at < len(self._items) and self._number(self._items[at]) == number:
            del self._items[at]

    def forget(self, keep: int) -> None:
        """Remove all but the newest `keep` items."""
        del self._items[: max(0, len(self._items) - keep)]


class Mailbox:
    """What one account can ask for again: the newest messages and reactions of direct chats and of groups.

    `messages` and `reactions` have two buffers each, by whether the thread is a group. `missed` holds the
    messages written while no client of the account was connected.
    """

    def __init__(self, limit: int) -> None:
        self.missed: deque[Message] = deque(maxlen=limit)
        self.messages: Mapping[bool, RingBuffer[Message]] = {
            in_group: RingBuffer(limit, lambda message: message.number) for in_group in (False, True)
        }
        self.reactions: Mapping[bool, RingBuffer[Reaction]] = {
            in_group: RingBuffer(limit, lambda reaction: reaction.number) for in_group in (False, True)
        }

    def remove(self, message: Message) -> None:
        """Drop a message that was undone or deleted."""
        self.messages[message.in_group].drop(message.number)
        if message in self.missed:
            self.missed.remove(message)

    def take_missed(self) -> list[Message]:
        """The missed messages, which are then no longer missed."""
        messages = list(self.missed)
        self.missed.clear()
        return messages

    def forget(self, keep: int = 0) -> None:
        """Drop all but the newest `keep` messages and reactions of each kind of thread."""
        for in_group in (False, True):
            self.messages[in_group].forget(keep)
            self.reactions[in_group].forget(keep)


class MessageStore:
    """Message ids rise strictly, and so do the client ids it makes up (milliseconds).

    The newest `remembered` messages can be found by id; each mailbox holds as many of each kind of thread.
    """

    def __init__(
        self, registry: Registry, connections: Connections, clock: ServerClock, remembered: int
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._clock = clock
        self._remembered = remembered
        self._by_id: dict[str, Message] = {}
        self._mailboxes: dict[str, Mailbox] = {}
        self._count = 0
        self._last_client_id = 0

    def mailbox(self, account: User) -> Mailbox:
        """The mailbox of an account."""
        if account.uid not in self._mailboxes:
            self._mailboxes[account.uid] = Mailbox(self._remembered)
        return self._mailboxes[account.uid]

    def readers(self, message: Message) -> list[User]:
        """The accounts that can read a message, its sender included.

        A direct message does not reach an account that has blocked the sender.
        """
        sender = message.sender.uid
        accounts = self._registry.accounts
        if message.in_group:
            members = self._registry.groups[message.receiver].members
            return [account for account in accounts.values() if account.uid in members]
        both = dict.fromkeys((sender, message.receiver))
        return [accounts[uid] for uid in both if uid in accounts and sender not in accounts[uid].blocked]

    def accept(
        self,
        sender: User,
        receiver: str,
        content: Content,
        *,
        in_group: bool,
        client_id: str = "",
        ttl_ms: int = 0,
        mentions: Sequence[dict[str, Any]] = (),
        quote: dict[str, Any] | None = None,
        only_for: User | None = None,
        forwarded: bool = False,
    ) -> Message:
        """A new message, kept for every account that can read it, or for one; it is not pushed yet."""
        msg_id, action_id = self._ids()
        message = Message(
            msg_id=msg_id,
            cli_msg_id=client_id or self._client_id(),
            action_id=action_id,
            sender=sender,
            receiver=receiver,
            in_group=in_group,
            content=content.body,
            sent_ms=self._clock.now_ms(),
            msg_type=content.msg_type,
            ttl_ms=ttl_ms,
            mentions=mentions,
            quote=quote,
            extra=content.extra,
            forwarded=forwarded,
        )
        self._index(message)
        for account in [only_for] if only_for else self.readers(message):
            self.mailbox(account).messages[message.in_group].add(message)
        return message

    async def deliver(self, message: Message, only_to: User | None = None) -> None:
        """Push a message to every connected account that can read it, or to one."""
        for account in [only_to] if only_to else self.readers(message):
            if account.uid in self._connections:
                await self._connections.push(new_messages(account.uid, [message]))
            else:
                self.mailbox(account).missed.append(message)

    def replace_echo(self, message: Message, *, msg_id: bool, client_id: bool) -> Message:
        """Give a message other ids, but only for its sender, who knows neither of the new ones."""
        new_id = self._ids()[0] if msg_id else message.msg_id
        new_client_id = str(_FOREIGN_CLIENT_IDS + self._count) if client_id else message.cli_msg_id
        echo = replace(message, msg_id=new_id, cli_msg_id=new_client_id)
        mailbox = self.mailbox(message.sender)
        mailbox.remove(message)
        mailbox.messages[echo.in_group].add(echo)
        if msg_id:
            self._index(echo)
        return echo

    def get(self, msg_id: str) -> Message | None:
        """The message with this id, if the store holds it."""
        return self._by_id.get(msg_id)

    def find(self, msg_id: str) -> Message:
        """The message with this id. Raises `Unknown`."""
        message = self.get(msg_id)
        if message is None:
            raise Unknown(f"there is no message {msg_id}, or none any more")
        return message

    def history(self, gid: str, count: int) -> list[Message]:
        """The newest messages of a group, oldest first."""
        newest = (m for m in reversed(self._by_id.values()) if m.in_group and m.receiver == gid)
        return list(islice(newest, count))[::-1]

    def undo(self, message: Message, client_id: str = "") -> Message:
        """Undo a message: nobody finds it any more. Returns the message that tells of it."""
        self._remove(message)
        body = {
            "globalMsgId": message.number,
            "cliMsgId": int(message.cli_msg_id),
            "deleteMsg": 1,
            "srcId": int(message.sender.uid),
            "destId": int(message.receiver),
        }
        undone, in_group = Content("chat.undo", body), message.in_group
        return self.accept(message.sender, message.receiver, undone, in_group=in_group, client_id=client_id)

    def delete(self, message: Message, by: User) -> Message:
        """Delete a message for everybody in its group. Returns the message that tells of it."""
        self._remove(message)
        deleted = Content("chat.delete", deletion_list([message]))
        return self.accept(by, message.receiver, deleted, in_group=message.in_group)

    def delete_for(self, account: User, messages: Sequence[Message], *, whole: bool = False) -> Message:
        """Delete messages of one thread on one account's side, if `whole` with all before them.

        Returns the message that tells the account's clients of it.
        """
        first, mailbox = messages[0], self.mailbox(account)
        thread_id, gone = first.other_side(account), list(messages)
        if whole:
            last = max(message.number for message in messages)
            kept = mailbox.messages[first.in_group].before(None, self._remembered)
            gone = [one for one in kept if one.other_side(account) == thread_id and one.number <= last]
        for message in gone:
            mailbox.remove(message)
        deleted = Content("chat.delete", deletion_list(messages, account.uid, whole=whole))
        return self.accept(account, thread_id, deleted, in_group=first.in_group, only_for=account)

    def react(
        self, sender: User, message: Message, icon: str, type_: int, client_id: str = ""
    ) -> tuple[Reaction, list[Push]]:
        """A reaction, kept for every account that can read the message, and the pushes for them."""
        msg_id, action_id = self._ids()
        reaction = Reaction(
            msg_id=msg_id,
            cli_msg_id=client_id or self._client_id(),
            action_id=action_id,
            sender=sender,
            receiver=message.other_side(sender),
            message=message,
            icon=icon,
            type=type_,
            sent_ms=self._clock.now_ms(),
        )
        readers = self.readers(message)
        for account in readers:
            self.mailbox(account).reactions[message.in_group].add(reaction)
        return reaction, [reacted(account.uid, reaction) for account in readers]

    def _index(self, message: Message) -> None:
        self._by_id[message.msg_id] = message
        if len(self._by_id) > self._remembered:
            del self._by_id[next(iter(self._by_id))]

    def _remove(self, message: Message) -> None:
        self._by_id.pop(message.msg_id, None)
        for account in self.readers(message):
            self.mailbox(account).remove(message)

    def _ids(self) -> tuple[str, str]:
        self._count += 1
        return str(_MESSAGE_IDS + self._count), str(_ACTION_IDS + self._count)

    def _client_id(self) -> str:
        self._last_client_id = max(self._last_client_id + 1, self._clock.now_ms())
        return str(self._last_client_id)
