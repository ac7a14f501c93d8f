"""Rituals that browsers begin: one for each account at a time, the same for whoever watches it.

A ritual asks one thing after the other and waits in between, so it has a thread of its own; what it asks of
the lane runs in the loop of the console.
"""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import TypeVar

from clawlane.console.errors import lines_of
from clawlane.console.watching import Watched
from clawlane.ops.accounts import FoundAccount
from clawlane.ops.asking import OURS, Asks
from clawlane.ops.operation import OpError, Request, Stream
from clawlane.ops.ritual.conductor import PATIENCE_MS, Conductor, Plan
from clawlane.ops.ritual.steps import (
    Instruction,
    Noticed,
    Question,
    Report,
    RitualEvent,
    StepBegan,
    StepEnded,
    StepName,
    StepResult,
    Waiting,
)
from clawlane.ops.verification import LaneFacts
from clawlane.texts import later, t

R = TypeVar("R")
T = TypeVar("T")
_LONGEST_S = 120.0
_NOT_HERE = later(
    "this console is a part of the gateway and would end with it; in a terminal: openclaw verify {words}"
    " --step restart"
)
log = logging.getLogger(__name__)


class _Stopped(Exception):
    """Somebody has stopped the ritual."""


@dataclass(slots=True)
class Step:
    """One step as it is shown; `result` is None while it runs."""

    name: StepName
    number: int
    total: int
    told: list[Instruction | Noticed] = field(default_factory=list)
    result: StepResult | None = None


class AccountRitual(Watched):
    """The ritual of one account. What it shows of the last one stays until the next begins."""

    def __init__(self, asks: Asks, found: FoundAccount) -> None:
        super().__init__()
        self._asks, self._loop = asks, asyncio.get_running_loop()
        self._running: asyncio.Task[None] | None = None
        self._stop = Event()
        self._answers: queue.SimpleQueue[bool | None] = queue.SimpleQueue()
        self.found = found
        self._forget()

    def _forget(self) -> None:
        self.facts: LaneFacts | None = None
        self.steps: list[Step] = []
        self.left_ms = 0
        self.question: Question | None = None
        self.asked = 0
        self.stopping = False
        self.report: Report | None = None
        self.problem: Sequence[str] = ()
        self.help = ""

    @property
    def runs(self) -> bool:
        return self._running is not None and not self._running.done()

    @property
    def cannot(self) -> dict[StepName, str]:
        """The steps that cannot run from this console, and why."""
        return {StepName.RESTART: later(_NOT_HERE, words=self.found.words)} if self._asks.inside else {}

    def begin(self, only: Sequence[StepName]) -> None:
        """Begin one with these steps, or all; does nothing while one runs."""
        if self.runs:
            return
        self._forget()
        self._stop, self._answers = Event(), queue.SimpleQueue()
        plan = Plan(self.found.channel, self.found.account, only, cannot=self.cannot)
        self._running = asyncio.create_task(self._run(plan))
        self.change()

    def answer(self, number: int, *, agreed: bool) -> None:
        """Answer the question of that number. Raises `OpError` if it is not the one that waits."""
        if self.question is None or number != self.asked:
            raise OpError(t("this question is not open any more"))
        self.question = None
        self._answers.put(agreed)
        self.change()

    def stop(self) -> None:
        """Stop it: what was proven until then is kept."""
        if self.runs:
            self.stopping, self.question = True, None
            self._stop.set()
            self._answers.put(None)
            self.change()

    async def close(self) -> None:
        """Stop it, and return once nothing of it runs."""
        self.stop()
        if self._running is not None and not self._running.done():
            await asyncio.wait({self._running}, timeout=5)

    async def _run(self, plan: Plan) -> None:
        thread = ThreadPoolExecutor(1, "ritual")
        try:
            conduct = partial(copy_context().run, self._conduct, plan)
            self.report = await self._loop.run_in_executor(thread, conduct)
        except OURS as error:
            self.problem, self.help = lines_of(error)
        except Exception as error:
            log.exception("the ritual of %s failed", self.found)
            self.problem, self.help = lines_of(error)
        finally:
            thread.shutdown(wait=False)
            self.question, self.left_ms = None, 0
            self._loop.call_soon(self.change)

    def _conduct(self, plan: Plan) -> Report:
        """The whole ritual, in its thread."""
        asks = _FromThread(self._asks, self._loop)
        conductor = Conductor(asks, plan, self._agreed, sleep=self._sleep)
        self._tell(self._met, conductor.facts)
        try:
            for event in conductor.events():
                self._tell(self._take, event)
                if self._stop.is_set():
                    break
        except _Stopped:
            pass
        return conductor.keep()

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped

    def _agreed(self, question: Question) -> bool:
        """Ask whoever watches; without an answer in five minutes it is a no."""
        self._tell(self._ask, question)
        try:
            answer = self._answers.get(timeout=PATIENCE_MS / 1000)
        except queue.Empty:
            self._tell(self._ask, None)
            return False
        if answer is None:
            raise _Stopped
        return answer

    def _tell(self, change: Callable[[T], None], what: T) -> None:
        """Change what is shown, in the loop."""

        def changing() -> None:
            change(what)
            self.change()

        self._loop.call_soon_threadsafe(changing)

    def _met(self, facts: LaneFacts) -> None:
        self.facts = facts

    def _ask(self, question: Question | None) -> None:
        if not self.stopping:
            self.question, self.asked = question, self.asked + 1

    def _take(self, event: RitualEvent) -> None:
        match event:
            case StepBegan(name, number, total):
                self.steps.append(Step(name, number, total))
            case Instruction() | Noticed():
                self.steps[-1].told.append(event)
            case StepEnded(result):
                self.steps[-1].result = result
        self.left_ms = event.left_ms if isinstance(event, Waiting) else 0


class _FromThread:
    """Asks the lane from the thread of a ritual."""

    def __init__(self, asks: Asks, loop: asyncio.AbstractEventLoop) -> None:
        self._asks, self._loop = asks, loop

    def call(self, request: Request[R]) -> R:
        return asyncio.run_coroutine_threadsafe(self._asks.call(request), self._loop).result(_LONGEST_S)

    def follow(self, request: Stream[R], show: Callable[[R], None]) -> None:
        async def following() -> None:
            async with self._asks.follow(request) as events:
                async for event in events:
                    show(event)

        asyncio.run_coroutine_threadsafe(following(), self._loop).result(_LONGEST_S)


class Rituals:
    """The rituals of one console."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._of: dict[str, AccountRitual] = {}

    def of(self, found: FoundAccount) -> AccountRitual:
        """The ritual of an account, which may not have begun."""
        if str(found) not in self._of:
            self._of[str(found)] = AccountRitual(self._asks, found)
        one = self._of[str(found)]
        if not one.runs:
            one.found = found
        return one

    async def close(self) -> None:
        """Stop those that run."""
        await asyncio.gather(*(one.close() for one in self._of.values()))
