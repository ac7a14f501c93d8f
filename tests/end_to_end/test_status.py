"""Status and check-up beside a running gateway, which does the work: the commands only ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator
from end_to_end.steps import listening

SCRIPT = """
import sys
from clawlane.cli.main import run
run(sys.argv[1:], "openclaw")
print("imported:", *sys.modules)
"""
HEAVY = {"aiohttp", "json5", "pydantic", "zaloweb"}
PLUGIN = {"clawlane_zalouser", "clawlane_zalouser.channel", "clawlane_zalouser.settings"}


@pytest.fixture
def linked(linked: Operator, state: Path) -> Operator:
    (state / "config.json5").chmod(0o600)
    return linked


def imported(operator: Operator, *words: str) -> set[str]:
    """The modules that a command has imported when it is done."""
    command = [sys.executable, "-c", SCRIPT, *words]
    done = subprocess.run(command, env=operator.env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.long
def test_commands_import_neither_pydantic_nor_the_plugin_while_the_gateway_runs(
    linked: Operator, gateway: Gateway
) -> None:
    listening(gateway)
    for words in (
        "channels status --channel zlu",
        "channels status --probe --json",
        "channels list",
        "doctor",
        "pairing list",
        "directory peers list --json",
        "directory groups list --channel zlu",
        "why",
    ):
        found = imported(linked, *words.split())
        assert "clawlane.ops.client" in found
        assert not found & (HEAVY | PLUGIN), words
    gateway.stop()
    assert "pydantic" in imported(linked, "channels", "status"), "without a gateway the work is done here"


def test_a_check_up_by_the_gateway_finds_what_one_alone_finds(linked: Operator, gateway: Gateway) -> None:
    alone = linked.run("doctor", "--json")
    listening(gateway)
    beside = linked.run("doctor", "--json")
    assert json.loads(beside.stdout)["findings"] == json.loads(alone.stdout)["findings"]
    gateway.stop()
