"""A coding agent as a child process: a real one, which speaks the protocol."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packages.clawlane.tests.child_processes import alive, until

from clawlane.agents.acp import AcpAgent
from clawlane.agents.child import Program
from clawlane.agents.errors import AgentError, AgentFailed, AgentInterrupted, AgentMisconfigured

SCRIPT = Path(__file__).parent / "data" / "acp_agent.py"
PLACE = "agents.list[0].brain"
ENVIRON = {"PATH": os.environ["PATH"], "CLAUDECODE": "1", "OPENAI_API_KEY": "s3cret"}


def agent_in(folder: Path, *, timeout_s: float = 60, **env: str) -> AcpAgent:
    program = Program(PLACE, (sys.executable, str(SCRIPT)), folder, env)
    return AcpAgent(program, ENVIRON, {"read"}, timeout_s)


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[AcpAgent]:
    async with agent_in(tmp_path) as running:
        yield running


async def test_each_conversation_has_a_session_of_its_own(agent: AcpAgent) -> None:
    assert await agent.ask("a", "một") == "You said: một"
    assert await agent.ask("b", "hai") == "You said: hai"
    assert await agent.ask("a", "ba") == "You said: một / ba"


async def test_two_conversations_never_share_a_session(tmp_path: Path) -> None:
    async with agent_in(tmp_path, ACP_SESSION="same") as agent:
        assert await agent.ask("a", "bí mật") == "You said: bí mật"
        with pytest.raises(AgentFailed, match="the same session"):
            await agent.ask("b", "chào")
        assert await agent.ask("a", "tiếp") == "You said: bí mật / tiếp"


async def test_a_new_session_is_told_what_came_before(agent: AcpAgent) -> None:
    assert await agent.ask("a", "một", first="Trước đó:") == "You said: Trước đó:\n\nmột"
    assert await agent.ask("a", "hai", first="Trước đó:") == "You said: Trước đó:\n\nmột / hai"
    agent.forget("a")
    assert await agent.ask("a", "ba") == "You said: ba"


@pytest.mark.parametrize(
    ("kind", "chosen"), [("read", "yes"), ("execute", "no"), ("edit", "no"), ("execute:read", "no")]
)
async def test_only_tools_that_the_config_allows_are_permitted(
    agent: AcpAgent, kind: str, chosen: str
) -> None:
    assert json.loads(await agent.ask("a", f"permit:{kind}")) == {"outcome": "selected", "optionId": chosen}


async def test_it_gets_no_files(agent: AcpAgent) -> None:
    assert json.loads(await agent.ask("a", "files"))["code"] == -32601


async def test_its_environment_is_bare(agent: AcpAgent, tmp_path: Path) -> None:
    names, folder = json.loads(await agent.ask("a", "environment"))
    assert set(names) <= {"PATH", "LC_CTYPE"}  # Python sets the latter for itself
    assert folder == str(tmp_path)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("exit", "gave no answer: it ended"),
        ("rubbish", "not JSON"),
        ("flood", "too much"),
        ("long", "more than 1 MB"),
        ("refuse", "refusal"),
        ("lie", "ended the turn without an answer (no reason)"),
        ("error", "error -32603"),
    ],
)
async def test_a_bad_turn_is_one_line_and_the_next_turn_works(
    agent: AcpAgent, prompt: str, text: str
) -> None:
    with pytest.raises(AgentInterrupted) as raised:
        await agent.ask("a", prompt)
    assert text in str(raised.value)
    assert str(raised.value).startswith(PLACE)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)
    assert await agent.ask("b", "một") == "You said: một"


@pytest.mark.parametrize(
    ("env", "kind", "text"),
    [
        ({"ACP_VERSION": "9"}, AgentMisconfigured, "no version"),
        ({"ACP_AUTH": "1"}, AgentMisconfigured, "log in to it first"),
    ],
)
async def test_an_agent_that_cannot_work_says_why(
    tmp_path: Path, env: dict[str, str], kind: type[AgentError], text: str
) -> None:
    async with agent_in(tmp_path, **env) as running:
        with pytest.raises(kind, match=text):
            await running.ask("a", "một")


@pytest.mark.parametrize(
    ("argv", "kind", "text"),
    [
        (("/no/such/agent",), AgentMisconfigured, "does not start"),
        ((sys.executable, "-c", ""), AgentFailed, "did not answer initialize: it ended"),
        ((sys.executable, "-c", "print('hello')"), AgentFailed, "not JSON"),
    ],
)
async def test_what_is_no_agent_is_told_apart(
    tmp_path: Path, argv: tuple[str, ...], kind: type[AgentError], text: str
) -> None:
    async with AcpAgent(Program(PLACE, argv, tmp_path), ENVIRON, (), 60) as running:
        for _ in range(2):
            with pytest.raises(kind, match=text):
                await running.ask("a", "một")


async def test_cancelling_ends_the_turn_and_keeps_the_agent(agent: AcpAgent, tmp_path: Path) -> None:
    await agent.ask("a", "một")
    asking = asyncio.ensure_future(agent.ask("a", "hang"))
    await until((tmp_path / "hanging").exists)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await agent.ask("a", "hai") == "You said: một / hai"


async def test_a_turn_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    async with agent_in(tmp_path, timeout_s=3) as running:  # the next turn has no more time
        with pytest.raises(AgentInterrupted, match="after 3 s"):
            await running.ask("a", "hang")
        assert await running.ask("b", "một") == "You said: một"


async def test_an_agent_that_does_not_listen_is_ended_with_its_children(
    agent: AcpAgent, tmp_path: Path
) -> None:
    asking = asyncio.ensure_future(agent.ask("a", "deaf"))
    await until((tmp_path / "deaf").exists)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    pids = [int(pid) for pid in (tmp_path / "deaf").read_text().split()]
    await until(lambda: not any(alive(pid) for pid in pids))
    assert await agent.ask("a", "một") == "You said: một"
