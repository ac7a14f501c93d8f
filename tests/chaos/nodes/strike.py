"""How each trouble is done to several gateways that run."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from subprocess import TimeoutExpired

from packages.clawlane.tests.broken_way import Lost

from chaos.nodes.plan import OF_DATABASE, Strike, Trouble
from chaos.nodes.stage import Node, Stage

_AT_ONCE = 2
"""Nodes that something is done to at the same time: one is left in peace."""

_LEASE_S = 15.0
_BACK_S = 60.0
_LOOK_S = 0.5


class Striker:
    """Does troubles. `done` counts them, `broken` says what should have followed one and did not."""

    def __init__(self, stage: Stage) -> None:
        self.done: Counter[Trouble] = Counter()
        self.broken: list[str] = []
        self._stage = stage
        self._free = asyncio.Semaphore(min(_AT_ONCE, len(stage.nodes) - 1))
        self._restarts = asyncio.Lock()

    async def strike(self, one: Strike) -> None:
        """Returns when the trouble is over, and its node is back."""
        if one.trouble in OF_DATABASE:
            async with self._restarts:
                immediate = one.trouble is Trouble.RESTART_AT_ONCE
                await asyncio.to_thread(self._stage.server.restart, immediate=immediate)
        else:
            async with self._free:
                node = await self._fullest()
                node.busy = True
                try:
                    await self._do(one, node)
                    await self._back(node)
                finally:
                    node.busy = False
        self.done[one.trouble] += 1

    async def _fullest(self) -> Node:
        """Of the nodes that nothing is done to, the one that runs the most accounts."""
        loads = await self._stage.book.loads()
        return max((one for one in self._stage.nodes if not one.busy), key=lambda one: loads.get(one.name, 0))

    async def _do(self, one: Strike, node: Node) -> None:
        match one.trouble:
            case Trouble.KILL:
                await self._away(node, node.lane.kill, one.seconds)
            case Trouble.STOP:
                await self._away(node, node.lane.ask_to_end, one.seconds)
            case Trouble.FREEZE:
                with node.stopped():
                    await asyncio.sleep(one.seconds)
            case Trouble.CUT:
                await self._bad_way(node, node.way.cut, one.seconds)
            case Trouble.SLOW:
                await self._bad_way(node, lambda: node.way.slow(one.late_s), one.seconds)
            case Trouble.SILENT:
                await self._bad_way(node, node.way.silence, one.seconds)
            case Trouble.DEAF:
                await self._bad_way(node, lambda: node.way.silence(Lost.ANSWERS), one.seconds)
            case Trouble.NAMESAKE:
                await self._namesake(node)
            case Trouble.ROBBED:
                await self._rob(node)
            case Trouble.DRAIN:
                await self._drain(node)

    async def _away(self, node: Node, end: Callable[[], object], seconds: float) -> None:
        node.lane.rest()
        ending = end()
        if asyncio.iscoroutine(ending):
            await ending
        await asyncio.sleep(seconds)
        node.lane.go_on()

    async def _bad_way(self, node: Node, spoil: Callable[[], None], seconds: float) -> None:
        spoil()
        await asyncio.sleep(seconds)
        node.way.mend()

    async def _namesake(self, node: Node) -> None:
        """Somebody starts a copy of the machine while it runs: it is refused, and says why."""
        code, said = await _ran(self._stage.thieves[node.name], "gateway", "run")
        if code == 0 or f"another gateway works as node '{node.name}'" not in said:
            self.broken.append(f"a second {node.name} was not refused: {said}")

    async def _rob(self, node: Node) -> None:
        """Freeze it, start a copy of the machine once its beat is old, let it go on: it ends by itself."""
        thief = self._stage.thieves[node.name]
        await self._back(node)  # a start may just have been refused, as the database started as well
        node.lane.rest()
        async with asyncio.TaskGroup() as group:
            with node.stopped():
                await asyncio.sleep(_LEASE_S)
                keeping = group.create_task(thief.lane.keep())
                if not await thief.lane.said(f"this gateway is node {node.name}", _BACK_S):
                    self.broken.append(f"the name {node.name} was not free: {thief.lane.last_words()}")
                ending = group.create_task(node.lane.ended(_BACK_S))
                await asyncio.sleep(_LOOK_S)
            if not await ending:
                self.broken.append(f"{node.name} went on without its name: {node.lane.last_words()}")
            if code := await thief.lane.stop():
                self.broken.append(f"the second {node.name} ended with {code}: {thief.lane.last_words()}")
            await keeping
        node.lane.go_on()

    async def _drain(self, node: Node) -> None:
        """Until others have what it had."""
        await self._cluster(node, "drain", node.name)
        for _ in range(int(_LEASE_S / _LOOK_S)):
            if not (await self._stage.book.loads()).get(node.name):
                break
            await asyncio.sleep(_LOOK_S)
        await self._cluster(node, "drain", node.name, "--end")

    async def _cluster(self, node: Node, *words: str) -> None:
        code, said = await _ran(node, "cluster", *words)
        if code:
            self.broken.append(f"cluster {' '.join(words)}: {said}")

    async def _back(self, node: Node) -> None:
        """Once it is heard of again."""
        since_ms = 1000 * time.time()
        for _ in range(int(_BACK_S / _LOOK_S)):
            if (await self._stage.book.heard()).get(node.name, 0) > since_ms:
                return
            await asyncio.sleep(_LOOK_S)
        self.broken.append(f"{node.name} did not come back: {node.lane.last_words()}")


async def _ran(node: Node, *words: str) -> tuple[int, str]:
    """The exit code of a command on the machine of a node, and what it said; -1 if it does not end."""
    try:
        done = await asyncio.to_thread(node.operator.run, *words)
    except TimeoutExpired:
        return -1, f"it did not end; the gateway said: {node.lane.last_words()}"
    return done.returncode, done.stdout
