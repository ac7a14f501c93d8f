"""What is counted as it happens. The numbers only rise, and begin at 0 with the process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

from clawlane.observing import Attempt, Ran

_CODES = frozenset((*range(1000, 1004), *range(1005, 1016), 3000, 3003))
"""Close codes that stand for themselves: those of RFC 6455 and IANA, and Zalo's two."""

_TURN_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
_COMMIT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_LOOK_EVERY_S = 0.5


class Counters:
    """Counts what it is told as an `Observer`, in families of a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._messages = Counter(
            "clawlane_messages",
            "Messages that the access rules decided about.",
            ("account", "outcome", "reason"),
            registry=registry,
        )
        self._turns = Histogram(
            "clawlane_turn_seconds",
            "Seconds that an agent took for the answer of a turn.",
            ("agent", "outcome"),
            buckets=_TURN_S,
            registry=registry,
        )
        self._sends = Counter(
            "clawlane_sends",
            "Messages, parts of them, reactions and recalls handed to the platform.",
            ("account", "fate"),
            registry=registry,
        )
        self._disconnects = Counter(
            "clawlane_disconnects",
            "Connections that ended or did not come about.",
            ("account", "code"),
            registry=registry,
        )
        self._commits = Histogram(
            "clawlane_store_commit_seconds",
            "Seconds that a group of changes took to be stored.",
            buckets=_COMMIT_S,
            registry=registry,
        )
        self._tokens = Counter(
            "clawlane_agent_tokens", "Tokens that models counted.", ("agent", "direction"), registry=registry
        )
        self._usd = Counter(
            "clawlane_agent_usd",
            "US dollars that models took, where a price is known.",
            ("agent",),
            registry=registry,
        )
        self._lag = Histogram(
            "clawlane_event_loop_lag_seconds",
            "Seconds by which the event loop came late.",
            buckets=_LAG_S,
            registry=registry,
        )

    def known(self, accounts: Iterable[str], agents: Iterable[str]) -> None:
        """Have numbers of 0 for what did not happen yet: a rate needs a number to rise from."""
        for account in accounts:
            for attempt in Attempt:
                self._sends.labels(account, attempt)
        for agent in agents:
            for ended in Ran:
                self._turns.labels(agent, ended)
            for direction in ("input", "output"):
                self._tokens.labels(agent, direction)
            self._usd.labels(agent)

    def decided(self, account: str, outcome: str, reason: str) -> None:
        self._messages.labels(account, outcome, reason).inc()

    def ran(self, agent: str, ended: Ran, seconds: float) -> None:
        self._turns.labels(agent, ended).observe(seconds)

    def attempted(self, account: str, attempt: Attempt) -> None:
        self._sends.labels(account, attempt).inc()

    def disconnected(self, account: str, code: int) -> None:
        self._disconnects.labels(account, str(code) if code in _CODES else "other").inc()

    def committed(self, seconds: float) -> None:
        self._commits.observe(seconds)

    def spent(self, agent: str, input_tokens: int, output_tokens: int, usd: float) -> None:
        self._tokens.labels(agent, "input").inc(input_tokens)
        self._tokens.labels(agent, "output").inc(output_tokens)
        self._usd.labels(agent).inc(usd)

    async def watch_loop(self) -> None:
        """Measure how late the event loop comes. Lives until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LOOK_EVERY_S
            await asyncio.sleep(_LOOK_EVERY_S)
            self._lag.observe(max(0.0, loop.time() - due))
