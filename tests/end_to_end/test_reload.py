"""A config that is in force: the running gateway follows its file, and restarts only what an edit touches."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from clawlane.config.paths import Paths
from clawlane.ops.client import ask_gateway
from clawlane.ops.config import Applied, Apply
from clawlane.ops.operation import Caller
from demo.stage import Gateway, Operator, Record, Simulator
from end_to_end.steps import answers, listening, person, say

QUICK = "acks: 'off', pacing: { gap: '0s', gapJitter: '0s' }"
IN_FORCE = "is in force"


class Desk:
    """A running gateway, its config file, and the people who write."""

    def __init__(self, operator: Operator, zalo: Simulator, state: Path, gateway: Gateway) -> None:
        self.operator, self.zalo, self.gateway = operator, zalo, gateway
        self.file = state / "config.json5"
        self.paths = Paths(state, self.file)
        self.applied = 0

    def text(self, block: str, rest: str = "") -> str:
        return f"{{\n  channels: {{ zalouser: {{ {block} }} }},\n  {rest}\n}}\n"

    def start(self, block: str, rest: str = "") -> None:
        self.file.write_text(self.text(block, rest))
        self.applied = 0
        listening(self.gateway)

    def edit(self, block: str, rest: str = "") -> None:
        """Rename an edited file over the config, and wait until it is in force."""
        self.write(self.text(block, rest))
        self.applied += 1
        self.gateway.said_times(IN_FORCE, self.applied)

    def write(self, text: str) -> None:
        beside = self.file.with_name("edited")
        beside.write_text(text)
        os.replace(beside, self.file)

    def status(self) -> tuple[int, dict[str, Any]]:
        done = self.operator.run("channels", "status", "--json")
        return done.returncode, json.loads(done.stdout)

    def apply(self) -> Applied:
        self.applied += 1
        return ask_gateway(self.paths, Apply(), Caller.CLI)

    def logins(self) -> list[str]:
        return [str(one["account"]) for one in self.zalo.since(0) if one["kind"] == "login"]

    def connects(self) -> int:
        return sum(one["kind"] == "connected" for one in self.zalo.since(0))

    def reason(self, message: str) -> str:
        told = json.loads(self.operator.run("why", message, "--json").stdout)
        return str(told["messages"][0]["decisions"][-1]["reason"])

    def decided(self, text: str) -> Record:
        return self.zalo.wait("sent", lambda record: record["text"] == f"echo: {text}")


@pytest.fixture
def desk(linked: Operator, zalo: Simulator, state: Path, recording: Gateway) -> Desk:
    return Desk(linked, zalo, state, recording)


def test_an_edit_of_access_counts_at_once_and_touches_no_connection(desk: Desk) -> None:
    desk.start(f"dmPolicy: 'open', {QUICK}")
    friend = person(desk.zalo)
    say(desk.zalo, friend, "một")
    assert answers(desk.zalo, 1) == ["echo: một"]
    connects = desk.connects()
    desk.edit(f"dmPolicy: 'disabled', {QUICK}")
    closed = say(desk.zalo, friend, "hai")
    desk.gateway.said("dm_disabled")
    desk.edit(f"dmPolicy: 'open', responsePrefix: '[bot] ', {QUICK}")
    say(desk.zalo, friend, "ba")
    assert answers(desk.zalo, 1) == ["[bot] echo: ba"]
    assert desk.connects() == connects
    assert "dm_disabled" in desk.operator.run("why", closed).stdout
    code, told = desk.status()
    assert (code, told["config"]["error"], told["config"]["changed"]) == (0, None, False)
