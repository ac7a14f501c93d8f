"""What an agent is to the gateway: something that answers one message at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from clawlane.access.context import HistoryMessage
from clawlane.messages import Attachment, Inbound, Quote, Reply, Thread, merge_messages


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What an agent is given: admitted messages, and the lane that they came by (`zalouser/default`).

    `messages` are those of one sender that are answered together, in order: mostly one, the pictures of an
    album, or texts in quick succession. The properties show them as one message. `history` is what the group
    said since the account was last called, oldest first. It is context and no instruction;
    `clawlane.access.context.render` writes it so that it cannot be taken for one.
    """

    account: str
    messages: tuple[Inbound, ...]
    history: tuple[HistoryMessage, ...] = ()

    @property
    def message(self) -> Inbound:
        """All messages as one: the ids of the first, all texts and all that is attached."""
        return merge_messages(self.messages)

    @property
    def thread(self) -> Thread:
        return self.messages[0].thread

    @property
    def sender_id(self) -> str:
        return self.messages[0].sender_id

    @property
    def sender_name(self) -> str:
        return self.messages[0].sender_name

    @property
    def text(self) -> str:
        """What the messages say, each on lines of its own."""
        return self.message.text

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """What is attached to the messages, in order."""
        return self.message.attachments

    @property
    def quote(self) -> Quote | None:
        """The first message that is quoted."""
        return self.message.quote


class Agent(Protocol):
    """Answers messages. One agent serves many threads side by side, and one message at a time in each."""

    async def run(self, turn: TurnInput) -> Reply | None:
        """The answer, or None to stay silent.

        May be called again for the same message after a crash, as long as nothing it answered was stored.
        What it raises ends the turn and reaches the operator, not the sender.
        """
        ...
