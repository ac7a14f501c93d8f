"""The configs that the README and docs/ show: they are valid, and their agents answer."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import json5
import pytest

from demo.model_server import ModelServer, Says, served
from demo.stage import Gateway, Operator, Simulator
from docs.shell_blocks import PAGES, blocks
from end_to_end.steps import answers, listening, person, say

ACP_AGENT = Path(__file__).parents[2] / "packages/clawlane/tests/data/acp_agent.py"
README = "README.md"
OTHER_CHANNEL = "docs/writing-a-channel.md"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "json5") and page != OTHER_CHANNEL])
def test_the_configs_are_valid_as_written(page: str, installed: Operator, state: Path) -> None:
    for block in blocks(page, "json5"):
        (state / "config.json5").write_text(block, encoding="utf-8")
        done = installed.run("config", "validate")
        assert done.returncode == 0, f"{block}\n{done.stdout}"


@pytest.mark.parametrize("kind", ["endpoint", "model", "acp", "command"])
def test_each_kind_of_agent_answers_as_the_readme_shows_it(
    linked: Operator, zalo: Simulator, state: Path, tmp_path: Path, kind: str
) -> None:
    lan = person(zalo, "Lan")
    with served(lambda _: Says("Dạ, em là Mai")) as model:
        block = runnable(block_of(README, kind), model)
        channel = {"dmPolicy": "allowlist", "allowFrom": [lan]}
        config = {"channels": {"zalouser": channel}, **block}
        (state / "config.json5").write_text(json.dumps(config), encoding="utf-8")
        operator = with_programs(linked, tmp_path)
        assert operator.run("agent", "list").returncode == 0
        with Gateway(operator) as gateway:
            listening(gateway)
            say(zalo, lan, "Em là ai?")
            [answer] = answers(zalo, 1)
            gateway.stop()
    wanted = {"acp": "You said: ", "command": "Hi Lan"}.get(kind, "Dạ, em là Mai")
    assert answer.startswith(wanted)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["endpoint", "model", "acp", "command"])
def test_each_kind_of_agent_answers_as_the_guide_shows_it(
    installed: Operator, state: Path, tmp_path: Path, kind: str
) -> None:
    with served(lambda _: Says("Dạ, em là Mai")) as model:
        block = runnable(block_of("docs/agents.md", kind), model)
        (state / "config.json5").write_text(json.dumps(block), encoding="utf-8")
        operator = with_programs(installed, tmp_path)
        assert operator.run("agent", "list").returncode == 0
        told = operator.run("agent", "ask", "Em là ai?")
    assert (told.returncode, bool(told.stdout.strip())) == (0, True)
    assert kind in ("acp", "command") or told.stdout == "Dạ, em là Mai\n"


def block_of(page: str, kind: str) -> dict[str, Any]:
    """The block that shows agents of a kind."""
    for block in map(json5.loads, blocks(page, "json5")):
        defaults = block.get("agents", {}).get("defaults", {})
        if kind == (defaults.get("brain") or {"kind": "model" if "model" in defaults else ""})["kind"]:
            return dict(block)
    raise AssertionError(f"{page} shows no {kind}")


def runnable(block: dict[str, Any], model: ModelServer) -> dict[str, Any]:
    """The block with the address of a model on loopback."""
    return dict(json.loads(re.sub(r'"http[^"]+/v1"', f'"{model.url}"', json.dumps(block))))


def with_programs(operator: Operator, folder: Path) -> Operator:
    """The operator with the keys and the coding agent that the blocks name."""
    (folder / "bin").mkdir()
    gemini = folder / "bin" / "gemini"
    gemini.write_text(f"#!/bin/sh\nexec {sys.executable} {ACP_AGENT}\n")
    gemini.chmod(0o700)
    path = f"{folder / 'bin'}:{operator.env['PATH']}"
    return Operator({**operator.env, "PATH": path, "AGENT_KEY": "k", "MODEL_KEY": "k"})
