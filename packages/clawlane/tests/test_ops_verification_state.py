"""What kept reports of the ritual say about a lane: verified, partly, changed since, never."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.ops.operation import encode
from clawlane.ops.ritual.steps import Report, Skip, StepName, StepResult, StepState
from clawlane.ops.verification_state import (
    NEVER,
    Verification,
    VerificationState,
    verification_of,
    verification_text,
)
from clawlane.store import verifications
from clawlane.store.verifications import KeptVerification

DAY = 86_400_000
POLICY = "0123456789abcdef"


def passed(*names: StepName) -> tuple[StepResult, ...]:
    return tuple(StepResult(name, StepState.PASSED) for name in names or tuple(StepName))


def report(at_ms: int, steps: tuple[StepResult, ...], policy: str = POLICY, rehearsal: str = "") -> Report:
    return Report(LANE, at_ms, policy, rehearsal, False, steps)


def found(*reports: Report, policy: str = POLICY, rehearsed: bool = False) -> Verification:
    kept = [KeptVerification(LANE, one.at_ms, one.ok, one.policy, encode(one).decode()) for one in reports]
    return verification_of(kept, policy, rehearsed=rehearsed)


def test_a_whole_run_verifies_and_a_change_of_policy_takes_that_back() -> None:
    whole = report(NOW, passed())
    told = found(whole)
    assert told == Verification(VerificationState.VERIFIED, NOW)
    assert verification_text(told, NOW + 3 * DAY) == "verified 3 days ago, policy unchanged since"
    changed = found(whole, policy="f" * 16)
    assert verification_text(changed, NOW + 3 * DAY) == "verified 3 days ago, policy changed since"
    assert verification_text(NEVER, NOW) == "never verified"


def test_a_step_that_the_config_leaves_out_needs_no_proof_but_one_that_was_left_out_does() -> None:
    no_groups = StepResult(StepName.GROUP_ANSWERED, StepState.SKIPPED, skip=Skip.NOT_APPLICABLE)
    others = tuple(one for one in passed() if one.name is not StepName.GROUP_ANSWERED)
    assert found(report(NOW, (*others, no_groups))).state is VerificationState.VERIFIED
    left_out = replace(no_groups, skip=Skip.LEFT_OUT)
    told = found(report(NOW, (*others, left_out)))
    assert told == Verification(VerificationState.PARTLY, NOW, (), ("group-answered",))


def test_each_step_counts_as_it_last_ended() -> None:
    failed = StepResult(StepName.ACKS, StepState.FAILED, missing="refused")
    first = report(NOW, (*passed()[:-1], failed))
    told = found(first)
    assert told.failed == ("acks",)
    assert verification_text(told, NOW + 180_000) == "partly verified 3 min ago (acks failed)"
    again = report(NOW + DAY, passed(StepName.ACKS))
    assert found(again, first) == Verification(VerificationState.VERIFIED, NOW), "as old as its oldest proof"
    assert found(first, again) == found(again, first)


def test_a_run_against_a_simulator_proves_nothing_about_the_platform() -> None:
    rehearsed = report(NOW, passed(), rehearsal="127.0.0.1:4443")
    told = found(rehearsed)
    assert told == replace(NEVER, rehearsed_ms=NOW)
    assert verification_text(told, NOW + 3 * DAY) == "never verified, only rehearsed 3 days ago"
    told = found(rehearsed, rehearsed=True)
    assert told == Verification(VerificationState.VERIFIED, NOW, rehearsed=True)
    assert verification_text(told, NOW + DAY) == "only rehearsed 24 h ago, policy unchanged since"
    partly = found(report(NOW, passed(*tuple(StepName)[:-1]), rehearsal="here"), rehearsed=True)
    assert verification_text(partly, NOW + DAY) == "only rehearsed, and partly, 24 h ago (acks not proven)"


def test_a_report_that_cannot_be_read_counts_for_nothing() -> None:
    assert verification_of([KeptVerification(LANE, NOW, True, POLICY, "{")], POLICY, rehearsed=False) == NEVER


@pytest.mark.parametrize("count", [3, verifications.KEPT + 5])
async def test_the_newest_reports_are_kept(tmp_path: Path, count: int) -> None:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (store, account_store):
        for _ in range(count):  # all at the same time
            await account_store.run(verifications.record, POLICY, "{}", passed=True)
        with store.read() as reader:
            kept = reader.verifications(LANE)
            assert [one.at_ms for one in reader.verifications(LANE, 2)] == [NOW + count - 1, NOW + count - 2]
    assert len(kept) == min(count, verifications.KEPT)
    assert kept[0].at_ms == NOW + count - 1
    assert kept[0].passed
