"""An agent of kind `model`: what its model was asked, what Zalo saw, what became of the turn."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from demo.model_server import ChatRequest, ModelServer, Raw, Says, ToolCall, refuses
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, answers, listening, person, say

CHANNEL = "channels: { zalouser: { dmPolicy: 'allowlist', allowFrom: [%s], groupPolicy: 'allowlist' } }"
SHADOW = "raise ImportError(f'not installed: {__name__}', name=__name__)"


def configured(
    state: Path,
    server: ModelServer,
    people: list[str],
    agent: str = "",
    choice: str = "'loop/a'",
    **provider: str,
) -> None:
    """A model of the loopback server as the default agent, for these people."""
    own = ", ".join(f"{key}: {value}" for key, value in provider.items())
    (state / "config.json5").write_text(
        f"{{ {CHANNEL % ', '.join(map(repr, people))},\n"
        f"models: {{ providers: {{ loop: {{ baseUrl: '{server.url}',"
        f" apiKey: '${{LOOP_KEY}}', {own} }} }} }},\n"
        f"agents: {{ defaults: {{ model: {choice}, instructions: 'Ngắn thôi.', {agent} }} }} }}"
    )


@pytest.fixture
def linked(linked: Operator) -> Operator:
    """An operator whose environment holds the model's key."""
    linked.env["LOOP_KEY"] = "s3cret-key"
    return linked


def why(operator: Operator) -> str:
    return operator.run("why", "--last", "5").stdout


def log(gateway: Gateway) -> str:
    return "\n".join(gateway.printed())


def typed(zalo: Simulator) -> int:
    """How often typing was shown."""
    return sum(record["kind"] == "typed" for record in zalo.since(0))


def calls(*names: str) -> Says:
    """An answer that calls tools. There are none of these names: the model is told so."""
    return Says(tool_calls=[ToolCall(name, "{}", f"call_{n}") for n, name in enumerate(names)])


def results(request: ChatRequest) -> int:
    return sum(message["role"] == "tool" for message in request.messages)


@pytest.mark.parametrize("api", ["openai-completions", "openai-responses"])
def test_a_model_answers(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer, api: str
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan], api=f"'{api}'")
    model.script = lambda request: (
        Says("<think>nghĩ</think>Chào **Lan**", reasoning="nghĩ") if results(request) else calls("x", "y")
    )
    listening(gateway)
    say(zalo, lan, "chào em")
    sent = zalo.wait("sent")
    assert sent["text"] == "Chào Lan"
    assert [style["st"] for style in json.loads(sent["params"]["textProperties"])["styles"]] == ["b"]
    first, second = model.requests
    assert first.headers["Authorization"] == "Bearer s3cret-key"
    assert first.body["model"] == "a"
    assert "Ngắn thôi." in first.messages[0]["content"]
    assert "chào em" not in first.messages[0]["content"]
    assert "|   chào em" in first.last_text
    assert results(second) == 2
    assert all(words not in log(gateway) for words in ("nghĩ", "chào em", "s3cret-key"))


@pytest.mark.long
def test_a_model_that_says_nothing_is_silence_with_a_reason(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan])
    script = {"im": Says("NO_REPLY"), "rỗng": Says(""), "nghĩ": Says("<think>ừ</think>", reasoning="ừ")}
    model.script = lambda request: next(
        (said for word, said in script.items() if f"|   {word}\n" in request.last_text), Says("vâng")
    )
    listening(gateway)
    for text in (*script, "nói"):
        say(zalo, lan, text)
    assert answers(zalo, 1) == ["vâng"]
    assert all_sent(zalo) == ["vâng"]
    told = why(linked)
    assert told.count("the agent had no reply: empty_answer: agents.defaults.model: ") == 2
    assert len(model.requests) == 4


@pytest.mark.long
@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("maxRequests: 3", "agents.defaults.maxRequests: no answer after 3 requests"),
        ("maxToolCalls: 2", "agents.defaults.maxToolCalls: the model asks for more than 2"),
        ("maxTokens: 30", "agents.defaults.maxTokens: no answer after 30 tokens"),
        ("timeoutSeconds: 1", "agents.defaults.timeoutSeconds: no answer after 1 s"),
    ],
)
def test_each_limit_ends_a_turn_for_good(
    linked: Operator,
    zalo: Simulator,
    gateway: Gateway,
    state: Path,
    model: ModelServer,
    limit: str,
    words: str,
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan], limit)

    async def loop(request: ChatRequest) -> Says:
        if "timeout" in limit:
            await asyncio.Event().wait()
        return Says("nửa câu", tool_calls=[ToolCall("x", "{}")])

    model.script = loop
    listening(gateway)
    say(zalo, lan, "chào")
    gateway.said("its message is set aside")
    asked = len(model.requests)
    assert "agent_limit: " + words in linked.run("channels", "dead-letters", "list").stdout
    assert "set aside" in why(linked)
    assert all_sent(zalo) == []
    assert len(model.requests) == asked


@pytest.mark.long
def test_a_busy_model_is_asked_again_when_it_said_and_others_are_answered_meanwhile(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, binh = person(zalo, "Lan"), person(zalo, "Bình")
    configured(state, model, [lan, binh])
    turned_away = threading.Event()

    def script(request: ChatRequest) -> Says | Raw:
        if "|   một\n" not in request.last_text:
            return Says("hai")
        if turned_away.is_set():
            return Says("một")
        turned_away.set()
        return refuses(429, retry_after="2")

    model.script = script
    listening(gateway)
    say(zalo, lan, "một")
    assert turned_away.wait(20)
    say(zalo, binh, "hai")
    assert answers(zalo, 2) == ["hai", "một"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (refuses(500, "s3cret reason"), 4),
        (Raw("<html>s3cret reason</html>", content_type="text/html"), 4),
        (Raw('{"choices": [{"message": {"content": "s3cret reason"', cut=True), 4),
        (Raw('{"s3cret reason": 1}'), 4),
        (refuses(401, "s3cret reason"), 1),
        (refuses(404, "s3cret reason"), 1),
    ],
    ids=["500", "html", "cut", "nonsense", "401", "404"],
)
def test_a_model_that_does_not_answer_sets_the_message_aside(
    linked: Operator,
    zalo: Simulator,
    gateway: Gateway,
    state: Path,
    model: ModelServer,
    answer: Raw,
    times: int,
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan])
    model.script = lambda _: answer
    listening(gateway)
    say(zalo, lan, "chào")
    gateway.said("its message is set aside")
    assert len(model.requests) == times
    assert "agents.defaults.model: loop/a" in why(linked)
    assert "s3cret reason" not in log(gateway) + why(linked)
    assert "Traceback" not in log(gateway)
    assert all_sent(zalo) == []


@pytest.mark.long
def test_a_model_that_cannot_be_reached_is_one_line(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    lan = person(zalo, "Lan")
    nowhere = ModelServer()
    nowhere.url = "http://127.0.0.1:9/v1"
    configured(state, nowhere, [lan])
    listening(gateway)
    say(zalo, lan, "chào")
    gateway.said("its message is set aside")
    assert "agents.defaults.model: loop/a cannot be reached" in why(linked)


@pytest.mark.long
def test_another_model_stands_in(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan], choice="{ primary: 'loop/a', fallbacks: ['loop/b', 'loop/c'] }")
    works = {"c"}
    model.script = lambda request: Says("vâng") if request.body["model"] in works else refuses(500)
    listening(gateway)
    for _ in range(2):
        say(zalo, lan, "chào")
        assert answers(zalo, 1) == ["vâng"]
    works.add("a")
    say(zalo, lan, "chào")
    assert answers(zalo, 1) == ["vâng"]
    assert [request.body["model"] for request in model.requests] == [*"abc", *"abc", "a"]
    [line] = [line for line in gateway.printed() if "answers instead" in line]
    assert "agent main: loop/c answers instead: " in line
    assert "loop/a answered with HTTP 500" in line
    gateway.said("agent main: loop/a answers again")


def test_stop_ends_the_request(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan])
    reached = threading.Event()

    async def script(request: ChatRequest) -> Says:
        if "|   treo\n" in request.last_text:
            reached.set()
            await asyncio.Event().wait()
        return Says("vâng")

    model.script = script
    listening(gateway)
    say(zalo, lan, "treo")
    assert reached.wait(20)
    say(zalo, lan, "/stop")
    gateway.said("was stopped by")
    say(zalo, lan, "nói")
    while "vâng" not in answers(zalo, 1):
        pass
    assert model.abandoned.is_set()
    assert "stopped" in why(linked)


def test_after_a_crash_no_completed_step_is_asked_again(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, [lan])
    reached, crashed = threading.Event(), threading.Event()

    async def script(request: ChatRequest) -> Says:
        if results(request) == 0:
            return calls("một")
        if results(request) == 1:
            return calls("hai")
        if not crashed.is_set():
            reached.set()
            await asyncio.Event().wait()
        return Says("xong")

    model.script = script
    listening(gateway)
    say(zalo, lan, "chào")
    assert reached.wait(20)
    gateway.kill()
    crashed.set()
    listening(gateway)
    assert answers(zalo, 1) == ["xong"]
    assert [results(request) for request in model.requests] == [0, 1, 2, 2]
    assert all_sent(zalo) == ["xong"]


@pytest.mark.long
@pytest.mark.parametrize("budget", ["tokensPerDay: 30", "usdPerDay: 0.00003"], ids=["tokens", "money"])
def test_a_spent_budget_is_silence(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer, budget: str
) -> None:
    lan, binh = person(zalo, "Lan"), person(zalo, "Bình")
    prices = "{ a: { input: 1, output: 1 } }"
    configured(
        state, model, [lan, binh], f"budget: {{ {budget}, perSender: 1, perThread: 1 }}", prices=prices
    )
    listening(gateway)
    model.script = lambda _: Says("vâng")
    for sender in (lan, binh):
        say(zalo, sender, "chào")
        assert answers(zalo, 1) == ["vâng"]
    before = typed(zalo)
    for sender in (lan, binh, lan):
        say(zalo, sender, "nữa")
    gateway.said("agent main is silent for everybody until midnight: agents.defaults.budget.")
    gateway.stop()
    listening(gateway)
    say(zalo, lan, "sau khi khởi động lại")
    gateway.said("agent main is silent for everybody until midnight")
    assert len(model.requests) == 2
    assert all_sent(zalo) == ["vâng", "vâng"]
    assert typed(zalo) == before, "nobody is shown typing where nothing is asked"
    told = why(linked)
    key = budget.partition(":")[0]
    assert f"the agent had no reply: budget_spent: agents.defaults.budget.{key}: 30 of 30" in told or (
        f"budget_spent: agents.defaults.budget.{key}: 0.0000 of 0.0000 USD" in told
    )


def test_a_senders_spent_share_silences_that_sender_only(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, binh = person(zalo, "Lan"), person(zalo, "Bình")
    configured(state, model, [lan, binh], "budget: { tokensPerDay: 60 }")
    listening(gateway)
    model.script = lambda _: Says("vâng")
    say(zalo, lan, "một")
    assert answers(zalo, 1) == ["vâng"]
    say(zalo, lan, "hai")
    say(zalo, lan, "ba")
    share = "agents.defaults.budget.perSender: 15 of 15 tokens are spent today"
    gateway.said(f"agent main is silent for sender {lan} until midnight: {share}")
    say(zalo, binh, "chào")
    assert answers(zalo, 1) == ["vâng"]
    assert len(model.requests) == 2
    assert len([line for line in gateway.printed() if "is silent" in line]) == 1


@pytest.mark.long
def test_what_an_endpoint_says_it_took_counts_too(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    brain = f"{{ kind: 'endpoint', url: '{model.url}' }}"
    agent = f"brain: {brain}, budget: {{ tokensPerDay: 60 }}"
    (state / "config.json5").write_text(f"{{ {CHANNEL % repr(lan)}, agents: {{ defaults: {{ {agent} }} }} }}")
    listening(gateway)
    model.script = lambda _: Says("vâng")
    say(zalo, lan, "một")
    assert answers(zalo, 1) == ["vâng"]
    say(zalo, lan, "hai")
    gateway.said("agents.defaults.budget.perSender: 15 of 15 tokens are spent today")
    assert len(model.requests) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("missing", "choice", "place", "extras"),
    [
        ("pydantic_ai", "loop/a", "agents.defaults.model: the library for models", "agent"),
        ("openai", "loop/a", "models.providers.loop: the library for openai-completions", "agent"),
        ("", "anthropic/claude", "models.providers.anthropic: the library for anthropic", "agent,anthropic"),
        ("", "google/gemini", "models.providers.google: the library for google", "agent,google"),
    ],
)
def test_without_its_library_the_gateway_does_not_start(
    linked: Operator,
    state: Path,
    model: ModelServer,
    tmp_path: Path,
    missing: str,
    choice: str,
    place: str,
    extras: str,
) -> None:
    configured(state, model, ["1" * 18], choice=repr(choice))
    linked.env.update(ANTHROPIC_API_KEY="x", GEMINI_API_KEY="x")
    if missing:
        (tmp_path / "shadow").mkdir()
        (tmp_path / "shadow" / f"{missing}.py").write_text(SHADOW)
        linked.env["PYTHONPATH"] = str(tmp_path / "shadow")
    done = linked.run("gateway", "run")
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if place in line]
    assert line.endswith(f"is missing; run: pip install 'clawlane[{extras}]'")
    assert "Traceback" not in done.stdout
    assert "echo" not in done.stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("openai/gpt-5", "there is no key, and the variable OPENAI_API_KEY is not set"),
        ("loop/a", "agents.defaults.budget.usdPerDay: the price of loop/a is not known"),
    ],
)
def test_what_is_missing_keeps_the_gateway_from_starting(
    linked: Operator, state: Path, model: ModelServer, choice: str, words: str
) -> None:
    configured(state, model, ["1" * 18], "budget: { usdPerDay: 1 }", repr(choice))
    done = linked.run("gateway", "run")
    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stdout
