"""The agents that answer now. Those that an edit of the config replaces finish the turns they have begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clawlane.agents.contract import Agent


class _Serving:
    """Agents, how many turns they have, and what closes them."""

    def __init__(self, agent: Agent, close: Callable[[], object]) -> None:
        self.agent = agent
        self.close = close
        self.turns = 0


class LiveAgents:
    """The agents of the config in force, for all accounts."""

    def __init__(self, agent: Agent, close: Callable[[], object] = lambda: None) -> None:
        """`close` is called once the agents are replaced and none of their turns runs."""
        self._now = _Serving(agent, close)

    @contextmanager
    def used(self) -> Iterator[Agent]:
        """The agents of one turn: they stay open and the same while this is entered."""
        serving = self._now
        serving.turns += 1
        try:
            yield serving.agent
        finally:
            serving.turns -= 1
            self._close_unused(serving)

    def replace(self, agent: Agent, close: Callable[[], object] = lambda: None) -> None:
        """From now on turns begin with these."""
        before, self._now = self._now, _Serving(agent, close)
        self._close_unused(before)

    def _close_unused(self, serving: _Serving) -> None:
        if serving is not self._now and not serving.turns:
            serving.close()
