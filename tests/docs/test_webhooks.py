"""What docs/webhooks.md shows: the check of a signature, and the body of an event."""

from __future__ import annotations

import json
import time
import urllib.request
from types import SimpleNamespace
from typing import Any

from clawlane.access.decision import Outcome, Reason
from clawlane.config.webhooks import EventKind
from clawlane.messages import Attachment, Inbound, Thread, ThreadKind
from clawlane.ops.event_bodies import body_of
from clawlane.store.events import Decided
from clawlane.store.stored_messages import Words
from clawlane.webhook_sender import is_signed, signed, signing_key
from docs.shell_blocks import blocks

GROUP = Thread(ThreadKind.GROUP, "900")
AT_MS = 1_700_000_000_000


def test_the_body_is_as_shown() -> None:
    [shown] = map(json.loads, blocks("docs/webhooks.md", "json"))
    event = Decided(
        "1a2b3c4d.17",
        "zalouser/default",
        AT_MS,
        7,
        "7001",
        GROUP,
        "11",
        "admission",
        Outcome.ADMIT,
        Reason.GROUP_ADMITTED,
    )
    photo = (Attachment("photo"),)
    text = "Đi ăn phở không?"
    said = Inbound("default", "7001", GROUP, "11", "Nguyễn Lan", text, AT_MS, attachments=photo)
    words = Words("Nguyễn Lan", "Nhóm Gia Đình", said)
    assert json.loads(body_of(event, EventKind.MESSAGE, words)) == shown
    bare = json.loads(body_of(event, EventKind.MESSAGE))
    assert bare["data"].keys() == {"message_id", "thread", "sender", "stage", "outcome", "reason"}


def test_the_check_of_a_signature_is_right() -> None:
    [written] = blocks("docs/webhooks.md", "python")
    names: dict[str, object] = {}
    exec(written, names)
    secret, body = "a secret of enough length", b'{"a": 1}'
    headers = signed(signing_key(secret), "evt_1", int(time.time() * 1000), body)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    assert is_genuine(secret, headers, body)
    assert not is_genuine(secret, headers, b'{"a": 2}')


def test_a_later_answer_is_signed_as_it_is_checked() -> None:
    [written] = blocks("docs/agents.md", "python")
    names: dict[str, Any] = {}
    exec(written, names)
    asked: list[urllib.request.Request] = []

    class Answer:
        status = 202

        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def urlopen(request: urllib.request.Request) -> Answer:
        asked.append(request)
        return Answer()

    opened = SimpleNamespace(request=SimpleNamespace(Request=urllib.request.Request, urlopen=urlopen))
    names["urllib"] = opened
    secret = "a secret of enough length"
    assert names["answer_later"]("http://127.0.0.1:18790", secret, "turn_1", "chào") == 202
    [request] = asked
    assert request.full_url == "http://127.0.0.1:18790/callback/turn_1"
    head = {name.lower(): value for name, value in request.headers.items()}
    assert isinstance(request.data, bytes)
    signature, stamp = head["webhook-signature"], head["webhook-timestamp"]
    now_ms = int(time.time() * 1000)
    assert is_signed(signing_key(secret), "turn_1", stamp, request.data, signature, now_ms)
