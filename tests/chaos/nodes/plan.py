"""What is done to several gateways on one database, and when: drawn from a seed before the story begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Trouble(StrEnum):
    """What is done, to one node or to the database. `Strike.seconds` says how long it lasts."""

    KILL = "kill"
    """`kill -9`; it is started again after that."""

    STOP = "stop"
    """SIGTERM, and a start after that."""

    FREEZE = "freeze"
    """SIGSTOP, and SIGCONT after that."""

    CUT = "cut"
    """The connections between a node and the database end, and no new ones begin."""

    SLOW = "slow"
    """Whatever goes between a node and the database is late."""

    SILENT = "half-open"
    """What a node and the database send each other is lost, and neither is told."""

    DEAF = "half-open, answers only"
    """Only what the database sends is lost."""

    RESTART = "database restart, fast"
    RESTART_AT_ONCE = "database restart, immediate"

    NAMESAKE = "second process of a live name"
    """It is refused."""

    ROBBED = "name lost while it runs"
    """A node is frozen until another machine works under its name, and goes on: it ends by itself."""

    DRAIN = "drain"
    """An operator has a node give up its accounts."""


OF_DATABASE = (Trouble.RESTART, Trouble.RESTART_AT_ONCE)
"""What is done to the database, and not to one node."""

_SHORT, _LONG = (1.0, 5.0), (17.0, 24.0)
"""Seconds: a lease outlives the first, and is lost before the second is over."""

_SECONDS = {
    Trouble.KILL: (_SHORT, _LONG),
    Trouble.STOP: (_SHORT,),
    Trouble.FREEZE: (_LONG,),
    Trouble.CUT: (_LONG, _SHORT),
    Trouble.SLOW: ((8.0, 15.0),),
    Trouble.SILENT: (_LONG, _SHORT),
    Trouble.DEAF: (_LONG, _SHORT),
}
_LATE_S = (0.1, 0.8)
_BEGIN, _END = 0.05, 0.9
"""Parts of a story between which it strikes."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The size of a story. `rate` is in messages a second, `troubles` counts them, each kind in turn."""

    gateways: int = 3
    accounts: int = 60
    messages: int = 1_500
    people: int = 2
    rate: float = 5.0
    troubles: int = 2 * len(Trouble)
    seed: int = 1

    @property
    def threads(self) -> int:
        """How many people write, each to one account."""
        return self.accounts * self.people


@dataclass(frozen=True, slots=True)
class Strike:
    """A trouble, and how many messages have been written when it comes.

    `late_s` is by how much a slow way delays each piece.
    """

    after: int
    trouble: Trouble
    seconds: float = 0.0
    late_s: float = 0.0


def draw(scenario: Scenario) -> list[Strike]:
    """The troubles of a story, in order: every kind as often as the others, in an order drawn by lot."""
    random, kinds = Random(scenario.seed), list(Trouble)
    rounds = -(-scenario.troubles // len(kinds))
    dealt = [(kind, number) for number in range(rounds) for kind in random.sample(kinds, len(kinds))]
    dealt = dealt[: scenario.troubles]
    span = (_END - _BEGIN) * (scenario.messages - scenario.threads)
    step = span / max(1, len(dealt))
    strikes = []
    for place, (kind, number) in enumerate(dealt):
        spans = _SECONDS.get(kind, ((0.0, 0.0),))
        seconds = random.uniform(*spans[number % len(spans)])
        after = _BEGIN * scenario.messages + step * (place + random.random())
        strikes.append(Strike(int(after), kind, round(seconds, 1), round(random.uniform(*_LATE_S), 2)))
    return sorted(strikes, key=lambda one: one.after)
