"""An agent that is asked by signed requests: it answers at once, later, too late, and after a crash."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from clawlane.webhook_sender import signed, signing_key
from demo.stage import Gateway, Operator, Simulator
from end_to_end.receiver import Answer, Receiver, receiving, status_of
from end_to_end.steps import asked, listening, person, say

pytestmark = pytest.mark.long
SECRET = "a secret that is long enough"
OTHER = "another secret, just as long"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def answering(body: object, kind: str = "application/json") -> Answer:
    """Answer a turn at once."""
    written = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(written)))
        request.end_headers()
        request.wfile.write(written)

    return answer


class Lane:
    """A lane whose agent is the receiver."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway, receiver: Receiver) -> None:
        self.operator, self.zalo, self.gateway, self.receiver = operator, zalo, gateway, receiver
        self.lan = person(zalo, "Lan")

    def configure(self, state: Path, console: bool = True, seconds: int = 60, **more: object) -> None:
        brain = {"kind": "webhook", "url": self.receiver.url, "secret": "${BRAIN_SECRET}"}
        config = {
            "channels": {"zalouser": {"allowFrom": [self.lan], "pacing": {"enabled": False}, **more}},
            "agents": {"defaults": {"brain": brain, "timeoutSeconds": seconds}},
            "console": {"enabled": console, "listen": "127.0.0.1:0"},
        }
        (state / "config.json5").write_text(json.dumps(config))
        self.operator.env["BRAIN_SECRET"] = SECRET

    def begin(self) -> None:
        listening(self.gateway)

    def turn(self) -> dict[str, Any]:
        """What the agent is asked next."""
        return self.receiver.next()[1]

    def reply(self) -> str:
        """What Lan is sent next."""
        return str(self.zalo.wait("sent", lambda one: one["thread_id"] == self.lan)["text"])

    def call_back(
        self,
        turn: str,
        body: object = None,
        *,
        secret: str = SECRET,
        id_: str = "",
        off_s: int = 0,
        kind: str = "application/json",
        **headers: str,
    ) -> int:
        """The status of an answer that comes later."""
        written = body if isinstance(body, bytes) else json.dumps(body or {"text": "muộn"}).encode()
        now_ms = int(time.time() + off_s) * 1000
        head = signed(signing_key(secret), id_ or turn, now_ms, written) | {"content-type": kind} | headers
        url = f"{self.address()}/callback/{turn}"
        request = urllib.request.Request(url, data=written, headers=head)
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.read()
            return error.code

    def address(self) -> str:
        link = self.operator.run("console", "--open").stdout.split()
        [url] = [word for word in link if word.startswith("http")]
        return url.partition("/sign-in")[0]


@pytest.fixture
def lane(linked: Operator, zalo: Simulator, gateway: Gateway, receiver: Receiver) -> Lane:
    return Lane(linked, zalo, gateway, receiver)


def test_it_answers_at_once(lane: Lane, state: Path) -> None:
    lane.configure(state)
    lane.begin()
    lane.receiver.answers.put(answering({"text": "**Chào** Lan"}))
    say(lane.zalo, lane.lan, "chào")
    turn = lane.turn()
    assert (turn["type"], turn["message"], turn["sender"]["id"]) == ("turn", "chào", lane.lan)
    assert turn["callback"] == f"/callback/{turn['turn']}"
    assert lane.reply() == "Chào Lan"
    assert lane.call_back(turn["turn"]) == 409
    lane.receiver.answers.put(answering("thế à", "text/plain"))
    say(lane.zalo, lane.lan, "vâng")
    second = lane.turn()
    assert [one["text"] for one in second["history"]] == ["chào", "**Chào** Lan"]
    assert second["turn"] != turn["turn"]
    assert lane.reply() == "thế à"
    lane.receiver.answers.put(status_of(204))
    say(lane.zalo, lane.lan, "thôi nhé")
    lane.turn()
    lane.receiver.answers.put(answering("một trang nào đó", "text/html"))
    lane.receiver.answers.put(status_of(500))
    lane.receiver.answers.put(status_of(302))
    say(lane.zalo, lane.lan, "alô")
    lane.gateway.said("redirects elsewhere")


def test_it_answers_later_once(lane: Lane, state: Path) -> None:
    lane.configure(state)
    lane.begin()
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "chào")
    turn = lane.turn()["turn"]
    assert lane.call_back(turn, secret=OTHER) == 401
    assert lane.call_back(turn, off_s=-400) == 401
    assert lane.call_back(turn, off_s=400) == 401
    assert lane.call_back("turn_" + "0" * 32, id_=turn) == 401, "signed for another turn"
    assert lane.call_back("turn_" + "0" * 32, secret=OTHER) == 401, "strangers do not learn which there are"
    assert lane.call_back("turn_" + "0" * 32) == 404
    assert lane.call_back(turn, b"[1]") == 422
    assert lane.call_back(turn, b"x", kind="application/x-www-form-urlencoded") == 422
    assert lane.call_back(turn, b"x" * 300_000, kind="text/plain") == 413
    assert lane.call_back(turn, Host="evil.example") == 421
    assert lane.call_back(turn, {"text": "muộn mà chắc"}) == 202
    assert lane.reply() == "muộn mà chắc"
    assert lane.call_back(turn, {"text": "hai lần"}) == 409


def test_a_stop_and_the_end_of_the_time_end_the_wait(lane: Lane, state: Path) -> None:
    lane.configure(state, seconds=3)
    lane.begin()
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "chào")
    first = lane.turn()["turn"]
    say(lane.zalo, lane.lan, "/stop")
    lane.reply()
    assert lane.call_back(first) == 410
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "còn đó không")
    second = lane.turn()["turn"]
    lane.gateway.said("no answer from")
    assert lane.call_back(second) == 410
    [letter] = asked(lane.operator, "channels", "dead-letters", "list")["letters"]
    lane.receiver.answers.put(answering({"text": "đây"}))
    assert lane.operator.run("channels", "dead-letters", "resubmit", letter["message_id"]).returncode == 0
    third = lane.turn()["turn"]
    assert third not in (first, second), "what is asked anew is another turn"
    assert lane.reply() == "đây"


def test_an_answer_is_taken_after_a_kill_and_waits_as_a_draft(lane: Lane, state: Path) -> None:
    lane.configure(state, outbound="approve")
    lane.begin()
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "chào")
    turn = lane.turn()["turn"]
    lane.gateway.kill()
    lane.receiver.answers.put(status_of(202))
    lane.begin()
    assert lane.turn()["turn"] == turn
    assert lane.call_back(turn, {"text": "sau khi khởi động lại"}) == 202
    lane.gateway.said("waits for approval")
    [draft] = asked(lane.operator, "drafts", "list")["drafts"]
    assert draft["text"] == "sau khi khởi động lại"
    assert lane.operator.run("drafts", "approve", str(draft["number"])).returncode == 0
    assert lane.reply() == "sau khi khởi động lại"


def test_without_a_console_a_later_answer_is_refused(lane: Lane, state: Path) -> None:
    lane.configure(state, console=False)
    lane.begin()
    told = lane.operator.run("config", "validate").stdout
    assert "a later answer (202) comes to the console" in told
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "chào")
    lane.gateway.said("write console: { enabled: true }")
