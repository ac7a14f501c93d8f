"""One story: people write at a steady rate while everything goes wrong; then it is quiet, and they count.

The last message of every thread is written after one more restart at the end: lanes keep their order, so
whatever was to be answered before it, or is answered twice, has come by the time it is answered.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chaos.lane import NO_LIMIT, Lane
from chaos.model import TOLD
from chaos.plan import Scenario, Strike, draw
from chaos.record import Record, checked
from chaos.stage import Stage, staged
from chaos.standing import Held, held
from chaos.strike import Striker
from chaos.tally import Answer, Report, key_of, tally, text_of
from demo.stage import Missing

PATIENCE_S = 45.0
"""Seconds without a new answer after which what is missing counts as lost."""

_READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Ending:
    """What came out, how often the gateway was killed, and the codes with which it fell over.

    `tools` are the same reports for what tools did: the texts and the reactions. `refusals` is how often the
    gateway ended by itself because it could not write its files. `record` is what it wrote down of all that.
    """

    report: Report
    kills: int
    refusals: int
    deaths: Sequence[int]
    last_code: int
    record: Record
    tools: Mapping[str, Report] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether every promise was kept."""
        clean = all(report.clean for report in (self.report, *self.tools.values()))
        told = self.record.holds and self.record.sent >= self.report.answered
        return clean and told and not self.deaths and self.last_code == 0

    def __str__(self) -> str:
        tools = "".join(f"\n{what}: {report}" for what, report in self.tools.items())
        told = f"{self.report}{tools}\ngateway: {self.kills} kills, {self.refusals} refusals on a full disk"
        fell = f", fell over with {list(self.deaths)}" if self.deaths else ""
        return f"{told}{fell}, exit code at the end {self.last_code}\n{self.record}"


async def play(scenario: Scenario, folder: Path) -> Ending:
    """Play a story in an empty folder; what the gateway printed is left there in `gateway.out`.

    Raises `Missing` if the gateway cannot even begin.
    """
    async with staged(folder, scenario) as stage:
        return await _Story(scenario, stage).play()


class _Story:
    def __init__(self, scenario: Scenario, stage: Stage) -> None:
        self._scenario = scenario
        self._witness = stage.witness
        self._lane: Lane = stage.lane
        self._operator = stage.operator
        self._store = stage.state / "store.sqlite"
        self._uids: list[str] = []
        self._written: dict[str, list[str]] = defaultdict(list)
        self._keys: dict[str, str] = {}
        self._count = 0
        self._news = asyncio.Condition()

    async def play(self) -> Ending:
        await self._meet()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lane.keep())
            await self._through_trouble()
            await self._quiet()
            await self._last_words()
            code = await self._lane.stop()
        waiting = held(self._store)
        sent = [Answer(one["thread_id"], one["text"]) for one in self._witness.of("sent")]
        report = tally(self._written, sent, waiting.answers)
        lane, tools = self._lane, self._done_by_tools(sent, waiting)
        record = await asyncio.to_thread(checked, self._operator, self._store, self._scenario.seed)
        return Ending(report, lane.kills, lane.refusals, lane.deaths, code, record, tools)

    def _done_by_tools(self, sent: Sequence[Answer], waiting: Held) -> dict[str, Report]:
        """What became of the texts and the reactions, if the agent has tools."""
        if self._scenario.agent == "echo":
            return {}
        texts = [Answer(one.thread_id, one.text.removeprefix(TOLD)) for one in sent if TOLD in one.text]
        reacted = self._witness.of("reacted")
        reactions = [Answer(one["thread_id"], self._keys.get(one["msg_id"], "")) for one in reacted]
        open_reactions = [self._keys[one] for one in waiting.reactions if one in self._keys]
        return {
            "texts of tools": tally(self._written, texts, waiting.texts),
            "reactions": tally(self._written, reactions, open_reactions),
        }

    async def _meet(self) -> None:
        for number in range(self._scenario.threads):
            person = await self._witness.do("/person", name=f"Người {number:02d}", friend=True)
            self._uids.append(person["uid"])

    async def _through_trouble(self) -> None:
        if not await self._lane.started(_READY_S):
            raise Missing(f"the gateway does not get ready:\n{self._lane.last_words()}")
        striker = Striker(self._witness, self._lane)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._talk())
            for strike in draw(self._scenario):
                await self._time_of(strike)
                await striker.strike(strike.trouble)
        await self._witness.calm()
        self._lane.limit_files(NO_LIMIT)

    async def _talk(self) -> None:
        """At a steady rate, whatever happens; everybody has written once before somebody writes again."""
        loop, random = asyncio.get_running_loop(), Random(self._scenario.seed)
        start, order = loop.time(), list(self._uids)
        for number in range(self._most):
            if number % len(order) == 0:
                random.shuffle(order)
            await self._write(order[number % len(order)])
            await asyncio.sleep(start + (number + 1) / self._scenario.rate - loop.time())

    @property
    def _most(self) -> int:
        """How many messages are written in times of trouble."""
        return self._scenario.messages - self._scenario.threads

    async def _write(self, uid: str) -> None:
        text = text_of(self._count)
        said = await self._witness.do("/say", **{"from": uid, "text": text})
        self._keys[str(said["msgId"])] = key_of(text)
        self._written[uid].append(key_of(text))
        async with self._news:
            self._count += 1
            self._news.notify_all()

    async def _time_of(self, strike: Strike) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self._count >= min(strike.after, self._most))

    async def _quiet(self) -> None:
        """Returns when every message is answered or held, or when nothing has been sent for long."""
        seen = -1
        while len(sent := self._witness.of("sent")) > seen:
            seen = len(sent)
            if await self._witness.until(self._nothing_open, PATIENCE_S):
                return

    def _nothing_open(self) -> bool:
        answered = {key_of(one["text"]) for one in self._witness.of("sent")}
        missing = {key for keys in self._written.values() for key in keys} - answered
        return missing <= held(self._store).answers if missing else True

    async def _last_words(self) -> None:
        starts = self._lane.starts
        self._lane.ask_to_end()
        await self._lane.started_again(starts, _READY_S)
        await self._lane.started(_READY_S)
        for uid in self._uids:
            await self._write(uid)
        await self._quiet()
