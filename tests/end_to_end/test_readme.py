"""The commands of the README and of docs/, run as they are printed there, against the simulator."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import json5
import pytest

from demo.model_server import ModelServer, Says, served
from demo.stage import Gateway, Operator, Simulator, running
from end_to_end.steps import answers, listening, person, say

ACP_AGENT = Path(__file__).parents[2] / "packages/clawlane/tests/data/acp_agent.py"
ROOT = Path(__file__).parents[2]
README = "README.md"
GUIDES = (
    "docs/configuration.md",
    "docs/config-reference.md",
    "docs/agents.md",
    "docs/agents-chat.md",
    "docs/access.md",
    "docs/security.md",
    "docs/operating.md",
)
"""Pages with commands, in an order in which they can be followed: operating.md ends with a pause."""

FIRST_DAY = "docs/getting-started.md"
"""Followed from an empty state directory, by `test_getting_started`."""

REHEARSED = ("docs/verification.md",)
"""Pages with commands that need people who write by themselves: `test_verify.py` follows them."""

PLAYED = ("docs/rehearsal.md", "docs/simulator.md")
"""Pages with commands that bring a simulator of their own: test_rehearsal_docs.py follows them."""


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("openclaw")]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_make_targets_it_names_exist(target: str) -> None:
    assert f"make {target}" in "".join(blocks(README, "sh"))
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_every_page_with_commands_is_followed() -> None:
    pages = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(page for page in pages if commands(page)) == sorted(
        (*GUIDES, FIRST_DAY, *PLAYED, *REHEARSED)
    )


def test_the_first_login_and_the_guides_work_as_written(
    operator: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    (state / "config.json5").write_text(blocks(README, "json5")[0], encoding="utf-8")
    known: dict[str, str] = {}
    for command in commands(README):
        if "gateway run" in command:
            gateway.start()
            gateway.said("is ready")
            known = challenged(zalo)
        elif command.endswith("channels login --channel zalouser"):
            scan(operator, zalo, command)
        else:
            assert typed(operator, filled_in(command, known)) == 0, command
    for page in GUIDES:
        if any("CODE" in command or "ID" in command for command in commands(page)):
            known = challenged(zalo)
        for command in commands(page):
            if "&&" not in command:
                assert typed(operator, filled_in(command, known)) == 0, f"{page}: {command}"
            if "message send" in command and "--dry-run" not in command:
                known["SENT"] = str(zalo.wait("sent")["msg_id"])


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/getting-started.md",
        "docs/configuration.md",
        "docs/agents.md",
        "docs/agents-chat.md",
        "docs/agents-tools.md",
        "docs/access.md",
        "docs/delivery.md",
    ],
)
def test_the_configs_are_valid_as_written(page: str, operator: Operator, state: Path) -> None:
    assert typed(operator, "openclaw plugins install @openclaw/zalouser") == 0
    written = blocks(page, "json5")
    assert written
    for block in written:
        (state / "config.json5").write_text(block, encoding="utf-8")
        assert typed(operator, "openclaw config validate") == 0, block


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


def test_the_recovery_chain_works_as_written(operator: Operator, zalo: Simulator) -> None:
    assert typed(operator, "openclaw plugins install @openclaw/zalouser") == 0
    (chain,) = [command for command in commands("docs/operating.md") if "&&" in command]
    scan(operator, zalo, chain)
    assert typed(operator, "openclaw channels status --probe") == 5


def challenged(zalo: Simulator) -> dict[str, str]:
    """A stranger writes and is challenged. What their CODE and ID are, and the id of their MESSAGE."""
    uid = zalo.do("/person", name="Lạ", friend=False)["uid"]
    message_id = zalo.do("/say", **{"from": uid, "text": "chào"})["msgId"]
    text = zalo.wait("sent", lambda record: record["thread_id"] == uid)["text"]
    return {"CODE": re.findall(r"\b[A-HJ-NP-Z2-9]{8}\b", text)[0], "ID": uid, "MESSAGE": message_id}


def filled_in(command: str, known: dict[str, str]) -> str:
    return re.sub(r"\b(CODE|ID|MESSAGE|SENT)\b", lambda found: known[found[0]], command)


def shell(operator: Operator, command: str) -> list[str]:
    """The command as a shell would run it, with the openclaw of this environment."""
    return ["sh", "-c", command.replace("openclaw ", f"{operator.command()[0]} ")]


def typed(operator: Operator, command: str) -> int:
    return subprocess.run(shell(operator, command), env=operator.env, check=False).returncode


def scan(operator: Operator, zalo: Simulator, command: str) -> None:
    """A login needs a phone; and without a terminal, the flag that stands in for the answer."""
    words = shell(operator, f"{command} --accept-risk")
    with running(words, operator.env, subprocess.STDOUT) as login:
        zalo.wait("qrshown")
        zalo.do("/scan")
        zalo.do("/confirm")
        assert login.wait(60) == 0
