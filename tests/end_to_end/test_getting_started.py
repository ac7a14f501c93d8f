"""docs/getting-started.md by hand: its commands in order, by a newcomer against the simulator."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, say
from end_to_end.test_readme import blocks, challenged, scan, shell

PAGE = "docs/getting-started.md"
WELL_UNDER_15_MINUTES = 300.0

pytestmark = pytest.mark.long


@pytest.fixture
def newcomer(zalo: Simulator, state: Path) -> Operator:
    """Somebody whose home has an empty state directory."""
    home = Operator.at(state, zalo.network)
    return Operator({**home.env, "HOME": str(state.parent)})


@pytest.fixture
def gateway(newcomer: Operator) -> Iterator[Gateway]:
    with Gateway(newcomer) as gateway:
        yield gateway
        print("\n".join(gateway.printed()))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".clawlane"


def by_hand() -> list[str]:
    """The commands of the second half."""
    lines = "".join(blocks(PAGE, "sh")).splitlines()
    return lines[lines.index("chmod 600 ~/.clawlane/config.json5") :]


def typed(newcomer: Operator, command: str) -> str:
    done = subprocess.run(
        shell(newcomer, command), env=newcomer.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_walk_by_hand_ends_in_a_group_that_is_answered_when_mentioned(
    newcomer: Operator, zalo: Simulator, state: Path, gateway: Gateway
) -> None:
    began = time.monotonic()
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(blocks(PAGE, "json5")[0], encoding="utf-8")
    group = zalo.world()["groups"][0]["gid"]
    lan = next(one["uid"] for one in zalo.world()["people"] if one["name"] == "Trần Thị Lan")
    known = {"GROUP": group, "PERSON": lan}
    for command in by_hand():
        if command.endswith("gateway run"):
            gateway.start()
            gateway.said("is ready")
        elif command.endswith("channels login --channel zalouser"):
            scan(newcomer, zalo, command)
        else:
            if "CODE" in command:
                known |= challenged(zalo)
            written = command
            for word, value in known.items():
                written = written.replace(word, value)
            typed(newcomer, written)
            if "approve" in command:
                say(zalo, known["ID"], "em chào")
                assert answers(zalo, 1) == ["em chào"]
            if "--mention" in command:
                say(zalo, lan, "không gọi ai", group=group)
                say(zalo, lan, "@Nguyễn Minh Anh ơi", group=group, mentions=["Nguyễn Minh Anh"])
                (answer,) = answers(zalo, 1)
                assert "ơi" in answer
    assert time.monotonic() - began < WELL_UNDER_15_MINUTES


def test_the_flags_of_the_first_half_are_enough(newcomer: Operator, zalo: Simulator, state: Path) -> None:
    onboard, login = [
        line for line in "".join(blocks(PAGE, "sh")).splitlines() if "--yes" in line or "login" in line
    ][:2]
    typed(newcomer, onboard)
    scan(newcomer, zalo, login)
    assert typed(newcomer, "openclaw config get channels.zalouser.dmPolicy") == "pairing\n"
