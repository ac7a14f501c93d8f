"""What Zalo itself writes gets no answer and no pairing code; what people send keeps its words."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from packages.zaloweb.tests.test_notices import SAMPLES
from packages.zaloweb.tests.wire_items import media

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import listening

LAN = "Trần Thị Lan"
OPEN = """{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open',
  groups: { '*': { requireMention: false } }, pacing: { enabled: false } } } }"""


class Wire:
    """Pushes items as they are."""

    def __init__(self, zalo: Simulator) -> None:
        self._zalo = zalo
        world = zalo.world()
        self.me = world["accounts"][0]["uid"]
        self.group = world["groups"][0]["gid"]
        self._uids = {one["name"]: one["uid"] for one in world["people"]}
        self._last_id = 7_000_000_000_000

    def push(self, sender: str, content: object, msg_type: object = "webchat", **more: Any) -> None:
        self._last_id += 1
        now = str(time.time_ns() // 1_000_000)
        ids = {"msgId": str(self._last_id), "cliMsgId": str(self._last_id), "ts": now}
        in_group = more.pop("group", False)
        parties = {
            "uidFrom": self._uids[sender],
            "idTo": self.group if in_group else self.me,
            "dName": sender,
        }
        item = {**ids, **parties, "msgType": msg_type, "content": content, **more}
        name, cmd = ("groupMsgs", 521) if in_group else ("msgs", 501)
        self._zalo.do("/push", cmd=cmd, data={name: [item]})


def test_no_notice_is_answered_or_challenged(linked: Operator, zalo: Simulator, gateway: Gateway) -> None:
    listening(gateway)
    wire = Wire(zalo)
    for msg_type, content, _, _ in SAMPLES:
        wire.push(LAN, content, msg_type)
    entry = {"type": 1, "uidFrom": "0", "uidTo": "1", "clientDelMsgId": 5, "globalDelMsgId": 6}
    wire.push(LAN, [entry], "chat.delete")
    wire.push(LAN, {"deleteMsg": 1, "globalMsgId": 0, "cliMsgId": 5}, "chat.undo")
    wire.push(LAN, None, "chat.sticker")
    wire.push(LAN, "xin chào")
    zalo.wait("sent")  # the one challenge, for the one text
    assert len([one for one in zalo.since(0) if one["kind"] == "sent"]) == 1
    why = linked.run("why", "--last", "20").stdout
    assert why.count("pairing_required") == 1, why


def test_the_agent_gets_words_and_no_json(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    (state / "config.json5").write_text(OPEN)
    listening(gateway)
    wire = Wire(zalo)
    card = media({"customMsg": {"msg": {"vi": "[Thẻ]"}}}, action="zinstant.bankcard")
    told = [
        (media({"pollId": 1, "question": "Ăn gì?"}, action="create"), "group.poll", "Ăn gì?"),
        (card, "chat.webcontent", "[Thẻ]"),
        (media({"latitude": 1, "longitude": 2}, description="Hồ Gươm"), "chat.location.new", "Hồ Gươm"),
        (media(title="ghế gỗ", href="https://cdn.example/1.jpg"), "chat.photo", "ghế gỗ"),
        (media(href="https://cdn.example/2.jpg"), "chat.photo", "(photo)"),
        ({"id": 1, "catId": 2, "type": 3}, "chat.sticker", "(sticker)"),
        ('{"a":1}', "webchat", '{"a":1}'),
        ("của loại mới", "chat.new", "của loại mới"),
        (json.dumps(media({"item": {"content": "mua sữa"}})), "chat.todo", "mua sữa"),
    ]
    for content, msg_type, words in told:
        wire.push(LAN, content, msg_type)
        assert zalo.wait("sent")["text"] == words


def test_null_and_missing_fields_cost_nobody_an_answer(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    (state / "config.json5").write_text(OPEN)
    listening(gateway)
    wire = Wire(zalo)
    odd: list[dict[str, Any]] = [
        {"cliMsgId": None},
        {"msg_type": None},
        {"idTo": None},
        {"ts": None},
        {"ts": str(time.time_ns() // 1_000_000_000)},
        {"ts": 2**70},
        {"dName": None, "ttl": "x", "mentions": "?", "quote": [1], "extraData": 5},
    ]
    for number, fields in enumerate(odd):
        wire.push(LAN, f"tin {number}", fields.pop("msg_type", "webchat"), **fields)
        assert zalo.wait("sent")["text"] == f"tin {number}"
