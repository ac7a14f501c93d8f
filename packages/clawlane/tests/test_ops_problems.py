"""What the status says when an account does not work as a whole: a sentence and a command each."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from clawlane.channel import Health, Phase
from clawlane.ops.account_status import AccountStatus, Decisions, PairingCounts, PolicyStatus
from clawlane.ops.finding_text import problem_text
from clawlane.ops.problems import problems

WELL = AccountStatus(
    id="default",
    profile="default",
    name="",
    enabled=True,
    linked=True,
    identity=None,
    consent=None,
    phase=Phase.READY,
    code="ready",
    since_ms=0,
    reason="",
    help="",
    auth=Health.OK,
    inbound=Health.OK,
    outbound=Health.OK,
    noticed_ms=0,
    skew_ms=0,
    dm_policy=PolicyStatus("pairing", "built-in", "channels.zalouser.dmPolicy", None),
    group_policy=PolicyStatus("allowlist", "built-in", "channels.zalouser.groupPolicy", None),
    rehearsal="",
    last_inbound_ms=None,
    last_outbound_ms=None,
    counters={},
    outbox={},
    too_old=0,
    gaps=[],
    pairing=PairingCounts(0, 0, 0),
    pauses=[],
    waiting=0,
    expired=0,
    held=[],
    decisions=Decisions(0, 0, 0),
    look_ups=[],
    storing=Health.OK,
    storing_reason="",
    names=[],
    findings=[],
    problems=[],
)


def found(**changed: Any) -> list[tuple[str, bool]]:
    told = list(problems(replace(WELL, **changed)))
    assert all(problem_text(one) and one.command for one in told)
    return [(one.code, one.degrades) for one in told]


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
        ({"decisions": Decisions(2, 0, 0)}, [("needs_decision", True)]),
        ({"decisions": Decisions(0, 1, 0)}, [("dead_letters", True)]),
        (
            {"decisions": Decisions(0, 0, 3)},
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
    [letters] = problems(replace(WELL, decisions=Decisions(0, 1, 0)))
    assert problem_text(letters) == "1 message is set aside and waits for your decision"
    [clock] = problems(replace(WELL, skew_ms=180_000))
    assert problem_text(clock).startswith("this machine's clock is 3 min behind the platform's;")
