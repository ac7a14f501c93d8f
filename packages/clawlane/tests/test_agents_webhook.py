"""An agent that is asked by signed requests: what each response means, without a channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from packages.clawlane.tests.test_gateway_alerts import Receiver, receiving

from clawlane.agents.contract import Agent, TurnInput
from clawlane.agents.errors import (
    AgentBusy,
    AgentError,
    AgentFailed,
    AgentLimit,
    AgentMisconfigured,
    EmptyAnswer,
)
from clawlane.agents.opening import Opener, Shared
from clawlane.agents.webhook_agent import LONGEST_ANSWER, WebhookAgent
from clawlane.config.agents import Agents
from clawlane.config.routing import settled
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.webhook_sender import is_signed, signed, signing_key

SECRET = "a secret of enough length"
TURN = TurnInput(
    "zalouser/default",
    (Inbound("default", "m1", Thread(ThreadKind.DM, "11"), "11", "Lan", "chào", 1_700_000_000_000),),
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def agent(receiver: Receiver, tmp_path: Path) -> AsyncIterator[WebhookAgent]:
    async with asked_at(receiver, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def asked_at(receiver: Receiver, folder: Path, seconds: int = 60) -> AsyncIterator[WebhookAgent]:
    """An agent that has so much time for its answer."""
    async with AsyncExitStack() as stack:
        opened, problems = await opening(receiver, stack, folder, SECRET, seconds)
        assert isinstance(opened, WebhookAgent)
        assert problems == []
        yield opened


async def opening(
    receiver: Receiver, stack: AsyncExitStack, folder: Path, secret: str, seconds: int = 60
) -> tuple[Agent, list[str]]:
    brain = {"kind": "webhook", "url": receiver.url, "secret": "${BRAIN}"}
    [settings] = settled(Agents.model_validate({"defaults": {"brain": brain, "timeoutSeconds": seconds}}))
    opener = Opener(stack, {"BRAIN": secret}, folder, Shared())
    return await opener.open(settings), opener.problems


def responding(status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        head = {"content-type": kind, **headers}
        return web.Response(status=status, body=body, headers=head)

    return answer


async def test_it_is_asked_by_a_signed_request(agent: WebhookAgent, receiver: Receiver) -> None:
    receiver.answer = responding(200, b'{"text": "xin **chao**", "react": "x"}', "application/json")
    reply = await agent.run(TURN)
    assert reply is not None
    assert (reply.text, reply.react) == ("xin **chao**", "x")
    [(headers, body)] = receiver.came
    asked = json.loads(body)
    assert (asked["type"], asked["message"], asked["turn"]) == ("turn", "chào", headers["webhook-id"])
    stamp, signature = headers["webhook-timestamp"], headers["webhook-signature"]
    assert is_signed(signing_key(SECRET), asked["turn"], stamp, body, signature, int(stamp) * 1000)


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=UTF8"])
async def test_a_mark_of_the_byte_order_is_no_part_of_an_answer(
    agent: WebhookAgent, receiver: Receiver, charset: str
) -> None:
    for body in (b'\xef\xbb\xbf{"text": "a"}', b"\xef\xbb\xbfa"):
        kind = "application/json" if b"{" in body else "text/plain"
        receiver.answer = responding(200, body, kind + charset)
        reply = await agent.run(TURN)
        assert reply is not None
        assert reply.text == "a"


async def test_no_cookie_goes_from_one_conversation_to_another(
    agent: WebhookAgent, receiver: Receiver
) -> None:
    receiver.answer = responding(200, b"a", **{"Set-Cookie": "of=lan"})
    await agent.run(TURN)
    await agent.run(TURN)
    assert ["Cookie" in headers for headers, _ in receiver.came] == [False, False]


async def test_silence_is_an_answer(agent: WebhookAgent, receiver: Receiver) -> None:
    receiver.answer = responding(204)
    assert await agent.run(TURN) is None


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (responding(202), AgentFailed, "answers later, which only a channel can wait for"),
        (responding(401), AgentMisconfigured, "refused the signature (HTTP 401)"),
        (responding(404), AgentMisconfigured, "knows no such address (HTTP 404)"),
        (responding(307, Location="http://127.0.0.1:9/"), AgentMisconfigured, "redirects elsewhere"),
        (responding(500), AgentFailed, "answered with HTTP 500"),
        (responding(429, **{"Retry-After": "7"}), AgentBusy, "is busy (HTTP 429)"),
        (responding(200, b"<html>", "text/html"), AgentFailed, "the answer is text/html"),
        (responding(200, b"[1]", "application/json"), AgentFailed, "a JSON answer must be"),
        (responding(200, b'{"txt": 1}', "application/json"), AgentFailed, "a JSON answer must be"),
        (
            responding(200, b'{"text": "a", "text": "b"}', "application/json"),
            AgentFailed,
            "a JSON answer must be",
        ),
        (
            responding(200, '{"text": "a"}'.encode("utf-16"), "application/json"),
            AgentFailed,
            "is not UTF-8 text",
        ),
        (responding(200, b"a", "text/plain; charset=utf-16"), AgentFailed, "is not UTF-8 text"),
        (responding(200, b"a", **{"Content-Encoding": "x-other"}), AgentFailed, "the answer is compressed"),
        (responding(200, "\u200b\u202e\u3164".encode()), EmptyAnswer, "nothing in the answer is for people"),
        (responding(200, b"x" * (LONGEST_ANSWER + 1)), AgentMisconfigured, "larger than 1 MB"),
    ],
)
async def test_what_is_no_answer_says_why(
    agent: WebhookAgent, receiver: Receiver, answer: Answer, error: type[AgentError], told: str
) -> None:
    receiver.answer = answer
    with pytest.raises(error) as raised:
        await agent.run(TURN)
    assert told in str(raised.value)
    assert str(raised.value).startswith("agents.defaults.brain")
    assert not isinstance(raised.value, AgentBusy) or raised.value.retry_in_s == 7


async def test_it_has_so_much_time(receiver: Receiver, tmp_path: Path) -> None:
    over = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    receiver.answer = answer
    async with asked_at(receiver, tmp_path, seconds=1) as agent:
        with pytest.raises(AgentLimit, match="within 1 s"):
            await agent.run(TURN)
    over.set()


async def test_it_can_be_tried(agent: WebhookAgent, receiver: Receiver) -> None:
    assert await agent.reach() == ""
    assert receiver.bodies() == [{"type": "test"}]
    receiver.answer = responding(400)
    assert await agent.reach() == "", "it need not know what a test is"
    receiver.answer = responding(403)
    with pytest.raises(AgentMisconfigured, match="refused the signature"):
        await agent.reach()


async def test_a_secret_that_is_too_short_is_told(receiver: Receiver, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        _, problems = await opening(receiver, stack, tmp_path, "short")
    assert problems == ["agents.defaults.brain.secret: the secret has 5 bytes; it needs at least 16"]


def test_a_signature_counts_for_one_id_and_five_minutes() -> None:
    key, body = signing_key(SECRET), b"{}"
    head = signed(key, "turn_1", 1_700_000_000_000, body)
    signature, now_ms = head["webhook-signature"], 1_700_000_000_000
    assert is_signed(key, "turn_1", "1700000000", body, f"v1,old {signature}", now_ms)
    assert not is_signed(key, "turn_1", "1700000000", body, signature, now_ms + 301_000)
    assert not is_signed(key, "turn_1", "1 700000000", body, signature, now_ms)
    assert not is_signed(key, "turn_2", "1700000000", body, signature, now_ms)
