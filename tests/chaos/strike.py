"""How each trouble is done to a running lane."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from chaos.lane import NO_LIMIT, Lane
from chaos.plan import ApiTrouble, Drop, FullDisk, Kill, Respite, Trouble
from chaos.witness import NotNow, Witness

_SOON_S = 3.0
"""Seconds that a trouble waits for what it wants to hit."""

_BACK_S = 20.0
_ANSWER_S = 45.0
_LOST_ANSWER = {"does": "silence", "call": "send text"}


@dataclass(frozen=True, slots=True)
class Striker:
    """Does troubles, one after the other. One that finds nothing to hit in time strikes all the same."""

    witness: Witness
    lane: Lane

    async def strike(self, trouble: Trouble) -> None:
        """Returns when the trouble is over, or is left to the lane to deal with."""
        match trouble:
            case Kill():
                await self._kill(trouble)
            case Drop():
                await self._drop(trouble)
            case ApiTrouble():
                await self._api(trouble)
            case FullDisk():
                await self._fill(trouble)
            case Respite():
                await self.witness.next("sent", _ANSWER_S)

    async def _kill(self, trouble: Kill) -> None:
        if trouble.moment == "lost answer":
            await self.witness.do("/fault", **_LOST_ANSWER)
            await self.witness.next("meddled", _SOON_S)
        elif trouble.moment:
            await self.witness.next(trouble.moment, _SOON_S)
        await asyncio.sleep(trouble.seconds)
        await self.lane.kill()
        await self.witness.calm()

    async def _drop(self, trouble: Drop) -> None:
        if not trouble.code:
            # A line is only judged by its silence once it has answered a ping.
            await self.witness.next("pinged", _BACK_S)
        for _ in range(3):
            try:
                if trouble.code:
                    await self.witness.do("/drop", code=trouble.code)
                else:
                    await self.witness.do("/half-open")
            except NotNow:
                await self.witness.next("connected", _BACK_S)
            else:
                return

    async def _api(self, trouble: ApiTrouble) -> None:
        await self.witness.do("/fault", **trouble.fault)
        start = len(self.witness.records)
        times: int = trouble.fault.get("times", 1)

        def hit_often_enough() -> bool:
            return [one["kind"] for one in self.witness.records[start:]].count("meddled") >= times

        await self.witness.until(hit_often_enough, _SOON_S)
        await self.witness.calm()

    async def _fill(self, trouble: FullDisk) -> None:
        starts = self.lane.starts
        if trouble.at_start:
            await self.lane.kill()
            await self.lane.started_again(starts, _SOON_S)
        self.lane.limit_files(trouble.limit)
        await self.lane.said("be written", _SOON_S)
        await asyncio.sleep(trouble.seconds)
        self.lane.limit_files(NO_LIMIT)
