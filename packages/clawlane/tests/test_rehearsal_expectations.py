"""What is said of a step that went otherwise than expected."""

from __future__ import annotations

import pytest

from clawlane.access.decision import Decision, Reason, Rule
from clawlane.access.decision import Outcome as Decided
from clawlane.messages import Thread, ThreadKind
from clawlane.ops.why import Standing, Story, TurnStage
from clawlane.rehearsal.expectations import StepResult, mistakes
from clawlane.rehearsal.fates import Fate, Left, outcome_of
from clawlane.rehearsal.scenario import Outcome, Step
from clawlane.store.states import TurnState
from clawlane.store.told import Made, Recorded, Stage, Turn

THREAD = Thread(ThreadKind.DM, "7")
DROPPED = Decision(Decided.DROP, Reason.DM_DISABLED, Rule("dmPolicy"))


def story(
    decision: Decision | None = DROPPED,
    stage: TurnStage | None = None,
    recalled: str = "",
    settled_ms: int | None = 2,
) -> Story:
    made = () if decision is None else (Made(Stage.ADMISSION, 1, decision),)
    turn = Turn(1, TurnState.DONE, "", 1, 1, settled_ms) if stage else None
    recorded = Recorded("zalouser/default", 1, "m", THREAD, "7", 1, 1, made, recalled=recalled, standing=turn)
    return Story(recorded, (), Standing(stage, running=True) if stage else None)


def told(step: Step, *fates: Fate, left: tuple[str, ...] = ()) -> list[str]:
    result = StepResult(1, 1, step, "", fates=list(fates))
    result.left = [Left(number, THREAD.id, text) for number, text in enumerate(left)]
    result.saw = ["typed", "sent"] if left else []
    return mistakes(result)


def step(**expected: object) -> Step:
    return Step.model_validate({"who": "friend", "says": "hello", **expected})


def test_what_is_as_expected_is_no_mistake() -> None:
    fates = Fate(Outcome.DROPPED, story()), Fate(Outcome.HELD, story())
    assert told(step(expect=["dropped", "held"], reason="dm_disabled", messages=0), *fates) == []
    expected = step(sent=["a", "b"], unsent="c", unseen="seen", messages=2)
    assert told(expected, Fate(Outcome.ANSWERED), left=("xa", "by")) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"expect": "answered"}, "expected answered, but it was dropped"),
        ({"reason": "dm_open"}, "expected the reason dm_open, but it was dm_disabled"),
        ({"sent": "hello"}, "expected that 'hello' is sent, but this left: hi | there"),
        ({"messages": 1}, "expected 1 messages, but this left: hi | there"),
        ({"unsent": "he"}, "expected that 'he' is not sent, but this left: hi | there"),
        ({"unseen": "typed"}, "expected that the platform sees no 'typed', but it did"),
    ],
)
def test_each_mistake_says_what_was_expected_and_what_came(expected: dict[str, object], words: str) -> None:
    assert told(step(**expected), Fate(Outcome.DROPPED, story()), left=("hi", "there")) == [words]


def test_a_message_that_was_not_read_has_no_reason() -> None:
    assert told(step(reason="dm_open"), Fate(Outcome.UNREAD)) == [
        "expected the reason dm_open, but it was not decided"
    ]


@pytest.mark.parametrize("stage", TurnStage)
def test_every_stage_of_a_turn_is_an_outcome_or_still_open(stage: TurnStage) -> None:
    outcome = outcome_of(story(stage=stage))
    assert (outcome is None) == (stage in ("waiting", "with_agent", "sending"))


def test_a_reply_that_is_still_leaving_is_open() -> None:
    assert outcome_of(story(stage=TurnStage.PARTLY_SENT)) is Outcome.REFUSED
    assert outcome_of(story(stage=TurnStage.PARTLY_SENT, settled_ms=None)) is None


@pytest.mark.parametrize(
    ("decision", "recalled", "outcome"),
    [
        (None, "", None),
        (None, "recalled by its author", Outcome.RECALLED),
        (DROPPED, "", Outcome.DROPPED),
        (Decision(Decided.PEND, Reason.MENTION_REQUIRED, Rule("x")), "", Outcome.PENDED),
        (Decision(Decided.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("x")), "", Outcome.CHALLENGED),
        (Decision(Decided.ADMIT, Reason.DM_OPEN, Rule("x"), command="/stop"), "", Outcome.COMMAND),
        (Decision(Decided.ADMIT, Reason.DM_OPEN, Rule("x")), "", None),
    ],
)
def test_without_a_turn_the_decision_is_the_outcome(
    decision: Decision | None, recalled: str, outcome: Outcome | None
) -> None:
    assert outcome_of(story(decision, recalled=recalled)) is outcome
