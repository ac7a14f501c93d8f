"""Several gateways on one PostgreSQL, with accounts that are logged in without codes."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from packages.clawlane.tests.postgres_server import Server, programs

from benchmarks.figure import Skipped
from benchmarks.lane_stage import cpu_seconds
from clawlane.config.paths import Paths
from clawlane.credentials.files import write_private
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.record_files import RecordFiles
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.store.place import StoreDatabase
from clawlane.store.postgres.opening import Address
from demo.linking import CHANNEL, in_threads, link
from demo.stage import Gateway, Missing, Operator, Simulator

_LOOK_S = 0.05
_QUIET_S = 5.0


@dataclass(frozen=True, slots=True)
class Node:
    """A gateway and what it has logged."""

    name: str
    gateway: Gateway
    log: Path

    def times(self, words: str, since: float = 0.0) -> dict[str, float]:
        """When it first said of each account that it `is ready`, after a moment; in seconds since 1970."""
        found: dict[str, float] = {}
        for line in self.log.read_text().splitlines() if self.log.exists() else ():
            if words not in line:
                continue
            told = json.loads(line)
            account, _, rest = told["message"].partition(" ")
            at = datetime.fromisoformat(told["time"]).timestamp()
            if at >= since and rest.startswith(words):
                found.setdefault(account, at)
        return found


@dataclass(frozen=True, slots=True)
class Nodes:
    """The gateways by name, none of which is started yet; `accounts` are what they share."""

    nodes: Mapping[str, Node]
    accounts: Sequence[str]
    server: Server

    def ready(self, names: Sequence[str], since: float, patience: float) -> dict[str, float]:
        """When each account became ready on one of these nodes after a moment, once all are.

        Raises `Missing`.
        """
        found: dict[str, float] = {}

        def all_are() -> bool:
            found.clear()
            for name in names:
                found.update(self.nodes[name].times("is ready", since))
            return len(found) == len(self.accounts)

        self.until(all_are, patience, lambda: f"{len(found)} of {len(self.accounts)} accounts are ready")
        return found

    def until(self, holds: Callable[[], bool], patience: float, told: Callable[[], str]) -> None:
        """Once it holds. Raises `Missing`."""
        ends = time.monotonic() + patience
        while not holds():
            if time.monotonic() > ends:
                raise Missing(f"{told()} after {patience:.0f} s")
            time.sleep(_LOOK_S)

    def settle(self, share: float, patience: float) -> None:
        """Once the gateways use no more than this share of a core together. Raises `Missing`."""
        used = [self.gateways_cpu_seconds()]

        def quiet() -> bool:
            time.sleep(_QUIET_S)
            used.append(self.gateways_cpu_seconds())
            return used[-1] - used[-2] < share * _QUIET_S

        self.until(quiet, patience, lambda: "the gateways never rested")

    def gateways_cpu_seconds(self) -> float:
        """Processor time that all gateways have used since their start."""
        return sum(cpu_seconds(node.gateway.pid) for node in self.nodes.values())

    def database_cpu_seconds(self) -> float:
        """Processor time of the server and its sessions, those that have ended included."""
        pid = self.server.pid
        sessions = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(map(cpu_seconds, map(int, sessions)), cpu_seconds(pid, ended=True))


@contextmanager
def nodes_staged(
    names: Sequence[str],
    accounts: int,
    zalo: Callable[[Path], AbstractContextManager[Simulator]],
    command: Sequence[str] = (),
    more: Mapping[str, Any] | None = None,
) -> Iterator[Nodes]:
    """So many accounts on these nodes, with `takeover: 'auto'`. `more` is further config.

    `zalo` starts the simulator in a folder, `command` stands in for `openclaw gateway run`.
    """
    if (bin_ := programs()) is None:
        raise Skipped("PostgreSQL is not installed (Debian's package postgresql)")
    server = Server(bin_, safe=True)
    made: dict[str, Node] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as name, zalo(Path(name)) as served:
            folder = Path(name)
            shared = {
                "store": {"url": server.database(folder)},
                "secrets": {"keyFile": str(folder / "key")},
                "takeover": "auto",
                **_channels(ids := [f"a{number}" for number in range(accounts)]),
                **(more or {}),
            }
            write_private(folder / "key", secrets.token_bytes(32))
            for one in names:
                made[one] = _node(folder, one, shared, served, made, command)
            asyncio.run(_link(served, Paths(folder, folder), ids, shared))
            try:
                yield Nodes(made, [f"{CHANNEL}/{one}" for one in ids], server)
            finally:
                for node in made.values():
                    node.gateway.__exit__()
    finally:
        server.stop()


def _channels(ids: Sequence[str]) -> dict[str, Any]:
    block = {
        "enabled": True,
        "dmPolicy": "open",
        "allowFrom": ["*"],
        "groupPolicy": "disabled",
        "accounts": {one: {"profile": one} for one in ids},
    }
    return {"channels": {CHANNEL: block}}


def _node(
    folder: Path,
    name: str,
    shared: Mapping[str, Any],
    zalo: Simulator,
    others: Mapping[str, Node],
    command: Sequence[str],
) -> Node:
    state = folder / name
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(json.dumps({**shared, "node": {"name": name}}))
    operator = Operator.at(state, zalo.network)
    if others:
        shutil.copy(folder / next(iter(others)) / "plugins.json", state)
    else:
        operator.run("plugins", "install", "@openclaw/zalouser")
    log = Paths(state, state / "config.json5").log_dir / "gateway.log"
    return Node(name, Gateway(operator, command), log)


def profiles_on(paths: Paths, url: str, key_file: str) -> Profiles:
    """The profiles in a database."""
    key = KeyLocation.of(paths.vault_dir, os.environ, key_file)
    place = StoreDatabase(Address(url), key, paths.audit_dir, paths.lock_file)
    return Profiles(place.records(RecordFiles.of(paths)), key)


async def _link(zalo: Simulator, paths: Paths, ids: Sequence[str], shared: Mapping[str, Any]) -> None:
    profiles = profiles_on(paths, shared["store"]["url"], shared["secrets"]["keyFile"])
    await link(in_threads(zalo), zalo.network, profiles, ids)
