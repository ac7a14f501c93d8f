"""A model that uses the tools of an MCP server, in a gateway that people write to, and that is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.model_server import ChatRequest, ModelServer, Says, ToolCall, served
from demo.stage import Gateway, Operator, Simulator
from end_to_end.forks import warm
from end_to_end.steps import all_sent, answers, listening, person, say

MCP_SERVER = Path(__file__).parents[2] / "packages/clawlane/tests/data/mcp_server.py"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with served() as server:
        yield server


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What the MCP server notes."""
    path = tmp_path / "notes"
    path.touch()
    return path


def configured(state: Path, model: ModelServer, notes: Path, sender: str) -> None:
    command, *args = warm.behind(MCP_SERVER, "--notes", str(notes))
    shop = {"command": command, "args": args}
    config = {
        "channels": {"zalouser": {"dmPolicy": "allowlist", "allowFrom": [sender]}},
        "models": {"providers": {"loop": {"baseUrl": model.url, "api": "openai-completions"}}},
        "agents": {"defaults": {"model": "loop/any"}},
        "mcp": {"servers": {"shop": shop}},
    }
    (state / "config.json5").write_text(json.dumps(config))


def calls(name: str, **arguments: object) -> Says:
    return Says(tool_calls=[ToolCall(name, json.dumps(arguments))])


def result(request: ChatRequest) -> str:
    """What a tool gave back last; empty if the model was not told yet."""
    return request.last_text if request.messages[-1]["role"] == "tool" else ""


def test_a_tool_of_a_server_is_used(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer, notes: Path
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, notes, lan)
    model.script = lambda request: Says("đã đặt") if result(request) else calls("shop__order", what="bread")
    listening(gateway)
    say(zalo, lan, "đặt bánh mì")
    assert answers(zalo, 1) == ["đã đặt"]
    assert notes.read_text() == "order bread\n"
    tools = {tool["function"]["name"] for tool in model.requests[0].body["tools"]}
    assert {"shop__order", "shop__look"} <= tools
    assert result(model.requests[1]) == "The tool gave back:\n| ordered bread"


@pytest.mark.long
@pytest.mark.parametrize(
    ("tool", "told", "times"),
    [
        ("shop__hang", "error: this call was interrupted: nobody knows whether it was done", 1),
        ("shop__watch", "The tool gave back:\n| nothing moves", 2),
    ],
)
def test_a_gateway_that_is_killed_in_a_tool(
    linked: Operator,
    zalo: Simulator,
    gateway: Gateway,
    state: Path,
    model: ModelServer,
    notes: Path,
    tool: str,
    told: str,
    times: int,
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, notes, lan)
    model.script = lambda request: Says("xong") if result(request) else calls(tool)
    listening(gateway)
    say(zalo, lan, "làm đi")
    word = tool.removeprefix("shop__")
    wait_for(notes, word)
    gateway.kill()
    listening(gateway)
    assert answers(zalo, 1) == ["xong"]
    assert all_sent(zalo) == ["xong"]
    assert result(model.requests[-1]).startswith(told)
    assert len(model.requests) == 2, "the completed step is not asked again"
    assert notes.read_text().split().count(word) == times


@pytest.mark.long
def test_stop_cancels_the_call_at_its_server(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer, notes: Path
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, notes, lan)
    model.script = lambda _: calls("shop__hang")
    listening(gateway)
    say(zalo, lan, "làm đi")
    wait_for(notes, "hang")
    say(zalo, lan, "/stop")
    wait_for(notes, "cancelled")
    assert len(model.requests) == 1


@pytest.mark.long
def test_a_server_that_is_down_keeps_nobody_from_answering(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer, notes: Path
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, notes / "no" / "folder", lan)
    config = json.loads((state / "config.json5").read_text())
    config["mcp"]["servers"]["shop"]["command"] = "/no/such/program"
    (state / "config.json5").write_text(json.dumps(config))
    model.script = lambda _: Says("vâng")
    listening(gateway)
    gateway.said("mcp.servers.shop: no tools: /no/such/program does not start")
    say(zalo, lan, "chào")
    assert answers(zalo, 1) == ["vâng"]
    assert "shop__" not in json.dumps(model.requests[0].body.get("tools", []))


def wait_for(notes: Path, word: str) -> None:
    """Wait until the server has noted a word."""
    for _ in range(3000):
        if word in notes.read_text().split():
            return
        time.sleep(0.01)
    pytest.fail(f"the server never noted: {word}")
