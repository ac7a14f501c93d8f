"""Who owned which account until when, as the database itself recorded it, and what was done after that.

Triggers write down every claim, release and beat together with the change itself, by the database's clock, so
nothing is missed in between. The simulator notes when a request has arrived, by the wall clock of the same
machine; neither clock is moved in a story. A request arrives after it was begun, so one that arrives while
its sender's lease holds was begun in time, too. Lanes give up three seconds before their lease is over, which
is what a busy simulator may be late.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from clawlane.store.nodes import LEASE_MS

_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_TRIGGERS = f"""
CREATE SCHEMA chaos;
CREATE TABLE chaos.hands (number BIGSERIAL, at_ms BIGINT DEFAULT {_NOW},
    account TEXT, node TEXT, instance TEXT, epoch BIGINT, pid BIGINT, ended TEXT);
CREATE TABLE chaos.beats (number BIGSERIAL, at_ms BIGINT DEFAULT {_NOW}, instance TEXT, beat_ms BIGINT);
CREATE FUNCTION chaos.note_hands() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.hands (account, node, instance, epoch, pid, ended)
        VALUES (NEW.account, NEW.node, NEW.instance, NEW.epoch, NEW.pid, NEW.ended);
    RETURN NULL;
END $$;
CREATE FUNCTION chaos.note_beat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.beats (instance, beat_ms) VALUES (NEW.instance, NEW.beat_ms);
    RETURN NULL;
END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON owners FOR EACH ROW EXECUTE FUNCTION chaos.note_hands();
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON nodes FOR EACH ROW EXECUTE FUNCTION chaos.note_beat();
"""
_RUN = (
    "SELECT node, count(*) FROM owners JOIN nodes ON nodes.name = owners.node AND nodes.instance ="
    " owners.instance WHERE owners.ended = '' AND nodes.ended = '' AND epoch > 0"
    f" AND nodes.beat_ms > extract(epoch FROM now()) * 1000 - {LEASE_MS} GROUP BY node"
)
_HEARD = "SELECT name, beat_ms FROM nodes WHERE ended = ''"
_UNDECIDED = (
    "SELECT body FROM outbox WHERE settled_ms IS NULL AND state IN ('unknown', 'held')"
    " AND settling_ms IS NULL"
)
_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Hand:
    """An account is `pid`'s from then on, or nobody's if it has `ended`; `instance` is that run of a node."""

    at_ms: int
    account: str
    instance: str
    epoch: int
    pid: int
    ended: str


@dataclass(frozen=True, slots=True)
class Beat:
    """A run of a node was heard of, and holds what it has from `beat_ms` on."""

    at_ms: int
    instance: str
    beat_ms: int


@dataclass(frozen=True, slots=True)
class Act:
    """A request or a frame that arrived at the simulator, through the door of one gateway."""

    at_ms: int
    account: str
    door: int
    kind: str


@dataclass(frozen=True, slots=True)
class Trail:
    """Everything that the database recorded, in its order."""

    hands: Sequence[Hand]
    beats: Sequence[Beat]

    @property
    def takeovers(self) -> int:
        """How often an account was claimed by another run than before, which had not ended."""
        count, last = 0, dict[str, Hand]()
        for hand in self.hands:
            before = last.get(hand.account)
            is_claim = before is not None and hand.epoch > before.epoch > 0
            count += is_claim and before is not None and not before.ended and before.pid != hand.pid
            last[hand.account] = hand
        return count


def late(acts: Iterable[Act], trail: Trail, doors: Mapping[int, int]) -> list[Act]:
    """The acts of whoever did not own the account when they arrived, or whose lease was over.

    `doors` gives the door of each process by its pid.
    """
    hands, beats = defaultdict(list[Hand]), defaultdict(list[Beat])
    for hand in trail.hands:
        hands[hand.account].append(hand)
    for beat in trail.beats:
        beats[beat.instance].append(beat)

    def is_late(act: Act) -> bool:
        known = hands[act.account]
        place = bisect_right(known, act.at_ms, key=lambda hand: hand.at_ms)
        hand = known[place - 1] if place else None
        if hand is None or hand.ended or doors.get(hand.pid) != act.door:
            return True
        heard = beats[hand.instance]
        place = bisect_right(heard, act.at_ms, key=lambda beat: beat.at_ms)
        return not place or heard[place - 1].beat_ms + LEASE_MS < act.at_ms

    return [act for act in acts if is_late(act)]


class Book:
    """The database of a story, on a way that nothing is done to. While it restarts, answers wait for it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def begin(self) -> None:
        """Write down from now on who owns what."""
        with psycopg.connect(self._url, autocommit=True) as db:
            db.execute(_TRIGGERS.encode())

    async def read(self) -> Trail:
        """What was written down so far."""
        hands = "SELECT at_ms, account, instance, epoch, pid, ended FROM chaos.hands ORDER BY number"
        beats = "SELECT at_ms, instance, beat_ms FROM chaos.beats ORDER BY number"
        return Trail(
            [Hand(*row) for row in await self._ask(hands)], [Beat(*row) for row in await self._ask(beats)]
        )

    async def loads(self) -> dict[str, int]:
        """How many accounts each node runs; nodes without any are left out."""
        return dict(await self._ask(_RUN))

    async def heard(self) -> dict[str, int]:
        """When each node was heard of last (milliseconds), without those that have stopped."""
        return dict(await self._ask(_HEARD))

    async def undecided(self) -> list[dict[str, Any]]:
        """The bodies of what waits for the operator, and of what waits behind it."""
        return [json.loads(body) for (body,) in await self._ask(_UNDECIDED)]

    async def _ask(self, query: str) -> list[Any]:
        while True:
            with suppress(psycopg.OperationalError):
                return await asyncio.to_thread(self._ask_once, query)
            await asyncio.sleep(_AGAIN_S)

    def _ask_once(self, query: str) -> list[Any]:
        with psycopg.connect(self._url, autocommit=True) as db:
            return db.execute(query.encode()).fetchall()
