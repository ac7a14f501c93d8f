"""What the operator sends by command: what Zalo's side saw, what the command said, and how it ended."""

from __future__ import annotations

import json
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

from clawlane.cli.main import run
from demo.stage import Gateway, Operator, Record, Simulator, running
from end_to_end.forks import warm
from end_to_end.steps import all_sent, listening, person, say

PACING = "pacing: { enabled: false }"
CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open', groups: { '*': { requireMention: false } },
    PACING, resendUnknown: 'never',
} } }
""".replace("PACING", PACING)
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
    """An operator with a friend and a group, and a gateway that echoes what they write.

    Commands run in this process and talk to the gateway over its socket: starting a program for each of them
    would take most of the time.
    """

    def __init__(
        self, operator: Operator, zalo: Simulator, gateway: Gateway, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self._capsys = capsys
        self.lan = person(zalo, "Lan")
        self.group = str(zalo.do("/group", name="Xóm", members=[self.lan])["gid"])

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command; `stdout` holds its output, errors included."""
        self._capsys.readouterr()
        code = run(words, "openclaw")
        return subprocess.CompletedProcess(words, code, "".join(self._capsys.readouterr()))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.command("message", *words)

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
def desk(
    linked: Operator,
    zalo: Simulator,
    gateway: Gateway,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """A desk whose gateway is connected."""
    for name, value in linked.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("COLUMNS", raising=False)  # tests beside each other have the width of a terminal
    made = Desk(linked, zalo, gateway, capsys)
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
    assert (again.returncode, "was already taken back" in again.stdout) == (1, True)
    whole = desk.json("undo", "--message-id", texts[1]["msg_id"], "--whole")
    assert len(whole["messages"]) == 3
    assert {desk.zalo.wait("undone")["msg_id"] for _ in range(3)} == {one["msg_id"] for one in texts}


def test_what_does_not_arrive_at_once_is_told_with_what_to_do(desk: Desk) -> None:
    lan = f"user:{desk.lan}"
    paused = desk.command("pause")
    assert paused.returncode == 0, paused.stdout
    held = desk.run("send", "-t", lan, "trong lúc nghỉ")
    assert held.returncode == 2
    assert "Paused: it stays in the outbox until: openclaw resume --channel zalouser" in held.stdout
    [row] = json.loads(desk.command("outbox", "list", "--json").stdout)["messages"]
    assert (row["text"], row["by_operator"]) == ("trong lúc nghỉ", True)
    assert desk.command("resume").returncode == 0
    assert desk.sent()["text"] == "trong lúc nghỉ"

    desk.trouble("error", code=122, layer="inner")
    refused = desk.run("send", "-t", lan, "không nhận")
    assert (refused.returncode, "was refused" in refused.stdout) == (1, True)
    whole = desk.json("send", "-t", lan, LONG)
    assert [one["state"] for one in whole["messages"]] == ["sent"] * 3
    for _ in range(3):
        desk.sent()

    desk.trouble("reset")
    told = desk.send(LONG, code=1)
    lost, *rest = told["messages"]
    assert (told["ok"], lost["state"], lost["needs_decision"]) == (False, "unknown", True)
    assert [one["state"] for one in rest] == ["held", "held"]
    assert "needs a decision" in desk.command("outbox", "list").stdout
    assert desk.command("outbox", "resend", str(lost["number"])).returncode == 0
    assert " ".join(desk.sent()["text"] for _ in range(3)) == LONG


@pytest.mark.parametrize(
    "config_text", [CONFIG.replace(PACING, "pacing: { gap: '0s', thread: { hour: 1 } }")]
)
def test_pacing_holds_what_the_operator_sends_and_says_until_when(desk: Desk) -> None:
    first = subprocess.run(
        desk.operator.command("message", "send", "-t", f"user:{desk.lan}", "-m", "-"),
        input="một\nhai\n".encode(),
        env=desk.operator.env,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (first.returncode, desk.sent()["text"]) == (0, "một\nhai")
    held = desk.run("send", "-t", f"user:{desk.lan}", "ba")
    assert held.returncode == 2
    assert "held: pacing.thread.hour (1)" in held.stdout
    assert "It stays in the outbox; see: openclaw outbox list" in held.stdout
    told = desk.send("bốn", "--no-wait")
    assert [one["state"] for one in told["messages"]] == ["queued"]
    back = desk.run("undo", "--number", str(told["messages"][0]["number"]))
    assert (back.returncode, "Cancelled before it left: 1" in back.stdout) == (0, True)


def test_what_cannot_be_sent_is_refused_in_one_line(desk: Desk, tmp_path: Path) -> None:
    lan, stranger = f"user:{desk.lan}", person(desk.zalo, "Lạ", friend=False)
    (tmp_path / "empty").touch()
    for words, told in (
        (("x",), "Missing option '-t' / '--target'"),
        (("-t", "+84987654321", "x"), "looks like a telephone number"),
        (("-t", stranger, "x"), "is no friend or group that the account knows"),
        (("-t", f"group:{desk.lan}", "x"), f"write user:{desk.lan}"),
        (("-t", "Nobody", "x"), "no friend or group is called 'Nobody'"),
        (("-t", lan), "there is nothing to send"),
        (("-t", lan, "\u200b\u202e"), "the text says nothing"),
        (("-t", lan, "**\u3164**"), "the text says nothing"),
        (("-t", lan, "x" * 20_001), "at most 20000 are sent"),
        (("-t", lan, "x", "-m", "y"), "the text is given twice"),
        (("-t", lan, "x", "--reply-to", "17"), "no message 17"),
        (("-t", lan, "--media", str(tmp_path)), "only regular files can be sent"),
        (("-t", lan, "--media", str(tmp_path / "gone")), "No such file"),
        (("-t", lan, "--media", str(tmp_path / "empty")), "the file is empty"),
        (("-t", lan, "--media", str(tmp_path / "state" / "config.json5")), "of the state directory"),
    ):
        done = desk.run("send", *words)
        assert (done.returncode, done.stdout.count("\n")) == (1, 1), done.stdout
        assert told in done.stdout
    odd = desk.run("react", "-t", lan, "--message-id", "1", "--emoji", "🦄")
    assert (odd.returncode, "the reactions are: HAHA 😆, LIKE 👍" in odd.stdout) == (1, True)
    assert all_sent(desk.zalo) == []

    warned = desk.run("send", "-t", f"user:{stranger}", "Chào anh")
    assert warned.returncode == 0
    assert f"warning: user:{stranger} is not a known friend of the account" in warned.stdout
    assert desk.sent()["thread_id"] == stranger


def test_undo_finds_a_stranger_who_wrote_by_name(desk: Desk) -> None:
    stranger, other = (person(desk.zalo, name, friend=False) for name in ("Người Lạ", "Khách Lạ"))
    for one in (stranger, other):
        say(desk.zalo, one, "chào")
        assert desk.sent()["thread_id"] == one
    [own] = desk.send("Chào anh", to=f"user:{stranger}")["messages"][0]["message_ids"]
    for name, told in (
        ("Khách Lạ", f"no message {own} of this account is known in dm:{other}"),
        ("Ai Đó", "no friend or group is called 'Ai Đó'"),
    ):
        done = desk.run("undo", "-t", name, "--message-id", own)
        assert (done.returncode, done.stdout.count("\n")) == (1, 1), done.stdout
        assert told in done.stdout
    assert desk.json("undo", "-t", "người lạ", "--message-id", own)["name"] == "Người Lạ"
    assert [one["msg_id"] for one in desk.zalo.since(0) if one["kind"] == "undone"] == [own]


def test_what_the_gateway_says_comes_in_the_language_of_the_command(desk: Desk, tmp_path: Path) -> None:
    def say(*words: str) -> str:
        """What a command says in Vietnamese; it is a process of its own, as its language stays."""
        command = desk.operator.command("message", *words)
        env = {**desk.operator.env, "CLAWLANE_LOCALE": "vi", "COLUMNS": "200"}
        return str(warm.run(command, env=env, stderr=subprocess.STDOUT, text=True).stdout)

    lan = f"user:{desk.lan}"
    refused = say("send", "-t", lan, "--media", str(tmp_path / "state" / "config.json5"))
    assert refused.endswith(": tệp trong thư mục trạng thái không được gửi đi\n")
    assert refused.startswith("lỗi: ")
    assert say("send", "-t", lan).startswith("lỗi: không có gì để gửi; hãy viết nội dung")
    desk.trouble("error", code=-216)
    assert "bị từ chối (hàng chờ gửi: số 1)" in say("send", "-t", lan, "x")
    assert say("send", "-t", lan, "x").startswith("đã tới: tin ")


def test_without_a_gateway_nothing_is_sent_and_a_kill_sends_nothing_twice(
    desk: Desk, zalo: Simulator, gateway: Gateway
) -> None:
    lan = f"user:{desk.lan}"
    dry = desk.run("send", "-t", "Lan", "--dry-run", LONG)
    assert (dry.returncode, "Dry run: 3 messages would go to Lan" in dry.stdout) == (0, True)
    described = desk.command("channels", "capabilities").stdout
    for told in (
        "experimental, unofficial",
        "undo",
        "2000 UTF-16 units",
        "HEART=❤",
        "Cannot: edit a message",
    ):
        assert told in described

    zalo.do("/fault", does="slow", call="send text", seconds=30.0, processed=True)
    command = desk.operator.command("message", "send", "-t", lan, "một lần")
    with running(command, desk.operator.env, subprocess.STDOUT) as asking:
        assert desk.sent()["text"] == "một lần"
        gateway.kill()
        assert asking.stdout is not None
        assert "the gateway is not running" in asking.stdout.read()
        assert asking.wait(30) == 2

    for dry_run in ((), ("--dry-run",)):
        done = desk.run("send", "-t", lan, *dry_run, "ai nghe không")
        assert (done.returncode, "the gateway is not running" in done.stdout) == (
            int(not dry_run),
            not dry_run,
        )
    listening(gateway)
    desk.send("sau đó")
    assert desk.sent()["text"] == "sau đó"
    assert all_sent(zalo) == ["một lần", "sau đó"]
