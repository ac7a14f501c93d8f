"""A model with tools, asked over real HTTP: its loop, its limits, and how it goes on after a crash."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from clawlane.agents.budget import Ledger
from clawlane.agents.contract import TurnInput
from clawlane.agents.errors import AgentBusy, AgentError, AgentFailed, AgentLimit, AgentMisconfigured
from clawlane.agents.model import NamedModel, Run, ToolProblem, ToolSpec, ToolUse
from clawlane.agents.providers import ProviderAccess, open_models
from clawlane.config.agents import Agents, Api
from clawlane.config.routing import settled
from clawlane.messages import Inbound, Outgoing, Thread, ThreadKind
from clawlane.store.spending import Spent
from clawlane.store.steps import ToolSend
from demo.model_server import ChatRequest, ModelServer, Raw, Says, ToolCall, refuses

PLACE = "agents.defaults.model"
TURN = TurnInput(
    "zalouser/default", (Inbound("default", "m1", Thread(ThreadKind.DM, "1"), "1", "Lan", "Chào", 0),)
)
WEATHER = ToolSpec(
    "weather",
    "The weather of a place.",
    {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)


@dataclass
class StoredSteps:
    """Steps as a store keeps them; `crash_at` is the number of a step that is never stored."""

    kept: list[str] = field(default_factory=list)
    crash_at: int = -1

    async def stored(self) -> Sequence[str]:
        return self.kept

    async def add(self, step: str, sends: Sequence[ToolSend]) -> None:
        if len(self.kept) == self.crash_at:
            raise RuntimeError("crash")
        self.kept.append(step)


@dataclass
class Toolbox:
    called: list[ToolUse] = field(default_factory=list)
    hang: asyncio.Event | None = None

    def specs(self) -> Sequence[ToolSpec]:
        return [WEATHER]

    async def plan(self, use: ToolUse) -> tuple[Outgoing, ...]:
        return ()

    async def call(self, use: ToolUse) -> str:
        self.called.append(use)
        if self.hang:
            self.hang.set()
            await asyncio.Event().wait()
        if not isinstance(use.arguments.get("place"), str):
            raise ToolProblem("`place` must be a text")
        return f"nắng ở {use.arguments['place']}"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer().serving() as serving:
        yield serving


@pytest.fixture(params=[Api.OPENAI_COMPLETIONS, Api.OPENAI_RESPONSES])
async def models(server: ModelServer, request: pytest.FixtureRequest) -> AsyncIterator[list[NamedModel]]:
    access = ProviderAccess("loopback", "models.providers.loopback", request.param, "s3cret", server.url)
    async with open_models(["loopback/a", "loopback/b", "loopback/c"], {"loopback": access}) as opened:
        yield opened


def run(
    available: list[NamedModel],
    steps: StoredSteps | None = None,
    tools: Toolbox | None = None,
    more: Callable[[str, Sequence[AgentError]], None] = lambda _model, _problems: None,
    **limits: int,
) -> Run:
    [agent] = settled(Agents.model_validate({"defaults": {"model": "loopback/a", **limits}}))
    ledger = Ledger(agent).of(TURN)
    return Run(agent, available, tools or Toolbox(), steps or StoredSteps(), ledger, "Ngắn thôi.", more)


def calls(*arguments: str) -> Says:
    return Says(tool_calls=[ToolCall("weather", text, f"call_{n}") for n, text in enumerate(arguments)])


def answers(*script: Says | Raw) -> object:
    """One answer after the other; the last one again and again."""
    left = list(script)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


async def test_an_answer(server: ModelServer, models: list[NamedModel]) -> None:
    server.script = lambda _: Says("Chào **anh**.", reasoning="em nghĩ")
    answer = await run(models[:1]).answer("Chào em")
    assert (answer.text, answer.model) == ("Chào **anh**.", "loopback/a")
    [request] = server.requests
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert request.messages[0]["content"] == "Ngắn thôi."
    assert request.headers["Authorization"] == "Bearer s3cret"


async def test_tools_run_and_the_model_is_told(server: ModelServer, models: list[NamedModel]) -> None:
    server.script = answers(calls('{"place": "Huế"}', '{"place": "Vinh"}'), Says("Nắng cả."))
    tools = Toolbox()
    answer = await run(models[:1], tools=tools).answer("Thời tiết?")
    assert answer.text == "Nắng cả."
    assert [(use.step, use.number, use.arguments["place"]) for use in tools.called] == [
        (1, 0, "Huế"),
        (1, 1, "Vinh"),
    ]
    told = [message for message in server.requests[1].messages if message["role"] == "tool"]
    assert [message["content"] for message in told] == ["nắng ở Huế", "nắng ở Vinh"]


@pytest.mark.parametrize("arguments", ["{", "[]", '"x"', "null", '{"place": 1}', "{}", "[" * 50_000])
async def test_nonsense_for_a_tool_is_told_to_the_model(
    server: ModelServer, models: list[NamedModel], arguments: str
) -> None:
    server.script = answers(calls(arguments), Says("Thôi vậy."))
    assert (await run(models[:1]).answer("Thời tiết?")).text == "Thôi vậy."
    told = server.requests[1].messages[-1]
    assert told["role"] == "tool"
    assert told["content"].startswith("error: ")


async def test_a_tool_that_does_not_exist_is_told_to_the_model(
    server: ModelServer, models: list[NamedModel]
) -> None:
    server.script = answers(Says(tool_calls=[ToolCall("rm", "{}")]), Says("Thôi vậy."))
    assert (await run(models[:1]).answer("Xoá đi")).text == "Thôi vậy."
    assert "there is: weather" in server.requests[1].messages[-1]["content"]


@pytest.mark.parametrize(
    ("key", "limit", "requests"), [("maxRequests", 3, 3), ("maxToolCalls", 2, 3), ("maxTokens", 30, 2)]
)
async def test_each_limit_ends_the_loop(
    server: ModelServer, models: list[NamedModel], key: str, limit: int, requests: int
) -> None:
    server.script = lambda _: calls('{"place": "Huế"}')
    with pytest.raises(AgentLimit, match=rf"^agents\.defaults\.{key}: "):
        await run(models[:1], **{key: limit}).answer("Thời tiết?")
    assert len(server.requests) == requests


async def test_parallel_calls_are_counted_before_they_run(
    server: ModelServer, models: list[NamedModel]
) -> None:
    server.script = lambda _: calls(*['{"place": "Huế"}'] * 5)
    tools, steps = Toolbox(), StoredSteps()
    with pytest.raises(AgentLimit):
        await run(models[:1], steps, tools, maxToolCalls=4).answer("Thời tiết?")
    assert tools.called == []
    assert steps.kept == [], "after the limit was raised, the model is asked anew"


REFUSALS = {
    "key": (refuses(401, "s3cret"), AgentMisconfigured, "refused the key"),
    "model": (refuses(404, "em nghĩ"), AgentMisconfigured, "does not exist"),
    "limit": (refuses(429, retry_after="7"), AgentBusy, "is busy"),
    "busy": (refuses(503, retry_after="7"), AgentBusy, "is busy"),
    "server": (refuses(500, "em nghĩ"), AgentFailed, "HTTP 500"),
    "html": (Raw("<html>em nghĩ</html>", content_type="text/html"), AgentFailed, "cannot be read"),
    "elsewhere": (
        Raw(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        AgentMisconfigured,
        "redirects",
    ),
    "deep": (Raw("[" * 100_000 + "]" * 100_000), AgentFailed, ""),
    "endless": (Raw(b" " * 9 * 2**20 + b"{}"), AgentFailed, "larger than 8 MB"),
    "too many tokens": (Says("em nghĩ", finish_reason="length"), AgentLimit, "limit of output tokens"),
    "no json": (Raw("{em nghĩ"), AgentFailed, "cannot be read"),
    "nothing in it": (Raw("{}"), AgentFailed, ""),
    "cut": (Raw('{"id": "em nghĩ', cut=True), AgentFailed, ""),
}


async def test_no_request_has_a_line_in_the_log_not_even_the_first(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    for library in ("openai", "httpx2"):
        logging.getLogger(library).setLevel(logging.NOTSET)
    caplog.set_level(logging.INFO)
    access = ProviderAccess("mine", "", Api.OPENAI_COMPLETIONS, base_url=server.url)
    async with open_models(["mine/m"], {"mine": access}) as opened:
        await run(opened).answer("Chào")
    assert {one.name for one in caplog.records} <= {"aiohttp.access"}  # the server's own


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_bad_answer_is_one_line_that_holds_no_contents(
    name: str, server: ModelServer, models: list[NamedModel]
) -> None:
    answer, kind, text = REFUSALS[name]
    server.script = lambda _: answer
    with pytest.raises(AgentError) as raised:
        await run(models[:1]).answer("Chào")
    assert type(raised.value) is kind
    assert text in str(raised.value)
    assert str(raised.value).startswith(PLACE)
    assert not any(secret in str(raised.value) for secret in ("s3cret", "em nghĩ", "Chào", "\n"))
    if isinstance(raised.value, AgentBusy):
        assert raised.value.retry_in_s == 7
    assert len(server.requests) == 1, "nothing is asked again behind our back"


async def test_the_next_model_answers_if_one_cannot(server: ModelServer, models: list[NamedModel]) -> None:
    server.script = lambda request: Says("xong") if request.body["model"] == "c" else refuses(500)
    told: list[tuple[str, list[str]]] = []
    answer = await run(models, more=lambda *said: told.append((said[0], list(map(str, said[1]))))).answer(
        "Chào"
    )
    assert (answer.text, answer.model) == ("xong", "loopback/c")
    assert told == [
        ("loopback/c", [f"{PLACE}: loopback/{name} answered with HTTP 500" for name in ("a", "b")])
    ]
    assert [request.body["model"] for request in server.requests] == ["a", "b", "c"]


async def test_all_models_busy_is_busy_until_the_first_is_free(
    server: ModelServer, models: list[NamedModel]
) -> None:
    server.script = lambda request: refuses(429, retry_after="9" if request.body["model"] == "a" else "5")
    with pytest.raises(AgentBusy) as busy:
        await run(models[:2]).answer("Chào")
    assert busy.value.retry_in_s == 5


@pytest.mark.parametrize("crash_at", [0, 1, 2, 3, 4])
async def test_after_a_crash_no_completed_step_is_asked_or_done_again(
    crash_at: int, server: ModelServer, models: list[NamedModel]
) -> None:
    def script(request: ChatRequest) -> Says:
        answered = sum(message["role"] == "tool" for message in request.messages)
        return [calls('{"place": "Huế"}'), calls('{"place": "Vinh"}'), Says("Nắng cả.")][answered]

    server.script = script
    steps, tools = StoredSteps(crash_at=crash_at), Toolbox()
    with pytest.raises(RuntimeError):
        await run(models[:1], steps, tools).answer("Thời tiết?")
    asked, done = len(server.requests), len(tools.called)
    steps.crash_at = -1
    answer = await run(models[:1], steps, tools).answer("Thời tiết?")
    assert answer.text == "Nắng cả."
    assert answer.model == "loopback/a"
    lost_answer, lost_result = crash_at % 2 == 0, crash_at % 2 == 1
    assert len(server.requests) == 3 + lost_answer
    assert len(tools.called) == 2 + lost_result
    assert len({(use.step, use.number) for use in tools.called}) == 2
    assert asked + done >= crash_at
    assert all(json.loads(step) for step in steps.kept)


async def test_cancelling_stops_a_tool(server: ModelServer, models: list[NamedModel]) -> None:
    server.script = answers(calls('{"place": "Huế"}'), Says("xong"))
    tools = Toolbox(hang=asyncio.Event())
    asking = asyncio.ensure_future(run(models[:1], tools=tools).answer("Chào"))
    assert tools.hang
    await tools.hang.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(server.requests) == 1


async def test_cancelling_stops_a_request(server: ModelServer, models: list[NamedModel]) -> None:
    reached = asyncio.Event()

    async def hang(_request: ChatRequest) -> Says:
        reached.set()
        await asyncio.Event().wait()
        return Says()

    server.script = hang
    asking = asyncio.ensure_future(run(models[:1]).answer("Chào"))
    await reached.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await server.abandoned.wait()


async def test_variables_for_openai_reach_no_other_server(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "s3cret")
    access = ProviderAccess("loopback", "", Api.OPENAI_COMPLETIONS, "", server.url)
    async with open_models(["loopback/a"], {"loopback": access}) as opened:
        await run(opened).answer("Chào")
    [request] = server.requests
    assert "s3cret" not in str(request.headers)


@dataclass
class Counted:
    """A ledger that keeps what is counted."""

    spent: list[Spent] = field(default_factory=list)

    async def check(self) -> None:
        pass

    async def add(self, spent: Spent) -> None:
        self.spent.append(spent)


@pytest.mark.parametrize("tokens", [(12, 3), (0, 0)], ids=["counted", "not counted"])
async def test_what_a_request_takes_is_counted(
    server: ModelServer, models: list[NamedModel], tokens: tuple[int, int]
) -> None:
    server.script = answers(
        Says(
            "", tool_calls=[ToolCall("weather", "{}")], prompt_tokens=tokens[0], completion_tokens=tokens[1]
        ),
        Says("cắt", finish_reason="length", prompt_tokens=tokens[0], completion_tokens=tokens[1]),
    )
    ledger = Counted()
    priced = replace(models[0], price=lambda usage: float(usage.input_tokens))
    with pytest.raises(AgentLimit):
        await replace(run([priced]), ledger=ledger).answer("Chào " * 300)  # type: ignore[arg-type]
    assert len(ledger.spent) == 2, "an answer that is cut counts, too"
    for spent in ledger.spent:
        assert spent.usd == spent.input_tokens
        if tokens[0]:
            assert (spent.input_tokens, spent.output_tokens) == tokens
        else:
            assert spent.input_tokens > 300
            assert spent.output_tokens > 0


async def test_broken_unicode_costs_neither_the_answer_nor_the_turn(
    server: ModelServer, models: list[NamedModel]
) -> None:
    broken = Says(tool_calls=[ToolCall("weather", '{"place": "\ud83d"}', "call_\ud83d")])
    server.script = answers(broken, Says("Nắng \ud83d nhé."))
    tools = Toolbox()
    assert (await run(models[:1], tools=tools).answer("Thời tiết?")).text == "Nắng ? nhé."
    assert [use.arguments for use in tools.called] == [{"place": "?"}]


async def test_a_count_of_tokens_that_cannot_be_stays_storable(
    server: ModelServer, models: list[NamedModel]
) -> None:
    server.script = lambda _: Says("Nắng.", prompt_tokens=10**30, completion_tokens=1)
    ledger = Counted()
    await replace(run(models[:1]), ledger=ledger).answer("Chào")  # type: ignore[arg-type]
    assert [spent.input_tokens for spent in ledger.spent] == [10**9]


@pytest.mark.parametrize(("api", "library"), [(Api.ANTHROPIC, "anthropic"), (Api.GOOGLE, "google.genai")])
async def test_other_libraries_take_no_key_elsewhere(
    api: Api, library: str, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(library)
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "s3cret-of-another")
    seen: list[str] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
        where = server.url.removesuffix("/v1")
        head = f"HTTP/1.1 307 No\r\nLocation: {where}/v1/models\r\nContent-Length: 0\r\n\r\n"
        writer.write(head.encode())
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as elsewhere:
        url = "http://{}:{}".format(*elsewhere.sockets[0].getsockname())
        access = ProviderAccess("x", "models.providers.x", api, "", url, {"X-Team": "blue"})
        async with open_models(["x/a"], {"x": access}) as opened:
            with pytest.raises(AgentError):
                await run(opened).answer("Chào")
    [head] = seen
    assert "s3cret" not in head
    assert "x-team: blue" in head.lower()
