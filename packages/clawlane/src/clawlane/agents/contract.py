"""The contract between the gateway and an agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from clawlane.access.context import HistoryMessage
from clawlane.messages import Inbound, Reply, Thread, merge_messages


@dataclass(frozen=True, slots=True)
class TurnInput:
    """The input of one turn: admitted messages, and the account they came to (`zalouser/default`).

    `messages` are the messages of one sender that are answered together, in order: usually one, or the
    pictures of an album, or texts in quick succession; `message` shows them as one. `history` is
    what the group said since the agent last answered there, oldest first. It is context, not instruction;
    `clawlane.access.context.render` formats it accordingly.
    """

    account: str
    messages: tuple[Inbound, ...]
    history: tuple[HistoryMessage, ...] = ()

    @property
    def message(self) -> Inbound:
        """All messages as one: the ids of the first, all texts and all attachments."""
        return merge_messages(self.messages)

    @property
    def thread(self) -> Thread:
        return self.messages[0].thread


class Agent(Protocol):
    """Answers messages. It serves many threads concurrently, with one turn at a time in each."""

    async def run(self, turn: TurnInput) -> Reply | None:
        """The answer, or None to stay silent.

        After a crash it may be called again for the same messages, unless its answer was already stored (see
        `AsksOnce`). An exception ends the turn and is reported to the operator, not to the sender; an
        `AgentError` says whether asking again may help.
        """
        ...


@runtime_checkable
class AsksOnce(Protocol):
    """An agent that may act on its own: where it does, no turn is given to it twice."""

    def asks_once(self, account: str, thread: Thread) -> bool:
        """Whether a turn of this thread must not be run again once it was begun."""
        ...
