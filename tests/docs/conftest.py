"""Somebody who types what the pages say, on a machine whose `~` is a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.model_server import Says, served
from demo.stage import Gateway, simulator
from docs.shell_blocks import Typist, machine


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    home = tmp_path / "home"
    home.mkdir()
    with simulator(tmp_path) as zalo, served(lambda _: Says("Dạ, em là Mai")) as model:
        operator = machine(home, zalo)
        with Gateway(operator) as gateway:
            yield Typist(operator, zalo, gateway, home, model)
            print("\n".join(gateway.printed()))
