"""What may be counted while the gateway runs: told where it happens, once it has happened.

Nobody listens unless metrics are on. Every call is cheap, may come from any thread, and never fails. Nothing
told here names a person, a thread or a message.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Ran(StrEnum):
    """What came of asking an agent once."""

    ANSWERED = "answered"
    SILENT = "silent"  # it had nothing to say, or its budget is spent
    BUSY = "busy"  # it said when to ask again
    FAILED = "failed"


class Attempt(StrEnum):
    """What came of handing a message to the platform once."""

    ARRIVED = "arrived"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it may have arrived
    NOT_SENT = "not_sent"  # it did not leave; it may be tried again


class Observer(Protocol):
    """Who counts. An `account` is `channel/id`, as in the config; so is the name of an `agent`."""

    def decided(self, account: str, outcome: str, reason: str) -> None:
        """The access rules decided about a message, and that is stored."""

    def ran(self, agent: str, ended: Ran, seconds: float) -> None:
        """An agent was asked for the answer of a turn, and took so long."""

    def attempted(self, account: str, attempt: Attempt) -> None:
        """A message was handed to the platform."""

    def disconnected(self, account: str, code: int) -> None:
        """A connection ended, or did not come about, with a close code of WebSockets."""

    def committed(self, seconds: float) -> None:
        """The store wrote a group of changes. From the writer's thread."""

    def spent(self, agent: str, input_tokens: int, output_tokens: int, usd: float) -> None:
        """A request to a model took tokens, and money where a price is known."""
