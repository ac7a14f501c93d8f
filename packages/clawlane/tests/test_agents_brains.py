"""Agents opened from a config."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from clawlane.agents.brains import brains
from clawlane.agents.contract import TurnInput
from clawlane.agents.errors import (
    AgentError,
    AgentFailed,
    AgentInterrupted,
    AgentsUnusable,
)
from clawlane.config.agents import Agents
from clawlane.config.routing import Bindings, settled
from clawlane.messages import Inbound, Reply, Thread, ThreadKind

DM = Thread(ThreadKind.DM, "1")
ENVIRON = {"PATH": os.environ["PATH"]}
ROUTING = Bindings((), "main", {})
ACP_AGENT = str(Path(__file__).parent / "data" / "acp_agent.py")


def said(text: str) -> TurnInput:
    return TurnInput("zalouser/default", (Inbound("default", "m1", DM, "1", "Lan", text, 0),))


def program(code: str) -> dict[str, object]:
    return {"kind": "command", "command": [sys.executable, "-c", code]}


@pytest.mark.parametrize(("retry", "kind"), [(False, AgentInterrupted), (True, AgentFailed)])
@pytest.mark.parametrize(
    "brain",
    [{"kind": "acp", "command": [sys.executable, ACP_AGENT]}, program("import sys; sys.exit(3)")],
    ids=["acp", "command"],
)
async def test_whoever_may_have_acted_is_asked_again_only_if_the_config_says_so(
    tmp_path: Path, brain: dict[str, object], retry: bool, kind: type[AgentError]
) -> None:
    agents = settled(Agents.model_validate({"defaults": {"brain": brain, "retryInterrupted": retry}}))
    async with brains(agents, ROUTING, ENVIRON, tmp_path) as opened:
        assert opened.asks_once("zalouser/default", DM) is not retry
        with pytest.raises(AgentError) as raised:
            await opened.run(said("exit"))
    assert type(raised.value) is kind


async def test_a_program_answers_with_text_attachments_and_a_reaction(tmp_path: Path) -> None:
    answer = {"text": "xem\nMEDIA: a.png", "media": ["b.png"], "react": "👍"}
    agents = settled(
        Agents.model_validate({"defaults": {"brain": program(f"print({json.dumps(answer)!r})")}})
    )
    async with brains(agents, ROUTING, ENVIRON, tmp_path) as opened:
        assert await opened.run(said("chào")) == Reply("xem", media=("a.png", "b.png"), react="👍")


async def test_a_reaction_alone_is_an_answer(tmp_path: Path) -> None:
    agents = settled(Agents.model_validate({"defaults": {"brain": program('print(\'{"react": "👍"}\')')}}))
    async with brains(agents, ROUTING, ENVIRON, tmp_path) as opened:
        assert await opened.run(said("chào")) == Reply("", react="👍")


async def test_everything_that_keeps_agents_from_running_is_told_at_once(tmp_path: Path) -> None:
    endpoint = {
        "kind": "endpoint",
        "url": "http://x",
        "apiKey": "${NO_KEY}",
        "headers": {"X-A": {"env": "NO_A"}},
    }
    agents = settled(
        Agents.model_validate({"list": [{"id": "a", "brain": endpoint}, {"id": "b", "model": "openai/gpt"}]})
    )
    with pytest.raises(AgentsUnusable) as raised:
        async with brains(agents, ROUTING, ENVIRON, tmp_path):
            pass
    assert [problem.partition(":")[0] for problem in raised.value.problems] == [
        "agents.list[0].brain.headers.X-A",
        "agents.list[0].brain.apiKey",
        "models.providers.openai.apiKey",
    ]
