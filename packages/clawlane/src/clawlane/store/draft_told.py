"""What the store tells of drafts: what they say, what they answer, and whether they still fit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clawlane.store.states import DraftState
from clawlane.threads import Thread

EXPIRED = "its draft expired"
"""The reason of a turn whose draft waited too long."""

NO_TURN = 0
"""Stands for the turn of what a client of the MCP server wrote: it answers none. Turns count from 1."""


class Staleness(StrEnum):
    """Why a draft may no longer fit: somebody wrote in its thread since, or the account itself did."""

    NEWER_MESSAGE = "newer_message"
    OWN_MESSAGE = "own_message"


@dataclass(frozen=True, slots=True)
class Before:
    """What somebody said in a group before a question, as it went to the agent with it."""

    sender: str
    sender_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft of an account (`channel/id`). `name` is what its thread is called, empty if nobody knows.

    `text` is its markdown, and `parts` what others will see, one text for each message. It belongs to the
    turn `turn`, which answers `question` of `sender` (`sender_id`), whose message is `message_id`. The
    question quotes `quoted`, and `before` is the newest of what the agent was given with it, in order. Each
    is empty where it is not kept. `tool` says that a tool of the agent wants to send it, `rule` is the
    setting that asks for approval. What a client of the MCP server wrote belongs to `NO_TURN`.
    """

    account: str
    number: int
    thread: Thread
    name: str
    state: DraftState
    text: str
    parts: tuple[str, ...]
    turn: int
    tool: bool
    edited: bool
    stale: Staleness | None
    rule: str
    message_id: str
    sender: str
    sender_id: str
    question: str
    quoted: str
    before: tuple[Before, ...]
    created_ms: int
    expires_ms: int

    @property
    def by_client(self) -> bool:
        """Whether a client of the MCP server wrote it."""
        return self.turn == NO_TURN


@dataclass(frozen=True, slots=True)
class DraftCount:
    """How many drafts of an account wait, since when the oldest does, and how many have expired."""

    waiting: int = 0
    oldest_ms: int | None = None
    expired: int = 0
