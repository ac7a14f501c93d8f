"""Zalo's side of a story: what people and the network do there, and what is seen to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp

Record = Mapping[str, Any]
"""One thing that arrived: `seq`, `kind`, and what belongs to that kind."""

_POLL_S = 10.0
_IMPOSSIBLE_NOW = 409


class NotNow(Exception):
    """The simulator cannot do this at the moment: nothing is connected."""


class Witness:
    """The control interface of a simulator. Everything that arrives is kept, in order."""

    def __init__(self, http: aiohttp.ClientSession, control: int) -> None:
        self.records: list[Record] = []
        self._http = http
        self._base = f"http://127.0.0.1:{control}"
        self._news = asyncio.Condition()

    async def do(self, path: str, **body: object) -> dict[str, Any]:
        """One step of a person, the phone or the network. Raises `NotNow`."""
        async with self._http.post(self._base + path, json=body) as answer:
            told = cast("dict[str, Any]", await answer.json())
        if answer.status == _IMPOSSIBLE_NOW:
            raise NotNow(told["error"])
        if answer.status != 200:
            raise RuntimeError(f"{path}: {told}")
        return told

    async def connected(self) -> int:
        """How many accounts have a socket now."""
        async with self._http.get(f"{self._base}/world") as answer:
            return sum(one["connected"] for one in (await answer.json())["accounts"])

    async def calm(self) -> None:
        """Nothing goes wrong any more."""
        async with self._http.delete(f"{self._base}/faults"):
            pass

    async def watch(self) -> None:
        """Take in what arrives. Lives until cancelled."""
        while True:
            after = self.records[-1]["seq"] if self.records else 0
            async with self._http.get(f"{self._base}/arrived?after={after}&wait={_POLL_S}") as answer:
                news = (await answer.json())["arrived"]
            async with self._news:
                self.records.extend(news)
                self._news.notify_all()

    async def until(self, happened: Callable[[], bool], deadline: float) -> bool:
        """Whether this became true before the deadline (seconds); looked at whenever something arrives."""
        try:
            async with asyncio.timeout(deadline), self._news:
                await self._news.wait_for(happened)
        except TimeoutError:
            return happened()
        return True

    async def next(self, kind: str, deadline: float) -> Record | None:
        """The next record of this kind from now on; None if none comes in time."""
        start, found = len(self.records), list[Record]()

        def happened() -> bool:
            found.extend(one for one in self.records[start:] if one["kind"] == kind)
            return bool(found)

        await self.until(happened, deadline)
        return found[0] if found else None

    def of(self, kind: str) -> list[Record]:
        """All records of this kind, oldest first."""
        return [one for one in self.records if one["kind"] == kind]


@asynccontextmanager
async def witnessed(control: int) -> AsyncIterator[Witness]:
    """A witness that watches while this is entered."""
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        witness = Witness(http, control)
        watching = group.create_task(witness.watch())
        try:
            yield witness
        finally:
            watching.cancel()
