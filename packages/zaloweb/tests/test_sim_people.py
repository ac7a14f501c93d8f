"""What people do, as our own decoder hears it: every kind of content, and everything beside messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from packages.zaloweb.tests.sim_client import Bare, BareSocket, cookies_of

from zaloweb.events import (
    Contact,
    Content,
    DeletedMessage,
    Deletion,
    Delivered,
    Event,
    File,
    FriendEvent,
    FriendEventKind,
    Gif,
    GroupEvent,
    GroupEventKind,
    Link,
    Location,
    Message,
    Notice,
    Photo,
    Poll,
    Reaction,
    Seen,
    Sticker,
    Thread,
    ThreadKind,
    Todo,
    Typing,
    Undo,
    UnreadCleared,
    Video,
    Voice,
)
from zaloweb.events.decoder import Decoder
from zaloweb.sim import contents
from zaloweb.sim.errors import Impossible
from zaloweb.sim.people import Person
from zaloweb.sim.server import Simulator


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[Bare]:
    async with Bare(sim, cookies_of(sim.world)) as bare:
        yield bare


class Ear:
    """The first account's socket with our decoder behind it."""

    def __init__(self, socket: BareSocket, own_id: str) -> None:
        self._socket = socket
        self._decoder = Decoder(own_id, socket.key)
        self._heard: list[Event] = []

    async def hears(self) -> Event:
        while not self._heard:
            self._heard = self._decoder.decode(await self._socket.raw.receive_bytes(timeout=10))
        return self._heard.pop(0)


@pytest.fixture
async def ear(sim: Simulator, client: Bare) -> Ear:
    return Ear(await client.connect(), sim.world.me.uid)


@pytest.fixture
def lan(sim: Simulator) -> Person:
    return sim.world.person("Trần Thị Lan")


async def content(ear: Ear) -> Content:
    heard = await ear.hears()
    assert isinstance(heard, Message)
    return heard.content


async def test_what_has_a_file_can_be_downloaded(sim: Simulator, client: Bare, ear: Ear, lan: Person) -> None:
    factory = sim.world.media_factory
    for what, kind in (
        (factory.photo("đẹp", data=b"photo"), Photo),
        (factory.gif(data=b"gif"), Gif),
        (factory.video(data=b"video"), Video),
        (factory.voice(data=b"voice"), Voice),
        (factory.file("báo cáo.pdf", data=b"file"), File),
    ):
        await lan.says(what)
        heard = await content(ear)
        assert isinstance(heard, kind)
        assert (await client.fetch("GET", heard.url))[::2] == (200, kind.__name__.lower().encode())
    assert (await client.fetch("GET", "https://sim-media.zdn.vn/9/none"))[0] == 404
    assert (await client.fetch("POST", heard.url))[0] == 405


async def test_a_text_that_is_passed_on_says_so(ear: Ear, lan: Person) -> None:
    for forwarded in (False, True):
        await lan.says("xem này", forwarded=forwarded)
        heard = await ear.hears()
        assert isinstance(heard, Message)
        assert (heard.text, heard.forwarded) == ("xem này", forwarded)


async def test_what_has_no_file_says_what_it_is(ear: Ear, lan: Person) -> None:
    await lan.says(contents.sticker())
    await lan.says(contents.link("https://example.com/a", "xem nhé https://example.com/a"))
    await lan.says(contents.contact(lan))
    await lan.says(contents.location(10.5, 106.25, "Bến Thành"))
    await lan.says(contents.todo("mua sữa"))
    await lan.says(contents.poll("đi đâu?"))
    assert await content(ear) == Sticker(23299, 10425, 7)
    link = await content(ear)
    assert isinstance(link, Link)
    assert (link.url, link.source) == ("https://example.com/a", "example.com")
    contact = await content(ear)
    assert isinstance(contact, Contact)
    assert (contact.title, contact.user_id, contact.phone) == (lan.name, lan.uid, lan.number)
    location = await content(ear)
    assert isinstance(location, Location)
    assert (location.latitude, location.longitude, location.title) == (10.5, 106.25, "Bến Thành")
    assert await content(ear) == Todo("mua sữa")
    poll = await content(ear)
    assert isinstance(poll, Poll)
    assert poll.text == "đi đâu?"


async def test_an_album_is_one_photo_after_the_other_with_one_name(
    sim: Simulator, ear: Ear, lan: Person
) -> None:
    await lan.sends_album([sim.world.media_factory.photo() for _ in range(3)])
    photos = [await content(ear) for _ in range(3)]
    albums = {photo.album_id for photo in photos if isinstance(photo, Photo)}
    assert len(albums) == 1
    assert albums != {""}


async def test_messages_are_reacted_to_and_taken_back(sim: Simulator, ear: Ear, lan: Person) -> None:
    mine = await sim.world.me.says("được không?", to=lan)
    theirs = await lan.says("để xem")
    await ear.hears()
    await ear.hears()
    await lan.reacts(mine, "/-strong")
    reaction = await ear.hears()
    assert isinstance(reaction, Reaction)
    assert (reaction.thread, reaction.icon) == (Thread(ThreadKind.USER, lan.uid), "/-strong")
    with pytest.raises(Impossible, match="what number goes with '/-beer' must be said"):
        await lan.reacts(mine, "/-beer")
    await lan.reacts(mine, "/-beer", 99)
    assert isinstance(await ear.hears(), Reaction)
    with pytest.raises(Impossible, match="did not write this message"):
        await lan.undoes(mine)
    await lan.undoes(theirs)
    undo = await ear.hears()
    assert isinstance(undo, Undo)
    assert undo.msg_id == theirs.msg_id


async def test_what_the_owner_deletes_is_told_as_a_list_to_the_account_alone(
    sim: Simulator, ear: Ear, lan: Person
) -> None:
    me, work = sim.world.me, sim.world.group("Nhóm Làm Việc", [lan])
    theirs, mine = await lan.says("một"), await me.says("hai", to=lan)
    in_group = await lan.says("ba", group=work)
    for _ in range(3):
        await ear.hears()
    chat, team = Thread(ThreadKind.USER, lan.uid), Thread(ThreadKind.GROUP, work.gid)
    await me.deletes(theirs, mine)
    assert await deleted(ear) == (
        DeletedMessage(chat, lan.uid, theirs.msg_id, theirs.cli_msg_id),
        DeletedMessage(chat, me.uid, mine.msg_id, mine.cli_msg_id),
    )
    await me.deletes(in_group)
    assert await deleted(ear) == (DeletedMessage(team, lan.uid, in_group.msg_id, in_group.cli_msg_id),)
    with pytest.raises(Impossible, match="of one thread"):
        await me.deletes(theirs, in_group)


async def test_clearing_a_chat_names_the_last_message_by_its_client_id(
    sim: Simulator, ear: Ear, lan: Person
) -> None:
    first, last = await lan.says("một"), await lan.says("hai")
    later = await lan.says("ba")
    for _ in range(3):
        await ear.hears()
    await sim.world.me.deletes(last, whole=True)
    (entry,) = await deleted(ear)
    assert (entry.msg_id, entry.cli_msg_id, entry.whole_thread) == ("", last.cli_msg_id, True)
    kept = sim.world.me.remembered(group=False, before=None, count=9)
    assert [first in kept, last in kept, later in kept] == [False, False, True]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (contents.call(seconds=125), "call"),
        (contents.call(), "missed call"),
        (contents.banner("Lan đã ghim tin nhắn"), "pinned message"),
        (contents.ecard("Họp"), "reminder"),
        (contents.poll("Ăn gì?", action="vote"), "poll vote"),
    ],
)
async def test_what_zalo_writes_itself_is_a_notice(ear: Ear, lan: Person, content: Any, kind: str) -> None:
    await lan.says(content)
    notice = await ear.hears()
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.actor_id) == (kind, lan.uid)


async def deleted(ear: Ear) -> tuple[DeletedMessage, ...]:
    event = await ear.hears()
    assert isinstance(event, Deletion)
    return event.entries


async def test_typing_and_reading_are_seen(sim: Simulator, ear: Ear, lan: Person) -> None:
    work = sim.world.group("Nhóm Làm Việc", [lan])
    await lan.types(group=work)  # a group of two: nobody is told
    await lan.types()
    typing = await ear.hears()
    assert isinstance(typing, Typing)
    assert typing.thread == Thread(ThreadKind.USER, lan.uid)
    await sim.world.person("Lê Văn Hùng").joins(work)
    assert isinstance(await ear.hears(), GroupEvent)
    await lan.types(group=work)
    typing = await ear.hears()
    assert isinstance(typing, Typing)
    assert typing.thread == Thread(ThreadKind.GROUP, work.gid)
    message = await sim.world.me.says("đến chưa?", group=work)
    await ear.hears()
    await lan.receives(message)
    assert isinstance(await ear.hears(), Delivered)
    await lan.sees(message)
    seen = await ear.hears()
    assert isinstance(seen, Seen)
    assert seen.user_ids == (lan.uid,)
    await sim.world.me.reads(message)
    assert await ear.hears() == UnreadCleared(Thread(ThreadKind.GROUP, work.gid), message.msg_id)


async def test_groups_change_before_everybodys_eyes(sim: Simulator, ear: Ear, lan: Person) -> None:
    work = sim.world.group("Nhóm Làm Việc", [lan])
    hung = sim.world.person("Lê Văn Hùng")
    await lan.renames(work, "Nhóm Đi Chơi")
    await lan.adds(hung, work)
    await sim.world.me.removes(hung, work)
    await lan.leaves(work)
    kinds = []
    for _ in range(4):
        heard = await ear.hears()
        assert isinstance(heard, GroupEvent)
        kinds.append((heard.kind, heard.is_self))
    assert kinds == [
        (GroupEventKind.UPDATE, False),
        (GroupEventKind.JOIN, False),
        (GroupEventKind.REMOVE_MEMBER, True),
        (GroupEventKind.LEAVE, False),
    ]
    assert sim.world.registry.find_group("Nhóm Đi Chơi").members.keys() == {sim.world.me.uid}
    with pytest.raises(Impossible, match="Trần Thị Lan is not in the group"):
        await lan.renames(work, "Nhóm Cũ")
    with pytest.raises(Impossible, match="who made the group"):
        await lan.removes(hung, work)


async def test_friendships_begin_and_end(sim: Simulator, ear: Ear) -> None:
    bao = sim.world.person("Phạm Quốc Bảo", friend=False)
    await bao.asks_friendship()
    await bao.takes_request_back()
    await bao.befriends()
    await bao.unfriends()
    kinds = []
    for _ in range(4):
        heard = await ear.hears()
        assert isinstance(heard, FriendEvent)
        kinds.append(heard.kind)
    assert kinds == [
        FriendEventKind.REQUEST,
        FriendEventKind.UNDO_REQUEST,
        FriendEventKind.ADD,
        FriendEventKind.REMOVE,
    ]
    with pytest.raises(Impossible, match="is no friend of"):
        await bao.unfriends()
