"""Albums: pictures sent together arrive as single messages and are decided as one."""

from __future__ import annotations

from clawlane.messages import Inbound, Thread
from clawlane.store.models import UndecidedMessage

AFTER_LAST_MS = 1_500
AFTER_FIRST_MS = 6_000
"""How long after its last part, and at most after its first, an incomplete album closes."""

_SET_BACK_MS = 1_000
"""If the clock is further behind the last part, it was set back: the album closes at once."""


_Parts = list[UndecidedMessage]


def _is_complete(parts: _Parts) -> bool:
    """Whether all parts that the sender's client announced have arrived."""
    total = max((one.inbound.album.total for one in parts if one.inbound.album), default=0)
    return 0 < total <= len(parts)


def _due_ms(parts: _Parts, now_ms: int) -> int:
    """When an incomplete album closes."""
    last_ms = parts[-1].read_ms
    if now_ms < last_ms - _SET_BACK_MS:
        return now_ms
    return min(last_ms + AFTER_LAST_MS, parts[0].read_ms + AFTER_FIRST_MS)


class Albums:
    """The open albums of one account. Returning an album closes it."""

    def __init__(self) -> None:
        self._open: dict[tuple[Thread, str, str], _Parts] = {}

    def add(self, part: UndecidedMessage) -> None:
        """A part was read."""
        self._open.setdefault(_key(part.inbound), []).append(part)

    def remove(self, seqs: tuple[int, ...]) -> None:
        """Messages were recalled."""
        left = {key: [one for one in parts if one.seq not in seqs] for key, parts in self._open.items()}
        self._open = {key: parts for key, parts in left.items() if parts}

    def ended_by(self, inbound: Inbound) -> list[_Parts]:
        """The albums a message closes: the others of its sender in its thread."""
        thread, sender, album = _key(inbound)
        keys = [key for key in self._open if key[:2] == (thread, sender) and key[2] != album]
        return [self._open.pop(key) for key in keys]

    def due(self, now_ms: int) -> list[_Parts]:
        """The albums that are complete or whose time is up."""
        keys = [key for key, one in self._open.items() if _is_complete(one) or _due_ms(one, now_ms) <= now_ms]
        return [self._open.pop(key) for key in keys]

    def next_ms(self, now_ms: int) -> int | None:
        """When the next album closes; None without one."""
        return min((_due_ms(parts, now_ms) for parts in self._open.values()), default=None)


def _key(inbound: Inbound) -> tuple[Thread, str, str]:
    return inbound.thread, inbound.sender_id, inbound.album.id if inbound.album else ""
