"""A simulator for stories of trouble, as a program: its settings tell clients to ping every second.

With Zalo's own three minutes a dead line would go unnoticed for longer than a story lasts. Prints the same
line as `python -m zaloweb.sim` when it is ready: `python zalo.py CA_FILE SEED`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from zaloweb.sim.control import Control
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World

_PING_MS = 1_000
_RECORDED = 200_000


async def main(ca_file: Path, seed: int) -> None:
    """Run until SIGTERM."""
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    world = World(rules=Rules(ping_interval_ms=_PING_MS, recorded=_RECORDED, fault_seed=seed))
    async with Simulator(world, ca_file=ca_file) as sim, Control(world) as control:
        print(json.dumps({"port": sim.port, "control": control.port, "ca": str(ca_file)}), flush=True)
        await told_to_stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), int(sys.argv[2])))
