"""A simulator whose every account has the same many friends.

    python -m benchmarks.crowd FRIENDS CA

FRIENDS is how many, CA the file for its certificate. It prints its ports as `python -m zaloweb.sim` does, and
ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from zaloweb.sim.control import Control
from zaloweb.sim.people import Account, Person
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World


class Crowd(World):
    """A world of accounts that all have the same friends."""

    def __init__(self, friends: int) -> None:
        self._accounts: set[str] = set()
        super().__init__()
        for number in range(friends):
            uid, name = self.registry.free_uid(), f"Nguyễn Văn {number}"
            self.registry.add_person(Person(uid=uid, name=name, friend_of=self._accounts, backend=self))

    def account(self, name: str) -> Account:
        made = super().account(name)
        self._accounts.add(made.uid)
        return made


async def main(friends: int, ca_file: Path) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    world = Crowd(friends)
    async with Simulator(world, ca_file=ca_file) as sim, Control(world) as control:
        print(json.dumps({"port": sim.port, "control": control.port, "ca": str(ca_file)}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]).resolve()))
