"""The tools of a turn from several sources, as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.model import ToolProblem, Tools, ToolSpec, ToolUse
from clawlane.messages import Outgoing


class Toolbox:
    """All tools of its parts. Two of one name are refused, for nobody knows which of them is meant."""

    def __init__(self, parts: Sequence[Tools]) -> None:
        self._parts = parts

    def specs(self) -> Sequence[ToolSpec]:
        """Raises `AgentMisconfigured` for a name that two tools have."""
        specs = [spec for spec, _ in self._all()]
        names = [spec.name for spec in specs]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise AgentMisconfigured(f"two tools are called '{twice}'; `tools.deny` can take one away")
        return specs

    async def plan(self, use: ToolUse) -> tuple[Outgoing, ...]:
        part = self._part(use.name)
        return await part.plan(use) if part else ()

    async def call(self, use: ToolUse) -> str:
        part = self._part(use.name)
        if part is None:
            raise ToolProblem(f"there is no tool '{use.name[:80]}'")
        return await part.call(use)

    def _part(self, name: str) -> Tools | None:
        return next((part for spec, part in self._all() if spec.name == name), None)

    def _all(self) -> Iterator[tuple[ToolSpec, Tools]]:
        return ((spec, part) for part in self._parts for spec in part.specs())
