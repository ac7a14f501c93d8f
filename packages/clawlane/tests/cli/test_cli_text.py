"""The small things that every output is made of: times, tables, names of strangers."""

from __future__ import annotations

from datetime import datetime

import pytest

from clawlane.cli.output import print_table
from clawlane.clock import length
from clawlane.ops.rules_from import RulesFrom
from clawlane.words.rules import rules_line
from clawlane.words.strangers import sanitize
from clawlane.words.times import ago, local


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 s"),
        (90_000, "90 s"),
        (120_000, "2 min"),
        (7_200_000, "2 h"),
        (50 * 3_600_000, "2 days"),
        (86_400_000, "24 h"),
    ],
)
def test_a_length_of_time_is_told_in_one_unit(ms: int, text: str) -> None:
    assert length(ms) == text


def test_what_never_happened_is_never_ago() -> None:
    assert (ago(None, 5), ago(1_000, 4_000)) == ("never", "3 s ago")


def test_a_clock_that_ran_backwards_is_no_time_ago() -> None:
    assert ago(9_000, 4_000) == "0 s ago"


def test_a_moment_is_a_time_of_this_machine() -> None:
    moment = datetime.fromisoformat(local(1_772_000_000_000))
    assert moment.utcoffset() is None
    assert moment.astimezone().timestamp() == 1_772_000_000


def test_columns_stay_straight_under_accents_and_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "ID"), [("Nguyễn", "1"), ("Nguyê\u0303n", "2"), ("阮", "3"), ("An", "4")])
    assert capsys.readouterr().out.splitlines() == [
        "NAME    ID",
        "Nguyễn  1",
        "Nguyê\u0303n  2",
        "阮      3",
        "An      4",
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Trần Thị Lan", "Trần Thị Lan"),
        ("two\nlines\tand  more", "two lines and more"),
        ("\x1b[2Jgone", "[2Jgone"),
        ("evil\u202egnp", "evilgnp"),
        ("x" * 80, "x" * 59 + "…"),
    ],
)
def test_a_name_cannot_draw_on_the_terminal(name: str, shown: str) -> None:
    assert sanitize(name) == shown


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (RulesFrom("file", "c"), "from the file (no gateway runs)"),
        (RulesFrom("file", "c", running=True), "from the file; the running gateway uses the same"),
        (RulesFrom("gateway", "c", running=True), "from the running gateway; the file says the same"),
        (
            RulesFrom("gateway", "c", differs=True, error="c:1: odd", running=True),
            "from the running gateway; the file cannot be used, and the gateway keeps the last good one: "
            "c:1: odd",
        ),
        (
            RulesFrom("gateway", "c", differs=True, waiting=True, running=True),
            "from the running gateway; the file lets more in, which waits for: openclaw config apply",
        ),
        (
            RulesFrom("file", "c", differs=True, running=True),
            "from the file; the running gateway uses others; to apply the file: openclaw config apply",
        ),
    ],
)
def test_an_answer_about_rules_says_where_it_read_them(rules: RulesFrom, line: str) -> None:
    assert rules_line(rules) == f"Rules: {line}"
