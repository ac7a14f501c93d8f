"""What fails with every attempt does not fill the log."""

from __future__ import annotations

import logging

import pytest

from clawlane.trouble_log import EVERY_S, TroubleLog


def test_the_same_trouble_is_told_once_a_minute_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    times = iter([0.0, 1.0, 2.0, EVERY_S, EVERY_S + 1])
    trouble = TroubleLog(logging.getLogger("clawlane.test"), lambda: next(times))
    with caplog.at_level(logging.DEBUG):
        trouble.error("%s is away", "a")
        trouble.error("%s is away", "b")
        trouble.error("%s does not answer", "b")
        trouble.error("%s is away", "c")
        trouble.over()
        trouble.error("%s is away", "d")
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert told == ["a is away", "b does not answer", "c is away", "d is away"]
    assert len(caplog.records) == 5
