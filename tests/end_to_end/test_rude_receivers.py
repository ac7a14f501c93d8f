"""Receivers of webhooks that hang, flood and say nonsense, beside one that works."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.receiver import Receiver, receiving, saying, status_of
from end_to_end.steps import answers, asked, listening, person, say, status

pytestmark = pytest.mark.long
SECRET = "a secret that is long enough"
OK = b"HTTP/1.1 200 OK\r\n"
HANGING = {f"/hangs-{number}": saying(OK + b"x: ", b"x", 0.2) for number in range(12)}
"""More than the connections that a client has by default."""

BROKEN = {
    "/ssh": (saying(b"SSH-2.0-words-of-theirs\r\n"), "what is no HTTP"),
    "/length": (saying(OK + b"content-length: -3\r\n\r\nwords-of-theirs"), "what is no HTTP"),
    "/chunks": (saying(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nwords-of-theirs"), "what is no HTTP"),
    "/header": (saying(OK + b"x: ", b"words-of-theirs" * 1000), "what is no HTTP"),
    "/headers": (saying(OK, b"x: words-of-theirs\r\n" * 1000), "what is no HTTP"),
    "/gone": (saying(b""), "closed the connection without an answer"),
    "/half": (saying(b"HTTP/1.1 200 wor"), "closed the connection without an answer"),
    "/elsewhere": (status_of(307), "a redirect, which is not followed"),
    "/endless": (saying(b"HTTP/1.1 500 words-of-theirs\r\n\r\n", b"x" * 65536), "answered 500"),
}
WHOLE = ("/flood", "/bomb", "/slow")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def told_to(receiver: Receiver, state: Path, paths: list[str], **more: object) -> None:
    """A config with a webhook for each path."""
    base = receiver.url.removesuffix("/hook")
    hooks = [{"url": base + path, "secret": "${HOOK_SECRET}", "events": ["message"]} for path in paths]
    (state / "config.json5").write_text(json.dumps({"webhooks": hooks, **more}))


def test_those_that_hang_hold_up_neither_the_others_nor_the_lane_nor_the_end(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, receiver: Receiver
) -> None:
    lan = person(zalo, "Lan")
    block = {"allowFrom": [lan], "pacing": {"enabled": False}}
    told_to(receiver, state, [*HANGING, "/hook"], channels={"zalouser": block})
    linked.env["HOOK_SECRET"] = SECRET
    receiver.always |= HANGING
    listening(gateway)
    for text in ("một", "hai"):
        say(zalo, lan, text)
        assert answers(zalo, 1) == [text]
        assert receiver.next()[1]["type"] == "message"
    listed = asked(linked, "webhooks", "list")["webhooks"]
    assert [one["tries"] for one in listed] == [0] * len(listed), "none has had its time yet"
    tested = asked(linked, "webhooks", "test", str(len(HANGING) + 1))["webhooks"]
    assert [one["error"] for one in tested] == [""]
    gateway.stop()


def test_what_they_say_is_one_line_without_their_words_and_our_secrets(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, receiver: Receiver
) -> None:
    lan = person(zalo, "Lan")
    block = {"allowFrom": [lan], "pacing": {"enabled": False}}
    told_to(receiver, state, [*BROKEN, *WHOLE], channels={"zalouser": block}, logging={"level": "debug"})
    linked.env["HOOK_SECRET"] = SECRET
    bomb = gzip.compress(b'{"text": "' + b"a" * 50_000_000)
    packed = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    receiver.always = {path: answer for path, (answer, _) in BROKEN.items()}
    receiver.always |= {
        "/flood": saying(OK + b"\r\n", b"x" * 65536),
        "/bomb": saying(OK + packed + bomb),
        "/slow": saying(OK + b"content-length: 100\r\n\r\n", b"x", 0.2),
    }
    listening(gateway)
    say(zalo, lan, "bí mật")
    gateway.said_times("trying again; see: openclaw webhooks list", len(BROKEN))
    listed = asked(linked, "webhooks", "list")["webhooks"]
    for one, (path, (_, line)) in zip(listed, BROKEN.items(), strict=False):
        assert line in one["error"], path
    assert [one["tries"] for one in listed[len(BROKEN) :]] == [0, 0, 0]
    code, _ = status(linked)
    assert code == 2
    shown = "\n".join([json.dumps(listed), *gateway.printed(), linked.run("channels", "status").stdout])
    for path in (*BROKEN, *WHOLE):
        assert path not in shown, "an address may hold a secret"
    for hidden in (SECRET, "words-of-theirs", "bí mật", "Traceback"):
        assert hidden not in shown
