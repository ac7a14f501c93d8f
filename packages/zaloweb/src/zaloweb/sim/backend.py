"""The state of the simulated Zalo, and what its users do with messages."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from zaloweb.sim.background_tasks import BackgroundTasks
from zaloweb.sim.clock import ServerClock
from zaloweb.sim.connections import Connections
from zaloweb.sim.contents import Content, MediaFactory
from zaloweb.sim.errors import Impossible
from zaloweb.sim.event_log import EventLog
from zaloweb.sim.faults import Faults
from zaloweb.sim.friendships import Friendships
from zaloweb.sim.groups import Groups, must_be_member
from zaloweb.sim.media import MediaHost
from zaloweb.sim.message_store import MessageStore
from zaloweb.sim.messages import Message, mentions_in, reaction_type
from zaloweb.sim.qr import Phone, QrCodes
from zaloweb.sim.receipts import Receipts
from zaloweb.sim.registry import Registry
from zaloweb.sim.rules import Rules
from zaloweb.sim.sessions import Sessions
from zaloweb.sim.uploads import Uploads
from zaloweb.sim.users import Group, User
from zaloweb.transport.clock import Clock, SystemClock


class Backend:
    """What the API, the login pages and the WebSocket share.

    With `pushes_backlog` an account gets at its next connect what was written while it was not connected.
    All methods belong to one event loop.
    """

    def __init__(self, *, rules: Rules | None = None, clock: Clock | None = None) -> None:
        self.rules = rules or Rules()
        self.clock = ServerClock(clock or SystemClock())
        self.pushes_backlog = False
        self.log = EventLog(self.clock, self.rules.recorded)
        self.registry = Registry()
        self.sessions = Sessions()
        self.codes = QrCodes()
        self.connections = Connections()
        self.message_store = MessageStore(self.registry, self.connections, self.clock, self.rules.remembered)
        self.groups = Groups(self.registry, self.clock)
        self.friendships = Friendships(self.registry)
        self.receipts = Receipts(self.registry, self.clock)
        self.media = MediaHost(self.rules.media_bytes)
        self.uploads = Uploads(self.media, self.rules.chunk_bytes)
        self.media_factory = MediaFactory(self.media)
        self.background_tasks = BackgroundTasks()
        self.faults = Faults(Random(self.rules.fault_seed))  # noqa: S311 - chance that can be repeated

    @property
    def first_account(self) -> User:
        """The account that is meant if none is named."""
        return next(iter(self.registry.accounts.values()))

    def phone_of(self, account: User) -> Phone:
        """The phone of an account's owner."""
        return Phone(account, self.codes, self.log)

    async def send(
        self,
        sender: User,
        what: str | Content,
        *,
        to: User | None = None,
        group: Group | None = None,
        mentions: Sequence[User] = (),
        quote: Message | None = None,
        ttl_ms: int = 0,
    ) -> Message:
        """Let a user write or send something into a group, to another user, or to the first account.

        The text must name everybody in `mentions` as `@Name`. Raises `Impossible`.
        """
        if group is not None:
            must_be_member(group, sender)
        receiver = group.gid if group else (to or self.first_account).uid
        if receiver == sender.uid:
            raise Impossible("nobody writes to themselves: say to whom, or in which group")
        content = Content("webchat", what) if isinstance(what, str) else what
        message = self.message_store.accept(
            sender,
            receiver,
            content.body,
            in_group=group is not None,
            msg_type=content.msg_type,
            ttl_ms=ttl_ms,
            mentions=mentions_in(content.text, mentions),
            quote=quote.as_quote() if quote else None,
            extra=content.extra,
        )
        await self.message_store.deliver(message)
        return message

    async def send_album(
        self, sender: User, photos: Sequence[Content], *, to: User | None = None, group: Group | None = None
    ) -> list[Message]:
        """Let a user send pictures as one album: one message for each, with a common album id."""
        album = str(self.clock.now_ms())
        pictures = [photo.in_album(album, place, len(photos)) for place, photo in enumerate(photos)]
        return [await self.send(sender, picture, to=to, group=group) for picture in pictures]

    async def react(self, person: User, message: Message, icon: str, type_: int | None = None) -> None:
        """Let a user react; an empty icon removes the reaction. Common icons need no `type_`."""
        number = reaction_type(icon) if type_ is None else type_
        await self.connections.push(self.message_store.react(person, message, icon, number)[1])

    async def undo(self, person: User, message: Message) -> None:
        """Let a user undo a message of their own."""
        if message.sender is not person:
            raise Impossible(f"{person.name} did not write this message: {message.sender.name} did")
        await self.message_store.deliver(self.message_store.undo(message))

    async def delete(self, account: User, messages: Sequence[Message], *, whole: bool = False) -> None:
        """Let an account's owner delete messages of one thread on their own side.

        With `whole` everything before them goes, too.
        """
        if len({(message.in_group, message.other_side(account)) for message in messages}) != 1:
            raise Impossible("messages of one thread are deleted together")
        if any(account not in self.message_store.readers(message) for message in messages):
            raise Impossible(f"{account.name} cannot read these messages")
        store = self.message_store
        await store.deliver(store.delete_for(account, messages, whole=whole), account)

    async def close(self) -> None:
        """End all waits and background tasks, cut the connections, drop the files."""
        await self.background_tasks.close()
        self.codes.close()
        self.log.close()
        await self.connections.close()
        self.media.close()
