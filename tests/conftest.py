"""What all stories share: their commands begin warm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo import stage
from end_to_end.forks import Warm


@pytest.fixture(scope="session", autouse=True)
def _forks() -> Iterator[None]:
    """The operator's commands are forked from a process that has imported them, once one is needed."""
    with Warm() as warm:
        before, stage.start_process = stage.start_process, warm.start
        yield
        stage.start_process = before
