"""Several sends in a row that fail make sending broken, and the next one that arrives heals it."""

from __future__ import annotations

import pytest

from clawlane.lane.send_record import IN_A_ROW, SendRecord, SendTrouble
from clawlane.messages import Thread, ThreadKind


@pytest.fixture
def told() -> list[SendTrouble | None]:
    return []


@pytest.fixture
def record(told: list[SendTrouble | None]) -> SendRecord:
    return SendRecord(told.append)


def dm(number: int) -> Thread:
    return Thread(ThreadKind.DM, str(number))


def test_one_failure_is_no_trouble_and_several_in_a_row_are(
    record: SendRecord, told: list[SendTrouble | None]
) -> None:
    for _ in range(IN_A_ROW - 1):
        record.failed("did not leave: the line is down")
    assert told == []
    record.failed("may or may not have arrived: no answer")
    [trouble] = told
    assert trouble is not None
    assert trouble.help == "openclaw outbox list"
    assert trouble.reason == (
        "none of the last 3 messages is known to have arrived;"
        " the last may or may not have arrived: no answer"
    )


def test_one_that_arrives_heals_it_and_the_count_begins_anew(
    record: SendRecord, told: list[SendTrouble | None]
) -> None:
    for _ in range(IN_A_ROW):
        record.failed("did not leave")
    record.arrived()
    assert told[-1] is None
    for _ in range(IN_A_ROW - 1):
        record.failed("did not leave")
    assert told[-1] is None


def test_refusals_in_one_thread_are_about_one_person(
    record: SendRecord, told: list[SendTrouble | None]
) -> None:
    for _ in range(9):
        record.refused(dm(1), "was refused: you are blocked")
    assert told == []
    record.refused(dm(2), "was refused")
    record.refused(dm(3), "was refused")
    assert len(told) == 1
