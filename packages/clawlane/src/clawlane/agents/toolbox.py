"""The tools of one turn, from wherever they come, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clawlane.agents.model import ToolProblem, Tools, ToolSpec, ToolUse
from clawlane.messages import Outgoing


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Several sets of tools; of two with one name, the first counts."""

    parts: Sequence[Tools]

    def specs(self) -> Sequence[ToolSpec]:
        found: dict[str, ToolSpec] = {}
        for part in self.parts:
            for spec in part.specs():
                found.setdefault(spec.name, spec)
        return list(found.values())

    async def plan(self, use: ToolUse) -> tuple[Outgoing, ...]:
        part = self._part(use)
        return await part.plan(use) if part else ()

    async def call(self, use: ToolUse) -> str:
        part = self._part(use)
        if part is None:
            raise ToolProblem("there is no tool of this name")
        return await part.call(use)

    def _part(self, use: ToolUse) -> Tools | None:
        return next((part for part in self.parts if use.name in [spec.name for spec in part.specs()]), None)
