"""What a story of several gateways is played on: a database, a simulator, linked accounts, and nodes.

Each node has a state directory, a way to the database, a door of the simulator, and a clock of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.broken_way import BrokenWay

from chaos.lane import Lane
from chaos.nodes.plan import Scenario
from chaos.nodes.sockets import Span
from chaos.nodes.trail import Book
from chaos.witness import Witness, witnessed
from clawlane.clock import now_ms
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.credentials.files import write_private
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.record_files import RecordFiles
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.ops.place import place_of
from clawlane.plugins.registry import Registry
from demo.linking import CHANNEL, link
from demo.stage import Missing, Operator, running

_ZALO = Path(__file__).parents[1] / "zalo.py"
_WRONG_CLOCK = Path(__file__).with_name("wrong_clock.py")
_APART_S = 300
"""How far the clocks of the first and the last node are apart."""

_BLOCK = {
    "enabled": True,
    "dmPolicy": "open",
    "allowFrom": ["*"],
    "groupPolicy": "disabled",
    "acks": "auto",
    "lookUpGap": "1s",
    "resendUnknown": "when-absent",
    "pacing": {"enabled": False},
}


@dataclass(slots=True)
class Node:
    """A gateway, or whoever works under the name of one: `door` is the port where it reaches the simulator.

    `frozen` are the times in which it was stopped (milliseconds), `busy` whether something is done to it.
    """

    name: str
    operator: Operator
    lane: Lane
    way: BrokenWay
    door: int
    frozen: list[Span] = field(default_factory=list)
    busy: bool = False

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It stands still where it is, while this is entered."""
        self.lane.freeze()
        began = 1000 * time.time()
        try:
            yield
        finally:
            self.frozen.append((began, 1000 * time.time()))
            self.lane.thaw()


@dataclass(frozen=True, slots=True)
class Stage:
    """`accounts` gives the name of each account by its uid. `thieves` has a thief for each node's name."""

    witness: Witness
    server: postgres_server.Server
    book: Book
    nodes: Sequence[Node]
    thieves: Mapping[str, Node]
    accounts: Mapping[str, str]
    seen: int
    """The number of the last record from before the story."""

    @property
    def everybody(self) -> list[Node]:
        return [*self.nodes, *self.thieves.values()]


@asynccontextmanager
async def staged(folder: Path, scenario: Scenario, openclaw: Sequence[str] = ()) -> AsyncIterator[Stage]:
    """Everything in processes of its own, in an empty folder, while this is entered; no gateway is started.

    `openclaw` is the command of the nodes, instead of one whose clock is wrong. Raises `Missing` without
    PostgreSQL.
    """
    names = [f"n{number}" for number in range(1, scenario.gateways + 1)]
    async with AsyncExitStack() as stack:
        server = stack.enter_context(_server())
        control, networks = stack.enter_context(_zalo(folder, scenario.seed, 2 * len(names)))
        book, room = Book(server.database(folder)), _Room(folder, server, names, scenario, openclaw)
        witness = await stack.enter_async_context(witnessed(control))
        made = [stack.enter_context(room.node(name, at)) for name, at in zip(names, networks, strict=False)]
        accounts = await _linked(made[0].operator, networks[0], witness, scenario.accounts)
        record = (folder / names[0] / "plugins.json").read_bytes()
        thieves = dict[str, Node]()
        for one, network in zip(made, networks[len(names) :], strict=True):
            write_private(folder / one.name / "plugins.json", record)
            shutil.copytree(folder / one.name, folder / f"{one.name}-copy")
            thieves[one.name] = stack.enter_context(room.node(one.name, network, f"{one.name}-copy"))
        book.begin()
        seen = witness.records[-1]["seq"] if witness.records else 0
        yield Stage(witness, server, book, made, thieves, accounts, seen)


@contextmanager
def _server() -> Iterator[postgres_server.Server]:
    programs = postgres_server.programs()
    if programs is None:
        raise Missing(postgres_server.NOT_INSTALLED)
    server = postgres_server.Server(programs)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _zalo(folder: Path, seed: int, doors: int) -> Iterator[tuple[int, list[str]]]:
    """The control port of a simulator, and the networks that lead to its doors."""
    program = [sys.executable, str(_ZALO), str(folder / "simulator.pem"), str(seed), str(doors)]
    with running(program, dict(os.environ)) as process:
        assert process.stdout is not None
        if not (line := process.stdout.readline()):
            raise Missing("the simulator did not start")
        ready = json.loads(line)
        yield ready["control"], ready["networks"]


class _Room:
    """Makes the machines."""

    def __init__(
        self,
        folder: Path,
        server: postgres_server.Server,
        names: Sequence[str],
        scenario: Scenario,
        openclaw: Sequence[str],
    ) -> None:
        self._folder, self._scenario = folder, scenario
        self._names, self._openclaw = names, openclaw
        self._socket = str(server.folder / ".s.PGSQL.5432")
        self._database = server.name_of(folder)
        write_private(folder / "key", os.urandom(32))

    @contextmanager
    def node(self, name: str, network: str, folder: str = "") -> Iterator[Node]:
        state = self._folder / (folder or name)
        state.mkdir(mode=0o700, exist_ok=True)
        with BrokenWay(self._socket) as way:
            config = json.dumps(self._config(name, way.port)).encode()
            write_private(state / "config.json5", config)
            operator = Operator.at(state, network)
            operator.env["PYTHONFAULTHANDLER"] = "1"  # shows where it was when it is aborted, or crashes
            wrong = [sys.executable, str(_WRONG_CLOCK), str(self._ahead_s(name))]
            command = [*(self._openclaw or wrong), "gateway", "run"]
            lane = Lane(operator, self._folder / f"{state.name}.out", command, begun="started in")
            door = int(network.partition(",")[0].rpartition(":")[2])
            yield Node(name, operator, lane, way, door)

    def _ahead_s(self, name: str) -> int:
        """How wrong its clock is."""
        last = max(1, len(self._names) - 1)
        return self._names.index(name) * _APART_S // last - _APART_S // 2

    def _config(self, name: str, port: int) -> dict[str, Any]:
        url = f"postgresql://clawlane@127.0.0.1:{port}/{self._database}?sslmode=disable"
        accounts = {account: {"profile": account} for account in _names(self._scenario.accounts)}
        return {
            "store": {"url": url},
            "secrets": {"keyFile": str(self._folder / "key")},
            "node": {"name": name},
            "takeover": "auto",
            "takeoverAfter": "15s",
            "channels": {CHANNEL: {**_BLOCK, "accounts": accounts}},
        }


def _names(count: int) -> list[str]:
    return ["default", *(f"a{number:02d}" for number in range(1, count))]


async def _linked(operator: Operator, network: str, witness: Witness, count: int) -> dict[str, str]:
    """Log so many accounts in. Gives their names by uid."""
    done = await asyncio.to_thread(operator.run, "plugins", "install", "@openclaw/zalouser")
    if done.returncode:
        raise Missing(done.stdout)
    paths = Paths.from_env(operator.env)
    config = load(paths, Registry(paths), operator.env)
    key = KeyLocation.of(paths.vault_dir, operator.env, config.root.secrets.key_file)
    place = place_of(config.root.store, paths, operator.env, key)
    async with place.opened(now_ms) as store:
        profiles = Profiles(place.records(RecordFiles.of(paths), store), key)
        found = await link(witness.do, network, profiles, _names(count))
    return {uid: f"{CHANNEL}/{name}" for uid, name in found.items()}
