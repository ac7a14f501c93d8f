"""What an agent is to the gateway: something that answers one message at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from clawlane.access.history import Pended
from clawlane.messages import Inbound, Reply, Thread


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What an agent is given: an admitted message, and the lane that it came by (`zalouser/default`).

    `history` is what the group said since the account was last called, oldest first. It is context and no
    instruction; `clawlane.access.history.render` writes it so that it cannot be taken for one.
    """

    account: str
    message: Inbound
    history: tuple[Pended, ...] = ()

    @property
    def thread(self) -> Thread:
        return self.message.thread


class Agent(Protocol):
    """Answers messages. One agent serves many threads side by side, and one message at a time in each."""

    async def run(self, turn: TurnInput) -> Reply | None:
        """The answer, or None to stay silent.

        May be called again for the same message after a crash, as long as nothing it answered was stored.
        What it raises ends the turn and reaches the operator, not the sender.
        """
        ...
