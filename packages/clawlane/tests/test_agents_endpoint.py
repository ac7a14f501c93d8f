"""An agent behind OpenAI's chat API: a real server on loopback, real sockets."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from clawlane.agents.endpoint import LONGEST_ANSWER, ChatMessage, Completion, Endpoint
from clawlane.agents.errors import (
    AgentBusy,
    AgentError,
    AgentFailed,
    AgentInterrupted,
    AgentMisconfigured,
)
from demo.model_server import ChatRequest, ModelServer, Raw, Says, Script, ToolCall, refuses

PLACE = "agents.list[0].brain"
MESSAGES = (ChatMessage("system", "Ngắn thôi."), ChatMessage("user", "Chào em"))


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer().serving() as serving:
        yield serving


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def endpoint(server: ModelServer, request: pytest.FixtureRequest) -> Endpoint:
    return Endpoint(PLACE, server.url, "any", {"Authorization": "Bearer s3cret"}, stream=request.param)


async def test_an_answer_comes_back(
    endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: Says("Chào anh, em **khoẻ**.", prompt_tokens=20, completion_tokens=7)
    assert await endpoint.ask(http, MESSAGES, "s") == Completion("Chào anh, em **khoẻ**.", 20, 7)
    [request] = server.requests
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.body["messages"] == [
        {"role": "system", "content": "Ngắn thôi."},
        {"role": "user", "content": "Chào em"},
    ]
    assert "user" not in request.body


async def test_the_session_travels_by_header_or_by_user(
    endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    named = replace(
        endpoint, session_headers=("X-Hermes-Session-Id", "x-openclaw-session-key"), session_as_user=True
    )
    await named.ask(http, MESSAGES, "agent:main:zalouser:default:dm:1")
    [request] = server.requests
    assert request.headers["X-Hermes-Session-Id"] == "agent:main:zalouser:default:dm:1"
    assert request.headers["x-openclaw-session-key"] == "agent:main:zalouser:default:dm:1"
    assert request.body["user"] == "agent:main:zalouser:default:dm:1"


async def test_thoughts_in_fields_of_their_own_are_left_out(
    endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: Says("xong", reasoning="em nghĩ mãi")
    assert (await endpoint.ask(http, MESSAGES, "s")).text == "xong"


async def test_broken_unicode_and_impossible_counts_are_mended(
    endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: Says("nắng \ud83d", prompt_tokens=10**30, completion_tokens=1)
    assert await endpoint.ask(http, MESSAGES, "s") == Completion("nắng ?", 10**9, 1)


async def test_an_empty_answer_is_an_answer(
    endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: Says("", reasoning="hết chỗ", finish_reason="length")
    assert (await endpoint.ask(http, MESSAGES, "s")).text == ""


REFUSALS = {
    "key": (refuses(401, "bad key s3cret"), AgentMisconfigured, "refused the key"),
    "forbidden": (refuses(403), AgentMisconfigured, "refused the key"),
    "model": (refuses(404, "no such model"), AgentMisconfigured, "check `url` and `model`"),
    "redirect": (Raw(status=302, headers={"Location": "http://127.0.0.1:1/"}), AgentMisconfigured, ".url"),
    "server": (refuses(500, "em nghĩ"), AgentFailed, "HTTP 500"),
    "html": (Raw("<html>em nghĩ</html>", content_type="text/html"), AgentFailed, "text/html"),
    "no json": (Raw("{em nghĩ"), AgentFailed, "not JSON"),
    "a list": (Raw("[]"), AgentFailed, "not JSON"),
    "deep": (Raw("[" * 100_000), AgentFailed, "not JSON"),
    "nothing in it": (Raw("{}"), AgentFailed, "without a message"),
    "odd choices": (Raw('{"choices": ["em nghĩ"]}'), AgentFailed, "without a message"),
    "cut": (Raw('{"choices": [', cut=True), AgentFailed, "the connection was closed"),
    "error in the stream": (
        Raw('data: {"error": {"message": "em nghĩ"}}\n\n', content_type="text/event-stream"),
        AgentFailed,
        "in mid-answer",
    ),
    "rubbish in the stream": (
        Raw("data: em nghĩ\n\n", content_type="text/event-stream"),
        AgentFailed,
        "not JSON",
    ),
    "stream without an end": (
        Raw('data: {"choices": [{"delta": {"content": "em ng', content_type="text/event-stream"),
        AgentFailed,
        "ended in the middle",
    ),
    "huge": (Raw(b'"' + b"x" * (LONGEST_ANSWER + 1)), AgentMisconfigured, "larger than 8 MB"),
    "huge stream": (
        Raw(b"data: " + b"x" * (LONGEST_ANSWER + 1), content_type="text/event-stream"),
        AgentMisconfigured,
        "larger than 8 MB",
    ),
    "tools": (Says(tool_calls=[ToolCall("rm", "{}")]), AgentFailed, "kind: 'model'"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_bad_answer_is_one_line_that_holds_no_contents(
    name: str, endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    answer, kind, text = REFUSALS[name]
    server.script = lambda _: answer
    with pytest.raises(AgentError) as raised:
        await endpoint.ask(http, MESSAGES, "s")
    assert type(raised.value) is kind
    assert text in str(raised.value)
    assert str(raised.value).startswith(PLACE)
    for secret in ("s3cret", "em nghĩ", "Chào"):
        assert secret not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [name for name, one in REFUSALS.items() if one[1] is AgentFailed])
async def test_an_agent_that_may_have_acted_is_not_asked_again_after_a_bad_answer(
    name: str, endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    answer, _, text = REFUSALS[name]
    server.script = lambda _: answer
    with pytest.raises(AgentInterrupted, match=text):
        await replace(endpoint, once=True).ask(http, MESSAGES, "s")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("7", 7.0), ("0", 1.0), ("1e9", 20.0), ("99999999", 3600.0), ("soon", 20.0), ("", 20.0)],
)
async def test_a_busy_provider_says_when_to_come_back(
    written: str, expected: float, endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: refuses(429, retry_after=written)
    with pytest.raises(AgentBusy) as busy:
        await endpoint.ask(http, MESSAGES, "s")
    assert busy.value.retry_in_s == expected


async def test_a_busy_provider_may_name_a_date(
    endpoint: Endpoint, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: refuses(503, retry_after="Wed, 21 Oct 2099 07:28:00 GMT")
    with pytest.raises(AgentBusy) as busy:
        await endpoint.ask(http, MESSAGES, "s")
    assert busy.value.retry_in_s == 3600


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_stream_that_is_cut_is_no_answer(
    after: int, server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = lambda _: Says("một hai ba bốn", cut_after=after)
    endpoint = Endpoint(PLACE, server.url, "any")
    with pytest.raises(AgentFailed, match=r"closed|middle"):
        await endpoint.ask(http, MESSAGES, "s")
    with pytest.raises(AgentInterrupted):
        await replace(endpoint, once=True).ask(http, MESSAGES, "s")


async def test_nobody_there_is_a_failure_even_for_an_agent_that_is_asked_once(
    http: aiohttp.ClientSession,
) -> None:
    with socket.socket() as bound:  # nobody else is given its port meanwhile
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        with pytest.raises(AgentFailed, match="cannot be reached"):
            await Endpoint(PLACE, url, "any", once=True).ask(http, MESSAGES, "s")


def hanging(reached: asyncio.Event) -> Script:
    async def script(_request: ChatRequest) -> Says:
        reached.set()
        await asyncio.Event().wait()
        return Says()

    return script


@pytest.mark.parametrize(("once", "kind"), [(False, AgentFailed), (True, AgentInterrupted)])
async def test_an_answer_that_takes_too_long(
    once: bool, kind: type[AgentError], server: ModelServer, http: aiohttp.ClientSession
) -> None:
    server.script = hanging(asyncio.Event())
    with pytest.raises(kind, match="it took too long"):
        await Endpoint(PLACE, server.url, "any", once=once, timeout_s=0.2).ask(http, MESSAGES, "s")


async def test_cancelling_closes_the_connection(server: ModelServer, http: aiohttp.ClientSession) -> None:
    reached = asyncio.Event()
    server.script = hanging(reached)
    asking = asyncio.ensure_future(Endpoint(PLACE, server.url, "any").ask(http, MESSAGES, "s"))
    await reached.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await server.abandoned.wait()


async def test_keys_are_in_no_repr(server: ModelServer) -> None:
    assert not re.search(
        "s3cret", repr(Endpoint(PLACE, server.url, "any", {"Authorization": "Bearer s3cret"}))
    )


async def test_the_server_answers_by_hand(server: ModelServer, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{server.url}/models") as response:
        assert (await response.json())["data"][0]["id"] == "any"
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    async with http.post(f"{server.url}/chat/completions", data=json.dumps(body)) as response:
        assert (await response.json(content_type=None))["choices"][0]["message"]["content"] == "hi"
