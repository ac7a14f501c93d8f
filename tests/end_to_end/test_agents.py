"""Agents at the other end of the lane: what they were asked, what Zalo saw, what became of the turn."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path

import pytest

from demo.model_server import ChatRequest, ModelServer, Says, refuses
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, answers, listening, person, say

ACP_AGENT = Path(__file__).parents[2] / "packages/clawlane/tests/data/acp_agent.py"
CHANNEL = "channels: { zalouser: { dmPolicy: 'allowlist', allowFrom: [%s] } }"


def configured(state: Path, agents: str, sender: str = "", more: str = "") -> None:
    channel = CHANNEL % f"'{sender}'"
    (state / "config.json5").write_text(f"{{ {channel}, agents: {{ {agents} }}, {more} }}")


def brain_of(server: ModelServer, **more: object) -> str:
    return json.dumps({"kind": "endpoint", "url": server.url, **more})


def why(operator: Operator) -> str:
    return operator.run("why", "--last", "3").stdout


def test_an_endpoint_answers_in_zalos_styles(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(
        state,
        f"defaults: {{ brain: {brain_of(model, session='x-session')}, instructions: 'Ngắn thôi.' }}",
        lan,
        "messages: { responsePrefix: 'auto' }",
    )
    model.script = lambda _: Says("<think>nghĩ</think>Chào **Lan**\n- một\n- hai")
    listening(gateway)
    say(zalo, lan, "chào em\n[End of message]")
    sent = zalo.wait("sent")
    assert sent["text"] == "Chào Lan\nmột\nhai"
    properties = json.loads(sent["params"]["textProperties"])
    assert [style["st"] for style in properties["styles"]] == ["b", "lst_1", "lst_1"]
    [request] = model.requests
    assert request.headers["x-session"] == f"agent:main:zalouser:default:dm:{lan}"
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert "Ngắn thôi." in request.messages[0]["content"]
    assert "chào em" not in request.messages[0]["content"]
    assert "|   chào em\n|   [End of message]\n" in request.messages[1]["content"]
    assert "nghĩ" not in gateway_log(gateway)


def gateway_log(gateway: Gateway) -> str:
    return "\n".join(gateway.printed())


def test_typing_is_shown_as_long_as_the_agent_works(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    renewed = threading.Event()

    async def think(_request: ChatRequest) -> Says:
        await asyncio.to_thread(renewed.wait, 30)
        return Says("xong")

    model.script = think
    listening(gateway)
    say(zalo, lan, "chào")
    for _ in range(2):
        assert zalo.wait("typed")["thread_id"] == lan
    renewed.set()
    assert answers(zalo, 1) == ["xong"]


def test_silence_is_no_message(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    model.script = lambda request: Says("NO_REPLY" if "im" in request.last_text else "vâng")
    listening(gateway)
    say(zalo, lan, "im")
    say(zalo, lan, "nói")
    assert answers(zalo, 1) == ["vâng"]
    assert all_sent(zalo) == ["vâng"]
    assert "the agent had no reply" in why(linked)


def test_a_busy_model_is_asked_again_when_it_said(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    busy = [True, True, True, True, True]
    model.script = lambda _: refuses(429, retry_after="0") if busy and busy.pop() else Says("rảnh rồi")
    listening(gateway)
    say(zalo, lan, "chào")
    assert answers(zalo, 1) == ["rảnh rồi"]
    assert len(model.requests) == 6, "being busy is no failed try"


@pytest.mark.parametrize(("status", "words"), [(401, "refused the key"), (404, "knows no such address")])
def test_a_model_that_refuses_sets_the_message_aside_at_once(
    linked: Operator,
    zalo: Simulator,
    gateway: Gateway,
    state: Path,
    model: ModelServer,
    status: int,
    words: str,
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    model.script = lambda _: refuses(status, "s3cret reason")
    listening(gateway)
    say(zalo, lan, "chào")
    gateway.said("its message is set aside")
    listed = linked.run("channels", "dead-letters", "list").stdout
    assert "agent_misconfigured: agents.defaults.brain: 127.0.0.1" in listed
    assert len(model.requests) == 1
    assert words in why(linked)
    assert "s3cret" not in gateway_log(gateway) + why(linked)
    assert all_sent(zalo) == []


def test_a_reply_that_is_far_too_long_is_not_sent(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    model.script = lambda request: Says("dài " * 12_500 if "dài" in request.last_text else "vâng")
    listening(gateway)
    say(zalo, lan, "nói dài vào")
    say(zalo, lan, "thôi")
    assert answers(zalo, 1) == ["vâng"]
    assert all_sent(zalo) == ["vâng"]
    assert "at most 40000 are sent" in why(linked)


def test_a_program_answers(linked: Operator, zalo: Simulator, gateway: Gateway, state: Path) -> None:
    lan = person(zalo, "Lan")
    code = (
        "import json, sys; turn = json.load(sys.stdin); print(turn['sender']['name'], '→', turn['message'])"
    )
    brain = json.dumps({"kind": "command", "command": [sys.executable, "-c", code]})
    configured(state, f"defaults: {{ brain: {brain} }}", lan)
    listening(gateway)
    say(zalo, lan, "chào")
    assert answers(zalo, 1) == ["Lan → chào"]


def test_a_coding_agent_answers_each_conversation_apart(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    lan = person(zalo, "Lan")
    brain = json.dumps({"kind": "acp", "command": [sys.executable, str(ACP_AGENT)]})
    configured(state, f"defaults: {{ brain: {brain} }}", lan)
    listening(gateway)
    say(zalo, lan, "chào")
    [answer] = answers(zalo, 1)
    assert answer.startswith("You said: ")
    assert "|   chào" in answer


def test_two_agents_answer_where_the_bindings_say(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, binh = person(zalo, "Lan"), person(zalo, "Bình")
    agents = ", ".join(f"{{ id: '{name}', brain: {brain_of(model, model=name)} }}" for name in "ab")
    match = f"{{ channel: 'zalouser', peer: {{ kind: 'direct', id: '{binh}' }} }}"
    bindings = f"bindings: [{{ agentId: 'b', match: {match} }}]"
    configured(state, f"list: [{agents}]", f"{lan}', '{binh}", bindings)
    model.script = lambda request: Says(f"em là {request.body['model']}")
    listening(gateway)
    say(zalo, lan, "chào")
    assert answers(zalo, 1) == ["em là a"]
    say(zalo, binh, "chào")
    assert answers(zalo, 1) == ["em là b"]


def test_an_agent_that_may_have_acted_is_not_asked_again_after_a_crash(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model, memory='theirs')} }}", lan)
    reached = threading.Event()

    async def hang(request: ChatRequest) -> Says:
        if "treo" in request.last_text:
            reached.set()
            await asyncio.Event().wait()
        return Says("vâng")

    model.script = hang
    listening(gateway)
    say(zalo, lan, "treo")
    assert reached.wait(30)
    gateway.kill()
    listening(gateway)
    say(zalo, lan, "còn đó không")
    assert answers(zalo, 1) == ["vâng"]
    assert len(model.requests) == 2
    assert "agent_interrupted" in why(linked)


def test_a_key_that_is_missing_keeps_the_gateway_from_starting(
    linked: Operator, state: Path, model: ModelServer
) -> None:
    configured(state, f"defaults: {{ brain: {brain_of(model, apiKey='${NO_SUCH_KEY}')} }}", "1" * 18)
    done = linked.run("gateway", "run")
    assert done.returncode == 1
    assert "agents.defaults.brain.apiKey: the variable NO_SUCH_KEY is not set" in done.stdout
    assert "Traceback" not in done.stdout


def test_strangers_do_not_reach_a_program_unless_the_operator_says_so(linked: Operator, state: Path) -> None:
    brain = "{ kind: 'command', command: ['true'] }"
    channel = "zalouser: { dmPolicy: 'open', allowFrom: ['*'] }"
    config = f"{{ channels: {{ {channel} }}, agents: {{ defaults: {{ brain: %s %s }} }} }}"
    (state / "config.json5").write_text(config % (brain, ""))
    done = linked.run("gateway", "run")
    assert done.returncode == 1
    assert "agents.defaults.brain" in done.stdout
    assert "channels.zalouser.dmPolicy, line 1" in done.stdout
    (state / "config.json5").write_text(config % (brain, ", allowStrangers: true"))
    assert linked.run("config", "validate").returncode == 0


def test_without_a_brain_the_log_says_that_it_echoes(linked: Operator, gateway: Gateway) -> None:
    gateway.start()
    gateway.said("agent main answers with an echo")
