"""What an account did that the store does not keep: signals that were shown, own messages that came back.

It lives in memory as long as the gateway, and holds only the newest: proof that the lane works, for whoever
asks soon after.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from clawlane.messages import Delivered, Seen, Signal, Thread, ThreadKind

_MOST = 500
_LONGEST_ERROR = 200


class SignalKind(StrEnum):
    """A signal about one message."""

    DELIVERED = "delivered"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """What became of a signal. `error` says why it was not shown; empty if the platform took it."""

    kind: SignalKind
    thread: Thread
    message_id: str
    at_ms: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class FetchedHistory:
    """What the platform returned of one kind of thread: the ids of the account's own messages.

    `asked_ms` is when it was asked, `at_ms` when everything that it returned was stored.
    """

    asked_ms: int
    at_ms: int
    own_ids: frozenset[str]


class Evidence:
    """The newest evidence of one account, over all its runs."""

    def __init__(self) -> None:
        self._signals: deque[SignalOutcome] = deque(maxlen=_MOST)
        self._fetched: dict[ThreadKind, FetchedHistory] = {}

    def note_signal(self, signal: Signal, at_ms: int, error: str = "") -> None:
        """Keep what became of a signal; typing is about no message and is not kept."""
        if isinstance(signal, Delivered | Seen):
            kind = SignalKind.SEEN if isinstance(signal, Seen) else SignalKind.DELIVERED
            told = " ".join(error.split())[:_LONGEST_ERROR]
            self._signals.append(SignalOutcome(kind, signal.thread, signal.message_id, at_ms, told))

    def note_fetched(self, kind: ThreadKind, fetched: FetchedHistory) -> None:
        """Keep what the last complete fetch of this kind of thread returned."""
        self._fetched[kind] = fetched

    def signals(self, thread: Thread, message_id: str) -> list[SignalOutcome]:
        """The signals about a message, in order."""
        return [one for one in self._signals if (one.thread, one.message_id) == (thread, message_id)]

    def fetched(self, kind: ThreadKind) -> FetchedHistory | None:
        """The last complete fetch of this kind of thread."""
        return self._fetched.get(kind)
