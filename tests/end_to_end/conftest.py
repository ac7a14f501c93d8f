"""A simulator, an operator with an empty state directory, and a gateway, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator, simulator

CONFIG = "{ channels: { zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"


@pytest.fixture
def zalo(tmp_path: Path) -> Iterator[Simulator]:
    with simulator(tmp_path) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def operator(zalo: Simulator, state: Path) -> Operator:
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(CONFIG)
    return Operator.at(state, zalo.network)


@pytest.fixture
def gateway(operator: Operator) -> Iterator[Gateway]:
    """Not started yet. What it printed stands in the report of a failed test."""
    with Gateway(operator) as gateway:
        yield gateway
        print("\n".join(gateway.printed()))
