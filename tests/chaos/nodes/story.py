"""One story of several gateways: people write to all accounts while nodes and their database are in trouble.

Once it is quiet, everybody writes once more: lanes keep their order, so whatever was to be answered before
that, or is answered twice, has come by then.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from chaos.nodes.ending import REPLACED, Ending
from chaos.nodes.plan import Scenario, Strike, draw
from chaos.nodes.sockets import Sight, side_by_side
from chaos.nodes.stage import Node, Stage, staged
from chaos.nodes.strike import Striker
from chaos.nodes.trail import Act, late
from chaos.tally import Answer, key_of, tally, text_of
from demo.stage import Missing

PATIENCE_S = 45.0
"""Seconds without a new answer after which what is missing counts as lost."""

_READY_S = 90.0


async def play(scenario: Scenario, folder: Path) -> Ending:
    """Play a story in an empty folder; what the gateways printed is left there in `NODE.out`.

    Raises `Missing` if they cannot even begin.
    """
    async with begun(scenario, folder) as story:
        await story.through_trouble()
        await story.last_words()
        return await story.end()


@asynccontextmanager
async def begun(scenario: Scenario, folder: Path, openclaw: Sequence[str] = ()) -> AsyncIterator[Story]:
    """A story in which all accounts run, until its `end`. `openclaw` is the command of the nodes."""
    async with staged(folder, scenario, openclaw) as stage, asyncio.TaskGroup() as group:
        story = Story(scenario, stage)
        await story.meet()
        for node in stage.nodes:
            group.create_task(node.lane.keep())
        await story.all_run()
        yield story


class Story:
    """People who write to accounts, and what comes of it."""

    def __init__(self, scenario: Scenario, stage: Stage) -> None:
        self._scenario, self._stage = scenario, stage
        self._witness, self._book = stage.witness, stage.book
        self._striker = Striker(stage)
        self._account_of: dict[str, str] = {}
        """The uid of the account that a person writes to, by the person's."""
        self._written: dict[str, list[str]] = defaultdict(list)
        self._count = 0
        self._news = asyncio.Condition()

    @property
    def nodes(self) -> Sequence[Node]:
        return self._stage.nodes

    @property
    def people(self) -> list[str]:
        return list(self._account_of)

    async def last_words(self) -> None:
        """Everybody writes once more when all is quiet."""
        await self.all_run()
        await self._quiet()
        for person in self._account_of:
            await self.write(person)

    async def end(self) -> Ending:
        """Once every message is answered or held, stop the nodes, and look at what came out."""
        await self._quiet()
        listed = await asyncio.to_thread(self._listed, self.nodes[0])
        codes = [await node.lane.stop() for node in self.nodes]
        return await self._ending(listed, codes)

    async def meet(self) -> None:
        """Each account gets its people."""
        for uid in self._stage.accounts:
            for number in range(self._scenario.people):
                name = f"Người {len(self._account_of):03d}.{number}"
                person = await self._witness.do("/person", account=uid, name=name, friend=True)
                self._account_of[person["uid"]] = uid

    async def all_run(self) -> None:
        """Once every account is connected."""
        wanted = len(self._stage.accounts)
        async with asyncio.timeout(_READY_S):
            while True:
                run = sum((await self._book.loads()).values())
                if min(run, await self._witness.connected()) == wanted:
                    return
                await asyncio.sleep(0.5)

    async def through_trouble(self) -> None:
        """People write while everything goes wrong. Returns when all is over, and every node is back."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._talk())
            for strike in draw(self._scenario):
                await self._time_of(strike)
                group.create_task(self._striker.strike(strike))

    async def _talk(self) -> None:
        """At a steady rate, whatever happens; everybody has written once before somebody writes again."""
        loop, random = asyncio.get_running_loop(), Random(self._scenario.seed)
        start, order = loop.time(), list(self._account_of)
        for number in range(self._most):
            if number % len(order) == 0:
                random.shuffle(order)
            await self.write(order[number % len(order)])
            await asyncio.sleep(start + (number + 1) / self._scenario.rate - loop.time())

    @property
    def _most(self) -> int:
        """How many messages are written in times of trouble."""
        return self._scenario.messages - self._scenario.threads

    async def write(self, person: str) -> None:
        """Somebody writes to their account."""
        text = text_of(self._count)
        await self._witness.do("/say", **{"from": person, "to": self._account_of[person], "text": text})
        self._written[person].append(key_of(text))
        async with self._news:
            self._count += 1
            self._news.notify_all()

    async def _time_of(self, strike: Strike) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self._count >= min(strike.after, self._most))

    async def _quiet(self) -> None:
        """Returns when every message is answered or held, or when nothing has been sent for long."""
        seen, loop = -1, asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while loop.time() < until:
            sent = self._witness.of("sent")
            if len(sent) > seen:
                seen, until = len(sent), loop.time() + PATIENCE_S
            missing = {key for keys in self._written.values() for key in keys}
            missing -= {key_of(one["text"]) for one in sent}
            if not missing or missing <= set(await self._held()):
                return
            await asyncio.sleep(1)

    async def _held(self) -> list[str]:
        return [key for body in await self._book.undecided() if (key := key_of(body.get("text", "")))]

    def _listed(self, node: Node) -> int:
        """How many messages are shown to the operator as theirs to decide."""
        done = node.operator.run("outbox", "list", "--json")
        if done.returncode:
            raise Missing(done.stdout)
        return sum(one["needs_decision"] for one in json.loads(done.stdout)["messages"])

    async def _ending(self, listed: int, codes: Sequence[int]) -> Ending:
        stage, everybody, trail = self._stage, self._stage.everybody, await self._book.read()
        ours = [one for one in self._witness.records if one["seq"] > stage.seen and one["port"]]
        acts = [
            Act(one["at_ms"], stage.accounts[one["account"]], one["port"], one["kind"])
            for one in ours
            if one["account"] in stage.accounts and one["kind"] != "disconnected"
        ]
        sights = [
            Sight(one["at_ms"], stage.accounts[one["account"]], one["port"], one.get("code"))
            for one in ours
            if one["kind"] in ("connected", "disconnected")
        ]
        sent = [Answer(one["thread_id"], one["text"]) for one in self._witness.of("sent")]
        doors = {pid: node.door for node in everybody for pid in node.lane.pids}
        return Ending(
            tally(self._written, sent, await self._held()),
            listed,
            len(acts),
            late(acts, trail, doors),
            side_by_side(sights, {node.door: node.frozen for node in everybody}),
            sum(one.opened for one in sights),
            sum(one.code == REPLACED for one in sights),
            trail.takeovers,
            self._striker.done,
            [*self._striker.broken, *(line for node in everybody for line in node.lane.forgotten())],
            [code for node in everybody for code in node.lane.deaths],
            sum(node.lane.refusals for node in everybody),
            codes,
        )
