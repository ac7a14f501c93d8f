"""Answers with pictures, files, voice messages and videos: what Zalo's side saw of them, and what is left."""

from __future__ import annotations

import json
import re
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import json5
import pytest

from demo.model_server import ChatRequest, ModelServer, Says, served
from demo.stage import Gateway, Operator, Record, Simulator
from end_to_end.steps import listening, person, say

CONFIG = """\
{{ channels: {{ zalouser: {{
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open', groups: {{ '*': {{ requireMention: false }} }},
    pacing: {{ enabled: false }}, lookUpGap: '1s', {more}
}} }}, agents: {{ defaults: {{ brain: {brain}, allowStrangers: true }} }} }}
"""
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00isom" + bytes(300)
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00mp41" + bytes(300)


def png(width: int = 3, height: int = 2) -> bytes:
    """A picture with no two alike: its size is in it."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" + bytes(width)) * height)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


class Lane:
    """A logged-in account whose agent answers as the test says, and that agent's own folder."""

    def __init__(
        self, operator: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
    ) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self.state = state
        self.model = model
        self.folder = state.with_name(f"{state.name}-agents") / "main"
        self.folder.mkdir(parents=True)
        self.lan = person(zalo, "Lan")
        self._answers: dict[str, str] = {}
        model.script = self._answer

    def start(self, more: str = "") -> None:
        brain = json.dumps({"kind": "endpoint", "url": self.model.url})
        config = CONFIG.format(more=more, brain=brain)
        (self.state / "config.json5").write_text(config)
        listening(self.gateway)

    def put(self, name: str, content: bytes) -> str:
        """A file in the agent's folder, as the line that attaches it."""
        (self.folder / name).write_bytes(content)
        return f"MEDIA: {name}"

    def ask(self, answer: str, **more: object) -> str:
        """Somebody writes, and the agent answers this."""
        question = f"câu {len(self._answers)}."
        self._answers[question] = answer
        return say(self.zalo, self.lan, question, **more)

    def _answer(self, request: ChatRequest) -> Says:
        asked = next(question for question in reversed(self._answers) if question in request.last_text)
        return Says(self._answers[asked])

    def sent(self) -> Record:
        return self.zalo.wait("sent")

    def all_sent(self) -> list[tuple[str, str]]:
        """What reached Zalo's side so far: types and texts."""
        return [(one["msg_type"], one["text"]) for one in self.zalo.since(0) if one["kind"] == "sent"]

    def why(self, message_id: str) -> str:
        told = json.loads(self.operator.run("why", message_id, "--json").stdout)
        return str(told["messages"][0]["turn"]["sentence"])

    def kept(self) -> list[str]:
        """The names of the private copies."""
        return [path.name for path in (self.state / "outgoing").rglob("*") if path.is_file()]

    def copies_are_gone(self) -> None:
        """After another turn: files that were sent are removed at once."""
        self.ask("xong chưa")
        assert self.sent()["text"] == "xong chưa"
        assert self.kept() == []


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with served() as server:
        yield server


@pytest.fixture
def lane(linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer) -> Lane:
    return Lane(linked, zalo, gateway, state, model)


def test_a_picture_has_a_short_text_as_its_caption(lane: Lane) -> None:
    lane.start()
    lane.ask(f"đây ạ\n{lane.put('mèo.png', png())}")
    sent = lane.sent()
    assert (sent["msg_type"], sent["text"], sent["size"]) == ("chat.photo", "đây ạ", len(png()))
    assert (sent["params"]["width"], sent["params"]["height"]) == (3, 2)
    lane.copies_are_gone()


@pytest.mark.long
def test_a_styled_text_comes_before_its_picture(lane: Lane) -> None:
    lane.start()
    lane.ask(f"**đây** ạ\n{lane.put('a.png', png())}")
    assert [lane.sent()["msg_type"] for _ in range(2)] == ["webchat", "chat.photo"]
    assert [text for _, text in lane.all_sent()] == ["đây ạ", ""]


@pytest.mark.long
def test_several_pictures_are_an_album_and_everything_else_follows_in_order(lane: Lane) -> None:
    lane.start()
    lines = [
        lane.put("1.png", png(1)),
        lane.put("báo cáo.pdf", b"%PDF-1.4 xin"),
        lane.put("2.dat", png(2)),
        lane.put("vui.bin", GIF),
        lane.put("lời.mp3", M4A),
        lane.put("phim.mp4", MP4),
    ]
    lane.ask("\n".join(["hết đây", *lines]))
    text, first, second, pdf, gif, voice, video = (lane.sent() for _ in range(7))
    assert text["text"] == "hết đây"
    assert [one["msg_type"] for one in (first, second)] == ["chat.photo"] * 2
    assert first["params"]["groupLayoutId"] == second["params"]["groupLayoutId"]
    assert [one["params"]["idInGroup"] for one in (first, second)] == [0, 1]
    assert int(second["client_id"]) == int(first["client_id"]) + 1
    assert (pdf["msg_type"], pdf["params"]["fileName"]) == ("share.file", "báo cáo.pdf")
    assert (gif["msg_type"], gif["params"]["fileName"]) == ("chat.gif", "vui.gif")
    assert (voice["msg_type"], voice["size"]) == ("chat.voice", len(M4A))
    assert voice["url"].endswith(".m4a"), "its type is that of its content"
    assert (video["msg_type"], video["size"]) == ("chat.video.msg", len(MP4))
    ids = [int(one["client_id"]) for one in (text, first, second, pdf, gif, voice, video)]
    assert ids == sorted(set(ids))
    lane.copies_are_gone()


def test_an_address_is_fetched_and_its_content_decides(lane: Lane) -> None:
    lane.start()
    lane.ask(lane.put("gốc.png", png()))
    url = lane.sent()["url"]
    lane.ask(f"![mèo]({url})")
    again = lane.sent()
    assert (again["msg_type"], again["size"], again["text"]) == ("chat.photo", len(png()), "")
    assert again["url"] != url


@pytest.mark.long
def test_what_may_not_be_attached_is_left_out_and_the_text_goes(lane: Lane) -> None:
    lane.start()
    secret = lane.state / "config.json5"
    (lane.folder / "lối").symlink_to(secret)
    elsewhere = [f"file://{secret}", "data:text/plain,xin", "http://a.vn/b", "https://127.0.0.1/b"]
    bad = [str(secret), "../state/config.json5", "lối", *elsewhere]
    for number, one in enumerate(bad):
        message = lane.ask(f"số {number}\nMEDIA: {one}")
        assert lane.sent()["text"] == f"số {number}"
        assert "an attachment was left out" in lane.why(message)
    message = lane.ask("MEDIA: /etc/passwd")
    lane.ask("còn đây")
    assert lane.sent()["text"] == "còn đây"
    assert "the agent had no reply; an attachment was left out" in lane.why(message)
    assert all(kind == "webchat" for kind, _ in lane.all_sent())
    printed = "\n".join(lane.gateway.printed())
    assert "passwd" not in printed
    assert "a.vn/b" not in printed


@pytest.mark.long
def test_a_crash_between_upload_and_message_sends_it_once(lane: Lane) -> None:
    """The message was not shown: two look-ups do not find it, and it is sent again."""
    lane.start()
    lane.zalo.do("/fault", does="slow", call="upload photo", seconds=600, processed=True)
    lane.ask(f"đây ạ\n{lane.put('mèo.png', png())}")
    lane.zalo.wait("uploaded")
    lane.gateway.kill()
    assert len(lane.kept()) == 1
    listening(lane.gateway)
    lane.ask("còn đây")  # what arrives shows that Zalo gives out what this login sent
    assert lane.sent()["text"] == "còn đây"
    assert (lane.sent()["msg_type"], lane.all_sent()[-1][1]) == ("chat.photo", "đây ạ")
    lane.copies_are_gone()
    assert [kind for kind, _ in lane.all_sent()].count("chat.photo") == 1


@pytest.mark.long
def test_an_echo_settles_what_was_shown_just_before_a_crash(lane: Lane) -> None:
    """Voice, file and picture go out; the answer never comes; the echo names our client id."""
    lane.start()
    for call, line in (
        ("send photo", lane.put("mèo.png", png())),
        ("send file", lane.put("a.pdf", b"%PDF-1.4")),
        ("send media", lane.put("a.m4a", M4A)),
        ("send media", lane.put("a.mp4", MP4)),
    ):
        lane.zalo.do("/fault", does="silence", call=call)
        message = lane.ask(line)
        lane.sent()
        lane.gateway.kill()
        listening(lane.gateway)
        lane.ask(f"sau {call}")
        assert lane.sent()["text"] == f"sau {call}"
        assert lane.why(message).startswith("sent at")
    assert len(lane.all_sent()) == 8
    assert lane.kept() == []


@pytest.mark.long
def test_an_album_cut_off_in_the_middle_ends_complete_and_without_a_picture_twice(lane: Lane) -> None:
    lane.start()
    lines = "\n".join(lane.put(f"{size}.png", png(size)) for size in (1, 2, 3))
    lane.zalo.do("/fault", does="slow", call="send photo", seconds=0.0)
    lane.zalo.do("/fault", does="reset", call="send photo")
    message = lane.ask(lines)
    assert lane.sent()["params"]["width"] == 1
    lane.gateway.said("1 of 3 were sent")
    lane.gateway.kill()
    listening(lane.gateway)
    lane.ask("còn đây")
    later = [lane.sent() for _ in range(3)]
    assert sorted(one["params"].get("width", 0) for one in later) == [0, 2, 3]
    lane.copies_are_gone()
    assert lane.why(message).startswith("sent")
    assert [kind for kind, _ in lane.all_sent()].count("chat.photo") == 3


@pytest.mark.long
def test_stop_ends_a_download(lane: Lane) -> None:
    lane.start()
    lane.ask(lane.put("gốc.png", png()))
    url = lane.sent()["url"]
    lane.zalo.do("/fault", does="slow", call="download", seconds=600)
    lane.ask(f"đợi nhé\n{lane.put('thêm.png', png(9))}\nMEDIA: {url}")
    assert lane.zalo.wait("typed")["thread_id"] == lane.lan
    while not lane.kept():  # the first file is there: the second is being fetched
        time.sleep(0.01)
    say(lane.zalo, lane.lan, "/stop")
    lane.sent()  # the gateway says that it stopped
    lane.copies_are_gone()
    assert [kind for kind, _ in lane.all_sent()].count("chat.photo") == 1


@pytest.mark.long
def test_a_program_answers_with_files_and_a_reaction(lane: Lane) -> None:
    lane.put("a.png", png())
    code = "import json; print(json.dumps({'text': '', 'media': ['a.png'], 'react': '👍'}))"
    brain = json.dumps({"kind": "command", "command": [sys.executable, "-c", code]})
    (lane.state / "config.json5").write_text(CONFIG.format(more="", brain=brain))
    listening(lane.gateway)
    message = say(lane.zalo, lane.lan, "xem nào")
    assert lane.sent()["msg_type"] == "chat.photo"
    reacted = lane.zalo.wait("reacted")
    assert (reacted["msg_id"], reacted["icon"]) == (message, "/-strong")


@pytest.mark.long
def test_a_member_of_the_group_is_mentioned_and_others_are_not(lane: Lane) -> None:
    lane.start()
    me = next(iter(lane.zalo.world()["accounts"]))["uid"]
    binh = person(lane.zalo, "Trần Bình 👍")
    group = lane.zalo.do("/group", name="Việc", members=[me, lane.lan, binh])["gid"]
    lane.ask("👍 @trần bình 👍 ơi", group=group)
    assert lane.sent()["mentions"] == [], "its members were never looked up"
    command = ("directory", "groups", "members", "--channel", "zalouser", "--group-id", group)
    assert lane.operator.run(*command).returncode == 0
    lane.ask(f"👍 @trần bình 👍 ơi, @Ai đó\n{lane.put('a.png', png())}", group=group)
    sent = lane.sent()
    assert [(one["uid"], one["pos"], one["len"]) for one in sent["mentions"]] == [(binh, 3, 13)]
    assert lane.sent()["msg_type"] == "chat.photo"
    lane.ask("@trần bình 👍 ơi")
    assert lane.sent()["mentions"] == []


@pytest.mark.long
def test_parts_are_numbered_if_the_config_says_so(lane: Lane) -> None:
    lane.start("numberChunks: true")
    lane.ask("một câu dài. " * 450)
    parts = [lane.sent()["text"] for _ in range(3)]
    assert [part.rpartition("\n")[2] for part in parts] == ["(1/3)", "(2/3)", "(3/3)"]
    assert max(map(len, parts)) <= 2000
    lane.ask("ngắn thôi")
    assert lane.sent()["text"] == "ngắn thôi"


@pytest.mark.long
def test_the_guides_agent_sends_the_file_that_it_wrote(lane: Lane) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "agents-chat.md").read_text("utf-8")
    [block] = [one for one in re.findall(r"^```json5\n(.*?)^```", guide, re.M | re.S) if "MEDIA:" in one]
    config = json5.loads(block)
    config["channels"]["zalouser"] |= {"dmPolicy": "allowlist", "allowFrom": [lane.lan]}
    (lane.state / "config.json5").write_text(json.dumps(config))
    listening(lane.gateway)
    say(lane.zalo, lane.lan, "hôm nay là ngày nào")
    assert lane.sent()["text"] == "Today"
    sent = lane.sent()
    assert (sent["msg_type"], sent["params"]["fileName"]) == ("share.file", "today.txt")
