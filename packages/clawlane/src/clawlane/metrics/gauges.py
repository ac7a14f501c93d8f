"""What is looked up when somebody asks: phases from memory, and queues from the store, every few seconds."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clawlane import __version__
from clawlane.condition import Phase
from clawlane.ops.context import OpContext
from clawlane.store.errors import StoreError
from clawlane.store.queues import Depth, Queue
from clawlane.store.reader import Reader

KEPT_S = 5.0
"""How long an answer of the store counts."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Gauges(Collector):
    """The numbers of now. `look` reads them, `collect` gives what was read."""

    context: Callable[[], OpContext]
    _phases: Mapping[str, Phase] = field(default_factory=dict)
    _muted: Mapping[str, bool] = field(default_factory=dict)
    _queues: Mapping[str, Mapping[Queue, Depth]] = field(default_factory=dict)
    _now_ms: int = 0
    _until: float = 0.0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> None:
        """Read all there is to know. A store that cannot be read leaves the queues out."""
        ctx = self.context()
        self._phases = {name: one.state.phase for name, one in ctx.live.items()}
        self._muted = {
            name: any(pause.thread is None for pause in one.pauses) for name, one in ctx.live.items()
        }
        async with self._looking:
            loop = asyncio.get_running_loop()
            if loop.time() < self._until and self._queues.keys() == ctx.live.keys():
                return
            accounts, now_ms = list(ctx.live), ctx.now_ms()

            def depths(reader: Reader) -> dict[str, dict[Queue, Depth]]:
                return {account: reader.depths(account, now_ms) for account in accounts}

            try:
                self._queues, self._now_ms = await ctx.ask(depths), now_ms
            except StoreError as error:
                log.warning("the queues cannot be read for metrics: %s", type(error).__name__)
                self._queues = {}
            self._until = loop.time() + KEPT_S

    def collect(self) -> Iterator[Metric]:
        phase = GaugeMetricFamily(
            "clawlane_account_phase",
            "1 for the phase that an account is in, 0 for the others.",
            labels=("account", "phase"),
        )
        muted = GaugeMetricFamily(
            "clawlane_account_paused", "1 while a pause holds a whole account.", labels=("account",)
        )
        for account, now in self._phases.items():
            for one in Phase:
                phase.add_metric((account, one), float(one is now))
            muted.add_metric((account,), float(self._muted[account]))
        yield from (phase, muted)
        yield from self._of_queues()
        build = GaugeMetricFamily(
            "clawlane_build_info", "1, with the version that runs.", labels=("version", "python")
        )
        build.add_metric((__version__, platform.python_version()), 1)
        yield build

    def _of_queues(self) -> Iterator[Metric]:
        length = GaugeMetricFamily(
            "clawlane_queue_length", "How many wait in a queue.", labels=("account", "queue")
        )
        oldest = GaugeMetricFamily(
            "clawlane_queue_oldest_seconds",
            "Since how many seconds the oldest in a queue waits; 0 for an empty one.",
            labels=("account", "queue"),
        )
        for account, queues in self._queues.items():
            for queue, depth in queues.items():
                length.add_metric((account, queue), depth.number)
                waits_ms = max(0, self._now_ms - depth.oldest_ms) if depth.number else 0
                oldest.add_metric((account, queue), waits_ms / 1000)
        yield from (length, oldest)
