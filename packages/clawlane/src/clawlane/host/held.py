"""One account of the running gateway, as the kill switch takes hold of it."""

from __future__ import annotations

from collections.abc import Sequence

from clawlane.host.supervisor import Supervisor
from clawlane.store.pauses import Pause, Resumed


class HeldAccount:
    """Passes pauses on to the gate of an account, and to its connection."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def hold(self, pauses: Sequence[Pause]) -> None:
        """Let these pauses hold and no others. The connection is closed or opened where that changes it."""
        gate = self._supervisor.parts.gate
        was_offline = gate.offline is not None
        gate.pause(pauses)
        self._supervisor.wake()
        if was_offline is not (gate.offline is not None) and self._supervisor.parts.account.enabled:
            await self._supervisor.restart()

    async def go_on(self, resumed: Resumed) -> None:
        """Tell the lanes what expired and what goes on again."""
        await self._supervisor.resumed(resumed)
