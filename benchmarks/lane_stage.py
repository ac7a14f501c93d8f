"""A simulator and a gateway with any number of accounts, logged in without codes."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.config.paths import Paths
from clawlane.credentials.profiles import Profiles
from demo.linking import CHANNEL, in_threads, link
from demo.stage import PATIENCE, Gateway, Operator, Simulator, simulator

_NOTHING: Mapping[str, Any] = {}
_NOT_PACED: Mapping[str, Any] = {"enabled": False}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stage:
    """The gateway is not started yet; `accounts` are the names of what it runs."""

    zalo: Simulator
    operator: Operator
    gateway: Gateway
    accounts: tuple[str, ...]

    def start(self, patience: float = PATIENCE) -> float:
        """Start the gateway. Returns the seconds until every account is ready."""
        started = time.perf_counter()
        self.gateway.start()
        for name in self.accounts:
            self.gateway.said(f"{CHANNEL}/{name} is ready", patience)
        return time.perf_counter() - started

    def cpu_seconds(self) -> float:
        """Processor time that the gateway has used since its start."""
        return cpu_seconds(self.gateway.pid)

    def resident_mb(self) -> float:
        """Memory that the gateway holds now, in MiB."""
        lines = Path(f"/proc/{self.gateway.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def cpu_seconds(pid: int, *, ended: bool = False) -> float:
    """Processor time that a process has used since its start, its `ended` children included or not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended else 13])) / _TICKS


@contextmanager
def staged(
    count: int = 1,
    more: Mapping[str, Any] = _NOTHING,
    command: Sequence[str] = (),
    zalo: Callable[[Path], AbstractContextManager[Simulator]] = simulator,
    pacing: Mapping[str, Any] = _NOT_PACED,
    profiles: Callable[[Paths], Profiles] = profiles_in,
) -> Iterator[Stage]:
    """One gateway with this many accounts: everybody may write, acks are on, pacing is off.

    `more` is further config, and `command` stands in for `openclaw gateway run`. `zalo` starts the simulator
    in a folder; `profiles` says where sessions are kept.
    """
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as folder, zalo(Path(folder)) as served:
        state = Path(folder) / "state"
        state.mkdir(mode=0o700)
        names = ("default", *(f"a{number}" for number in range(1, count)))
        (state / "config.json5").write_text(json.dumps({**_channels(names, pacing), **more}))
        operator = Operator.at(state, served.network)
        operator.run("plugins", "install", "@openclaw/zalouser")
        kept = profiles(Paths(state, state / "config.json5"))
        asyncio.run(link(in_threads(served), served.network, kept, names))
        with Gateway(operator, command) as gateway:
            yield Stage(served, operator, gateway, names)


def _channels(names: tuple[str, ...], pacing: Mapping[str, Any]) -> dict[str, Any]:
    block = {
        "enabled": True,
        "dmPolicy": "open",
        "allowFrom": ["*"],
        "groupPolicy": "disabled",
        "pacing": pacing,
        "accounts": {name: {"profile": name} for name in names},
    }
    return {"channels": {CHANNEL: block}}
