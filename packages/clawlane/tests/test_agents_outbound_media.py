"""What an agent may attach: files of its own folder, and nothing that only looks like one."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packages.clawlane.tests.opened_store import LANE, opened_store
from packages.clawlane.tests.outside_world import plain, world_of

from clawlane.agents import outbound_media
from clawlane.agents.contract import Lane
from clawlane.agents.outbound_media import MOST_FILES, NotAttached, OutboundMedia
from clawlane.channel import Account
from clawlane.messages import MediaKind, Reply, ReplyFile

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


class Desk:
    """An agent's folder, the folder for private copies, and a lane."""

    def __init__(self, root: Path, lane: Lane) -> None:
        self.own = root / "agents" / "main"
        self.own.mkdir(parents=True)
        self.out = root / "outgoing"
        self.lane = lane
        self.media = OutboundMedia(lambda account: self.out / account.replace("/", "%2F"))

    def put(self, name: str, content: bytes = PNG) -> Path:
        path = self.own / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    async def attach(self, *media: str) -> Reply:
        return await self.media.attach(Reply("đây", media=media), self.own, self.lane)

    async def refused(self, written: str) -> str:
        with pytest.raises(NotAttached) as raised:
            await self.media.file(written, self.own, self.lane)
        return str(raised.value)

    def copies(self) -> list[Path]:
        return [path for path in self.out.rglob("*") if path.is_file()]


def content(file: ReplyFile) -> bytes:
    return Path(file.path).read_bytes()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_store(tmp_path) as (_, account_store):
        settings = SimpleNamespace(media_max_mb=0.001)
        account = Account("zalouser", "default", "default", settings)
        channel: Any = object()
        yield Desk(tmp_path, Lane(account, account_store, channel, 1, 1))


async def test_a_file_is_copied_for_its_owner_alone(desk: Desk) -> None:
    source = desk.put("mèo con.png")
    for written in ("mèo con.png", "./mèo con.png", str(source)):
        [file] = (await desk.attach(written)).files
        assert (file.kind, file.name) == (MediaKind.PHOTO, "mèo con.png")
        assert content(file) == PNG
    modes = [path.stat().st_mode & 0o777 for path in (desk.copies()[0], desk.copies()[0].parent)]
    assert modes == [0o600, 0o700]
    assert desk.copies()[0].parent.name == LANE.replace("/", "%2F")
    assert len({path.name for path in desk.copies()}) == 3, "each answer has a copy of its own"
    assert len({path.name.partition("-")[0] for path in desk.copies()}) == 1, "named by what is in it"


async def test_a_folder_that_is_a_link_itself_is_the_operators_choice(desk: Desk, tmp_path: Path) -> None:
    desk.put("a.png")
    (tmp_path / "lối").symlink_to(desk.own)
    file = await desk.media.file("a.png", tmp_path / "lối", desk.lane)
    assert file.name == "a.png"
    assert (await desk.media.file(str(desk.own / "a.png"), tmp_path / "lối", desk.lane)).name == "a.png"


@pytest.mark.parametrize(
    "written",
    [
        "../secret.png",
        "sub/../../secret.png",
        "{root}/secret.png",
        "{own}/../../secret.png",
        "link.png",
        "linked/secret.png",
        "sub",
        ".",
        "",
        "pipe",
        "none.png",
        "a.png/x",
        "~/secret.png",
        "a\0.png",
        "\ud83d.png",
        "{own}/\ud83d/a.png",
        "file://{root}/secret.png",
        "FILE:{root}/secret.png",
        "data:image/png;base64,aaaa",
        "http://a.vn/a.png",
        "ftp://a.vn/a.png",
        "javascript:1",
        "https:a.png",
        "https://127.0.0.1/a.png",
    ],
)
async def test_nothing_else_is_attached(desk: Desk, tmp_path: Path, written: str) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    desk.put("a.png")
    (desk.own / "sub").mkdir()
    (desk.own / "link.png").symlink_to(tmp_path / "secret.png")
    (desk.own / "linked").symlink_to(tmp_path)
    os.mkfifo(desk.own / "pipe")
    told = await desk.refused(written.format(root=tmp_path, own=desk.own))
    assert "secret" not in told
    assert desk.copies() == []


async def test_a_swap_after_the_check_gains_nothing(desk: Desk, tmp_path: Path) -> None:
    """Somebody swaps a file for a link to a secret, over and over: a copy is always of the file."""
    (tmp_path / "secret.png").write_bytes(PNG + b"secret")
    desk.put("a.png")
    link = desk.own / "link.png"
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            link.symlink_to(tmp_path / "secret.png")
            link.replace(desk.own / "a.png")
            (desk.own / "new.png").write_bytes(PNG)
            (desk.own / "new.png").replace(desk.own / "a.png")

    swapping = asyncio.create_task(asyncio.to_thread(swap))
    try:
        for _ in range(200):
            reply = await desk.attach("a.png")
            for file in reply.files:
                assert content(file) == PNG
    finally:
        stop.set()
        await swapping


@pytest.mark.parametrize(
    ("content", "words"),
    [(PNG + bytes(2000), "more than"), (b"", "empty")],
)
async def test_content_that_is_not_sent(desk: Desk, content: bytes, words: str) -> None:
    desk.put("a.png", content)
    assert words in await desk.refused("a.png")
    assert desk.copies() == []


async def test_what_is_left_out_is_noted_and_the_rest_stays(desk: Desk) -> None:
    desk.put("a.png")
    reply = await desk.attach("none.png", "a.png", "../x", "../y")
    assert reply.text == "đây"
    assert [file.name for file in reply.files] == ["a.png"]
    assert reply.note.startswith("3 attachments were left out: ")
    assert reply.note.count("leads out") == 1


async def test_an_agent_that_fetches_nothing_still_sends_its_files(desk: Desk) -> None:
    async def resolve(_host: str) -> list[str]:
        raise AssertionError("nobody may hear of it")

    desk.put("a.png")
    desk.media.network = outbound_media.Network(resolve)
    reply = Reply("đây", media=("https://a.vn/?secret", "a.png"))
    attached = await desk.media.attach(reply, desk.own, desk.lane, fetch=False)
    assert [file.name for file in attached.files] == ["a.png"]
    assert attached.note == "an attachment was left out: this agent fetches no addresses (`fetchUrls`)"


async def test_an_answer_has_at_most_so_many_files(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.put("a.png")
    reply = await desk.attach(*["a.png"] * (MOST_FILES + 2000))
    assert len(reply.files) == MOST_FILES
    assert reply.note == "2000 attachments were left out: more than 10 in one answer"
    assert len(caplog.records) == 1


async def test_a_cancelled_answer_leaves_nothing_behind(desk: Desk) -> None:
    desk.put("a.png")
    reached = asyncio.Event()

    async def hang(_host: str) -> list[str]:
        reached.set()
        await asyncio.Event().wait()
        return []

    desk.media.network = outbound_media.Network(hang)
    attaching = asyncio.create_task(desk.attach("a.png", "https://a.vn/b.png"))
    await reached.wait()
    assert len(desk.copies()) == 1
    attaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attaching
    assert desk.copies() == []


@pytest.mark.parametrize(
    ("name", "content", "kind", "shown"),
    [
        ("a.exe", JPEG, MediaKind.PHOTO, "a.jpg"),
        ("a", JPEG, MediaKind.PHOTO, "a.jpg"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", MediaKind.PHOTO, "a.webp"),
        ("a.mp4", b"GIF89a;", MediaKind.PHOTO, "a.gif"),
        ("a.mov", b"\0\0\0\x20ftypmp42\0", MediaKind.VIDEO, "a.mp4"),
        ("a.mp3", b"\0\0\0\x20ftypM4A \0", MediaKind.VOICE, "a.m4a"),
        ("a.txt", b"ID3\x04\0", MediaKind.VOICE, "a.mp3"),
        ("a.bin", b"\xff\xfb\x90\x64", MediaKind.VOICE, "a.mp3"),
        ("a.bin", b"\xff\xf1\x50\x80", MediaKind.VOICE, "a.aac"),
        ("a.ogg", b"OggS\0", MediaKind.FILE, "a.ogg"),
        ("a.png", b"not a picture", MediaKind.FILE, "a.txt"),
        ("a.JPEG", b"\0\1", MediaKind.FILE, "a.bin"),
        ("a.html", b"<!doctype html>", MediaKind.FILE, "a.html"),
        ("a.PDF", b"%PDF-1.7", MediaKind.FILE, "a.PDF"),
        ("readme", b"xin", MediaKind.FILE, "readme.txt"),
        (".ẩn", b"xin", MediaKind.FILE, "ẩn.txt"),
        ("a\u202egnp.exe", b"MZ", MediaKind.FILE, "agnp.exe"),
    ],
)
async def test_the_content_decides_how_a_file_is_shown(
    desk: Desk, name: str, content: bytes, kind: MediaKind, shown: str
) -> None:
    desk.put(name, content)
    file = await desk.media.file(name, desk.own, desk.lane)
    assert (file.kind, file.name) == (kind, shown)


@pytest.mark.parametrize(
    ("body", "declared"),
    [(b"<!DOCTYPE html><p>log in", "image/png"), (PNG, "text/html; charset=utf-8"), (b"", "image/png")],
)
async def test_a_page_of_the_web_is_no_attachment(
    desk: Desk, tmp_path: Path, body: bytes, declared: str
) -> None:
    async with world_of(f"{tmp_path}/ca.pem") as world:
        world.handler = lambda _: plain(body, Content_Type=declared)
        desk.media.network = world.network
        told = await desk.refused("https://a.vn/mèo.png?k=s3cret")
    assert "page" in told or "empty" in told
    assert "s3cret" not in told
    assert desk.copies() == []


async def test_a_fetched_file_has_the_name_of_its_address_and_the_kind_of_its_content(
    desk: Desk, tmp_path: Path
) -> None:
    async with world_of(f"{tmp_path}/ca.pem") as world:
        world.handler = lambda _: plain(JPEG, Content_Type="application/pdf")
        desk.media.network = world.network
        reply = await desk.attach(
            "https://a.vn/x/m%C3%A8o.pdf?k=1", "HTTPS://a.vn/", "https://a.vn/%2e%2e%2fx"
        )
    assert [(file.kind, file.name) for file in reply.files] == [
        (MediaKind.PHOTO, "mèo.jpg"),
        (MediaKind.PHOTO, "file.jpg"),
        (MediaKind.PHOTO, "x.jpg"),
    ]
    assert reply.note == ""
