"""The README's first login, typed as it stands there, against the simulator."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator, running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("openclaw")]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_make_targets_it_names_exist(target: str) -> None:
    assert f"make {target}" in "".join(blocks("sh"))
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_the_first_login_works_as_written(
    operator: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    (state / "config.json5").write_text(blocks("json5")[0], encoding="utf-8")
    code = ""
    for command in commands():
        if "gateway run" in command:
            gateway.start()
            gateway.said("is ready")
            stranger = zalo.do("/person", name="Lạ", friend=False)
            zalo.do("/say", **{"from": stranger["uid"], "text": "chào"})
            code = re.findall(r"\b[A-HJ-NP-Z2-9]{8}\b", zalo.wait("sent")["text"])[0]
        elif command.endswith("channels login --channel zalouser") and "&&" not in command:
            scan(operator, zalo, command)
        elif "&&" not in command:
            assert typed(operator, command.replace("CODE", code)) == 0, command


def test_the_recovery_chain_works_as_written(operator: Operator, zalo: Simulator) -> None:
    assert typed(operator, "openclaw plugins install @openclaw/zalouser") == 0
    (chain,) = [command for command in commands() if "&&" in command]
    scan(operator, zalo, chain)
    assert typed(operator, "openclaw channels status --probe") == 5


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
