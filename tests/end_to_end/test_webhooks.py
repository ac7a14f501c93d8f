"""Webhooks over the wire: a receiver that is down, a gateway that is killed, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.receiver import Receiver, Request, receiving, status_of
from end_to_end.steps import asked, listening, person, say, until

pytestmark = pytest.mark.long


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def message_ids(came: list[Request]) -> list[str]:
    """The messages that were told, each once, in the order in which they first came."""
    return list(dict.fromkeys(str(body["data"]["message_id"]) for _, body in came))


def test_nothing_is_lost_while_the_receiver_is_down_and_the_gateway_is_killed(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, receiver: Receiver
) -> None:
    lan = person(zalo, "Lan")
    hook = {"url": receiver.url, "secret": "${HOOK_SECRET}", "events": ["message", "recall"]}
    block = {"allowFrom": [lan], "pacing": {"enabled": False}}
    (state / "config.json5").write_text(json.dumps({"channels": {"zalouser": block}, "webhooks": [hook]}))
    linked.env["HOOK_SECRET"] = "a secret that is long enough"

    def killed(_: BaseHTTPRequestHandler) -> None:
        gateway.kill()

    for answer in (status_of(503), status_of(302), killed):
        receiver.answers.put(answer)
    listening(gateway)
    say(zalo, lan, "một")
    say(zalo, lan, "hai")
    came = [receiver.next() for _ in range(3)]
    listening(gateway)
    say(zalo, lan, "ba")
    came += [receiver.next() for _ in range(3)]
    assert len({id_ for id_, _ in came}) == 3
    assert len(message_ids(came)) == 3
    assert len({json.dumps(body) for _, body in came[:4]}) == 1, "the same each time"
    told = json.dumps([body for _, body in came], ensure_ascii=False)
    assert not any(word in told for word in ("Lan", "một", "hai"))
    until(lambda: asked(linked, "webhooks", "list")["webhooks"][0]["waiting"] == 0)  # else it comes twice
    gateway.kill()
    listening(gateway)
    [one] = asked(linked, "webhooks", "list")["webhooks"]
    assert (one["waiting"], one["tries"], one["given_up"]) == (0, 0, 0)
    assert linked.run("webhooks", "test").returncode == 0
    assert receiver.next()[1]["type"] == "test"
    assert receiver.came.empty()
