"""A lane on a bench: one account with a real store, and a channel that is a queue in and a list out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from packages.clawlane.tests.opened_store import NOW, Clock, opened_store
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.access.allowlists import Allowlist, GroupRule, GroupTable
from clawlane.access.decision import Rule
from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import TurnInput
from clawlane.channel import Account, Host, Phase, State
from clawlane.config.choices import DmPolicy, ResendUnknown
from clawlane.config.paths import Paths
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.gate import Gate
from clawlane.lane.hours import QuietHours
from clawlane.lane.inbound_media import MediaLimits
from clawlane.lane.live_agents import LiveAgents
from clawlane.lane.live_settings import LaneSettings, LiveSettings
from clawlane.lane.pacing import Pacer
from clawlane.lane.runner import Runner, runner
from clawlane.messages import (
    Fact,
    Inbound,
    Mention,
    Outgoing,
    Receipt,
    Reply,
    Signal,
    Text,
    Thread,
    ThreadKind,
)
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.media_files import MediaFiles

READY = State(Phase.READY)
OPEN = AccessPolicy(dm=DmPolicy.OPEN)
GROUP = Thread(ThreadKind.GROUP, "900")
LISTENING = AccessPolicy(
    group_allow=Allowlist.of(["*"]), group_table=GroupTable.of([GroupRule("*", Rule("groups['*']"))])
)


def message(number: int, sender: str = "11", text: str = "") -> Inbound:
    thread = Thread(ThreadKind.DM, sender)
    return Inbound("default", f"m{sender}-{number}", thread, sender, "", text or f"{sender}: {number}", NOW)


@dataclass
class Wire:
    """A channel in memory: what it reads is put into it, what it sends is taken from it."""

    incoming: asyncio.Queue[Inbound | State | Fact] = field(default_factory=asyncio.Queue)
    outgoing: asyncio.Queue[Text] = field(default_factory=asyncio.Queue)
    shown: asyncio.Queue[Signal] = field(default_factory=asyncio.Queue)
    planned: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    troubles: deque[Exception] = field(default_factory=deque)
    blind: bool = False
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answer.set()

    async def run(self, account: Account, host: Host) -> None:
        host.report(READY)
        while True:
            match await self.incoming.get():
                case Inbound() as inbound:
                    await host.admit(inbound)
                case State() as state:
                    host.report(state)
                case fact:
                    await host.observe(fact)
            self.incoming.task_done()

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        self.taken.set()
        if self.troubles:
            raise self.troubles.popleft()
        await self.answer.wait()
        self.outgoing.put_nowait(out)
        return Receipt((f"r{out.client_id}",))

    async def signal(self, account: Account, signal: Signal) -> None:
        if self.blind:
            raise RuntimeError("nobody may see that")
        self.shown.put_nowait(signal)

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        self.planned.put_nowait(reply.text)
        return [Text(thread, part) for part in reply.text.split("|")]

    async def read_all(self) -> None:
        """Returns once all that came in was handed to the gateway, whose stop stores what it has read."""
        await self.incoming.join()

    async def sent(self, count: int) -> list[str]:
        return [(await self.outgoing.get()).text for _ in range(count)]


class Echo:
    async def run(self, turn: TurnInput) -> Reply | None:
        return Reply(turn.message.text)


@dataclass
class Gated:
    """An agent whose turns end when they are told to, and which remembers what it was given."""

    begun: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    ended: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def run(self, turn: TurnInput) -> Reply | None:
        self.begun.put_nowait(turn.message.text)
        try:
            await self.allowed.acquire()
        finally:
            self.ended.put_nowait(turn.message.text)
        return Reply(turn.message.text)


async def at_once() -> None:
    """What a decision needs is known from the start."""


async def no_wait(seconds: float) -> None:
    """A clock on which seconds pass at once, and hours never."""
    if seconds > 60:
        await asyncio.Event().wait()


@dataclass
class Bench:
    store: Store
    account_store: AccountStore
    folder: Path
    clock: Clock = field(default_factory=Clock)
    policy: AccessPolicy = OPEN
    grants: Callable[[], Grants] = Grants
    ready: Callable[[], Awaitable[None]] = at_once
    slots: int = 4
    resend_unknown: ResendUnknown = ResendUnknown.NEVER
    pacer: Pacer | None = None
    quiet_hours: QuietHours = QuietHours()  # noqa: RUF009 — it is frozen
    media: tuple[MediaFiles, MediaLimits] | None = None
    settings: LiveSettings = field(init=False)
    gate: Gate = field(init=False)
    agents: LiveAgents = field(init=False)

    @asynccontextmanager
    async def running(self, wire: Wire, agent: object) -> AsyncIterator[Runner]:
        """The account runs until left, which is a stop in the middle of whatever happens."""
        account = Account("zalouser", "default", "default", None)
        files, limits = self.media or (None, MediaLimits())
        settings = LaneSettings(account, Rules(self.policy), self.resend_unknown, media=limits)
        self.settings = LiveSettings(settings)
        self.agents = LiveAgents(agent)  # type: ignore[arg-type]
        self.gate = Gate(account, wire, self.pacer, self.clock)  # type: ignore[arg-type]
        self.gate.keep_quiet(self.quiet_hours)
        parts = AccountDeps(
            settings=self.settings,
            channel=wire,
            agents=self.agents,
            gate=self.gate,
            grants=lambda: self.grants(),
            ready=lambda: self.ready(),
            slots=asyncio.Semaphore(self.slots),
            now_ms=self.clock,
            jitter=lambda: 0.0,
            report=lambda state: None,
            media=files,
            sleep=no_wait,
        )
        vault = profiles_in(Paths(self.folder, self.folder / "config.json5")).vault("zalouser", "default")
        async with runner(parts, self.account_store, vault) as made, asyncio.TaskGroup() as group:
            task = group.create_task(made.run())
            yield made
            task.cancel()

    def counters(self) -> dict[str, int]:
        with self.store.read() as reader:
            return reader.activity("zalouser/default").counters

    def states(self) -> dict[str, int]:
        with self.store.read() as reader:
            return reader.activity("zalouser/default").outbox


def said(number: int, text: str, *, mention: bool = False, token: str = "") -> Inbound:
    mentions = (Mention("100", 0, 4),) if mention else ()
    return Inbound("default", f"g{number}", GROUP, "11", "Lan", text, NOW, mentions, token=token)


@asynccontextmanager
async def bench_in(folder: Path) -> AsyncIterator[Bench]:
    clock = Clock()
    async with opened_store(folder, clock) as (store, account_store):
        yield Bench(store, account_store, folder, clock)


async def until(holds: Callable[[], bool]) -> None:
    """What the account does by itself is looked at until it is so."""
    while not holds():  # noqa: ASYNC110 — there is no event for what is stored
        await asyncio.sleep(0.01)
