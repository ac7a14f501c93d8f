"""A simulator, an operator with an empty state directory, and a gateway in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.opened_store import POSTGRES, SQLITE

from clawlane.credentials.files import write_private
from demo.model_server import ModelServer, served
from demo.stage import Gateway, Operator, Simulator
from end_to_end.beside import linked_here, simulator_here
from end_to_end.machine import Host
from end_to_end.on_postgres import config_on_postgres
from end_to_end.steps import RECORDING

CONFIG = "{ channels: { zalouser: { enabled: true, dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"


@pytest.fixture
def zalo(tmp_path: Path) -> Iterator[Simulator]:
    with simulator_here(tmp_path) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def config_text() -> str:
    """What stands in the config when a test begins; modules have their own."""
    return CONFIG


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the store of the story is."""
    yield getattr(request, "param", SQLITE)
    postgres_server.take_back()


@pytest.fixture
def operator(zalo: Simulator, state: Path, config_text: str, engine: str) -> Operator:
    state.mkdir(mode=0o700)
    text = config_on_postgres(config_text, state) if engine == POSTGRES else config_text
    (state / "config.json5").write_text(text)
    return Operator.at(state, zalo.network)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Stories that are told on a database, too, but for those on a clock that only moves when it is set."""
    name = metafunc.module.__name__.rpartition(".")[2]
    of_file = metafunc.definition.get_closest_marker("of_file") or "host" in metafunc.fixturenames
    if name in _ON_BOTH and "operator" in metafunc.fixturenames and not of_file:
        postgres = pytest.param(POSTGRES, marks=pytest.mark.long)
        metafunc.parametrize("engine", [SQLITE, postgres], indirect=True)


_ON_BOTH = {"test_restart", "test_lane"}
"""Files whose stories keep the config that they begin with: it says where the store is."""


@pytest.fixture(scope="session", autouse=True)
def _no_server_left() -> Iterator[None]:
    yield
    postgres_server.stop()


@pytest.fixture(scope="session")
def plugin_record(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What `plugins install` leaves in a state directory: the same for every test."""
    state = tmp_path_factory.mktemp("plugin")
    (state / "config.json5").write_text(CONFIG)
    with simulator_here(state) as zalo:
        done = Operator.at(state, zalo.network).run("plugins", "install", "@openclaw/zalouser")
    assert done.returncode == 0, done.stdout
    return (state / "plugins.json").read_bytes()


@pytest.fixture
def installed(operator: Operator, state: Path, plugin_record: bytes) -> Operator:
    """An operator with the plugin."""
    write_private(state / "plugins.json", plugin_record)
    return operator


@pytest.fixture
def linked(installed: Operator, zalo: Simulator) -> Operator:
    """An operator whose account is logged in."""
    linked_here(installed, zalo)
    return installed


@pytest.fixture
def gateway(operator: Operator) -> Iterator[Gateway]:
    """Not started yet. What it printed stands in the report of a failed test."""
    with Gateway(operator) as gateway:
        yield gateway
        print("\n".join(gateway.printed()))


@pytest.fixture
def recording(linked: Operator) -> Iterator[Gateway]:
    """A gateway whose agent prints what it is given, echoes it, and fails on what ends in `fail`."""
    with Gateway(linked, RECORDING) as gateway:
        yield gateway
        print("\n".join(gateway.printed()))


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model in a thread of its own; tests give it a script."""
    with served() as server:
        yield server


@pytest.fixture
def host(linked: Operator, tmp_path: Path) -> Iterator[Host]:
    """A machine whose clock can be set, with a gateway that is ended at last."""
    host = Host(linked, tmp_path)
    with host.gateway:
        yield host
        print("\n".join(host.gateway.printed()))
