"""What stories begin with, in the process of the test: half of their time was the start of Python.

The simulator listens on real sockets with real TLS, in a thread of its own; the login asks it over the wire,
by the operations of the command. Both are tried as programs in stories of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from threading import Thread

from clawlane.capabilities import ShowQr
from clawlane.clock import now_ms
from clawlane.config.paths import Paths
from clawlane.ops.context import OpContext
from clawlane.ops.login import Accept, ConsentNeeded, Linked, LogIn, accept, log_in
from clawlane.ops.operation import Caller
from demo.stage import PATIENCE, Operator, Simulator
from end_to_end.steps import ACCEPT, SCANNED
from zaloweb.sim.control import Control
from zaloweb.sim.server import Simulator as Served
from zaloweb.sim.world import starting_world
from zaloweb.transport.network import VARIABLE


@contextmanager
def simulator_here(folder: Path) -> Iterator[Simulator]:
    """A running simulator; its certificate is written into the folder."""
    ready: Future[Simulator] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        ca = folder / "simulator.pem"
        world = starting_world()
        async with Served(world, ca_file=ca) as served, Control(world, 0) as control:
            ready.set_result(Simulator(control.port, f"127.0.0.1:{served.port},{ca}"))
            await asyncio.wrap_future(stop)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield ready.result(PATIENCE)
    finally:
        stop.set_result(None)
        thread.join(PATIENCE)


def linked_here(operator: Operator, zalo: Simulator) -> None:
    """Log the default account in: the risk is accepted, and the phone scans and confirms."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = operator.env[VARIABLE]
    try:
        with ThreadPoolExecutor(1) as pool:  # the test's own thread may run a loop: playwright's does
            pool.submit(copy_context().run, asyncio.run, _log_in(operator, zalo)).result()
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


async def _log_in(operator: Operator, zalo: Simulator) -> None:
    linked = False
    async with OpContext(Paths.from_env(operator.env), operator.env, now_ms, Caller.CLI) as ctx:
        async for event in log_in(ctx, LogIn("zalouser")):
            if isinstance(event, ConsentNeeded):
                await accept(ctx, Accept("zalouser", event.account, ACCEPT, others=True))
            elif isinstance(event, ShowQr):
                await asyncio.to_thread(zalo.wait, "qrshown")
                for step in SCANNED:
                    await asyncio.to_thread(zalo.do, step)
            linked = linked or isinstance(event, Linked)
    assert linked
