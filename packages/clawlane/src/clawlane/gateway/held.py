"""One account of the running gateway, as the kill switch takes hold of it."""

from __future__ import annotations

from collections.abc import Sequence

from clawlane.channel import Phase
from clawlane.gateway.supervisor import Supervisor
from clawlane.store.pauses import Pause, Resumed


class HeldAccount:
    """Passes pauses on to the gate of an account, and to its connection."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def hold(self, pauses: Sequence[Pause]) -> None:
        """Let these pauses hold and no others, from now on."""
        self._supervisor.parts.gate.pause(pauses)
        self._supervisor.wake()

    async def connect(self) -> None:
        """Close or open the connection where the pauses changed that."""
        parts = self._supervisor.parts
        is_paused = self._supervisor.state.phase is Phase.PAUSED
        if parts.account.enabled and is_paused is not (parts.gate.offline is not None):
            await self._supervisor.restart()

    async def go_on(self, resumed: Resumed) -> None:
        """Tell the lanes what expired and what goes on again."""
        await self._supervisor.resumed(resumed)
