"""What all tests share: their processes begin warm, what is collected once is not looked at again, and no
example of a property has to be quick: a busy machine makes any of them slow.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from demo import stage
from end_to_end.forks import warm

settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: a search for garbage among them finds nothing."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _forks() -> Iterator[None]:
    """The operator's commands are forked from a process that has imported them, once one is needed."""
    before, stage.start_process = stage.start_process, warm.start
    with warm:
        yield
    stage.start_process = before
