"""Everything the reference client sends, uploads included: what the world gets, what the client learns."""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from reference.reference_client import GROUP, USER, Client, Failed
from zaloweb.calls.reactions import ICONS
from zaloweb.sim.contents import Content, sticker
from zaloweb.sim.event_log import Deleted, Reacted, Sent, Undone, Uploaded
from zaloweb.sim.faults import FileDone
from zaloweb.sim.people import Person
from zaloweb.sim.registry import Group
from zaloweb.sim.server import Simulator

pytestmark = [pytest.mark.reference, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

KINDS = {USER: "user", GROUP: "group"}
CHUNK = 1024
LONG = bytes((7 * place) % 251 for place in range(3 * CHUNK + 5))
SHORT = LONG[:300]


def attachment(name: str, data: bytes, **metadata: int) -> dict[str, Any]:
    """A source as the client takes it, with its bytes."""
    return {"data": data, "filename": name, "metadata": {"totalSize": len(data), **metadata}}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def png(width: int, height: int) -> bytes:
    """A white picture of this size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress((b"\x00" + b"\xff" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def uploads(sim: Simulator, since: int) -> list[Uploaded]:
    """The files that arrived whole."""
    return [record for record in sim.world.log.since(since) if isinstance(record, Uploaded)]


def sendings(sim: Simulator, since: int) -> list[Sent]:
    """The messages that arrived."""
    return [record for record in sim.world.log.since(since) if isinstance(record, Sent)]


# Texts


async def test_a_text(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    text = 'dòng 1\n"dòng" \\ 2\t👩‍👩‍👧‍👦 🇻🇳 ❤️'
    answer = await listening.call("sendMessage", text, thread, kind)
    sent = sim.world.sent[-1]
    assert answer == {"message": {"msgId": int(sent.msg_id)}, "attachment": []}
    assert (sent.thread, sent.thread_id, sent.text) == (KINDS[kind], thread, text)
    assert sent.client_id.isdecimal()


async def test_a_text_with_everything(sim: Simulator, listening: Client, lan: Person, work: Group) -> None:
    message = {
        "msg": "👋 @Lan khẩn",
        "mentions": [{"pos": 3, "uid": lan.uid, "len": 4}],
        "styles": [{"start": 8, "len": 4, "st": "b"}, {"start": 8, "len": 4, "st": "ind_$", "indentSize": 3}],
        "ttl": 3_600_000,
        "urgency": 2,
    }
    await listening.call("sendMessage", message, work.gid, GROUP)
    sent = sim.world.sent[-1]
    assert sent.mentions == [{"pos": 3, "uid": lan.uid, "len": 4, "type": 0}]
    assert sent.styles == [{"start": 8, "len": 4, "st": "b"}, {"start": 8, "len": 4, "st": "ind_30"}]
    assert (sent.ttl_ms, sent.params["metaData"]) == (3_600_000, {"urgency": 2})


async def test_all_are_mentioned(sim: Simulator, listening: Client, work: Group) -> None:
    message = {"msg": "@All họp nhé", "mentions": [{"pos": 0, "uid": "-1", "len": 4}]}
    await listening.call("sendMessage", message, work.gid, GROUP)
    assert sim.world.sent[-1].mentions == [{"pos": 0, "uid": "-1", "len": 4, "type": 1}]


async def test_answers_to_a_text_and_to_a_picture(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str
) -> None:
    for said in ("đi không?", sim.world.media_factory.photo("ở đây"), sticker()):
        asked = await lan.says(said, group=group)
        quote = (await listening.hears_message(asked))["data"]
        await listening.call("sendMessage", {"msg": "đi chứ", "quote": quote}, thread, kind)
        sent = sim.world.sent[-1]
        assert (sent.quoted, sent.text) == (asked.msg_id, "đi chứ")
        echo = await listening.hears(
            "message", lambda event, sent=sent: event["data"]["msgId"] == sent.msg_id
        )
        assert str(echo[0]["data"]["quote"]["globalMsgId"]) == asked.msg_id


async def test_what_the_client_refuses_itself(listening: Client, lan: Person) -> None:
    with pytest.raises(Failed) as empty:
        await listening.call("sendMessage", "", lan.uid, USER)
    assert (empty.value.name, empty.value.code) == ("ZcaApiError", None)


async def test_forwarding_a_text(
    sim: Simulator, listening: Client, lan: Person, hung: Person, work: Group
) -> None:
    nobody = "8200000000000999999"
    message = {"message": "chuyển tiếp nhé", "ttl": 60_000}
    answer = await listening.call("forwardMessage", message, [lan.uid, hung.uid, nobody], USER)
    first, second = sim.world.sent[-2:]
    assert [one["msgId"] for one in answer["success"]] == [first.msg_id, second.msg_id]
    assert [one["error_code"] for one in answer["fail"]] == ["113"]
    assert (first.thread_id, second.thread_id, second.ttl_ms) == (lan.uid, hung.uid, 60_000)
    source = {"id": first.msg_id, "ts": first.at_ms, "logSrcType": 1, "fwLvl": 1}
    await listening.call("forwardMessage", {"message": "có nguồn", "reference": source}, [work.gid], GROUP)
    assert (sim.world.sent[-1].thread, sim.world.sent[-1].text) == ("group", "có nguồn")


async def test_a_link(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    link = {"link": "https://example.com/a", "msg": "xem này", "ttl": 60_000}
    answer = await listening.call("sendLink", link, thread, kind)
    sent = sim.world.sent[-1]
    assert answer == {"msgId": sent.msg_id}
    assert (sent.thread_id, sent.msg_type, sent.url) == (thread, "chat.recommended", "https://example.com/a")
    assert (sent.text, sent.ttl_ms) == ("xem này https://example.com/a", 60_000)


async def test_a_sticker(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    (found,) = await listening.call("getStickersDetail", 23299)
    answer = await listening.call("sendSticker", found, thread, kind)
    sent = sim.world.sent[-1]
    assert answer == {"msgId": int(sent.msg_id)}
    assert (sent.thread_id, sent.msg_type, sent.params["stickerId"]) == (thread, "chat.sticker", 23299)


# Pictures and files


async def test_a_picture_with_a_caption(
    sim: Simulator, listening: Client, kind: int, thread: str, since: int
) -> None:
    source = attachment("ảnh đẹp.jpg", LONG, width=640, height=480)
    answer = await listening.call("sendMessage", {"msg": "ảnh này 📷", "attachments": [source]}, thread, kind)
    (uploaded,), sent = uploads(sim, since), sim.world.sent[-1]
    assert answer == {"message": None, "attachment": [{"msgId": int(sent.msg_id)}]}
    assert (uploaded.name, uploaded.chunks, uploaded.md5) == ("ảnh đẹp.jpg", 4, md5(LONG))
    assert (sent.thread_id, sent.msg_type, sent.text) == (thread, "chat.photo", "ảnh này 📷")
    assert (sent.size, sent.md5) == (len(LONG), md5(LONG))
    assert (sent.params["width"], sent.params["height"]) == (640, 480)


async def test_a_caption_that_mentions(sim: Simulator, listening: Client, lan: Person, work: Group) -> None:
    source = attachment("a.png", SHORT, width=1, height=1)
    message = {"msg": "@Lan xem", "mentions": [{"pos": 0, "uid": lan.uid, "len": 4}], "attachments": source}
    await listening.call("sendMessage", message, work.gid, GROUP)
    assert sim.world.sent[-1].mentions == [{"pos": 0, "uid": lan.uid, "len": 4, "type": 0}]


async def test_an_album_and_its_text(
    sim: Simulator, listening: Client, kind: int, thread: str, since: int
) -> None:
    sources = [
        attachment(f"{number}.jpg", SHORT + bytes([number]), width=640, height=480) for number in range(3)
    ]
    answer = await listening.call("sendMessage", {"msg": "ba ảnh", "attachments": sources}, thread, kind)
    text, *photos = sendings(sim, since)
    assert (text.text, str(answer["message"]["msgId"])) == ("ba ảnh", text.msg_id)
    assert {str(one["msgId"]) for one in answer["attachment"]} == {photo.msg_id for photo in photos}
    assert sorted(photo.params["idInGroup"] for photo in photos) == [0, 1, 2]
    assert {photo.params["totalItemInGroup"] for photo in photos} == {3}
    assert len({photo.params["groupLayoutId"] for photo in photos}) == 1
    assert {photo.md5 for photo in photos} == {md5(source["data"]) for source in sources}


async def test_a_gif(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    source = attachment("vui.gif", LONG, width=120, height=90)
    answer = await listening.call("sendMessage", {"msg": "", "attachments": source}, thread, kind)
    sent = sim.world.sent[-1]
    assert answer == {"message": None, "attachment": [{"msgId": int(sent.msg_id)}]}
    assert (sent.thread_id, sent.msg_type, sent.md5) == (thread, "chat.gif", md5(LONG))
    assert sim.world.media.at(sent.params["thumb"]) is not None


@pytest.mark.parametrize("name", ["ghi chú.txt", "phim.mp4", 'có "nháy" & dấu\'; (1).pdf'])
async def test_a_file(
    sim: Simulator, listening: Client, kind: int, thread: str, name: str, since: int
) -> None:
    source = attachment(name, LONG)
    answer = await listening.call("sendMessage", {"msg": "tài liệu", "attachments": source}, thread, kind)
    text, sent = sendings(sim, since)
    (uploaded,) = uploads(sim, since)
    assert answer == {
        "message": {"msgId": int(text.msg_id)},
        "attachment": [{"msgId": int(sent.msg_id)}],
    }
    assert (uploaded.name, uploaded.chunks, uploaded.md5) == (name, 4, md5(LONG))
    assert (sent.thread_id, sent.msg_type, sent.md5) == (thread, "share.file", md5(LONG))
    assert (sent.params["fileName"], sent.params["checksum"]) == (name, md5(LONG))


async def test_several_kinds_at_once(sim: Simulator, listening: Client, work: Group, since: int) -> None:
    sources = [
        attachment("a.jpg", SHORT, width=1, height=1),
        attachment("b.pdf", SHORT),
        attachment("c.gif", SHORT, width=1, height=1),
    ]
    answer = await listening.call("sendMessage", {"msg": "", "attachments": sources}, work.gid, GROUP)
    sent = sendings(sim, since)
    assert {one.msg_type for one in sent} == {"chat.photo", "share.file", "chat.gif"}
    assert {str(one["msgId"]) for one in answer["attachment"]} == {one.msg_id for one in sent}


async def test_files_on_disk(
    sim: Simulator, listening: Client, lan: Person, tmp_path: Path, since: int
) -> None:
    picture, document = tmp_path / "ảnh một.png", tmp_path / "tài liệu.txt"
    picture.write_bytes(png(32, 24))
    document.write_bytes(LONG)
    await listening.call("sendMessage", {"msg": "từ đĩa", "attachments": str(picture)}, lan.uid, USER)
    sent = sim.world.sent[-1]
    assert (sent.text, sent.params["width"], sent.params["height"]) == ("từ đĩa", 32, 24)
    await listening.call("sendMessage", {"msg": "", "attachments": [str(document)]}, lan.uid, USER)
    assert [(one.name, one.md5) for one in uploads(sim, since)] == [
        ("ảnh một.png", md5(png(32, 24))),
        ("tài liệu.txt", md5(LONG)),
    ]


async def test_uploading_without_sending(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    sources = [attachment("a.jpg", LONG, width=640, height=480), attachment("b.bin", SHORT)]
    picture, other = await listening.call("uploadAttachment", sources, thread, kind)
    assert (picture["fileType"], picture["width"], picture["totalSize"]) == ("image", 640, len(LONG))
    assert (other["fileType"], other["fileName"], other["checksum"]) == ("others", "b.bin", md5(SHORT))
    for url, data in ((picture["hdUrl"], LONG), (other["fileUrl"], SHORT)):
        stored = sim.world.media.at(url)
        assert stored is not None
        assert stored.md5 == md5(data)


async def test_a_late_push_is_waited_for(sim: Simulator, listening: Client, lan: Person) -> None:
    sim.world.faults.add(FileDone(when="late", seconds=0.3))
    async with asyncio.TaskGroup() as tasks:
        upload = tasks.create_task(
            listening.call("uploadAttachment", attachment("a.txt", SHORT), lan.uid, USER)
        )
        await sim.world.arrived(Uploaded, lambda uploaded: uploaded.name == "a.txt")
        assert await listening.call("keepAlive")
    (done,) = upload.result()
    assert sim.world.media.at(done["fileUrl"]) is not None


async def test_the_limits_of_the_settings_are_the_clients(listening: Client, lan: Person) -> None:
    with pytest.raises(Failed) as forbidden:
        await listening.call("uploadAttachment", attachment("virus.EXE", SHORT), lan.uid, USER)
    assert forbidden.value.code is None
    too_many = [attachment(f"{number}.txt", b"x") for number in range(51)]
    with pytest.raises(Failed) as many:
        await listening.call("uploadAttachment", too_many, lan.uid, USER)
    assert many.value.code is None


# Voice and video


async def test_a_voice_message(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    (uploaded,) = await listening.call("uploadAttachment", attachment("loi.m4a", SHORT), thread, kind)
    voice = {"voiceUrl": uploaded["fileUrl"], "ttl": 1000}
    answer = await listening.call("sendVoice", voice, thread, kind)
    sent = sim.world.sent[-1]
    assert answer == {"msgId": sent.msg_id}
    assert (sent.thread_id, sent.msg_type, sent.md5) == (thread, "chat.voice", md5(SHORT))
    assert json.loads(sent.params["msgInfo"])["fileSize"] == len(SHORT)  # asked for with HEAD
    assert sent.ttl_ms == 1000


async def test_a_video(sim: Simulator, listening: Client, kind: int, thread: str) -> None:
    video = {
        "videoUrl": sim.world.media.put("phim.mp4", LONG),
        "thumbnailUrl": sim.world.media.put("phim.jpg", SHORT),
        "msg": "xem phim",
        "duration": 5500,
        "width": 1920,
        "height": 1080,
    }
    await listening.call("sendVideo", video, thread, kind)
    sent = sim.world.sent[-1]
    assert (sent.thread_id, sent.msg_type, sent.text) == (thread, "chat.video.msg", "xem phim")
    told = json.loads(sent.params["msgInfo"])
    assert (told["fileSize"], told["duration"], told["width"]) == (len(LONG), 5500, 1920)


# What is done to messages


@pytest.mark.parametrize("name", ICONS)
async def test_every_reaction_has_the_number_we_know(
    sim: Simulator, listening: Client, lan: Person, name: str, since: int
) -> None:
    icon = ICONS[name]
    target = await listening.hears_message(await lan.says("vui"))
    answer = await listening.call("addReaction", icon.code, target)
    reacted = await sim.world.arrived(Reacted, after=since)
    assert (reacted.msg_id, reacted.icon, reacted.type) == (target["data"]["msgId"], icon.code, icon.number)
    assert len(answer["msgIds"]) == 1


async def test_a_reaction_is_taken_back(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str, since: int
) -> None:
    target = await listening.hears_message(await lan.says("vui", group=group))
    await listening.call("addReaction", "/-heart", target)
    await listening.call("addReaction", {"icon": "", "rType": -1, "source": 6}, target)
    given, taken = [record for record in sim.world.log.since(since) if isinstance(record, Reacted)]
    assert (given.thread, given.thread_id, given.icon) == (KINDS[kind], thread, "/-heart")
    assert (taken.icon, taken.type) == ("", -1)


async def test_undo(sim: Simulator, listening: Client, kind: int, thread: str, since: int) -> None:
    await listening.call("sendMessage", "nhầm", thread, kind)
    sent = sim.world.sent[-1]
    ids = {"msgId": sent.msg_id, "cliMsgId": sent.client_id}
    assert await listening.call("undo", ids, thread, kind) == {"status": 0}
    undone = await sim.world.arrived(Undone, after=since)
    assert (undone.thread, undone.thread_id, undone.msg_id) == (KINDS[kind], thread, sent.msg_id)
    (event,) = await listening.hears("undo", lambda event: event["isSelf"])
    assert str(event["data"]["content"]["globalMsgId"]) == sent.msg_id


@pytest.mark.parametrize(
    ("kind", "only_me"), [(USER, True), (GROUP, True), (GROUP, False)], indirect=["kind"]
)
async def test_deleting(
    sim: Simulator,
    listening: Client,
    lan: Person,
    kind: int,
    group: Group | None,
    thread: str,
    only_me: bool,
    since: int,
) -> None:
    message = await lan.says("xoá đi", group=group)
    assert await listening.call("deleteMessage", await listening.hears_message(message), only_me) == {
        "status": 0
    }
    deleted = await sim.world.arrived(Deleted, after=since)
    assert (deleted.thread_id, deleted.msg_ids, deleted.everyone) == (thread, [message.msg_id], not only_me)


async def test_what_people_send_can_be_quoted_or_not(listening: Client, lan: Person, work: Group) -> None:
    poll = await lan.says(Content("group.poll", {"title": "Ăn gì?"}), group=work)
    quote = (await listening.hears_message(poll))["data"]
    with pytest.raises(Failed) as refused:
        await listening.call("sendMessage", {"msg": "phở", "quote": quote}, work.gid, GROUP)
    assert refused.value.code is None
