"""How many frames our client reads in a second of CPU, beside the reference client in the same run.

Both are processes of their own that log in at the simulator and are pushed the same recorded messages, sealed
and compressed as Zalo does it, over TLS. What counts is the CPU time that the system accounts to the process.
Each is run with few and with many frames, and the difference is taken, so that starting and logging in cancel
out.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, Skipped
from zaloweb.sim.event_log import Connected
from zaloweb.sim.rules import Sealing
from zaloweb.sim.server import Simulator
from zaloweb.wire.frames import Cmd

ROOT = Path(__file__).parent.parent
VECTORS = ROOT / "tests" / "vectors" / "ws-events.json"
REFERENCE = ROOT / "tests" / "reference"
FEW, ROUNDS = 1000, 3
PACKINGS = (Sealing(2, "zlib"), Sealing(2, "gzip"))
DEADLINE_S = 120.0
AIM = 2.0

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mix:
    """Frames of these `sizes`, in messages, by turns; `many` is how many frames the long run pushes."""

    name: str
    sizes: tuple[int, ...]
    many: int


MIXES = (
    Mix("1 message", (1,), 16_000),
    Mix("20 messages", (20,), 4_000),
    Mix("1 and 20 in turn", (1, 20), 6_000),
)


@dataclass(frozen=True, slots=True)
class Push:
    """One frame: its command, its list of items, and how it is packed."""

    cmd: int
    items: list[Item]
    sealing: Sealing

    @property
    def payload(self) -> dict[str, list[Item]]:
        """What is sealed."""
        return {"msgs" if self.cmd == Cmd.USER_MESSAGES else "groupMsgs": self.items}


@dataclass(frozen=True, slots=True)
class Client:
    """A process that counts messages. Their number is added to its command."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def run() -> Iterator[Figure]:
    """How many times as many frames our client reads: of one message, of twenty, and of both in turn."""
    if shutil.which("node") is None:
        raise Skipped("node is not installed")
    if not (REFERENCE / "node_modules" / "zca-js").exists():
        raise Skipped("zca-js is not installed (the tests in tests/reference install it)")
    for mix in MIXES:
        mine, theirs = asyncio.run(rates(mix))
        note = f"frames in a second of CPU: zaloweb {mine:,.0f}, zca-js {theirs:,.0f}"
        yield Figure(f"frames of {mix.name}", mine / theirs, "× zca-js", note, aim=AIM, at_least=True)


async def rates(mix: Mix) -> tuple[float, float]:
    """Frames in a second of CPU: medians over rounds in which the clients take turns."""
    async with Simulator() as sim:
        clients = (ours(sim), reference(sim))
        rounds = [[await rate(sim, client, mix) for client in clients] for _ in range(ROUNDS)]
    mine, others = (statistics.median(column) for column in zip(*rounds, strict=True))
    return mine, others


def ours(sim: Simulator) -> Client:
    """This client, as a Python process."""
    return Client("zaloweb", (sys.executable, "-m", "benchmarks.counting"), sim.environment)


def reference(sim: Simulator) -> Client:
    """The reference client, unmodified, sent to the simulator as in its tests."""
    command = ("node", "--require", str(REFERENCE / "preload.cjs"), "benchmarks/reference/count.mjs")
    trust = {"SIMULATOR_PORT": str(sim.port), "NODE_EXTRA_CA_CERTS": str(sim.ca_file)}
    return Client("zca-js", command, trust)


async def rate(sim: Simulator, client: Client, mix: Mix) -> float:
    """Frames in a second of CPU, without what it takes to start."""
    few, many = [await cpu_seconds(sim, client, stream(mix.sizes, frames)) for frames in (FEW, mix.many)]
    return (mix.many - FEW) / (many - few)


async def cpu_seconds(sim: Simulator, client: Client, pushes: list[Push]) -> float:
    """The CPU time of one process that logs in, is pushed all of this, and ends."""
    before, last = children_seconds(), sim.world.log.last
    wanted = sum(len(push.items) for push in pushes)
    credentials = {"CREDENTIALS": json.dumps(sim.world.credentials())}
    process = await asyncio.create_subprocess_exec(
        *client.command, str(wanted), cwd=ROOT, env={**os.environ, **client.environment, **credentials}
    )
    await sim.world.arrived(Connected, after=last, deadline=DEADLINE_S)
    connection = sim.world.connections.get(sim.world.me)
    assert connection is not None
    for push in pushes:
        await connection.push(push.cmd, 0, push.payload, push.sealing)
    async with asyncio.timeout(DEADLINE_S):
        if await process.wait():
            raise RuntimeError(f"{client.name} did not get all {wanted} messages")
    return children_seconds() - before


def children_seconds() -> float:
    """The CPU time, user and system, of all processes this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def stream(sizes: tuple[int, ...], frames: int) -> list[Push]:
    """This many frames of recorded texts: by turns to the account and to groups, with zlib and with gzip."""
    recorded = json.loads(VECTORS.read_text("utf-8"))["cases"]
    items = {cmd: cycle(texts(recorded, cmd)) for cmd in (Cmd.USER_MESSAGES, Cmd.GROUP_MESSAGES)}
    kinds = cycle((cmd, size, packing) for packing in PACKINGS for cmd in items for size in sizes)
    return [
        Push(cmd, list(islice(items[cmd], size)), packing) for cmd, size, packing in islice(kinds, frames)
    ]


def texts(cases: Iterable[dict[str, Any]], cmd: Cmd) -> Iterator[Item]:
    """The text messages in all recorded frames of this command."""
    for case in cases:
        for frame in case["frames"] if case["kind"] == "incoming" else ():
            if frame.get("header") == {"version": 1, "cmd": cmd, "sub_cmd": 0} and "payload" in frame:
                held = frame["payload"].get("data", {})
                yield from (item for item in held.get("msgs", held.get("groupMsgs", [])) if is_text(item))


def is_text(item: Item) -> bool:
    """Whether an item is a text that both clients pass on as a message."""
    return item.get("msgType") == "webchat" and isinstance(item.get("content"), str)
