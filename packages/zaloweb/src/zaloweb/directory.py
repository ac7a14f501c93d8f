"""Lookups of the account, people, groups and stickers, and actions on one person or group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from zaloweb.calls import account, friends, group_admin, groups, links, mute, stickers
from zaloweb.calls.account import KeepAlive, User
from zaloweb.calls.friends import ALL, LARGE_AVATAR, SMALL_AVATAR, FoundUser, LastOnline, Onlines
from zaloweb.calls.group_admin import Created
from zaloweb.calls.groups import Group, MemberProfile
from zaloweb.calls.links import Preview
from zaloweb.calls.mute import FOREVER, Mutes
from zaloweb.calls.stickers import StickerDetail
from zaloweb.errors import ApiError, NotFound, ProtocolError, SessionExpired
from zaloweb.events import Sticker, Thread, ThreadKind, Undecodable
from zaloweb.events.messages import Item, read_message
from zaloweb.live import LiveSession
from zaloweb.media.attachments import Attachment, LocalFile
from zaloweb.transport.caller import Caller
from zaloweb.wire.frames import Cmd, old_messages, old_reactions
from zaloweb.wire.models import Malformed

_USUAL_SIDE = 1080
"""Pixels, for a group picture of unknown size."""


class Directory(LiveSession):
    """The part of `Zalo` that shows nothing to others, except that it creates groups."""

    async def account_info(self) -> User:
        """The account's own profile. Raises `ProtocolError` if the answer holds none."""
        told = await self.call(account.own_profile())
        if told is None:
            raise ProtocolError("account info", "the answer holds no profile")
        return told.user

    async def keep_alive(self) -> KeepAlive:
        """Tell Zalo that the session is still in use; this keeps its cookies fresh."""
        return await self.call(account.keep_alive(self._caller.imei))

    async def friends(
        self, *, count: int = ALL, page: int = 1, avatar_size: int = SMALL_AVATAR
    ) -> list[User]:
        """All friends of the account, or one page of `count`; pages count from 1.

        `avatar_size` is in pixels, 120 or 240, for the pictures that the answer links to.
        """
        return await self.call(
            friends.all_friends(self._caller.imei, count=count, page=page, avatar_size=avatar_size)
        )

    async def friends_online(self) -> Onlines:
        """Which friends are online, and their status texts."""
        return await self.call(friends.online(self._caller.imei))

    async def user_info(self, ids: Sequence[str], *, avatar_size: int = SMALL_AVATAR) -> dict[str, User]:
        """Profiles of people, friends or not, by id; those Zalo does not know are left out."""
        phonebook = self.session.extra_ver.get("phonebook")
        language = self._caller.language
        call = friends.user_info(
            ids, phonebook=phonebook, language=language, imei=self._caller.imei, avatar_size=avatar_size
        )
        found = await self.call(call)
        return {} if found is None else found.users

    async def find_user(self, phone: str, *, avatar_size: int = LARGE_AVATAR) -> FoundUser:
        """The person with a telephone number. Raises `NotFound`. Zalo limits these lookups."""
        language = self._caller.language
        call = friends.find_user(phone, language=language, imei=self._caller.imei, avatar_size=avatar_size)
        found = await self.call(call)
        if not found.id:
            raise NotFound(None, "Zalo knows nobody with this number", call.name)
        return found

    def person(self, user_id: str) -> PersonHandle:
        """Actions on one person: accept, block, unblock … Sends nothing yet."""
        return PersonHandle(user_id, self._caller)

    async def group_ids(self) -> tuple[str, ...]:
        """The ids of all groups the account is in."""
        return (await self.call(groups.all_groups())).ids

    async def groups(self, ids: Iterable[str] | None = None) -> list[Group]:
        """The descriptions of these groups, or of all, in the given order.

        Groups that the account is not in are left out.
        """
        found: list[Group] = []
        for batch in groups.in_batches(await self.group_ids() if ids is None else ids):
            told = (await self.call(groups.group_info(batch))).grid_info_map
            found += [told[group_id] for group_id in batch if group_id in told]
        return found

    async def members_info(self, ids: Iterable[str]) -> dict[str, MemberProfile]:
        """Profiles of group members, by id; `Group.members()` gives the ids."""
        found: dict[str, MemberProfile] = {}
        for batch in groups.in_batches(ids):
            found |= (await self.call(groups.members_info(batch))).members
        return found

    async def create_group(self, name: str, members: Sequence[str]) -> Created:
        """Create a group with these people."""
        language, now_ms = self._caller.language, self._caller.now_ms
        return await self.call(
            group_admin.create(name, members, client_id=now_ms, language=language, imei=self._caller.imei)
        )

    def group(self, group_id: str) -> GroupHandle:
        """Actions on one group: rename, add, remove, leave … Sends nothing yet."""
        return GroupHandle(group_id, self._caller)

    async def mute(self, thread: Thread, seconds: int = FOREVER) -> None:
        """Mute a thread; `seconds_until_morning` is how long Zalo's own "until 8 o'clock" lasts."""
        await self.call(mute.mute(thread, seconds, now_ms=self._caller.now_ms, imei=self._caller.imei))

    async def unmute(self, thread: Thread) -> None:
        """Unmute a thread."""
        await self.call(mute.unmute(thread, now_ms=self._caller.now_ms, imei=self._caller.imei))

    async def muted(self) -> Mutes:
        """Which threads are muted."""
        return await self.call(mute.muted(self._caller.imei))

    async def find_stickers(self, keyword: str) -> tuple[Sticker, ...]:
        """Stickers for a word or an emoji, the best first."""
        return (await self.call(stickers.suggest(keyword, imei=self._caller.imei))).stickers

    async def stickers(self, ids: Iterable[int]) -> list[StickerDetail]:
        """Details of stickers, in the given order; those Zalo does not know are left out."""
        found = []
        for sticker_id in ids:
            try:
                told = await self.call(stickers.detail(sticker_id))
            except SessionExpired:
                raise
            except ApiError:
                continue
            if told is not None:
                found.append(told)
        return found

    async def parse_link(self, link: str) -> Preview:
        """The preview of a link. Zalo fetches the page, so its owner sees a visit."""
        return (await self.call(links.parse_link(link, imei=self._caller.imei))).data

    async def request_old_messages(self, kind: ThreadKind, before: str | None = None) -> None:
        """Request messages missed since the login over the socket; they come as `OldMessages`.

        `before` is a message id; without one the latest come. Raises `BeforeSending` without a connection.
        """
        group = kind is ThreadKind.GROUP
        await self._listener.request(lambda n: old_messages(group=group, request_number=n, last_id=before))

    async def request_old_reactions(self, kind: ThreadKind, before: str | None = None) -> None:
        """Request missed reactions in the same way; they come as `OldReactions`."""
        group = kind is ThreadKind.GROUP
        await self._listener.request(lambda n: old_reactions(group=group, request_number=n, last_id=before))


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The last messages of a group in the server's order, and whether there are older ones."""

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
        """Block their messages."""
        await self._caller.call(friends.block(self.id, imei=self._caller.imei))

    async def unblock(self) -> None:
        """Allow their messages again."""
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
        """Rename it; an empty name becomes the time."""
        caller = self._caller
        await caller.call(group_admin.rename(self.id, name, now_ms=caller.now_ms, imei=caller.imei))

    async def set_avatar(self, picture: Attachment) -> None:
        """Set its picture, a JPEG. Raises `InvalidRequest` if the file cannot be read."""
        file = await LocalFile.of(picture)
        width, height = await file.dimensions()
        call = group_admin.set_avatar(
            self.id,
            file.slice(0, file.size),
            width or _USUAL_SIDE,
            height or _USUAL_SIDE,
            now_ms=self._caller.now_ms,
            imei=self._caller.imei,
        )
        await self._caller.call(call)

    async def add(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Add people; returns the ids of those who could not be added."""
        call = group_admin.add(self.id, ids, language=self._caller.language, imei=self._caller.imei)
        return (await self._caller.call(call)).failed

    async def remove(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Remove people; returns the ids of those who could not be removed."""
        return (await self._caller.call(group_admin.remove(self.id, ids, imei=self._caller.imei))).failed

    async def leave(self, *, silent: bool = False) -> None:
        """Leave it; `silent` leaves out the notice to the others. Raises `NotInGroup`."""
        caller = self._caller
        await caller.call(
            group_admin.leave(self.id, silent=silent, language=caller.language, imei=caller.imei)
        )

    async def history(self, count: int = 50) -> HistoryPage:
        """Its last messages. Users report that Zalo has answered this with HTTP 404 since June 2026."""
        told = groups.opened(await self._caller.call(groups.history(self.id, count=count)))
        return HistoryPage(tuple(map(self._item, told.group_msgs)), bool(told.more))

    def _item(self, raw: msgspec.Raw) -> Item | Undecodable:
        try:
            return read_message(raw, ThreadKind.GROUP, self._caller.session.uid)
        except Malformed as error:
            return Undecodable(str(error), Cmd.GROUP_MESSAGES, bytes(raw))
