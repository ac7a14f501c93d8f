"""What an account can do to one person or one group; made by `Zalo.person` and `Zalo.group`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from zaloweb.attachments import Attachment, Opened
from zaloweb.caller import Caller
from zaloweb.calls import friends, groups, leading
from zaloweb.calls.friends import LastOnline
from zaloweb.events import ThreadKind, Undecodable
from zaloweb.events.messages import Item, read_message
from zaloweb.frames import Cmd
from zaloweb.models import Malformed

_USUAL_SIDE = 1080


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The last messages of a group in the server's order, and whether there are more before them."""

    items: tuple[Item | Undecodable, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class PersonHandle:
    """One person."""

    id: str
    _caller: Caller

    async def accept(self) -> None:
        """Accept their friend request."""
        await self._caller.call(friends.accept(self.id, language=self._caller.language))

    async def block(self) -> None:
        """Take no more messages from them."""
        await self._caller.call(friends.block(self.id, imei=self._caller.imei))

    async def unblock(self) -> None:
        """Take messages from them again."""
        await self._caller.call(friends.unblock(self.id, imei=self._caller.imei))

    async def last_online(self) -> LastOnline:
        """When they were last online, as far as they show it."""
        return await self._caller.call(friends.last_online(self.id, imei=self._caller.imei))


@dataclass(frozen=True, slots=True)
class GroupHandle:
    """One group."""

    id: str
    _caller: Caller

    async def rename(self, name: str) -> None:
        """Give it a name; an empty one becomes the time."""
        caller = self._caller
        await caller.call(leading.rename(self.id, name, now_ms=caller.now_ms, imei=caller.imei))

    async def set_avatar(self, picture: Attachment) -> None:
        """Give it a picture, a JPEG. Raises `InvalidRequest` when the file cannot be read."""
        file = await Opened.of(picture)
        width, height = await file.dimensions()
        call = leading.set_avatar(
            self.id,
            file.slice(0, file.size, _nobody),
            width or _USUAL_SIDE,
            height or _USUAL_SIDE,
            now_ms=self._caller.now_ms,
            imei=self._caller.imei,
        )
        await self._caller.call(call)

    async def add(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Take people into it; returns the ids of those who could not be."""
        call = leading.add(self.id, ids, language=self._caller.language, imei=self._caller.imei)
        return (await self._caller.call(call)).failed

    async def remove(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Put people out of it; returns the ids of those who could not be."""
        return (await self._caller.call(leading.remove(self.id, ids, imei=self._caller.imei))).failed

    async def leave(self, *, silent: bool = False) -> None:
        """Leave it, if `silent` without a notice to the others. Raises `NotInGroup`."""
        caller = self._caller
        await caller.call(leading.leave(self.id, silent=silent, language=caller.language, imei=caller.imei))

    async def history(self, count: int = 50) -> HistoryPage:
        """Its last messages. Users report that Zalo has answered this with HTTP 404 since June 2026."""
        told = groups.opened(await self._caller.call(groups.history(self.id, count=count)))
        return HistoryPage(tuple(map(self._item, told.group_msgs)), bool(told.more))

    def _item(self, raw: msgspec.Raw) -> Item | Undecodable:
        try:
            return read_message(raw, ThreadKind.GROUP, self._caller.session.uid)
        except Malformed as error:
            return Undecodable(str(error), Cmd.GROUP_MESSAGES, bytes(raw))


def _nobody(_sent: int) -> None:
    """Nobody counts the bytes of a picture."""
