"""`agent ask` and `agent list`: agents without a channel and without a gateway."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packages.clawlane.tests.cli.signals import send_until_ended

from clawlane.cli.main import run
from demo.model_server import ChatRequest, ModelServer, Raw, Says, refuses
from end_to_end.forks import warm

ACP_AGENT = str(Path(__file__).parents[1] / "data" / "acp_agent.py")
MCP_SERVER = Path(__file__).parents[1] / "data" / "mcp_server.py"
_BIN = Path(sys.executable).parent


def configure(perch: Any, *agents: dict[str, Any], **more: Any) -> None:
    perch.paths.config_file.write_text(json.dumps({"agents": {"list": agents}, **more}))


def endpoint(server: ModelServer, **more: Any) -> dict[str, Any]:
    return {"kind": "endpoint", "url": server.url, "model": "any", **more}


def typed(perch: Any, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["agent", *words], "openclaw")
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def ask(perch: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *words: typed(perch, capsys, "ask", *words)


def test_an_answer_is_printed_as_people_would_get_it(perch: Any, ask: Any, model: ModelServer) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.script = lambda _: Says("<think>hmm</think>Chào **anh**\n\n    mã \x1b[31mđỏ")
    assert ask("Chào em", "--as", "147") == (0, "Chào **anh**\n\n    mã [31mđỏ\n", "")
    [request] = model.requests
    assert "|   Chào em" in request.last_text
    assert "147" in request.last_text


def test_an_answer_for_programs_holds_the_model_and_its_tokens(
    perch: Any, ask: Any, model: ModelServer
) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.script = lambda _: Says("vâng", prompt_tokens=20, completion_tokens=7)
    code, out, _ = ask("Chào", "--json")
    told = json.loads(out)
    assert told.pop("ms") >= 0
    assert code == 0
    assert told == {
        "ok": True,
        "agent": "main",
        "text": "vâng",
        "media": [],
        "react": "",
        "silent": False,
        "model": "main/any",
        "tokens": 27,
    }


def test_what_would_be_attached_is_named_and_not_fetched(perch: Any, ask: Any, model: ModelServer) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.script = lambda _: Says(f"Đây ạ\nMEDIA: {model.url}/cat.jpg")
    assert ask("ảnh đâu")[:2] == (0, f"Đây ạ\n(attaches {model.url}/cat.jpg)\n")
    program = 'print(\'{"react": "👍"}\')'
    configure(perch, {"id": "main", "brain": {"kind": "command", "command": [sys.executable, "-c", program]}})
    assert ask("chào")[:2] == (0, "(reacts with 👍)\n")


def test_a_model_answers_without_memory_and_tools(perch: Any, ask: Any, model: ModelServer) -> None:
    configure(
        perch,
        {"id": "main", "model": "local/any"},
        models={"providers": {"local": {"baseUrl": model.url}}},
    )
    model.script = lambda _: Says("Dạ", prompt_tokens=20, completion_tokens=7)
    told = json.loads(ask("Chào", "--json")[1])
    assert (told["text"], told["model"], told["tokens"]) == ("Dạ", "local/any", 27)
    assert "tools" not in model.requests[0].body


@pytest.mark.parametrize("text", ["NO_REPLY", "", "<think>im</think>"])
def test_silence_is_said(perch: Any, ask: Any, model: ModelServer, text: str) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.script = lambda _: Says(text)
    assert ask("im")[:2] == (0, "(silent)\n")
    assert json.loads(ask("im", "--json")[1])["silent"] is True


def test_the_question_may_come_from_standard_input(
    perch: Any, ask: Any, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.script = lambda _: Says("vâng")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO("dòng một\ndòng hai\n".encode())))
    assert ask("-")[0] == 0
    assert "|   dòng một\n|   dòng hai" in model.requests[0].last_text


def test_an_agent_is_asked_by_its_name(perch: Any, ask: Any, model: ModelServer) -> None:
    configure(perch, {"id": "a"}, {"id": "b", "brain": endpoint(model)})
    model.script = lambda _: Says("em là b")
    assert ask("ai đó", "--agent", "b")[1] == "em là b\n"
    assert ask("ai đó")[1] == "ai đó\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["hỏi", "--agent", "mein"], "error: there is no agent 'mein'; did you mean 'main'?\n"),
        ([" "], "error: there is nothing to ask: the text is empty\n"),
        (["hỏi"], "error: agents.list[0].brain: HOST refused the key (HTTP 401)\n"),
    ],
)
def test_what_goes_wrong_is_one_line(
    perch: Any, ask: Any, model: ModelServer, words: list[str], error: str
) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.script = lambda _: refuses(401, "s3cret")
    assert ask(*words) == (1, "", error.replace("HOST", model.url.split("/")[2]))


def test_a_missing_key_is_named_with_its_place(perch: Any, ask: Any, model: ModelServer) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model, apiKey="${NO_SUCH_KEY}")})
    told = "error: agents.list[0].brain.apiKey: the variable NO_SUCH_KEY is not set"
    assert ask("hỏi")[2].startswith(told)
    assert model.requests == []


def test_ctrl_c_ends_the_program_that_is_asked(perch: Any, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    code = "import os, sys, time; os.mkfifo(sys.argv[1]); held = open(sys.argv[1], 'w'); time.sleep(600)"
    brain = {"kind": "command", "command": [sys.executable, "-c", code, str(alive)]}
    configure(perch, {"id": "main", "brain": brain})
    command = [_BIN / "openclaw", "agent", "ask", "hỏi"]
    pipe = subprocess.PIPE
    with warm.start(command, new_modules=True, stdout=pipe, stderr=pipe) as asking:
        while not alive.exists():
            assert asking.poll() is None
        with alive.open() as held:  # reads to its end once the program is gone
            send_until_ended(asking, signal.SIGINT)
            assert held.read() == ""
        assert asking.returncode == 130
        assert asking.stderr is not None
        assert asking.stderr.read().strip() == b""


@pytest.fixture
def listed(perch: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def show(*words: str) -> tuple[int, Any]:
        code, out, err = typed(perch, capsys, "list", *words)
        assert err == ""
        return code, json.loads(out)["agents"] if "--json" in words else out

    return show


def test_the_list_says_in_words_which_agent_answers_where(
    perch: Any, listed: Any, model: ModelServer
) -> None:
    group = {"kind": "group", "id": "551122"}
    configure(
        perch,
        {"id": "work", "brain": endpoint(model, apiKey="s3cret")},
        {"id": "main", "default": True},
        {"id": "idle", "brain": {"kind": "command", "command": [sys.executable, "-c", "s3cret"]}},
        channels={"parrot": {}},
        bindings=[
            {"agentId": "work", "match": {"channel": "parrot", "accountId": "*"}},
            {"agentId": "work", "match": {"channel": "parrot", "peer": group}},
            {"agentId": "work", "match": {"channel": "parrot", "peer": {"kind": "direct", "id": "147"}}},
        ],
    )
    code, told = listed()
    assert code == 0
    host = model.url
    assert told.startswith("main · echo\n  answers  wherever no binding names another agent\n")
    assert f"work · endpoint: any at {host}\n" in told
    assert (
        "  answers  every account of parrot; group 551122 of parrot/default;"
        " direct messages with 147 of parrot/default\n"
    ) in told
    assert f"idle · command: {sys.executable}\n  answers  nowhere: no binding names it\n" in told
    assert told.count("  state    reached in ") == 2
    assert "s3cret" not in told
    assert model.requests == [], "nobody was asked anything"


def test_every_kind_is_really_tried(perch: Any, listed: Any, model: ModelServer, tmp_path: Path) -> None:
    script = tmp_path / "answer"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o700)
    (tmp_path / "key").write_text("k")
    (tmp_path / "key").chmod(0o644)
    configure(
        perch,
        {"id": "good", "brain": {"kind": "acp", "command": [sys.executable, ACP_AGENT]}},
        {"id": "gone", "brain": {"kind": "endpoint", "url": "http://127.0.0.1:9/v1"}},
        {"id": "no-acp", "brain": {"kind": "acp", "command": [sys.executable, "-c", "print('hi')"]}},
        {"id": "no-program", "brain": {"kind": "command", "command": ["no-such-program"]}},
        {"id": "no-interpreter", "brain": {"kind": "command", "command": [str(script)]}},
        {"id": "open-key", "brain": endpoint(model, apiKey={"file": str(tmp_path / "key")})},
        {"id": "other-model", "brain": endpoint(model, model="qwen3")},
    )
    code, told = listed("--json")
    assert code == 1
    reached = {one["id"]: one["reached"] for one in told}
    assert [name for name, one in reached.items() if one["ok"]] == ["good", "other-model"]
    assert "does not list the model 'qwen3'" in reached["other-model"]["remark"]
    for name, words in {
        "gone": "agents.list[1].brain: 127.0.0.1:9 cannot be reached",
        "no-acp": "did not answer initialize",
        "no-program": "no-such-program does not start",
        "no-interpreter": "names /no/such/interpreter, which is missing",
        "open-key": "chmod 600",
    }.items():
        [problem] = reached[name]["problems"]
        assert words in problem


@pytest.mark.parametrize(
    ("models", "chat", "problem"),
    [
        (404, 400, ""),
        (405, 422, ""),
        (404, 404, "check `url` and `model`"),
        (401, 200, "refused the key"),
        (404, 401, "refused the key"),
        (302, 200, "redirects elsewhere"),
        (404, 502, "HTTP 502"),
        (503, 200, "is busy"),
    ],
)
def test_an_endpoint_without_a_list_of_models_is_tried_by_a_request_that_asks_nothing(
    perch: Any, listed: Any, model: ModelServer, models: int, chat: int, problem: str
) -> None:
    def refuse(request: ChatRequest) -> Raw:
        assert list(request.messages) == []
        return refuses(chat)

    configure(perch, {"id": "main", "brain": endpoint(model, memory="theirs")})
    model.models, model.script = refuses(models), refuse
    code, [told] = listed("--json")
    assert (code, told["reached"]["ok"]) == ((0, True) if not problem else (1, False))
    assert problem in "".join(told["reached"]["problems"])


def test_a_model_is_asked_for_a_word(perch: Any, listed: Any, model: ModelServer) -> None:
    configure(
        perch,
        {"id": "main", "model": {"primary": "local/gone", "fallbacks": ["local/any"]}},
        models={"providers": {"local": {"baseUrl": model.url}}},
    )
    model.script = lambda request: refuses(404) if request.body["model"] == "gone" else Says("p")
    code, [told] = listed("--json")
    assert (code, told["what"]) == (0, "local/gone, then local/any")
    assert "local/gone does not exist at its provider" in told["reached"]["remark"]
    assert model.requests[1].body.get("max_completion_tokens", model.requests[1].body.get("max_tokens")) == 16
    model.script = lambda _: refuses(401, "s3cret")
    code, [told] = listed("--json")
    assert (code, told["reached"]["ok"]) == (1, False)
    assert "local/gone refused the key" in told["reached"]["problems"][0]


def test_a_page_in_place_of_the_list_is_no_endpoint(perch: Any, listed: Any, model: ModelServer) -> None:
    configure(perch, {"id": "main", "brain": endpoint(model)})
    model.models = Raw("<html>", content_type="text/html")
    code, [told] = listed("--json")
    assert code == 1
    assert "not JSON" in told["reached"]["problems"][0]


def test_mcp_servers_are_tried_with_their_agent(perch: Any, listed: Any, model: ModelServer) -> None:
    command, *args = warm.behind(MCP_SERVER)
    servers = {
        "there": {"command": command, "args": args},
        "down": {"url": "http://127.0.0.1:9/mcp"},
    }
    loop = {"baseUrl": model.url, "api": "openai-completions"}
    more = {"mcp": {"servers": servers}, "models": {"providers": {"loop": loop}}}
    configure(perch, {"id": "main", "model": "loop/any"}, **more)
    code, [told] = listed("--json")
    assert (code, told["reached"]["ok"]) == (0, True)
    assert told["reached"]["remark"] == "mcp.servers.down: it cannot be reached (ConnectError)"
