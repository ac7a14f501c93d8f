"""What the status says when an account does not work as a whole: a sentence and a command each."""

from __future__ import annotations

from typing import Any

import pytest

from clawlane.channel import Health, Phase
from clawlane.ops.problems import problems

WELL: dict[str, Any] = {
    "enabled": True,
    "phase": Phase.READY,
    "reason": "",
    "help": "",
    "inbound": Health.OK,
    "outbound": Health.OK,
    "storing": Health.OK,
    "storing_reason": "",
    "too_old": 0,
    "skew_ms": 0,
    "decisions": {"sends": 0, "dead_letters": 0},
}


def found(**changed: object) -> list[tuple[str, bool]]:
    told = problems({**WELL, **changed})
    assert all(one["text"] and one["command"] for one in told)
    return [(one["code"], one["degrades"]) for one in told]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"storing": Health.BROKEN, "storing_reason": "disk I/O error"}, [("storing", True)]),
        ({"too_old": 1}, [("too_old", True)]),
        ({"inbound": Health.BROKEN}, [("inbound", True)]),
        ({"outbound": Health.BROKEN}, [("outbound", True)]),
        ({"outbound": Health.BROKEN, "reason": "5 sends failed in a row"}, [("outbound", True)]),
        ({"reason": "addresses that the login gave are left out"}, [("connection", True)]),
        ({"phase": Phase.CONNECTING, "reason": "logging in"}, []),
        ({"decisions": {"sends": 2, "dead_letters": 0}}, [("needs_decision", True)]),
        ({"decisions": {"sends": 0, "dead_letters": 1}}, [("dead_letters", True)]),
        (
            {"decisions": {"sends": 0, "dead_letters": 0, "forgotten": 3}},
            [("dead_letters_forgotten", False)],
        ),
        ({"skew_ms": 119_999}, []),
        ({"skew_ms": None}, []),
        ({"skew_ms": 180_000}, [("clock", False)]),
        ({"skew_ms": -86_400_000}, [("clock", False)]),
        ({"enabled": False, "storing": Health.BROKEN}, []),
    ],
)
def test_a_problem_is_told_with_a_command(
    changed: dict[str, object], expected: list[tuple[str, bool]]
) -> None:
    assert found(**changed) == expected


def test_the_sentence_says_how_many_and_which_side() -> None:
    [letters] = problems({**WELL, "decisions": {"sends": 0, "dead_letters": 1}})
    assert letters["text"] == "1 message is set aside after too many tries and waits for your decision"
    [clock] = problems({**WELL, "skew_ms": 180_000})
    assert clock["text"].startswith("this machine's clock is 3 min behind the platform's;")
