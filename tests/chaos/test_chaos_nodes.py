"""Three gateways on one database in every kind of trouble: one node for an account, one answer each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server

from chaos.nodes.plan import Scenario, Trouble
from chaos.nodes.story import play


@pytest.mark.long
@pytest.mark.timeout(480)
async def test_every_message_is_answered_by_one_of_three_gateways(tmp_path: Path) -> None:
    if postgres_server.programs() is None and not os.environ.get("CI"):
        pytest.skip(postgres_server.NOT_INSTALLED)
    ending = await play(Scenario(accounts=12, messages=240, troubles=len(Trouble), seed=3), tmp_path)
    print(ending)
    assert {*ending.done} == {*Trouble}
    assert ending.takeovers > 0
    assert ending.report.delivered == ending.report.answered + ending.report.held == 240
    assert ending.well
