"""A gateway that is stopped right at the look at its lease, until another one runs its account."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server

from chaos.nodes.plan import Scenario
from chaos.nodes.stage import Node
from chaos.nodes.story import begun

_SEAM = Path(__file__).with_name("nodes") / "stopped_at_look.py"
_TAKEOVER_S = 60.0


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("when", "sent"), [("before", 0), ("after", 1)])
async def test_what_is_stopped_before_its_look_sends_nothing_and_after_it_one_request(
    tmp_path: Path, when: str, sent: int
) -> None:
    if postgres_server.programs() is None and not os.environ.get("CI"):
        pytest.skip(postgres_server.NOT_INSTALLED)
    armed = tmp_path / "armed"
    openclaw = [sys.executable, str(_SEAM), when, str(armed)]
    async with begun(Scenario(gateways=2, accounts=1, people=2), tmp_path, openclaw) as story:
        first, second = story.people
        armed.touch()
        await story.write(first)
        stopped = await until_stopped(story.nodes)
        other = next(node for node in story.nodes if node is not stopped)
        with stopped.stopped():
            assert await other.lane.said("default is ready", _TAKEOVER_S)
        assert await stopped.lane.said("claims its accounts", _TAKEOVER_S)
        await story.write(second)
        ending = await story.end()

    print(ending)
    assert [act.kind for act in ending.late] == ["sent"] * sent
    assert ending.report.delivered == 2
    assert ending.report.answered + ending.report.held == 2
    assert ending.report.answered == 1 + sent
    assert ending.report.duplicates == 0
    assert ending.listed == ending.report.held
    assert (ending.beyond, ending.broken, ending.deaths) == ([], [], [])


async def until_stopped(nodes: Sequence[Node]) -> Node:
    async with asyncio.timeout(_TAKEOVER_S):
        while True:
            for node in nodes:
                if is_stopped(node.lane.pids[-1]):
                    return node
            await asyncio.sleep(0.1)
