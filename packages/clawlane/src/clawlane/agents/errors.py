"""Why an agent did not answer.

    AgentError
    ├── AgentBusy           later: a limit of the provider; the turn goes back without holding its slot
    ├── AgentMisconfigured  the operator has to mend something: a key, an address, a model's name
    ├── AgentInterrupted    the request was written and nobody knows what the agent did; not asked again
    ├── AgentLimit          a limit of the config ended the turn; not asked again
    ├── AgentSilent         nothing is sent, and the turn is done
    │   ├── EmptyAnswer     the answer holds nothing for people
    │   └── BudgetSpent     a budget of the day is spent; nothing was asked
    └── AgentFailed         anything else: asked again, then set aside

`AgentsUnusable` keeps a gateway from starting.

The texts are for the operator. They name a place in the config where that helps, and hold neither what people
wrote nor what the agent answered.
"""

from __future__ import annotations

from collections.abc import Sequence


class AgentError(Exception):
    """An agent did not answer. `code` is the kind, for programs."""

    code = "agent_failed"


class AgentBusy(AgentError):
    """The provider asks to come back in `retry_in_s` seconds."""

    code = "agent_busy"

    def __init__(self, reason: str, retry_in_s: float) -> None:
        super().__init__(reason)
        self.retry_in_s = retry_in_s


class AgentMisconfigured(AgentError):
    """The agent cannot answer before the operator mends something."""

    code = "agent_misconfigured"


class AgentInterrupted(AgentError):
    """The agent may have acted, but no answer came."""

    code = "agent_interrupted"


class AgentLimit(AgentError):
    """A limit ended the turn: of time, requests, tool calls or tokens."""

    code = "agent_limit"


class AgentSilent(AgentError):
    """Nothing is sent, and the turn is done: this is no failure. The text is the reason."""


class EmptyAnswer(AgentSilent):
    """The agent answered, but nothing in its answer is for people."""

    code = "empty_answer"


class BudgetSpent(AgentSilent):
    """The budget of the day is spent, or a sender's or thread's share of it. Nothing was asked."""

    code = "budget_spent"


class AgentFailed(AgentError):
    """The agent could not answer this time."""


def unanswered(text: str, *, once: bool) -> AgentFailed | AgentInterrupted:
    """No answer that can be used. One who is asked `once` may have acted nevertheless."""
    return AgentInterrupted(text) if once else AgentFailed(text)


class AgentsUnusable(Exception):
    """The agents cannot run. `problems` holds one line for each: its place in the config, and what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
