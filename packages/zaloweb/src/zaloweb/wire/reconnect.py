"""When and where to reconnect after a WebSocket closed: the server's table, and our policy.

`RetryTable` is the server's table, read exactly as the reference client reads it. `ReconnectPolicy` is ours
and differs by decision: the server's table lacks 1006 for some accounts, its counters are never reset and its
endpoints never wrap around, so a client that follows only the table stays disconnected after a few drops.
Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from random import Random
from typing import Final

from zaloweb.errors import Kicked, Replaced, ZaloError
from zaloweb.wire.settings import Settings

STEADY_S: Final = 30.0
"""A connection that lives this long after its key is stable. Zalo drops some accounts every minute."""

_FIRST_MS: Final = 1_000
_SHORTEST_MS: Final = 250
_LONGEST_MS: Final = 120_000
_CODE_DIGITS: Final = 9


class CloseCode(IntEnum):
    """The close codes that this client handles."""

    STOPPED = 1000
    NO_CODE = 1005
    LOST = 1006
    REPLACED = 3000
    KICKED = 3003


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often to reconnect after a close code, and after which waits."""

    most: int
    waits_ms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RetryTable:
    """The server's settings for reconnecting (`features.socket`), as a value.

    The reference client reconnects only for a code in `codes`, at most `most` times for each code (no `max`
    means never), after the waits in the list, the last of which repeats. For a code in `rotating` it takes
    the next endpoint, but never returns to the first.
    """

    codes: frozenset[int] = frozenset()
    rotating: frozenset[int] = frozenset()
    rules: Mapping[int, RetryRule] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, settings: Settings) -> RetryTable:
        """The table in a session's settings, without damaged entries; may be empty."""
        entries = {_code(text): _rule(entry) for text, entry in settings.retries.items()}
        return cls(
            codes=frozenset(settings.close_and_retry_codes),
            rotating=frozenset(settings.rotate_error_codes),
            rules={code: rule for code, rule in entries.items() if code is not None and rule is not None},
        )

    def delay_ms(self, code: int, already: int = 0) -> int | None:
        """How long the reference waits before it reconnects; None if it does not.

        `already` is how often it has reconnected for this code. Source: the `close` cases of the vectors.
        """
        rule = self.rules.get(code)
        if code not in self.codes or rule is None or already >= rule.most:
            return None
        return _at(rule.waits_ms, already)

    def rotates(self, code: int, already: int, endpoints: int) -> bool:
        """Whether the reference takes the next endpoint, having done so `already` times."""
        return code in self.rotating and already < endpoints - 1

    def first_wait_ms(self, code: int) -> int | None:
        """The first wait the server names for a code, whether or not the reference would use it."""
        rule = self.rules.get(code)
        return None if rule is None else _at(rule.waits_ms, 0)


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Reconnect after `wait_ms`, to the endpoint with number `endpoint`."""

    wait_ms: int
    endpoint: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not reconnect; `error` says why and what the operator can do."""

    error: ZaloError


class ReconnectPolicy:
    """Decides after each end of a connection.

    Holds what it needs to remember: endpoint and failures in a row.

    3000 and 3003 give the account back, for two clients that both come back would fight for ever. Every
    other end is followed by a new connection, with waits that double from the server's own figure (one
    second without one), never below it, up to two minutes. The next endpoint is taken when the server's
    table says so and when no connection came about; after the last comes the first.
    """

    def __init__(self, table: RetryTable, endpoints: int, random: Random) -> None:
        self._table = table
        self._endpoints = max(endpoints, 1)
        self._random = random
        self._failures = 0
        self.endpoint = 0

    def lived(self, seconds: float) -> None:
        """Note how long a connection lived after its key. A stable one resets the count of failures."""
        if seconds >= STEADY_S:
            self._failures = 0

    def closed(self, code: int) -> Reconnect | Stop:
        """What to do after a connection closed with this code (1006 if it was lost without one)."""
        if code == CloseCode.REPLACED:
            return Stop(Replaced())
        if code == CloseCode.KICKED:
            return Stop(Kicked())
        return self._again(code, rotate=code in self._table.rotating)

    def unreachable(self) -> Reconnect:
        """What to do after a failed connect: the endpoint did not answer, or refused for now."""
        return self._again(CloseCode.LOST, rotate=True)

    def _again(self, code: int, *, rotate: bool) -> Reconnect:
        if rotate:
            self.endpoint = (self.endpoint + 1) % self._endpoints
        wait = self._wait_ms(self._table.first_wait_ms(code) or _FIRST_MS)
        self._failures += 1
        return Reconnect(wait, self.endpoint)

    def _wait_ms(self, base: int) -> int:
        base = min(max(base, _SHORTEST_MS), _LONGEST_MS)
        longest = min(base << min(self._failures + 1, 16), _LONGEST_MS)
        return self._random.randint(max(base, longest // 2), longest)


def _at(waits: Sequence[int], index: int) -> int | None:
    return waits[min(index, len(waits) - 1)] if waits else None


def _code(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) <= _CODE_DIGITS else None


def _rule(entry: object) -> RetryRule | None:
    if not isinstance(entry, Mapping):
        return None
    most, waits = entry.get("max", 0), entry.get("times", ())
    listed = waits if isinstance(waits, list | tuple) else (waits,)
    if not all(_whole(number) for number in (most, *listed)):
        return None
    return RetryRule(most, tuple(listed))


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0
