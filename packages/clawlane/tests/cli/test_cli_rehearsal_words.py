"""What a rehearsal shows: in Vietnamese, and in lines of 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from clawlane.access.decision import Decision, Reason, Rule
from clawlane.access.decision import Outcome as Decided
from clawlane.channel import Account
from clawlane.cli.output import columns
from clawlane.cli.rehearsal_words import show_reach, show_step
from clawlane.messages import Thread, ThreadKind
from clawlane.ops.why import Story
from clawlane.rehearsal.expectations import StepResult, mistakes
from clawlane.rehearsal.fates import Fate, Left
from clawlane.rehearsal.reach import Attempt, Tried
from clawlane.rehearsal.scenario import Outcome, Step
from clawlane.store.told import Made, Recorded, Stage
from clawlane.texts import in_locale, later
from english import english

ACCOUNT = Account("zalouser", "default", "default", None)
LAN = "1471383327500481391"
WHO = (later("a stranger"), later("a member in no list"), later("anybody"), f"groupAllowFrom: {LAN}")
EXPECTED = Step.model_validate(
    {
        "who": "friend",
        "says": "hello",
        "expect": ["held", "answered"],
        "reason": "dm_open",
        "sent": "a",
        "unsent": "x",
        "messages": 3,
        "unseen": "typed",
    }
)


def fate(outcome: Outcome, reason: Reason = Reason.DM_NOT_ALLOWLISTED) -> Fate:
    """A message that was decided by a line of the config, and what became of it."""
    rule = Rule("channels.zalouser.groups['Nhóm Lớp 12A'].allowFrom", line=112)
    made = Made(Stage.ADMISSION, 1, Decision(Decided.DROP, reason, rule))
    thread = Thread(ThreadKind.DM, LAN)
    return Fate(outcome, Story(Recorded("zalouser/default", 1, "m", thread, LAN, 1, 1, (made,)), (), None))


def results() -> Iterator[StepResult]:
    """A step for each outcome; and one that went wrong in every way."""
    for number, outcome in enumerate(Outcome, 1):
        yield StepResult(number, number, EXPECTED, "Lan: xin chào", fates=[fate(outcome)], saw=["sent"])
    wrong = StepResult(20, 0, EXPECTED, later("wait until {state}", state="ready"), saw=["typed"])
    wrong.fates = [fate(Outcome.DROPPED), Fate(Outcome.UNREAD)]
    wrong.left = [Left(1, LAN, "xin chào\n" * 9)]
    wrong.failed = mistakes(wrong)
    yield wrong
    yield StepResult(
        21, 1, EXPECTED, "Lan: xin chào", skipped=later("{key} is '{value}'", key="a", value="b")
    )


def tried() -> list[Tried]:
    """Everybody with every outcome, in a group and directly."""
    return [
        Tried(Attempt(ACCOUNT, who, LAN, group, name, mention), fate(outcome), (Left(1, LAN, "mã"),))
        for group, name in (("", ""), ("1", "Nhóm Lớp 12A"), ("2", ""))
        for who in WHO
        for mention, outcome in enumerate(Outcome)
    ]


@pytest.mark.parametrize("locale", ["en", "vi"])
def test_a_rehearsal_fits_80_columns(
    locale: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with in_locale(locale):
        for result in results():
            show_step(result, {LAN: "Lan"})
        show_reach(tried())
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if columns(line) > 80] == []
    # what was expected and seen is named as scenarios name it
    said = [re.split(" thấy ở đó: |: mong đợi ", line)[0] for line in printed]
    assert (english(said) == []) is (locale == "vi"), english(said)


def test_a_step_that_failed_says_where_in_vietnamese(capsys: pytest.CaptureFixture[str]) -> None:
    result = StepResult(2, 11, EXPECTED, "Lan: xin chào", failed=mistakes(next(results())))
    with in_locale("vi"):
        show_step(result, {})
    assert "✗ bước 2 (dòng 11): mong đợi 3 tin, nhưng không có tin nào được gửi đi" in (
        capsys.readouterr().out
    )
