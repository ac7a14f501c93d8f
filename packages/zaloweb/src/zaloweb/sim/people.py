"""People and accounts that act in a test: write, react, join, leave …"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zaloweb.sim.backend import Backend
from zaloweb.sim.contents import Content
from zaloweb.sim.errors import Impossible
from zaloweb.sim.groups import must_be_member
from zaloweb.sim.messages import Message, mentions_in, reaction_type
from zaloweb.sim.pushes import Push, unread_cleared
from zaloweb.sim.qr import Phone
from zaloweb.sim.registry import Group, User


@dataclass(eq=False, kw_only=True)
class Person(User):
    """Somebody who acts in a world; without `to` or `account` towards its first account.

    When one of these methods returns, its pushes are on the wire of every connected account they concern.
    An action that does not fit the moment raises `Impossible`.
    """

    backend: Backend = field(repr=False)

    async def says(
        self,
        what: str | Content,
        *,
        to: User | None = None,
        group: Group | None = None,
        mentions: Sequence[User] = (),
        quote: Message | None = None,
        ttl_ms: int = 0,
        forwarded: bool = False,
    ) -> Message:
        """Write a text or send something, to somebody or into a group.

        The text must name everybody in `mentions` as `@Name`. An account that is not connected can ask for
        the message later. Who is named as the receiver may be oneself: those are notes to oneself.
        """
        if group is not None:
            must_be_member(group, self)
        receiver = group.gid if group else (to or self.backend.first_account).uid
        if receiver == self.uid and to is None:
            raise Impossible("nobody writes to themselves: name the receiver or the group")
        content = Content("webchat", what) if isinstance(what, str) else what
        store = self.backend.message_store
        message = store.accept(
            self,
            receiver,
            content,
            in_group=group is not None,
            ttl_ms=ttl_ms,
            mentions=mentions_in(content.text, mentions),
            quote=quote.as_quote() if quote else None,
            forwarded=forwarded,
        )
        await store.deliver(message)
        return message

    async def sends_album(
        self, photos: Sequence[Content], *, to: User | None = None, group: Group | None = None
    ) -> list[Message]:
        """Send these pictures as one album: one message for each, with a common album id."""
        album = str(self.backend.clock.now_ms())
        pictures = [photo.in_album(album, place, len(photos)) for place, photo in enumerate(photos)]
        return [await self.says(picture, to=to, group=group) for picture in pictures]

    async def reacts(self, message: Message, icon: str = "/-heart", kind: int | None = None) -> None:
        """React to a message; an empty icon removes the reaction.

        `kind` is the icon's number; common icons need none.
        """
        number = reaction_type(icon) if kind is None else kind
        await self._push(self.backend.message_store.react(self, message, icon, number)[1])

    async def undoes(self, message: Message) -> None:
        """Undo a message of one's own."""
        if message.sender is not self:
            raise Impossible(f"{self.name} did not write this message: {message.sender.name} did")
        store = self.backend.message_store
        await store.deliver(store.undo(message))

    async def types(self, *, to: User | None = None, group: Group | None = None) -> None:
        """Be seen typing. As on the real servers a group of two gets no push."""
        receipts, account = self.backend.receipts, to or self.backend.first_account
        await self._push(receipts.typing_in(self, group) if group else receipts.typing_to(self, account.uid))

    async def receives(self, *messages: Message) -> None:
        """Have the messages delivered to one's phone: their senders are told."""
        await self._push(self.backend.receipts.received(self, messages, read=False))

    async def sees(self, *messages: Message) -> None:
        """Read the messages: their senders are told."""
        await self._push(self.backend.receipts.received(self, messages, read=True))

    async def asks_friendship(self, account: User | None = None, text: str = "Kết bạn nhé") -> None:
        """Send a friend request."""
        await self._push(self.backend.friendships.ask(self, account or self.backend.first_account, text))

    async def takes_request_back(self, account: User | None = None) -> None:
        """Withdraw the friend request."""
        await self._push(self.backend.friendships.take_back(self, account or self.backend.first_account))

    async def befriends(self, account: User | None = None) -> None:
        """Become a friend, as after the account's own request."""
        await self._push(self.backend.friendships.make(self, account or self.backend.first_account))

    async def unfriends(self, account: User | None = None) -> None:
        """Stop being a friend."""
        await self._push(self.backend.friendships.end(self, account or self.backend.first_account))

    async def creates_group(self, name: str, members: Sequence[User]) -> Group:
        """Create a group of oneself and these users."""
        group, pushes = self.backend.groups.create(name, [self, *members])
        await self._push(pushes)
        return group

    async def renames(self, group: Group, name: str) -> None:
        """Give a group another name."""
        await self._push(self.backend.groups.rename(group, self, name))

    async def adds(self, other: User, group: Group) -> None:
        """Add somebody to a group."""
        await self._push(self.backend.groups.add(group, self, [other]))

    async def joins(self, group: Group) -> None:
        """Join a group, as with a link."""
        await self._push(self.backend.groups.add(group, self, [self]))

    async def removes(self, other: User, group: Group) -> None:
        """Remove somebody from a group."""
        await self._push(self.backend.groups.remove(group, self, [other]))

    async def leaves(self, group: Group) -> None:
        """Leave a group."""
        await self._push(self.backend.groups.leave(group, self))

    async def _push(self, pushes: Iterable[Push]) -> None:
        await self.backend.connections.push(pushes)


@dataclass(eq=False, kw_only=True)
class Account(Person):
    """A person that clients can log in as."""

    @property
    def phone(self) -> Phone:
        """The owner's phone, which scans QR codes."""
        return Phone(self, self.backend.codes, self.backend.log)

    async def reads(self, message: Message) -> None:
        """Read a thread up to this message with the phone."""
        await self._push([unread_cleared(self, message)])

    async def deletes(self, *messages: Message, whole: bool = False) -> None:
        """Delete messages of one thread on one's own side, with `whole` also everything before them."""
        store = self.backend.message_store
        if len({(message.in_group, message.other_side(self)) for message in messages}) != 1:
            raise Impossible("messages of one thread are deleted together")
        if any(self not in store.readers(message) for message in messages):
            raise Impossible(f"{self.name} cannot read these messages")
        await store.deliver(store.delete_for(self, messages, whole=whole), self)

    def remembered(self, *, group: bool, before: str | None, count: int) -> list[Message]:
        """The messages a client is given when it asks for the newest ones or those before an id."""
        messages = self.backend.message_store.mailbox(self).messages[group]
        return messages.before(None if before is None else int(before), count)

    def forget(self, keep: int = 0) -> None:
        """Let Zalo drop all but the newest `keep` messages and reactions of each kind of thread."""
        self.backend.message_store.mailbox(self).forget(keep)
