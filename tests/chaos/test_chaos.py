"""500 messages while a gateway is killed, cut off and starved: each is answered once, in order per thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.plan import Scenario
from chaos.story import play

KILLS = 20


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_every_message_is_answered_exactly_once(tmp_path: Path) -> None:
    ending = await play(Scenario(kills=KILLS), tmp_path)
    print(ending)
    assert ending.kills >= KILLS
    assert ending.report.answered == ending.report.delivered == 500
    assert ending.well


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_model_acts_exactly_once_and_gives_one_answer_in_each_turn(tmp_path: Path) -> None:
    scenario = Scenario(messages=150, kills=8, drops=2, faults=4, fills=0, agent="model", rate=4.0, seed=3)
    ending = await play(scenario, tmp_path)
    print(ending)
    assert ending.kills >= 8
    assert ending.report.answered == ending.report.delivered == 150
    assert ending.well


@pytest.mark.long
@pytest.mark.timeout(200)
async def test_without_leave_to_send_again_the_rest_is_held_and_nothing_is_lost(tmp_path: Path) -> None:
    scenario = Scenario(messages=120, kills=6, faults=8, only=("kills", "api"), resend="never", seed=2)
    ending = await play(scenario, tmp_path)
    print(ending)
    assert ending.report.answered + ending.report.held == ending.report.delivered == 120
    assert ending.well
