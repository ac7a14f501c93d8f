"""What the other side sees of a message once it is decided: delivered, seen, typing."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.access.decision import Outcome
from clawlane.config.policy import Acks


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown to the other side. `seen` is also the flag that the delivered signal carries."""

    delivered: bool = False
    seen: bool = False
    typing: bool = False


_NONE = Shown()
_AFTER = {
    Outcome.ADMIT: Shown(delivered=True, seen=True, typing=True),
    Outcome.PEND: Shown(delivered=True),
}


def signals(outcome: Outcome, acks: Acks) -> Shown:
    """What follows a decision. A blocked or challenged sender sees nothing; `off` stops all three."""
    return _NONE if acks is Acks.OFF else _AFTER.get(outcome, _NONE)
