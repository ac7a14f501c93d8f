"""The people and groups of a world, as handles that read like a story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zaloweb.sim.messages import Message
    from zaloweb.sim.world import World


@dataclass(eq=False)
class Person:
    """Somebody on Zalo. `friend_of` holds the uids of the accounts this person is a friend of."""

    uid: str
    name: str
    world: World = field(repr=False)
    friend_of: set[str] = field(default_factory=set, repr=False)

    async def says(
        self,
        text: str,
        *,
        to: Person | None = None,
        group: Group | None = None,
        mentions: Sequence[Person] = (),
        quote: Message | None = None,
    ) -> Message:
        """Write a text: to the world's first account, to somebody else, or into a group.

        Whoever is mentioned must stand in the text as `@Name`. When this returns, the message is on the wire
        of every connected account that may read it; the others can ask for it later.
        """
        return await self.world.tell(self, text, to=to, group=group, mentions=mentions, quote=quote)


@dataclass(eq=False)
class Group:
    """A group thread; the first member made it."""

    gid: str
    name: str
    members: dict[str, Person] = field(repr=False)
    created_ms: int = 0

    @property
    def creator(self) -> Person:
        """Who made the group."""
        return next(iter(self.members.values()))
