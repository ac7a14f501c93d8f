"""Every case holds: what must come of a small input, played against the gateway and the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases_harness import case


@pytest.mark.long
@pytest.mark.parametrize("name", case.names())
def test_the_case_holds(name: str, tmp_path: Path) -> None:
    assert case.play(name, tmp_path) == []
