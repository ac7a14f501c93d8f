"""Each module of the checklist has one machine, on which its rows are tried in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checklist.desk import Desk
from demo.stage import Gateway, Operator, simulator

SAFE = "{ channels: { zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A machine with nothing on it: no config, no plugin, no login."""
    folder = tmp_path_factory.mktemp("machine")
    state = folder / "state"
    state.mkdir(mode=0o700)
    with simulator(folder) as zalo:
        operator = Operator.at(state, zalo.network)
        with Gateway(operator) as gateway:
            yield Desk(operator, zalo, state, gateway)
            print("\n".join(gateway.printed()))


@pytest.fixture(scope="module")
def desk(bare: Desk) -> Desk:
    """A machine with the seed's first config, the plugin and a login."""
    bare.write(SAFE)
    bare.install()
    if not bare.account()["linked"]:
        bare.log_in()
    return bare
