"""Every text of the gateway to third persons in both languages, as it is seen on Zalo's side."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import listening, person, say

pytestmark = pytest.mark.long

TEXTS = {
    "vi": {
        "challenge": "Tài khoản này chỉ trả lời những người đã được chủ tài khoản chấp thuận.",
        "notice": "Chủ tài khoản đã chấp thuận bạn: bạn có thể nhắn tin ở đây.",
        "disclosure": "Tin nhắn này do chương trình trả lời tự động soạn, không phải do người gõ.",
        "/new": "Đã bắt đầu cuộc trò chuyện mới.",
        "/stop": "Không có gì đang chạy.",
        "/help": "/help – danh sách này",
        "/status": "Hôm nay: 0 token, chi phí: không rõ",
        "/whoami": "Nơi trò chuyện: dm:",
        "/pause 1h": "Đã tạm dừng 1h: không có gì được gửi đi. Tiếp tục sớm hơn: /resume",
        "/resume": "Đã tiếp tục.",
        "/approve NOCODE": "không có yêu cầu nào đang chờ với mã 'NOCODE'",
        "/draft": "Cách dùng: /draft N ok hoặc /draft N drop",
    },
    "en": {
        "challenge": "This account answers only people its owner has approved.",
        "notice": "The owner has approved you: you can write here now.",
        "disclosure": "This is an automatic reply: a program writes here, not a person.",
        "/new": "A new conversation begins.",
        "/stop": "Nothing is running.",
        "/help": "/help – this list",
        "/status": "Today: 0 tokens, cost: not known",
        "/whoami": "Chat: dm:",
        "/pause 1h": "Paused for 1h: nothing is sent. To go on earlier: /resume",
        "/resume": "Resumed.",
        "/approve NOCODE": "no pending request has the code 'NOCODE'",
        "/draft": "Usage: /draft N ok or /draft N drop",
    },
}


def configure(state: Path, owner: str, locale: str) -> None:
    account = {"ownerCommands": True, "disclosure": "first", "pacing": {"enabled": False}, "locale": locale}
    commands = {"ownerAllowFrom": [owner]}
    config = {"channels": {"zalouser": {**account, "allowFrom": [owner]}}, "commands": commands}
    (state / "config.json5").write_text(json.dumps(config))


def test_people_are_told_everything_in_the_language_of_the_account(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path
) -> None:
    owner = person(zalo, "Chủ")
    configure(state, owner, "vi")
    listening(gateway)
    for locale, told in TEXTS.items():
        if locale != "vi":  # an edit counts at once, and restarts nothing
            configure(state, owner, locale)
            gateway.said("is in force")
        stranger = person(zalo, f"Người Lạ {locale}", friend=False)
        say(zalo, stranger, "chào")
        challenge = zalo.wait("sent", lambda one, to=stranger: one["thread_id"] == to)["text"]
        assert told["challenge"] in challenge
        assert TEXTS["en" if locale == "vi" else "vi"]["challenge"] not in challenge
        code = re.search(r": ([A-Z0-9]{8})$", challenge, re.MULTILINE)
        assert code is not None
        done = linked.run("pairing", "approve", "zalouser", code[1], "--notify")
        assert done.returncode == 0, done.stdout
        zalo.wait("sent", lambda one, text=told["notice"]: one["text"] == text)
        say(zalo, stranger, "bạn là ai?")
        zalo.wait("sent", lambda one, text=told["disclosure"]: one["text"].startswith(text))
        for command, answer in told.items():
            if command.startswith("/"):
                say(zalo, owner, command)
                seen = zalo.wait(
                    "sent", lambda one, text=answer: one["thread_id"] == owner and text in one["text"]
                )
                assert seen["text"]
