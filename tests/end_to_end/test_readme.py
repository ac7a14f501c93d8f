"""The commands of the README and of docs/, run as they are printed there, against the simulator."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator, running

ROOT = Path(__file__).parents[2]
README = "README.md"
GUIDES = ("docs/configuration.md", "docs/access.md", "docs/operating.md")
"""Pages with commands, in an order in which they can be followed: operating.md ends with a pause."""


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
    assert sorted(page for page in pages if commands(page)) == sorted(GUIDES)


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
        known = challenged(zalo)
        for command in commands(page):
            if "&&" not in command:
                assert typed(operator, filled_in(command, known)) == 0, f"{page}: {command}"


@pytest.mark.parametrize(
    "page", ["README.md", "docs/configuration.md", "docs/agents.md", "docs/access.md", "docs/delivery.md"]
)
def test_the_configs_are_valid_as_written(page: str, operator: Operator, state: Path) -> None:
    assert typed(operator, "openclaw plugins install @openclaw/zalouser") == 0
    written = blocks(page, "json5")
    assert written
    for block in written:
        (state / "config.json5").write_text(block, encoding="utf-8")
        assert typed(operator, "openclaw config validate") == 0, block


def test_the_recovery_chain_works_as_written(operator: Operator, zalo: Simulator) -> None:
    assert typed(operator, "openclaw plugins install @openclaw/zalouser") == 0
    (chain,) = [command for command in commands("docs/operating.md") if "&&" in command]
    scan(operator, zalo, chain)
    assert typed(operator, "openclaw channels status --probe") == 5


def challenged(zalo: Simulator) -> dict[str, str]:
    """A stranger writes and is challenged. What their CODE and ID are."""
    uid = zalo.do("/person", name="Lạ", friend=False)["uid"]
    zalo.do("/say", **{"from": uid, "text": "chào"})
    text = zalo.wait("sent", lambda record: record["thread_id"] == uid)["text"]
    return {"CODE": re.findall(r"\b[A-HJ-NP-Z2-9]{8}\b", text)[0], "ID": uid}


def filled_in(command: str, known: dict[str, str]) -> str:
    return re.sub(r"\b(CODE|ID)\b", lambda found: known[found[0]], command)


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
