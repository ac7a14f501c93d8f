"""How much memory sending a large file takes: the most that the sending process ever held, before and after.

A process of its own sends the file to the simulator. Memory is flat if a file of 200 MB takes about what one
of 1 MB does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Figure, Skipped
from zaloweb.sim.event_log import Uploaded
from zaloweb.sim.server import Simulator

ROOT = Path(__file__).parent.parent
SIZES_MB = (1, 20, 200)
MOST_GROWTH_MB = 32.0
DEADLINE_S = 300.0


def run() -> Iterator[Figure]:
    """By how many MB the sending process grows at most, for each size."""
    if not Path("/proc/self/status").exists():
        raise Skipped("this system has no /proc")
    for size in SIZES_MB:
        yield asyncio.run(growth(size))


async def growth(size_mb: int) -> Figure:
    """Send a file of this size."""
    size = size_mb * 1_000_000
    async with Simulator() as sim:
        with TemporaryDirectory(prefix="zaloweb-bench-") as folder:
            begin = time.perf_counter()
            before, after = await sent(sim, sparse(Path(folder), size), size)
            took = time.perf_counter() - begin
    note = f"peak {before:.1f} MB before, {after:.1f} MB after; {took:.1f} s"
    return Figure(f"memory to send {size_mb} MB", after - before, "MB", note, limit=MOST_GROWTH_MB)


def sparse(folder: Path, size: int) -> Path:
    """A file of this size that takes no room on the disk."""
    path = folder / "large.bin"
    with path.open("wb") as file:
        file.truncate(size)
    return path


async def sent(sim: Simulator, path: Path, size: int) -> tuple[float, float]:
    """The peak memory, in MB, of a process before and after it sent the file, which arrived whole."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.sending", sim.world.person("Trần Thị Lan").uid, str(path)),
        cwd=ROOT,
        env={**os.environ, **sim.environment, "CREDENTIALS": json.dumps(sim.world.credentials())},
        stdout=PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the file could not be sent")
    await sim.world.arrived(Uploaded, lambda upload: upload.size == size)
    before, after = (int(kib) * 1024 / 1_000_000 for kib in told.split())
    return before, after
