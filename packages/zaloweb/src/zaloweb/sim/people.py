"""The people and groups of a world, as handles that read like a story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zaloweb.sim.accounts import Account
    from zaloweb.sim.contents import Content
    from zaloweb.sim.messages import Message
    from zaloweb.sim.world import World

_PERSONAL_DIGITS = 10**8


@dataclass(eq=False)
class Person:
    """Somebody on Zalo. `friend_of` holds the uids of the accounts this person is a friend of.

    When one of these steps returns, its pushes are on the wire of every connected account they concern.
    """

    uid: str
    name: str
    world: World = field(repr=False)
    friend_of: set[str] = field(default_factory=set, repr=False)
    online: bool = field(default=True, repr=False)
    status: str = field(default="", repr=False)
    last_online_ms: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.last_online_ms = self.last_online_ms or self.world.clock.now_ms()

    @property
    def number(self) -> str:
        """The telephone number, with the country's code and without a plus."""
        return f"849{int(self.uid) % _PERSONAL_DIGITS:08}"

    async def says(
        self,
        what: str | Content,
        *,
        to: Person | None = None,
        group: Group | None = None,
        mentions: Sequence[Person] = (),
        quote: Message | None = None,
        ttl_ms: int = 0,
    ) -> Message:
        """Write a text or send something: to the world's first account, to somebody else, or into a group.

        Whoever is mentioned must stand in the text as `@Name`. Who is not connected can ask for it later.
        """
        return await self.world.tell(
            self, what, to=to, group=group, mentions=mentions, quote=quote, ttl_ms=ttl_ms
        )

    async def sends_album(
        self, photos: Sequence[Content], *, to: Person | None = None, group: Group | None = None
    ) -> list[Message]:
        """Send these pictures as one album: a message each, which name the same album."""
        album = str(self.world.clock.now_ms())
        pictures = [photo.in_album(album, place, len(photos)) for place, photo in enumerate(photos)]
        return [await self.says(picture, to=to, group=group) for picture in pictures]

    async def reacts(self, message: Message, icon: str = "/-heart", kind: int | None = None) -> None:
        """React to a message; an empty icon takes it back. `kind` is the number that goes with the icon."""
        await self.world.react(self, message, icon, kind)

    async def undoes(self, message: Message) -> None:
        """Take back a message of one's own."""
        await self.world.undo(self, message)

    async def types(self, *, to: Person | None = None, group: Group | None = None) -> None:
        """Be seen typing. In a group of two nobody is told, as on the real servers."""
        if group is not None:
            await self.world.receipts.type_in(self, group)
        else:
            await self.world.receipts.type_to(self, to or self.world.me)

    async def receives(self, *messages: Message) -> None:
        """Have the messages arrive on one's phone: their senders are told."""
        await self.world.receipts.receive(self, messages, seen=False)

    async def sees(self, *messages: Message) -> None:
        """Read the messages: their senders are told."""
        await self.world.receipts.receive(self, messages, seen=True)

    async def asks_friendship(self, account: Account | None = None, text: str = "Kết bạn nhé") -> None:
        """Send a friend request."""
        await self.world.friendships.ask(self, account or self.world.me, text)

    async def takes_request_back(self, account: Account | None = None) -> None:
        """Withdraw the friend request."""
        await self.world.friendships.take_back(self, account or self.world.me)

    async def befriends(self, account: Account | None = None) -> None:
        """Become a friend, as after the account's own request."""
        await self.world.friendships.make(self, account or self.world.me)

    async def unfriends(self, account: Account | None = None) -> None:
        """Stop being a friend."""
        await self.world.friendships.end(self, account or self.world.me)

    async def renames(self, group: Group, name: str) -> None:
        """Give a group another name."""
        await self.world.groups.rename(group, self, name)

    async def adds(self, other: Person, group: Group) -> None:
        """Add somebody to a group."""
        await self.world.groups.add(group, self, [other])

    async def joins(self, group: Group) -> None:
        """Join a group, as with a link."""
        await self.world.groups.add(group, self, [self])

    async def removes(self, other: Person, group: Group) -> None:
        """Remove somebody from a group."""
        await self.world.groups.remove(group, self, [other])

    async def leaves(self, group: Group) -> None:
        """Leave a group."""
        await self.world.groups.leave(group, self)


@dataclass(eq=False)
class Group:
    """A group thread; its creator made it and may remove people, whether still a member or not."""

    gid: str
    name: str
    members: dict[str, Person] = field(repr=False)
    creator: Person = field(repr=False)
    created_ms: int = 0
    version: int = 1_690_000_001
