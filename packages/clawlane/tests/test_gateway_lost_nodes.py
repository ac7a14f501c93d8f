"""Alarms about nodes that are lost: told once, by one node, and over when nothing waits any more."""

from __future__ import annotations

import pytest

from clawlane.alarm_kinds import AlarmKind
from clawlane.gateway.lost_nodes import Waiting, changes, waiting
from clawlane.store.alarm_told import Alarm, Ended, Raised
from clawlane.store.claims import Claimant, Standing
from clawlane.store.nodes import CLEAN, Entered

ME = Claimant("a", "a1", after_ms=60_000)
NOW = 1_000_000
LOST = Waiting(["zalouser/x", "zalouser/w"], NOW - 90_000)


def standing(account: str, node: str = "b", ended: str = "", since_ms: int = 0) -> Standing:
    return Standing(account, 3, node, f"{node}1", "", ended, since_ms)


def entered(name: str, age_ms: int) -> Entered:
    return Entered(name, f"{name}1", {}, None, 0, NOW - age_ms, age_ms, None, "")


def alarm(account: str, key: str) -> Alarm:
    return Alarm(1, account, AlarmKind.NODE_LOST, key, NOW, NOW, 1, {}, None, None, False)


@pytest.mark.parametrize(
    ("one", "age_ms", "told"),
    [
        (standing("zalouser/x"), 59_000, False),
        (standing("zalouser/x"), 61_000, True),
        (standing("zalouser/x", ended=CLEAN, since_ms=NOW - 59_000), 500_000, False),
        (standing("zalouser/x", ended=CLEAN, since_ms=NOW - 61_000), 500_000, True),
        (standing("zalouser/x", node="forgotten"), 61_000, False),
    ],
)
def test_a_node_is_lost_once_a_takeover_would_have_come(one: Standing, age_ms: int, told: bool) -> None:
    found = waiting(ME, [one], {"b": entered("b", age_ms)}, NOW)
    assert found == ({"b": Waiting([one.account], found["b"].since_ms)} if told else {})


def test_it_is_told_by_whoever_runs_the_first_account_and_only_once() -> None:
    [(account, raised)] = changes({"b": LOST}, [], "zalouser/a", ["zalouser/a", "zalouser/c"])
    assert account == "zalouser/a"
    assert isinstance(raised, Raised)
    assert (raised.kind, raised.key) == (AlarmKind.NODE_LOST, "b")
    assert raised.evidence["held_up"] == ["zalouser/w", "zalouser/x"]
    assert changes({"b": LOST}, [], "zalouser/a", ["zalouser/c"]) == []
    assert changes({"b": LOST}, [], "", []) == []
    told = [alarm("zalouser/a", "b")]
    assert changes({"b": LOST}, told, "zalouser/a", ["zalouser/a"]) == []
    [(account, _)] = changes({"b": LOST, "d": LOST}, told, "zalouser/a", ["zalouser/a"])
    assert account == "zalouser/a"


def test_it_is_over_when_nothing_waits_on_the_account_where_it_was_told() -> None:
    told = [alarm("zalouser/c", "b")]
    assert changes({}, told, "zalouser/a", ["zalouser/a"]) == []
    assert changes({}, told, "zalouser/a", ["zalouser/c"]) == [
        ("zalouser/c", Ended(AlarmKind.NODE_LOST, "b"))
    ]
