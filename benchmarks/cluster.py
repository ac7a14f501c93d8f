"""How long accounts are without a node when theirs stops or is lost, and what the leases of many cost.

The gateways are real processes on one PostgreSQL, which waits for the disk at each commit; the simulator is a
process of its own. Nothing is in flight when a gateway stops.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.accounts import crowd
from benchmarks.figure import Figure
from benchmarks.nodes_stage import Nodes, nodes_staged

_READY_S = 900.0
_TAKEOVER_AFTER_S = 15.0
_BEAT_S = 5.0
_TAKEOVER_S = _TAKEOVER_AFTER_S + _BEAT_S
_HAND_OVER_S = 2.0
_LEASES_SHARE = 5.0
_QUIET_SHARE, _SETTLES_S = 0.3, 600.0
"""Of a core: gateways that use less together have done what a start brings with it."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: see `SIZES`. By default as many move as one of three nodes has that share 60."""

    moved: int = 20
    shared: int = 1_000
    still: float = 60.0


SIZES = {
    "moved": "accounts whose node stops or is lost",
    "shared": "accounts that rest on four nodes",
    "still": "seconds of rest, with leases and without",
}
"""The options, and what they say."""


def run(size: Size = Size()) -> Iterator[Figure]:
    """Seconds until accounts run again, and the share of a core that leases take."""
    yield from _moved(size)
    yield from _leases(size)


def _moved(size: Size) -> Iterator[Figure]:
    """All accounts go from one node to the other: it stops, it is killed, it hangs."""
    more = {"takeoverAfter": f"{_TAKEOVER_AFTER_S:.0f}s"}
    with nodes_staged(("a", "b"), size.moved, partial(crowd, 0), more=more) as stage:
        a, b = (stage.nodes[name] for name in ("a", "b"))
        a.gateway.start()
        stage.ready("a", 0.0, _READY_S)
        b.gateway.start()
        b.gateway.said("this gateway is node b")
        began = time.time()
        a.gateway.stop()
        ready = stage.ready("b", began, _READY_S)
        stopped = a.times("is stopped: the gateway stops", began)
        yield from _figures("stop to ready elsewhere", _since(ready, began), _HAND_OVER_S)
        released = {name: at - stopped[name] for name, at in ready.items()}
        yield from _figures("stopped to ready elsewhere", released, _HAND_OVER_S)

        a.gateway.start()
        a.gateway.said("this gateway is node a")
        began = time.time()
        b.gateway.kill()
        yield from _figures("kill -9 to ready", _since(stage.ready("a", began, _READY_S), began), _TAKEOVER_S)

        b.gateway.start()
        b.gateway.said("this gateway is node b")
        began = time.time()
        os.kill(a.gateway.pid, signal.SIGSTOP)
        yield from _figures("SIGSTOP to ready", _since(stage.ready("b", began, _READY_S), began), _TAKEOVER_S)
        os.kill(a.gateway.pid, signal.SIGCONT)


def _leases(size: Size) -> Iterator[Figure]:
    """What beats and looks cost while nothing happens: the same gateways with them, and then without."""
    names, command = ("a", "b", "c", "d"), [sys.executable, "-m", "benchmarks.leaseless_gateway"]
    with nodes_staged(names, size.shared, partial(crowd, 0), command) as stage:
        began = time.time()
        for node in stage.nodes.values():
            node.gateway.start()
        ready = stage.ready(names, 0.0, _READY_S)
        yield Figure(
            f"start of {size.shared} on {len(names)} nodes", max(ready.values()) - began, "s", _load()
        )
        with_leases = _rested(stage, size.still)
        for node in stage.nodes.values():
            os.kill(node.gateway.pid, signal.SIGUSR1)
            node.gateway.said("without leases")
        without = _rested(stage, size.still)
        gateways, database = (100 * (one - other) for one, other in zip(with_leases, without, strict=True))
        note = f"gateways {gateways:.2f} %, database {database:.2f} %; {_load()}"
        yield Figure("leases, of a core", gateways + database, "%", note, limit=_LEASES_SHARE)
        all_of_it = " + ".join(f"{100 * one:.2f}" for one in with_leases)
        yield Figure(
            "rest in all, of a core", 100 * sum(with_leases), "%", f"gateways + database: {all_of_it} %"
        )


def _rested(stage: Nodes, seconds: float) -> tuple[float, float]:
    """Shares of a core that the gateways and the database use, once nothing is left of what was before."""
    stage.settle(_QUIET_SHARE, _SETTLES_S)
    began, gateways, database = time.monotonic(), stage.gateways_cpu_seconds(), stage.database_cpu_seconds()
    time.sleep(seconds)
    took = time.monotonic() - began
    return (
        (stage.gateways_cpu_seconds() - gateways) / took,
        (stage.database_cpu_seconds() - database) / took,
    )


def _since(ready: Mapping[str, float], began: float) -> dict[str, float]:
    return {name: at - began for name, at in ready.items()}


def _figures(what: str, took: Mapping[str, float], limit: float) -> Iterator[Figure]:
    found = sorted(took.values())
    load = f"of {len(found)} accounts; {_load()}"
    yield Figure(f"{what}, p50", statistics.median(found), "s", load)
    yield Figure(f"{what}, max", found[-1], "s", limit=limit)


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"
