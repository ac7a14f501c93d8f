"""Albums: pictures sent together arrive as single messages and are decided as one."""

from __future__ import annotations

from dataclasses import dataclass, field

from clawlane.messages import Inbound, Thread
from clawlane.store.models import UndecidedMessage

AFTER_LAST_MS = 1_500
AFTER_FIRST_MS = 6_000
"""How long after its last part, and at most after its first, an incomplete album closes."""

_SET_BACK_MS = 1_000
"""If the clock is further behind the last part, it was set back: the album closes at once."""


@dataclass(slots=True)
class _Album:
    """The parts of one album that were read so far, in order."""

    parts: list[UndecidedMessage] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all parts that the sender's client announced have arrived."""
        total = max((one.inbound.album.total for one in self.parts if one.inbound.album), default=0)
        return 0 < total <= len(self.parts)

    def due_ms(self, now_ms: int) -> int:
        """When it closes."""
        last_ms = self.parts[-1].read_ms
        if now_ms < last_ms - _SET_BACK_MS:
            return now_ms
        return min(last_ms + AFTER_LAST_MS, self.parts[0].read_ms + AFTER_FIRST_MS)


class Albums:
    """The open albums of one account. Returning an album closes it."""

    def __init__(self) -> None:
        self._open: dict[tuple[Thread, str, str], _Album] = {}

    def add(self, part: UndecidedMessage) -> None:
        """A part was read."""
        self._open.setdefault(_key(part.inbound), _Album()).parts.append(part)

    def remove(self, seqs: tuple[int, ...]) -> None:
        """Messages were recalled."""
        for key, album in list(self._open.items()):
            album.parts = [one for one in album.parts if one.seq not in seqs]
            if not album.parts:
                del self._open[key]

    def ended_by(self, inbound: Inbound) -> list[list[UndecidedMessage]]:
        """The albums a message closes: the others of its sender in its thread."""
        thread, sender, album = _key(inbound)
        keys = [key for key in self._open if key[:2] == (thread, sender) and key[2] != album]
        return [self._open.pop(key).parts for key in keys]

    def due(self, now_ms: int) -> list[list[UndecidedMessage]]:
        """The albums that are complete or whose time is up."""
        keys = [key for key, one in self._open.items() if one.complete or one.due_ms(now_ms) <= now_ms]
        return [self._open.pop(key).parts for key in keys]

    def next_ms(self, now_ms: int) -> int | None:
        """When the next album closes; None without one."""
        return min((one.due_ms(now_ms) for one in self._open.values()), default=None)


def _key(inbound: Inbound) -> tuple[Thread, str, str]:
    return inbound.thread, inbound.sender_id, inbound.album.id if inbound.album else ""
