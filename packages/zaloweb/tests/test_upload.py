"""Sending files: in pieces, announced over the socket early or late, within limits, and what can go wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from packages.zaloweb.tests.live_account import hearing, logged_in, until

from vectors_harness.watched_clock import WatchedClock
from zaloweb import (
    ApiError,
    Attachment,
    InvalidRequest,
    Mention,
    Message,
    NoAnswer,
    NotPrepared,
    PartlySent,
    Settings,
    SystemClock,
    Thread,
    ThreadKind,
    UploadedFile,
    UploadedImage,
    Zalo,
)
from zaloweb.events import File, Photo
from zaloweb.media.upload import ANNOUNCED_S
from zaloweb.sim.event_log import Sent, Uploaded
from zaloweb.sim.faults import Error, FileDone, Reset
from zaloweb.sim.people import Person
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World

CHUNK = 1000
PICTURE = bytes.fromhex("89504e470d0a1a0a0000000d49484452000002800000") + b"\x01\xe0" + bytes(3000)
DATA = bytes(range(256)) * 20


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(World(rules=Rules(chunk_bytes=CHUNK, upload_seconds=0))) as simulator:
        yield simulator


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock(SystemClock().now_ms())


@pytest.fixture
async def zalo(sim: Simulator, clock: WatchedClock) -> AsyncIterator[Zalo]:
    session = await logged_in(sim)
    async with Zalo(session, network=sim.network, clock=clock, random=Random(1)) as client:
        yield client


@pytest.fixture
def friend(sim: Simulator) -> Person:
    return sim.world.person("Trần Thị Lan")


@pytest.fixture
def lan(friend: Person) -> Thread:
    return Thread(ThreadKind.USER, friend.uid)


@pytest.fixture
def team(sim: Simulator, friend: Person) -> Thread:
    return Thread(ThreadKind.GROUP, sim.world.group("Nhóm", [friend]).gid)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "báo cáo.pdf"
    path.write_bytes(DATA)
    return path


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sent(sim: Simulator) -> list[Sent]:
    return [one for one in sim.world.log.since() if isinstance(one, Sent)]


# What arrives


async def test_a_picture_needs_no_connection_and_tells_its_size(
    sim: Simulator, zalo: Zalo, lan: Thread
) -> None:
    picture = Attachment(PICTURE, "ảnh.PNG")
    told = await zalo.send_image(lan, picture, client_id=1700000000001, caption="đẹp không?")
    arrived = await sim.world.next_sent()
    assert (arrived.msg_id, arrived.client_id) == (told.msg_id, told.cli_msg_id)
    assert (arrived.text, arrived.size) == ("đẹp không?", len(PICTURE))
    assert (arrived.params["width"], arrived.params["height"]) == (640, 480)
    assert (await sim.world.arrived(Uploaded)).md5 == md5(PICTURE)


async def test_a_caption_in_a_group_may_name_somebody(sim: Simulator, zalo: Zalo, team: Thread) -> None:
    named = Mention("8200000000000000102", 2, 4)
    await zalo.send_image(
        team, Attachment(PICTURE, "a.png"), client_id=1, caption="👋 @Lan", mentions=[named]
    )
    assert [one["pos"] for one in (await sim.world.next_sent()).mentions] == [3]


async def test_a_file_is_sent_from_disk_in_pieces(
    sim: Simulator, zalo: Zalo, lan: Thread, report: Path
) -> None:
    async with hearing(zalo) as events:
        told = await zalo.send_file(lan, report, client_id=1700000000001)
        echo = await until(Message, events)
    uploaded = await sim.world.arrived(Uploaded)
    assert (uploaded.name, uploaded.size, uploaded.chunks) == (report.name, len(DATA), 6)
    assert uploaded.md5 == md5(DATA)
    assert isinstance(echo.content, File)
    assert (echo.msg_id, echo.cli_msg_id) == (told.msg_id, told.cli_msg_id)
    assert (echo.content.title, echo.content.checksum) == (report.name, md5(DATA))


async def test_an_album_arrives_in_its_order_as_one(sim: Simulator, zalo: Zalo, team: Thread) -> None:
    pictures = [Attachment(PICTURE + bytes([number]), f"{number}.jpg", 6, 4) for number in range(5)]
    async with hearing(zalo) as events:
        told = await zalo.send_album(team, pictures, client_id=1700000000001)
        echoes = [await until(Message, events) for _ in pictures]
    assert [echo.msg_id for echo in echoes] == [one.msg_id for one in told]
    assert len({echo.content.album_id for echo in echoes if isinstance(echo.content, Photo)}) == 1
    assert [one.cli_msg_id for one in told] == [str(1700000000001 + number) for number in range(5)]
    assert [one.params["idInGroup"] for one in sent(sim)] == list(range(5))


async def test_a_gif_goes_in_one_piece_after_its_still_picture(
    sim: Simulator, zalo: Zalo, team: Thread
) -> None:
    gif = Attachment(b"GIF89a" + bytes(3000), "vui.GIF", 120, 90)
    await zalo.send_gif(team, gif, client_id=1)
    arrived = await sim.world.next_sent()
    assert (arrived.msg_type, arrived.size) == ("chat.gif", 3006)


async def test_files_can_be_brought_first_and_shown_later(
    sim: Simulator, zalo: Zalo, lan: Thread, report: Path
) -> None:
    async with hearing(zalo):
        files = await zalo.upload(lan, [Attachment(PICTURE, "a.png"), report], client_id=1700000000001)
    picture, document = files
    assert isinstance(picture, UploadedImage)
    assert isinstance(document, UploadedFile)
    assert (document.checksum, document.extension) == (md5(DATA), "pdf")
    assert sent(sim) == []
    told = await zalo.send_uploaded(lan, files, client_id=1700000000001)
    assert [one.msg_id for one in sent(sim)] == [one.msg_id for one in told]


async def test_a_caption_goes_with_one_picture_only(sim: Simulator, zalo: Zalo, lan: Thread) -> None:
    picture = Attachment(PICTURE, "a.png")
    uploaded = await zalo.upload(lan, [picture, picture], client_id=1)
    with pytest.raises(InvalidRequest, match="send the text before"):
        await zalo.send_uploaded(lan, uploaded, client_id=1, caption="đẹp")
    await zalo.send_uploaded(lan, uploaded[:1], client_id=1, caption="đẹp")
    assert [one.text for one in sent(sim)] == ["đẹp"]


async def test_progress_counts_all_bytes_of_all_files(zalo: Zalo, lan: Thread) -> None:
    seen: list[tuple[int, int]] = []
    pictures = [Attachment(PICTURE, "a.png"), Attachment(PICTURE, "b.png")]
    await zalo.send_album(lan, pictures, client_id=1, progress=lambda *told: seen.append(told))
    total = 2 * len(PICTURE)
    assert seen[-1] == (total, total)
    assert [out for out, _ in seen] == sorted(out for out, _ in seen)


# When the server says that a file is finished


@pytest.mark.parametrize("when", ["early", "late"])
async def test_the_announcement_may_come_before_or_after_the_answer(
    sim: Simulator, zalo: Zalo, lan: Thread, report: Path, when: str
) -> None:
    sim.world.faults.add(FileDone(when="early" if when == "early" else "late", seconds=0.05))
    async with hearing(zalo):
        await zalo.send_file(lan, report, client_id=1)
    assert (await sim.world.next_sent()).md5 == md5(DATA)


async def test_without_an_announcement_it_is_given_up_and_nobody_saw_anything(
    sim: Simulator, zalo: Zalo, clock: WatchedClock, lan: Thread, report: Path
) -> None:
    sim.world.faults.add(FileDone(when="never"))
    async with hearing(zalo):
        sending = asyncio.ensure_future(zalo.send_file(lan, report, client_id=1))
        await clock.until_asleep(ANNOUNCED_S)
        clock.advance(ANNOUNCED_S)
        with pytest.raises(NotPrepared, match="said nothing more"):
            await sending
    assert sent(sim) == []


async def test_a_file_needs_the_events_of_the_account(zalo: Zalo, lan: Thread, report: Path) -> None:
    with pytest.raises(InvalidRequest, match="take the account's events"):
        await zalo.send_file(lan, report, client_id=1)


async def test_a_file_may_be_sent_by_whoever_takes_the_events_behind_many_others(
    friend: Person, zalo: Zalo, lan: Thread, report: Path
) -> None:
    """The announcement stands behind messages that nobody takes while the file is sent."""
    async with hearing(zalo) as events:
        for number in range(100):
            await friend.says(f"tin {number}")
        assert (await until(Message, events)).text == "tin 0"
        await zalo.send_file(lan, report, client_id=1)
        heard = [(await until(Message, events)).text for _ in range(99)]
    assert heard == [f"tin {number}" for number in range(1, 100)]


# Limits


@pytest.mark.parametrize(
    ("attachment", "reason"),
    [
        (Attachment(b"x", "virus.EXE"), "virus.EXE: Zalo takes no files that end in .exe"),
        (Attachment(b"", "rỗng.txt"), "rỗng.txt: the file is empty"),
        (Attachment("/not/there.txt"), "there.txt: the file cannot be read"),
        (Attachment(bytes(2_000_000), "to.bin"), "to.bin: Zalo takes files of at most 1 MB"),
    ],
)
async def test_what_the_server_does_not_take_is_refused_before_anything_is_sent(
    sim: Simulator, lan: Thread, attachment: Attachment, reason: str
) -> None:
    session = await logged_in(sim)
    shares = {**session.settings.raw["features"]["sharefile"], "max_size_share_file_v3": 1}
    settings = Settings({"features": {"sharefile": shares}})
    before = sim.world.log.last
    async with Zalo(replace(session, settings=settings), network=sim.network) as zalo:
        with pytest.raises(InvalidRequest, match=reason):
            await zalo.upload(lan, [attachment], client_id=1)
    assert sim.world.log.since(before) == []


async def test_not_more_files_at_once_than_the_server_takes(zalo: Zalo, lan: Thread) -> None:
    most = zalo.session.settings.max_files
    with pytest.raises(InvalidRequest, match=f"between 1 and {most} files"):
        await zalo.send_album(lan, [Attachment(b"x", "a.png")] * (most + 1), client_id=1)
    with pytest.raises(InvalidRequest, match="not 0"):
        await zalo.send_album(lan, [], client_id=1)


async def test_a_file_is_not_sent_as_something_else(zalo: Zalo, lan: Thread) -> None:
    with pytest.raises(InvalidRequest, match="does not take this for image"):
        await zalo.send_image(lan, Attachment(b"x", "a.pdf"), client_id=1)
    with pytest.raises(InvalidRequest, match="does not take this for gif"):
        await zalo.send_gif(lan, Attachment(b"x", "a.png"), client_id=1)


def test_bytes_need_a_name() -> None:
    with pytest.raises(InvalidRequest, match="need a name"):
        Attachment(b"x")


# What can go wrong


async def test_a_piece_that_was_cut_off_is_sent_again(sim: Simulator, lan: Thread) -> None:
    sim.world.faults.add(Reset(call="*/upload"))
    seen: list[int] = []
    async with Zalo(await logged_in(sim), network=sim.network) as zalo:
        picture = Attachment(PICTURE, "a.png")
        await zalo.send_image(lan, picture, client_id=1, progress=lambda out, _: seen.append(out))
    assert (await sim.world.arrived(Uploaded)).md5 == md5(PICTURE)
    assert seen[-1] == len(PICTURE)


async def test_an_upload_that_fails_leaves_no_doubt_that_nothing_was_sent(
    sim: Simulator, zalo: Zalo, lan: Thread
) -> None:
    sim.world.faults.add(Reset(call="*/upload", times=None))
    async with Zalo(zalo.session, network=sim.network, attempts=1) as impatient:
        with pytest.raises(NotPrepared):
            await impatient.send_image(lan, Attachment(PICTURE, "a.png"), client_id=1)
    assert sent(sim) == []


async def test_a_refused_upload_says_what_zalo_said(sim: Simulator, zalo: Zalo, lan: Thread) -> None:
    sim.world.faults.add(Error(call="*/upload", code=221, message="Vượt quá số request cho phép"))
    with pytest.raises(ApiError, match="Vượt quá"):
        await zalo.send_image(lan, Attachment(PICTURE, "a.png"), client_id=1)


async def test_when_the_first_message_fails_its_own_error_is_raised(
    sim: Simulator, zalo: Zalo, lan: Thread
) -> None:
    pictures = [Attachment(PICTURE + bytes([number]), f"{number}.jpg", 6, 4) for number in range(3)]
    sim.world.faults.add(Error(call="photo_original/send", code=112, message="Lỗi"))
    with pytest.raises(ApiError, match="Lỗi"):
        await zalo.send_album(lan, pictures, client_id=2)
    assert sent(sim) == []


async def test_of_several_messages_it_is_known_which_were_sent(
    sim: Simulator, zalo: Zalo, lan: Thread
) -> None:
    files = [Attachment(b"GIF89a", "vui.gif", 6, 4), Attachment(PICTURE, "a.png")]
    uploaded = await zalo.upload(lan, files, client_id=1)
    sim.world.faults.add(Reset(call="message/gif"))
    with pytest.raises(PartlySent, match="1 of 2 were sent") as caught:
        await zalo.send_uploaded(lan, uploaded, client_id=1)
    assert isinstance(caught.value.cause, NoAnswer)
    assert [one.msg_id for one in sent(sim)] == list(caught.value.msg_ids)


async def test_a_file_that_shrinks_while_it_is_sent_is_not_sent(
    sim: Simulator, zalo: Zalo, lan: Thread, tmp_path: Path
) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(PICTURE)

    def shrink(out: int, _: int) -> None:
        if out:
            picture.write_bytes(b"")

    async with Zalo(zalo.session, network=sim.network, attempts=1) as client:
        with pytest.raises(NotPrepared):
            await client.send_image(lan, picture, client_id=1, progress=shrink)
    assert sent(sim) == []
