"""What goes wrong in a story and when: drawn from a seed before it begins, so that it can be told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

KINDS = ("kills", "drops", "api", "disk")
AGENTS = ("echo", "model")
_EARLY = 0.4
"""The part of a story in which a silent server is waited for to the end, so nobody is killed."""

_BURST = 4
_FAULTS: tuple[Mapping[str, Any], ...] = (
    {"does": "status", "call": "send text", "status": 503},
    {"does": "status", "call": "send text", "status": 502, "processed": True},
    {"does": "reset", "call": "send text"},
    {"does": "reset", "call": "send text", "processed": True},
    {"does": "slow", "call": "send text", "seconds": 1.0, "processed": True},
    {"does": "status", "call": "*", "status": 500, "probability": 0.3},
    {"does": "reset", "call": "*", "processed": True, "probability": 0.3},
    {"does": "status", "call": "listen", "status": 503},
)
_SILENCE = {"does": "silence", "call": "send text"}
_LIMITS = (0, 4_096, 65_536, 262_144)
_MOMENTS = ("", "", "connected", "sent", "sent", "delivered", "typed", "lost answer")


@dataclass(frozen=True, slots=True)
class Scenario:
    """The size of a story. `only` names the kinds of trouble it has; `rate` is in messages a second.

    `agent` answers: an echo, or a model that calls tools in each turn.
    """

    messages: int = 500
    threads: int = 30
    rate: float = 8.0
    kills: int = 20
    drops: int = 6
    faults: int = 8
    fills: int = 4
    seed: int = 1
    resend: str = "when-absent"
    only: Sequence[str] = KINDS
    agent: str = "echo"


@dataclass(frozen=True, slots=True)
class Kill:
    """`kill -9`, `seconds` after a moment: when something of this kind arrives, or at once."""

    moment: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """The socket ends with this close code; 0 leaves it open, and dead."""

    code: int


@dataclass(frozen=True, slots=True)
class ApiTrouble:
    """Calls fail like this."""

    fault: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FullDisk:
    """No file grows past `limit` bytes until that was noticed, and `seconds` longer.

    With `at_start` it hits a gateway that was just started, which may then refuse to run.
    """

    limit: int
    seconds: float
    at_start: bool


@dataclass(frozen=True, slots=True)
class Respite:
    """Nothing new goes wrong until something is sent again."""


Trouble = Kill | Drop | ApiTrouble | FullDisk | Respite


@dataclass(frozen=True, slots=True)
class Strike:
    """A trouble, and how many messages have been written when it comes."""

    after: int
    trouble: Trouble


def draw(scenario: Scenario) -> list[Strike]:
    """The troubles of a story, in order."""
    random = Random(scenario.seed)
    early, end = int(scenario.messages * _EARLY), scenario.messages
    drops: list[Trouble] = [Drop((1006, 1001, 0)[n % 3]) for n in range(scenario.drops)]
    fills: list[Trouble] = [_full_disk(random, n) for n in range(scenario.fills)]
    strikes: list[Strike] = []
    if "drops" in scenario.only:
        strikes += _at(random, 0, early, drops[::2]) + _at(random, early, end, drops[1::2])
    if "disk" in scenario.only:
        strikes += _at(random, 0, early, fills[::2]) + _at(random, early, end, fills[1::2])
    if "kills" in scenario.only:
        strikes += _at(random, early, end, [_kill(random) for _ in range(scenario.kills)])
    if "api" in scenario.only:
        strikes += [Strike(min(3, early), ApiTrouble(_SILENCE)), Strike(early, Respite())]
        strikes += _at(random, early, end, [_api_trouble(random, n) for n in range(scenario.faults)])
    return sorted(strikes, key=lambda strike: (strike.after, not isinstance(strike.trouble, Respite)))


def _at(random: Random, first: int, last: int, troubles: Sequence[Trouble]) -> list[Strike]:
    return [Strike(random.randrange(first, last), trouble) for trouble in troubles]


def _kill(random: Random) -> Kill:
    return Kill(
        random.choice(_MOMENTS), random.choice((0.0, random.uniform(0.0, 0.05), random.uniform(0, 1)))
    )


def _api_trouble(random: Random, n: int) -> ApiTrouble:
    return ApiTrouble({**_FAULTS[n % len(_FAULTS)], "times": random.randint(1, _BURST)})


def _full_disk(random: Random, n: int) -> FullDisk:
    return FullDisk(_LIMITS[n % len(_LIMITS)], random.uniform(0.1, 0.8), at_start=n % 2 == 1)
