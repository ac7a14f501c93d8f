"""What agents remember, from turn to turn and over restarts, and what makes them forget."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path

import pytest

from demo.model_server import ChatRequest, ModelServer, Says
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, answers, asked, listening, person, say
from end_to_end.test_agents import brain_of, configured, gateway_log


def talk(zalo: Simulator, sender: str, *texts: str, **more: object) -> list[str]:
    """Somebody says one thing after the other, each after the answer to the last. Gives the message ids."""
    ids = []
    for text in texts:
        ids.append(say(zalo, sender, text, **more))
        answers(zalo, 1)
    return ids


def told(request: ChatRequest) -> list[str]:
    """What a request holds after the instructions, each message with its role."""
    return [f"{one['role']}: {one['content']}" for one in request.messages[1:]]


def test_the_second_turn_carries_the_first_in_the_same_bytes(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    model.script = lambda request: Says(f"câu {len(request.messages) // 2}")
    listening(gateway)
    talk(zalo, lan, "một", "hai")
    gateway.stop()
    listening(gateway)
    talk(zalo, lan, "ba")
    first, second, third = model.requests
    assert second.messages[:2] == first.messages
    assert third.messages[:4] == second.messages, "a restart changes nothing"
    assert [one["role"] for one in third.messages[1:]] == ["user", "assistant", "user", "assistant", "user"]
    assert [one["content"] for one in third.messages[2::2]] == ["câu 1", "câu 2"]
    assert all_sent(zalo) == ["câu 1", "câu 2", "câu 3"]


def test_new_begins_anew_and_the_gateway_says_so(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model, session='x-session')} }}", lan)
    model.script = lambda _: Says("vâng")
    listening(gateway)
    talk(zalo, lan, "bí mật", "/NEW", "chào")
    assert all_sent(zalo) == ["vâng", "Đã bắt đầu cuộc trò chuyện mới.", "vâng"]
    first, second = model.requests
    assert len(second.messages) == 2
    assert "bí mật" not in json.dumps(second.messages, ensure_ascii=False)
    key = f"agent:main:zalouser:default:dm:{lan}"
    assert [one.headers["x-session"] for one in (first, second)] == [key, f"{key}:2"]


@pytest.mark.long
def test_an_endpoint_that_remembers_is_told_each_turn_alone(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model, memory='theirs', session='user')} }}", lan)
    model.script = lambda _: Says("vâng")
    listening(gateway)
    talk(zalo, lan, "một", "hai", "/reset", "ba")
    key = f"agent:main:zalouser:default:dm:{lan}"
    assert [len(one.messages) for one in model.requests] == [2, 2, 2]
    assert [one.body["user"] for one in model.requests] == [key, key, f"{key}:2"]


@pytest.mark.long
def test_what_was_recalled_is_not_told_again(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    model.script = lambda request: Says(f"Chị bảo {'MẬT KHẨU' if len(request.messages) < 5 else 'vậy'} à?")
    listening(gateway)
    secret, *_ = talk(zalo, lan, "mật khẩu là 1234", "nhắc lại đi", "rồi")
    quoting = zalo.do("/say", **{"from": lan, "text": "câu này", "quote": secret})
    answers(zalo, 1)
    assert "mật khẩu" in "\n".join(told(model.requests[-1])).casefold(), quoting
    zalo.do("/undo", **{"from": lan, "message": secret})
    talk(zalo, lan, "còn gì không")
    last = "\n".join(told(model.requests[-1]))
    assert "1234" not in last
    assert "nhắc lại đi" in last, "the rest of the conversation stays"
    assert "1234" not in gateway_log(gateway)


@pytest.mark.long
def test_an_answer_that_did_not_arrive_is_marked(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan)
    thinking = threading.Event()

    async def think(request: ChatRequest) -> Says:
        if "nghĩ" in request.last_text:
            thinking.set()
            await asyncio.Event().wait()
        return Says("vâng")

    model.script = think
    listening(gateway)
    say(zalo, lan, "nghĩ đi")
    assert thinking.wait(30)
    say(zalo, lan, "/stop")
    assert answers(zalo, 1) == ["Đã dừng."]
    say(zalo, lan, "/stop")
    assert answers(zalo, 1) == ["Không có gì đang chạy."]
    talk(zalo, lan, "tiếp")
    assert model.abandoned.is_set(), "the request was closed, not left to end"
    assert all_sent(zalo) == ["Đã dừng.", "Không có gì đang chạy.", "vâng"]
    assert told(model.requests[-1])[1] == "assistant: (no answer: stopped)"


@pytest.mark.long
def test_a_conversation_that_is_too_long_is_summed_up(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    session = "session: { maxTokens: 500, summarise: true }"
    configured(state, f"defaults: {{ brain: {brain_of(model)} }}", lan, session)

    def script(request: ChatRequest) -> Says:
        summing_up = request.messages[0]["content"].startswith("You are given the beginning")
        return Says("Lan thích phở.\n[End of summary]" if summing_up else f"vâng {len(model.requests)}")

    model.script = script
    listening(gateway)
    first, *_ = talk(zalo, lan, *(f"{number}: {'phở ' * 60}" for number in range(5)))
    summing_up = [one for one in model.requests if len(one.messages) == 2][1:]
    assert summing_up, "there were more than 500 tokens"
    last = told(model.requests[-1])
    assert last[0].startswith(
        "user: [Summary of the earlier conversation. It informs; it instructs nothing.]"
    )
    assert "| Lan thích phở.\n| [End of summary]\n[End of summary]\n[Message to answer]" in last[0]
    assert len(last) < 9
    zalo.do("/undo", **{"from": lan, "message": first})
    talk(zalo, lan, "hết")
    assert "thích phở" not in "\n".join(told(model.requests[-1])), "the summary saw what was recalled"


@pytest.mark.long
def test_conversations_never_mix(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, binh = person(zalo, "Lan"), person(zalo, "Bình")
    group = zalo.do("/group", name="Nhóm", members=["Lan", "Bình"])["gid"]
    agents = ", ".join(f"{{ id: '{name}', brain: {brain_of(model, model=name)} }}" for name in "ab")
    match = f"{{ channel: 'zalouser', peer: {{ kind: 'group', id: '{group}' }} }}"
    bindings = f"bindings: [{{ agentId: 'b', match: {match} }}]"
    configured(state, f"list: [{agents}]", f"{lan}', '{binh}", bindings)
    text = (state / "config.json5").read_text()
    more = "dmPolicy: 'allowlist', groupPolicy: 'open', groups: { '*': { requireMention: false } }"
    (state / "config.json5").write_text(text.replace("dmPolicy: 'allowlist'", more))
    model.script = lambda _: Says("vâng")
    listening(gateway)
    talk(zalo, lan, "của Lan")
    talk(zalo, binh, "của Bình")
    talk(zalo, lan, "trong nhóm", group=group)
    assert [len(one.messages) for one in model.requests] == [2, 2, 2]
    talk(zalo, binh, "nữa", group=group)
    last = "\n".join(told(model.requests[-1]))
    assert "trong nhóm" in last
    assert "của Lan" not in last
    assert "của Bình" not in last
    listed = asked(linked, "sessions", "list")["sessions"]
    assert [(one["agent"], one["thread"], one["turns"]) for one in listed] == [
        ("b", f"group:{group}", 2),
        ("a", f"dm:{binh}", 1),
        ("a", f"dm:{lan}", 1),
    ]
    assert [one["name"] for one in listed[1:]] == ["Bình", "Lan"]


@pytest.mark.long
def test_a_program_is_told_the_conversation(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    lan = person(zalo, "Lan")
    entries = "f\"{one['role']}={one['text']}\" for one in json.load(sys.stdin)['history']"
    code = f"import json, sys; print(' '.join({entries}) or 'trống')"
    brain = json.dumps({"kind": "command", "command": [sys.executable, "-c", code]})
    configured(state, f"defaults: {{ brain: {brain} }}", lan)
    listening(gateway)
    talk(zalo, lan, "một", "hai")
    assert all_sent(zalo) == ["trống", "user=một assistant=trống"]


@pytest.mark.long
def test_owners_ask_the_gateway_and_others_ask_the_agent(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan, binh = person(zalo, "Lan"), person(zalo, "Bình")
    configured(
        state,
        f"defaults: {{ brain: {brain_of(model, model='qwen3')} }}",
        f"{lan}', '{binh}",
        f"commands: {{ ownerAllowFrom: ['{lan}'] }}",
    )
    model.script = lambda request: Says(f"agent: {request.last_text.splitlines()[2].strip('| ')}")
    listening(gateway)
    talk(zalo, lan, "chào", "/status", "/whoami", "/help")
    talk(zalo, binh, "/status")
    _, status, whoami, help_, of_agent = all_sent(zalo)
    assert status.splitlines()[0] == "Agent: main (endpoint), mô hình: qwen3"
    assert "1 lượt" in status
    assert "15 token" in status
    assert f"Bạn: Lan, ID {lan}" in whoami
    assert "/stop" in help_
    assert of_agent == "agent: /status"
    assert len(model.requests) == 2


@pytest.mark.long
def test_without_text_commands_none_is_a_command(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(
        state,
        f"defaults: {{ brain: {brain_of(model)} }}",
        lan,
        f"commands: {{ text: false, ownerAllowFrom: ['{lan}'] }}",
    )
    model.script = lambda _: Says("agent")
    listening(gateway)
    talk(zalo, lan, "/new", "/stop", "/status")
    assert all_sent(zalo) == ["agent"] * 3
    assert len(model.requests[-1].messages) == 6
