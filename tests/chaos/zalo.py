"""A simulator for stories of trouble, as a program: its settings tell clients to ping every second.

With Zalo's own three minutes a dead line would go unnoticed for longer than a story lasts. Prints the same
line as `python -m zaloweb.sim` when it is ready: `python zalo.py CA_FILE SEED [DOORS]`.

With several doors there is a port for each client, which records name; they are told to ping as Zalo does.
The line also has the `networks` that lead there.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from zaloweb.sim.control import Control
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World

_PING_MS = 1_000
_RECORDED = 200_000


async def main(ca_file: Path, seed: int, doors: int = 1) -> None:
    """Run until SIGTERM."""
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    rules = Rules(recorded=_RECORDED, fault_seed=seed)
    if doors == 1:
        rules = replace(rules, ping_interval_ms=_PING_MS)
    world = World(rules=rules)
    files = [ca_file, *(ca_file.with_suffix(f".{number}.pem") for number in range(1, doors))]
    async with AsyncExitStack() as stack:
        sims = [await stack.enter_async_context(Simulator(world, ca_file=file)) for file in files]
        control = await stack.enter_async_context(Control(world))
        networks = [f"127.0.0.1:{sim.port},{sim.ca_file}" for sim in sims]
        told = {"port": sims[0].port, "control": control.port, "ca": str(ca_file), "networks": networks}
        print(json.dumps(told), flush=True)
        await told_to_stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:])))
