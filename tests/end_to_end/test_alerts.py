"""Alerts and owner commands over the wire: receivers that fail, a gateway that is killed, who is heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from demo.stage import PATIENCE, Gateway, Operator, Simulator
from end_to_end.receiver import Receiver, receiving, status_of
from end_to_end.steps import asked, listening, person, say, status

pytestmark = pytest.mark.long
SECRET = "a secret that is long enough"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def configure(state: Path, receiver: Receiver, *owners: str, **more: object) -> None:
    webhook = {"url": receiver.url, "secret": "${HOOK_SECRET}"}
    block = {"dmPolicy": "pairing", "pacing": {"enabled": False}, "alerts": {"webhook": webhook}, **more}
    config = {"channels": {"zalouser": block}, "commands": {"ownerAllowFrom": owners}}
    (state / "config.json5").write_text(json.dumps(config))


def code_in(body: dict[str, Any]) -> str:
    return str(body["alerts"][0]["facts"]["code"])


def test_an_alert_outlives_receivers_that_fail_and_a_gateway_that_is_killed(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, receiver: Receiver
) -> None:
    configure(state, receiver)
    linked.env["HOOK_SECRET"] = SECRET

    def killed(_: BaseHTTPRequestHandler) -> None:
        gateway.kill()

    answers = (status_of(500), status_of(302), status_of(200 + 300, b"x" * 10_000_000), killed)
    for answer in answers:
        receiver.answers.put(answer)
    listening(gateway)
    lan = person(zalo, "Lan", friend=False)
    say(zalo, lan, "chào")
    came = [receiver.next() for _ in answers]
    listening(gateway)
    came.append(receiver.next())
    assert len({id_ for id_, _ in came}) == 1
    assert came[0][1]["alerts"][0]["key"] == lan
    assert came[0][1] == came[-1][1]
    assert "chào" not in json.dumps(came[0][1], ensure_ascii=False)
    assert "Lan" not in came[0][1]["text"]
    done = linked.run("pairing", "approve", "zalouser", code_in(came[0][1]))
    assert done.returncode == 0, done.stdout
    [listed] = asked(linked, "alerts", "list")["accounts"].values()
    assert (listed["waiting"], listed["undelivered"]) == ([], [])


def test_a_webhook_that_hangs_is_told_and_blocks_nobody(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, receiver: Receiver
) -> None:
    lan = person(zalo, "Lan")
    configure(state, receiver, allowFrom=[lan])
    linked.env["HOOK_SECRET"] = SECRET
    hangs = threading.Event()
    receiver.answers.put(lambda _: hangs.wait(PATIENCE) and None)
    listening(gateway)
    say(zalo, person(zalo, "Hùng", friend=False), "chào")
    say(zalo, lan, "một")
    assert zalo.wait("sent", lambda one: one["thread_id"] == lan)["text"] == "một"
    gateway.said("did not answer within 10 s")
    hangs.set()
    problems = status(linked)[1]["problems"]
    first, second = receiver.next(), receiver.next()
    assert first[0] == second[0]
    assert any(one["code"] == "alerts" for one in problems) or not problems


def test_owner_commands_over_the_wire(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, receiver: Receiver
) -> None:
    owner, lan = person(zalo, "Chủ"), person(zalo, "Lan")
    stranger = person(zalo, "Người Lạ", friend=False)
    group = str(zalo.do("/group", name="Nhóm", members=[owner, lan])["gid"])
    configure(state, receiver, owner, allowFrom=[owner, lan], ownerCommands=True, groupPolicy="open")
    linked.env["HOOK_SECRET"] = SECRET
    own = zalo.world()["accounts"][0]["uid"]
    listening(gateway)
    for sender, more in ((stranger, {}), (lan, {}), (owner, {"group": group})):
        say(zalo, sender, "/pause", **more)
    assert zalo.wait("sent", lambda one: one["thread_id"] == lan)["text"] == "/pause"
    assert status(linked)[1]["pauses"] == []
    code = code_in(receiver.next()[1])
    say(zalo, own, f"/approve {code}", to=own)
    told = zalo.wait("sent", lambda one: one["thread_id"] == own)["text"]
    assert stranger in told
    say(zalo, owner, "/pause 1h")
    assert "1h" in zalo.wait("sent", lambda one: one["thread_id"] == owner)["text"]
    assert len(status(linked)[1]["pauses"]) == 1
    gateway.kill()
    listening(gateway)
    say(zalo, own, "/resume", to=own)
    zalo.wait(
        "sent",
        lambda one: one["thread_id"] == own and "1h" not in one["text"] and stranger not in one["text"],
    )
    assert status(linked)[1]["pauses"] == []
