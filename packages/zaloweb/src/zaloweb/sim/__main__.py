"""The simulator as a program: `python -m zaloweb.sim --port N --control-port M --ca FILE`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from zaloweb.sim.control import Control
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World, starting_world


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to end and return 0; return 1 with one line on stderr if it cannot start.

    SIGTERM and SIGINT end it, and with `--until-stdin-closes` the end of whoever started it.
    """
    options = _options(argv)
    try:
        asyncio.run(_run(options))
    except OSError as error:
        reason = error.strerror or str(error)
        where = f" ({error.filename})" if error.filename else ""
        print(f"cannot start the simulator: {reason}{where}", file=sys.stderr)
        return 1
    return 0


async def _run(options: argparse.Namespace) -> None:
    ca_file = options.ca.resolve()
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    if options.until_stdin_closes:
        _when_stdin_closes(partial(asyncio.get_running_loop().call_soon_threadsafe, told_to_stop.set))
    rules = Rules(
        ping_interval_ms=options.ping_ms, remembered=options.remembered, fault_seed=options.fault_seed
    )
    world = World(rules=rules) if options.empty else starting_world(rules)
    async with (
        Simulator(world, port=options.port, ca_file=ca_file) as sim,
        Control(world, options.control_port) as control,
    ):
        ready = {"port": sim.port, "control": control.port, "ca": str(ca_file)}
        print(json.dumps(ready), flush=True)
        await told_to_stop.wait()


def _when_stdin_closes(end: Callable[[], object]) -> None:
    def read() -> None:
        # Not `sys.stdin`: a thread that holds its lock would make the interpreter abort at its end.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        with suppress(RuntimeError):  # the loop has ended already
            end()

    threading.Thread(target=read, daemon=True).start()


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    rules = Rules()
    parser = argparse.ArgumentParser(
        prog="python -m zaloweb.sim",
        description="Run a simulated Zalo on loopback. When it is ready, it prints its ports as JSON.",
    )
    option = parser.add_argument
    option("--port", type=_port, default=0, help="TLS port for all host names (0: a free one)")
    option("--control-port", type=_port, default=0, help="port of the control interface (0: a free one)")
    option("--ca", type=Path, required=True, metavar="FILE", help="write the certificate to trust here")
    option(
        "--remembered",
        type=int,
        default=rules.remembered,
        metavar="N",
        help="how many messages of each kind of thread a client can ask for (%(default)s)",
    )
    option(
        "--ping-ms",
        type=int,
        default=rules.ping_interval_ms,
        metavar="MS",
        help="how often clients should ping, in milliseconds (%(default)s)",
    )
    option(
        "--fault-seed",
        type=int,
        default=rules.fault_seed,
        metavar="N",
        help="seed of the faults with a probability, to repeat a run (%(default)s)",
    )
    option("--empty", action="store_true", help="begin with the account alone, without people and groups")
    option("--until-stdin-closes", action="store_true", help="end when stdin closes, as when the parent ends")
    return parser.parse_args(argv)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 65_536:
        raise ValueError(text)
    return port


_port.__name__ = "port"  # what argparse calls it in its error

if __name__ == "__main__":
    sys.exit(main())
