"""The account that a story ends with, and that a story can be told again."""

from __future__ import annotations

import pytest

from chaos.plan import Kill, Scenario, draw
from chaos.tally import Answer, Report, key_of, tally, text_of

FIRST, SECOND, THIRD = (key_of(text_of(number)) for number in range(3))
WRITTEN = {"lan": [FIRST, THIRD], "hung": [SECOND]}


def answer(thread: str, key: str) -> Answer:
    return Answer(thread, f"{key} em hỏi anh")


def test_every_message_answered_once_in_its_thread_is_clean() -> None:
    report = tally(WRITTEN, [answer("hung", SECOND), answer("lan", FIRST), answer("lan", THIRD)])
    assert str(report) == "delivered 3, answered 3, duplicates 0, lost 0, out of order 0"
    assert report.clean


def test_texts_of_others_count_for_nothing() -> None:
    report = tally({"lan": [FIRST]}, [answer("lan", FIRST), Answer("lan", "chào"), answer("lan", "#99999")])
    assert report.clean


@pytest.mark.parametrize(
    ("answers", "report"),
    [
        ([answer("lan", FIRST), answer("hung", SECOND)], Report(3, 2, 0, 1, 0, 0)),
        (
            [answer("lan", FIRST), answer("lan", THIRD), answer("hung", SECOND), answer("lan", FIRST)],
            Report(3, 3, 1, 0, 0, 0),
        ),
        ([answer("lan", THIRD), answer("lan", FIRST), answer("hung", SECOND)], Report(3, 3, 0, 0, 0, 1)),
        ([answer("lan", FIRST), answer("lan", SECOND), answer("lan", THIRD)], Report(3, 3, 0, 0, 0, 1)),
    ],
    ids=["lost", "twice", "too early", "in another thread"],
)
def test_what_went_wrong_is_counted(answers: list[Answer], report: Report) -> None:
    assert tally(WRITTEN, answers) == report
    assert not report.clean


def test_what_waits_for_the_operator_is_held_and_not_lost() -> None:
    answers = [answer("lan", FIRST), answer("hung", SECOND)]
    report = tally(WRITTEN, answers, held=[THIRD, SECOND])
    assert report == Report(3, 2, 0, 0, 1, 0)
    assert report.clean
    assert "held 1" in str(report)


def test_the_same_seed_tells_the_same_story() -> None:
    assert draw(Scenario(seed=7)) == draw(Scenario(seed=7))
    assert draw(Scenario(seed=7)) != draw(Scenario(seed=8))


def test_a_story_holds_what_was_asked_for() -> None:
    kills = draw(Scenario(kills=25, only=["kills"]))
    assert len(kills) == 25
    assert all(isinstance(strike.trouble, Kill) for strike in kills)
