"""What the other side sees of a message once it is decided: delivered, seen, typing."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.access.decision import Outcome
from clawlane.config.policy import Acks


@dataclass(frozen=True, slots=True)
class Signals:
    """Which signals go out. `seen` is also the flag that the delivered signal carries."""

    delivered: bool = False
    seen: bool = False
    typing: bool = False


_NONE = Signals()
_AFTER = {
    Outcome.ADMIT: Signals(delivered=True, seen=True, typing=True),
    Outcome.PEND: Signals(delivered=True),
}


def signals(outcome: Outcome, acks: Acks) -> Signals:
    """What follows a decision. A blocked or challenged sender sees nothing; `off` stops all three."""
    return _NONE if acks is Acks.OFF else _AFTER.get(outcome, _NONE)
