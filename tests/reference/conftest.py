"""The pinned reference client, and one node process and one simulator for each module of tests."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from reference.reference_client import GROUP, HERE, USER, Client, Node, reference_node
from zaloweb.sim.people import Person
from zaloweb.sim.registry import Group
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World

PACKAGE = HERE / "node_modules" / "zca-js" / "package.json"
INSTALL = ["install", "--no-package-lock", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
CHUNK_BYTES = 1024


@pytest.fixture(scope="session")
def program() -> str:
    """The node that has the pinned reference client beside it; it is installed once."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        _absent("node and npm are not installed")
    assert program is not None
    with (HERE / "package.json").open() as manifest:
        fcntl.flock(manifest, fcntl.LOCK_EX)  # test processes side by side share the folder
        _install(str(npm), json.load(manifest)["dependencies"]["zca-js"])
    return program


def _install(npm: str, wanted: str) -> None:
    if PACKAGE.exists() and json.loads(PACKAGE.read_text())["version"] == wanted:
        return
    run = subprocess.run([npm, *INSTALL], cwd=HERE, capture_output=True, text=True, check=False)
    if run.returncode:
        _absent(f"npm could not install zca-js {wanted}: {run.stderr.strip().splitlines()[-1:]}")


def _absent(why: str) -> None:
    """Without the client there is nothing to prove: skipped on a machine, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}, and CI must run the reference client")
    pytest.skip(why)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sim() -> AsyncIterator[Simulator]:
    """A simulator that all tests of a module share. Its chunks are small, so that uploads have several."""
    async with Simulator(World(rules=Rules(chunk_bytes=CHUNK_BYTES))) as sim:
        yield sim


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(sim: Simulator, program: str) -> AsyncIterator[Node]:
    """The process in which the clients of a module live."""
    async with reference_node(sim, program) as node:
        yield node


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listening(node: Node) -> Client:
    """A client that logged in with cookies and listens to everything, its own doings included."""
    client = node.client()
    await client.log_in()
    await client.listen()
    return client


@pytest.fixture(scope="module")
def lan(sim: Simulator) -> Person:
    """A friend."""
    return sim.world.person("Trần Thị Lan")


@pytest.fixture(scope="module")
def hung(sim: Simulator) -> Person:
    """Another friend."""
    return sim.world.person("Lê Văn Hùng")


@pytest.fixture(scope="module")
def work(sim: Simulator, lan: Person, hung: Person) -> Group:
    """A group of the account and both friends."""
    return sim.world.group("Nhóm Làm Việc", [lan, hung])


@pytest.fixture(params=[USER, GROUP], ids=["user", "group"])
def kind(request: pytest.FixtureRequest) -> int:
    """The client's number for a kind of thread; the test runs in both."""
    number: int = request.param
    return number


@pytest.fixture
def group(kind: int, work: Group) -> Group | None:
    """The group to write into, or nothing for a chat of two."""
    return work if kind == GROUP else None


@pytest.fixture
def thread(kind: int, work: Group, lan: Person) -> str:
    """The id of the thread, as the client knows it."""
    return work.gid if kind == GROUP else lan.uid


@pytest.fixture
def since(sim: Simulator) -> int:
    """The number of the last record before the test."""
    return sim.world.log.last
