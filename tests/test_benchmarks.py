"""A run of the benchmarks: every part is measured, and only what failed makes the run fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.figure import Figure, Skipped, State, measure
from benchmarks.run import PARTS, main


def figures(*several: Figure) -> Iterator[Figure]:
    yield from several


def broken() -> Iterator[Figure]:
    yield Figure("half", 1.0, "s")
    raise SystemExit("the store is gone")


def skipped() -> Iterator[Figure]:
    raise Skipped("node is not installed")
    yield


@pytest.mark.parametrize(
    ("figure", "state"),
    [
        (Figure("no aim", 3.0, "ms"), State.NO_AIM),
        (Figure("as wanted", 3.0, "ms", aim=3.0), State.HELD),
        (Figure("too slow", 3.1, "ms", aim=3.0), State.MISSED),
        (Figure("too few", 99.0, "/s", aim=100.0, at_least=True), State.MISSED),
        (Figure("enough", 101.0, "/s", aim=100.0, at_least=True), State.HELD),
        (Figure("below the limit", 1.9, "×", aim=1.5, limit=2.0), State.MISSED),
        (Figure("beyond the limit", 2.1, "×", aim=1.5, limit=2.0), State.FAILED),
        (Figure("limit alone", 1.9, "×", limit=2.0), State.HELD),
    ],
    ids=lambda value: value.name.replace(" ", "-") if isinstance(value, Figure) else "",
)
def test_a_figure_keeps_to_its_aim_and_its_limit_or_not(figure: Figure, state: State) -> None:
    assert figure.state is state


def test_what_follows_a_failure_is_measured_too(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Figure("decode", 2.4, "× floor", aim=1.5, limit=2.0)
    code = measure(
        {
            "decode": lambda: figures(slow),
            "broken": broken,
            "reference": skipped,
            "last": lambda: figures(Figure("last", 1.0, "s", "quick", aim=2.0)),
        }
    )
    table = capsys.readouterr().out.partition("figure ")[2].splitlines()[2:]
    assert code == 1
    assert [" ".join(row.split()) for row in table] == [
        "decode 2.4 × floor aim 1.5, limit 2 FAILED",
        "half 1 s",
        "broken FAILED SystemExit: the store is gone",
        "reference skipped node is not installed",
        "last 1 s aim 2 held quick",
        "",
        "failed: decode, broken",
    ]


def test_a_missed_aim_fails_nothing() -> None:
    assert measure({"slow": lambda: figures(Figure("slow", 3.0, "s", aim=2.0)), "reference": skipped}) == 0


def test_a_part_that_does_not_exist_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["decoding"])
    assert ended.value.code == 2
    assert "no part is called decoding; there are: " + ", ".join(PARTS) in capsys.readouterr().err
