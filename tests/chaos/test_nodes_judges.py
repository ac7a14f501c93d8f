"""How a story of several gateways is judged: leases, sockets, and that each judge can find something."""

from __future__ import annotations

from dataclasses import replace

from chaos.nodes.ending import Ending
from chaos.nodes.plan import Scenario, Trouble, draw
from chaos.nodes.sockets import Pair, Sight, side_by_side
from chaos.nodes.trail import Act, Beat, Hand, Trail, late
from chaos.tally import Report
from clawlane.store.nodes import LEASE_MS

X = "zalouser/x"
A, B = 1001, 1002
DOORS = {11: A, 22: B}
TAKEN_MS = 20_000
TRAIL = Trail(
    [
        Hand(0, X, "run a", 1, 11, ""),
        Hand(TAKEN_MS, X, "run b", 2, 22, ""),
        Hand(50_000, X, "run b", 2, 22, "clean"),
    ],
    [
        Beat(0, "run a", 0),
        Beat(4_000, "run a", 3_900),
        *(Beat(at, "run b", at) for at in range(0, 60_000, 4_000)),
    ],
)
WELL = Ending(
    Report(3, 2, 0, 0, 1, 0), 1, 9, [], [Pair(X, 40.0)], 2, 0, 1, {Trouble.KILL: 1}, [], [], 0, [0, 0]
)


def sent(at_ms: int, door: int) -> Act:
    return Act(at_ms, X, door, "sent")


def test_an_owner_acts_while_its_last_beat_holds() -> None:
    holds_ms = 3_900 + LEASE_MS
    assert late([sent(100, A), sent(holds_ms, A), sent(TAKEN_MS, B)], TRAIL, DOORS) == []
    for act in (sent(holds_ms + 1, A), sent(TAKEN_MS, A), sent(holds_ms, B), sent(50_001, B), sent(100, 7)):
        assert late([act], TRAIL, DOORS) == [act]
    stranger = replace(sent(100, A), account="zalouser/y")
    assert late([stranger], TRAIL, DOORS) == [stranger], "nobody has claimed it"


def test_an_account_that_is_claimed_from_a_lost_node_is_a_takeover() -> None:
    assert TRAIL.takeovers == 1
    released = Trail([TRAIL.hands[1], TRAIL.hands[2], Hand(51_000, X, "run a", 3, 11, "")], [])
    assert released.takeovers == 0


def test_two_sockets_are_side_by_side_while_both_are_live() -> None:
    opened = [Sight(0, X, A), Sight(10_000, X, B)]
    ended = [Sight(14_000, X, A, 1006), Sight(30_000, X, B, 1000)]
    assert side_by_side([*opened, *ended], {}) == [Pair(X, 4_000)]
    assert side_by_side([*opened, *ended], {A: [(5_000, 13_500)]}) == [Pair(X, 500)]
    assert side_by_side([*opened, *ended], {B: [(5_000, 20_000)]}) == []
    assert side_by_side([*opened, ended[1]], {}) == [Pair(X, 20_000)], "one that never ends is open"
    assert side_by_side([Sight(0, X, A), Sight(9_000, X, A, 1006), opened[1], ended[1]], {}) == []


def test_whatever_is_wrong_spoils_the_ending() -> None:
    assert WELL.well
    for wrong in (
        replace(WELL, report=Report(3, 2, 0, 1, 0, 0), listed=0),
        replace(WELL, report=Report(3, 2, 1, 0, 1, 0)),
        replace(WELL, listed=0),
        replace(WELL, late=[sent(1, A)]),
        replace(WELL, pairs=[Pair(X, 3_001.0)]),
        replace(WELL, broken=["n1 did not come back"]),
        replace(WELL, deaths=[1]),
        replace(WELL, codes=[0, 1]),
    ):
        assert not wrong.well, wrong


def test_a_story_is_drawn_from_its_seed_and_has_every_kind() -> None:
    assert draw(Scenario(seed=7)) == draw(Scenario(seed=7))
    assert draw(Scenario(seed=7)) != draw(Scenario(seed=8))
    short = draw(Scenario(troubles=len(Trouble), seed=7))
    assert {one.trouble for one in short} == {*Trouble}
