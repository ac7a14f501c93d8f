"""An agent that is asked by signed requests: it answers at once, later, too late, and after a crash."""

from __future__ import annotations

import gzip
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clawlane.webhook_sender import signed, signing_key
from demo.stage import Gateway, Operator, Simulator
from end_to_end.receiver import Answer, Receiver, receiving, status_of
from end_to_end.steps import all_sent, asked, listening, person, say

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
        self._address = ""

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
        """Where the console is since the last start."""
        if not self._address:
            link = self.operator.run("console", "--open").stdout.split()
            [url] = [word for word in link if word.startswith("http")]
            self._address = url.partition("/sign-in")[0]
        return self._address


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
    assert lane.call_back(turn, b'{"text": "a", "text": "b"}') == 422, "nobody knows which one is meant"
    assert lane.call_back(turn, b'{"text": "a", "x": ' + b"[" * 200_000 + b"}") == 422
    assert lane.call_back(turn, b'{"text": NaN}') == 422
    assert lane.call_back(turn, b'{"text": "a", "x": 1' + b"0" * 100_000 + b"}") == 422
    assert lane.call_back(turn, '{"text": "a"}'.encode("utf-16")) == 422
    assert lane.call_back(turn, b"a", kind="text/plain; charset=utf-16") == 422
    assert lane.call_back(turn, gzip.compress(b"x" * 10**8), **{"Content-Encoding": "gzip"}) in (413, 415)
    assert lane.call_back(turn, Host="evil.example") == 421
    with ThreadPoolExecutor(50) as many:
        calls = [
            many.submit(lane.call_back, turn, b'\xef\xbb\xbf{"text": "ch\xe1\xba\xafc"}') for _ in range(50)
        ]
        assert sorted(one.result() for one in calls) == [202, *[409] * 49]
    assert lane.reply() == "chắc"
    assert lane.call_back(turn, {"text": "hai lần"}) == 409


def test_a_stop_and_the_end_of_the_time_end_the_wait(lane: Lane, state: Path) -> None:
    lane.configure(state, seconds=6)
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


def test_what_is_taken_leaves_once_after_a_kill_or_never_after_a_recall(lane: Lane, state: Path) -> None:
    lane.configure(state)
    lane.begin()
    lane.receiver.answers.put(status_of(202))
    said = say(lane.zalo, lane.lan, "chào")
    recalled = lane.turn()["turn"]
    lane.zalo.do("/undo", **{"from": lane.lan, "message": said})
    lane.gateway.said("deletions by others is used for the first time")
    assert lane.call_back(recalled) == 410
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "còn đó không")
    turn = lane.turn()["turn"]
    assert lane.operator.run("pause").returncode == 0
    media = [
        "/etc/passwd",
        "file:///etc/passwd",
        "../../config.json5",
        "http://127.0.0.1:9/x",
        "https://[::1]/x",
    ]
    assert lane.call_back(turn, {"text": "một lần", "media": media}) == 202
    lane.gateway.kill()
    lane.begin()
    assert lane.call_back(turn) == 409
    assert lane.operator.run("resume").returncode == 0
    assert lane.reply() == "một lần"
    assert lane.receiver.came.empty(), "it is not asked again"
    lane.gateway.stop()
    assert all_sent(lane.zalo) == ["một lần"]


def test_bodies_that_do_not_come_are_given_up(lane: Lane, state: Path) -> None:
    lane.configure(state)
    lane.begin()
    where = urlsplit(lane.address())
    head = f"POST /callback/x HTTP/1.1\r\nHost: {where.netloc}\r\n"
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection((where.hostname, where.port), 20)) for _ in "ab"
        ]
        lines[0].sendall(f"{head}Content-Length: 9\r\n\r\nx".encode())
        lines[1].sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n".encode())
        for line in lines:
            assert line.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_without_a_console_a_later_answer_is_refused(lane: Lane, state: Path) -> None:
    lane.configure(state, console=False)
    lane.begin()
    told = lane.operator.run("config", "validate").stdout
    assert "a later answer (202) comes to the console" in told
    lane.receiver.answers.put(status_of(202))
    say(lane.zalo, lane.lan, "chào")
    lane.gateway.said("write console: { enabled: true }")
