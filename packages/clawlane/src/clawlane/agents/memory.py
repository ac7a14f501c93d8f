"""What an agent remembers of a conversation: its earlier turns, as a model is shown them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from clawlane.agents.contract import TurnInput
from clawlane.config.agents import SessionSettings
from clawlane.config.routing import AgentSettings

Summarise = Callable[[str], Awaitable[str]]
"""Sums up a conversation, written out as one text. Raises an `AgentError`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier turn: what was asked, in the same bytes as then, and what the agent answered.

    `answer` is None without an answer. `steps` are the messages of a model and its tools, as stored by
    `clawlane.store.steps`. `note` says what became of the answer if it did not arrive as it was given.
    """

    turn: int
    prompt: str
    answer: str | None
    steps: tuple[str, ...]
    note: str

    @property
    def reply(self) -> str:
        """The agent's part as one text, never empty: some models want each user message answered."""
        return "\n".join(filter(None, (self.answer, self.note))) or "(no answer)"


@dataclass(frozen=True, slots=True)
class Conversation:
    """The earlier turns of a session, oldest first, and a summary of those before them.

    The summary is framed as words of others; it goes before the first user message (see `opened`).
    """

    summary: str = ""
    exchanges: tuple[Exchange, ...] = ()

    def opened(self, prompt: str) -> str:
        """The first user message of a conversation, with the summary before it."""
        return f"{self.summary}\n{prompt}" if self.summary else prompt


class SessionMemory:
    """Reads and keeps the conversations of one agent. `summarise` sums up what no longer fits."""

    def __init__(
        self, agent: AgentSettings, session: SessionSettings, summarise: Summarise | None = None
    ) -> None:
        self._agent = agent
        self._session = session
        self._summarise = summarise

    async def begin(self, turn: TurnInput) -> Conversation:
        """What is remembered for a turn, which is remembered itself from now on. Empty without a lane.

        `Exchange.prompt` of the earlier turns is `user_prompt`; the turn itself is not among them.
        """
        return Conversation()

    async def answered(self, turn: TurnInput, answer: str) -> None:
        """Keep the answer of a turn, unless it was started over meanwhile. Call it before it is returned."""
