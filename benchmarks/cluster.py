"""How long accounts are without a node when theirs stops or is lost, and what the leases of many cost.

The gateways are real processes on one PostgreSQL, which waits for the disk at each commit; the simulator is a
process of its own. Nothing is in flight when a gateway stops.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.accounts import crowd
from benchmarks.figure import Figure
from benchmarks.nodes_stage import nodes_staged

_READY_S = 600.0
_TAKEOVER_AFTER_S = 15.0
_BEAT_S = 5.0
_TAKEOVER_S = _TAKEOVER_AFTER_S + _BEAT_S
_HAND_OVER_S = 2.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: see `SIZES`."""

    moved: int = 60


SIZES = {"moved": "accounts whose node stops or is lost"}
"""The options, and what they say."""


def run(size: Size = Size()) -> Iterator[Figure]:
    """Seconds until accounts run again."""
    yield from _moved(size)


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


def _since(ready: Mapping[str, float], began: float) -> dict[str, float]:
    return {name: at - began for name, at in ready.items()}


def _figures(what: str, took: Mapping[str, float], limit: float) -> Iterator[Figure]:
    found = sorted(took.values())
    load = f"of {len(found)} accounts; load {os.getloadavg()[0]:.1f}"
    yield Figure(f"{what}, p50", statistics.median(found), "s", load)
    yield Figure(f"{what}, max", found[-1], "s", limit=limit)
