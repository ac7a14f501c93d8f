"""What the operator sends by command: what Zalo's side saw, what the command said, and how it ended."""

from __future__ import annotations

import json
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Record, Simulator
from end_to_end.steps import listening, person, say

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open', groups: { '*': { requireMention: false } },
    pacing: { enabled: false }, resendUnknown: 'never',
} } }
"""
LONG = " ".join(f"câu thứ {number:03}." for number in range(340))
"""What three messages hold."""


def png() -> bytes:
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" + bytes(3)) * 2)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


class Desk:
    """An operator with a friend and a group, and a gateway that answers nobody but those who write."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self.lan = person(zalo, "Lan")
        self.group = str(zalo.do("/group", name="Xóm", members=[self.lan])["gid"])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.operator.run("message", *words)

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == code, done.stdout
        return dict(json.loads(done.stdout))

    def send(self, *words: str, to: str = "", code: int = 0) -> dict[str, Any]:
        return self.json("send", "--target", to or f"user:{self.lan}", *words, code=code)

    def sent(self) -> Record:
        return self.zalo.wait("sent")

    def trouble(self, does: str, call: str = "send text", **more: object) -> None:
        self.zalo.do("/fault", does=does, call=call, **more)


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def desk(linked: Operator, zalo: Simulator, gateway: Gateway) -> Desk:
    """A desk whose gateway is connected."""
    made = Desk(linked, zalo, gateway)
    listening(gateway)
    return made


def test_texts_files_quotes_reactions_and_undos_reach_the_other_side(desk: Desk, tmp_path: Path) -> None:
    told = desk.send("Xin **chào**")
    record = desk.sent()
    assert (record["text"], record["thread_id"], record["styles"]) == (
        "Xin chào",
        desk.lan,
        [{"start": 4, "len": 4, "st": "b"}],
    )
    [text] = told["messages"]
    assert (text["state"], text["message_ids"], told["name"]) == ("sent", [record["msg_id"]], "Lan")

    plain = desk.run("send", "-t", desk.lan, "--plain", "-m", "**as it is**")
    assert plain.returncode == 0
    assert desk.sent()["text"] == "**as it is**"
    assert plain.stdout.startswith("arrived: message ")

    parts = desk.run("send", "-t", "Xóm", LONG)
    assert parts.returncode == 0, parts.stdout
    assert f"3 messages to Xóm (group:{desk.group})" in parts.stdout
    texts = [desk.sent() for _ in range(3)]
    assert {one["thread_id"] for one in texts} == {desk.group}
    assert " ".join(one["text"] for one in texts) == LONG

    picture, report = tmp_path / "ảnh.png", tmp_path / "report.txt"
    picture.write_bytes(png())
    report.write_text("số liệu")
    told = desk.send("--media", str(picture), "--media", str(report), "Đây")
    assert [desk.sent()["msg_type"] for _ in range(3)] == ["webchat", "chat.photo", "share.file"]
    assert [one["kind"] for one in told["messages"]] == ["text", "photo", "file"]

    asked = say(desk.zalo, desk.lan, "Mấy giờ rồi?")
    assert desk.sent()["text"] == "Mấy giờ rồi?", "the echo answers"
    desk.send("--reply-to", asked, "Ba giờ.")
    record = desk.sent()
    assert (record["text"], record["quoted"]) == ("Ba giờ.", asked)
    assert record["params"]["qmsg"] == "Mấy giờ rồi?"

    about = ("-t", f"user:{desk.lan}", "--message-id", asked)
    desk.json("react", *about, "--emoji", "/-heart")
    assert desk.zalo.wait("reacted")["icon"] == "/-heart"
    desk.json("react", *about, "--emoji", "👍")
    assert desk.zalo.wait("reacted")["icon"] == "/-strong"
    desk.json("react", *about, "--remove")
    assert desk.zalo.wait("reacted")["icon"] == ""

    file = told["messages"][2]["message_ids"][0]
    for message_id in (text["message_ids"][0], file):
        desk.json("undo", "-t", f"user:{desk.lan}", "--message-id", message_id)
        assert desk.zalo.wait("undone")["msg_id"] == message_id
    again = desk.run("undo", "--message-id", text["message_ids"][0])
    assert (again.returncode, "was taken back before" in again.stdout) == (1, True)
    whole = desk.json("undo", "--message-id", texts[1]["msg_id"], "--whole")
    assert len(whole["messages"]) == 3
    assert {desk.zalo.wait("undone")["msg_id"] for _ in range(3)} == {one["msg_id"] for one in texts}
