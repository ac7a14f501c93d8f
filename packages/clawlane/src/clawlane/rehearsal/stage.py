"""A simulator and a gateway with one config, and what becomes of the messages that its people write."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from clawlane.access.decision import Reason
from clawlane.capabilities import Cast, CastError, Figure, Seen
from clawlane.channel import Account, Phase
from clawlane.clock import now_ms
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, ask_gateway, follow_gateway
from clawlane.ops.drafts import Approve
from clawlane.ops.login import Accept, ConsentNeeded, LogIn
from clawlane.ops.operation import Caller, Request
from clawlane.ops.status import GetStatus
from clawlane.ops.why import Story, TurnStage, Why
from clawlane.rehearsal.errors import RehearsalError
from clawlane.rehearsal.fates import Fate, Left, outcome_of
from clawlane.rehearsal.processes import GatewayProcess, child_environment, simulator
from clawlane.rehearsal.scenario import Outcome
from clawlane.rehearsal.simulators import OnlyRehearsed, Rehearsed
from clawlane.texts import later

_LOOK_EVERY_S = 0.1
_READ_S = 10.0
"""Time until a message that was written has been read."""

_UNREAD_S = 1.0
_READY_S = 30.0
_DECIDED_S = 30.0
_AGENT_S = 300.0
_HELD_S = 5.0
"""What pacing holds for longer than this is shown as held."""

_PASSING = frozenset({Phase.READY, Phase.STARTING, Phase.CONNECTING, Phase.DEGRADED})
"""Phases in which a message can still be read without the operator."""

_ACQUAINTANCE = "Người Quen"
_QUIET_GROUP = "Nhóm Người Quen"
"""A friend of every account and their group, where nothing is said."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Play:
    """What to put on a stage: a config as text with a name for its errors, or a copy of a file.

    `agents` asks those of the config.
    """

    channel: Rehearsed
    config_name: str = "config.json5"
    config_text: str | None = None
    config_file: Path | None = None
    agents: bool = False


@dataclass(slots=True)
class Stage:
    """The gateway may still be down; `begin` brings it up and logs the accounts in."""

    cast: Cast
    channel: Rehearsed
    config: Config
    paths: Paths
    gateway: GatewayProcess
    patience_s: float
    accounts: dict[str, Account] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def account(self, name: str | None = None) -> Account:
        """The account of that name, or the default account. Raises `RehearsalError`."""
        block = self.config.channels[self.channel.manifest.id]
        found = self.accounts.get(block.default_account if name is None else name)
        if found is None and name is None:
            found = next(iter(self.accounts.values()))
        if found is None:
            there = ", ".join(self.accounts)
            raise RehearsalError(
                later("no enabled account is called '{name}': there are {names}", name=name, names=there)
            )
        return found

    async def begin(self) -> None:
        """Start the gateway, and log every enabled account in."""
        await self.gateway.start()
        for account in self.accounts.values():
            await self.log_in(account)
            await self.wait_for_phase(account, Phase.READY)

    async def log_in(self, account: Account, *, force: bool = False) -> None:
        """Log in by a code that the account's phone scans, and accept the risk: nothing is at risk here.

        Raises `RehearsalError`, also for what the cast cannot do.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.cast.scan(account))
                tasks.create_task(asyncio.to_thread(self._follow_login, account, force))
        except* (CastError, ControlError) as errors:
            why = errors.exceptions[0].args[0]
            raise RehearsalError(
                later("{account} cannot log in: {why}", account=str(account), why=why)
            ) from None

    def _follow_login(self, account: Account, force: bool) -> None:
        for event in follow_gateway(self.paths, LogIn(account.channel, account.id, force), Caller.CLI):
            if isinstance(event, ConsentNeeded):
                ask_gateway(self.paths, Accept(account.channel, account.id, "rehearsal", "yes"), Caller.CLI)

    async def ask(self, request: Request[R]) -> R:
        """The result of an operation of the gateway."""
        return await asyncio.to_thread(ask_gateway, self.paths, request, Caller.CLI)

    async def phase(self, account: Account) -> Phase:
        """The phase of an account; stopped while the gateway is."""
        if not self.gateway.runs:
            return Phase.STOPPED
        status = await self.ask(GetStatus(account.channel, account.id))
        return status.channels[account.channel].accounts[account.id].phase

    async def wait_for_phase(self, account: Account, phase: Phase) -> None:
        """Raises `RehearsalError` if the account does not get there."""
        for _ in _until(_READY_S):
            now = await self.phase(account)
            if now is phase:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        stays = later("{account} is '{now}', not '{phase}', after {n:.0f} s")
        raise RehearsalError(later(stays, account=str(account), now=now, phase=phase, n=_READY_S))

    async def look(self) -> list[Seen]:
        """What the simulator saw since the last look."""
        after = self.seen[-1].seq if self.seen else 0
        new: list[Seen] = []
        while page := await self.cast.seen(after):
            new += page
            after = page[-1].seq
        self.seen += new
        return new

    @property
    def last(self) -> int:
        """The number of the last thing that was seen."""
        return self.seen[-1].seq if self.seen else 0

    def left(self, after: int) -> list[Left]:
        """What left after a number."""
        return [
            Left(one.seq, str(one.fields.get("thread_id", "")), str(one.fields.get("text", "")))
            for one in self.seen
            if one.seq > after and one.kind == "sent"
        ]

    async def wait_for(self, kind: str, after: int, fits: Callable[[Seen], bool] = lambda _one: True) -> bool:
        """Whether the simulator saw something of this kind after a number, now or within some seconds."""
        for _ in _until(_READY_S):
            await self.look()
            if any(one.kind == kind and one.seq > after and fits(one) for one in self.seen):
                return True
            self.seen += await self.cast.seen(self.last, 1.0)
        return False

    def saw(self, after: int, thread_id: str) -> list[str]:
        """The kinds of what was seen in a thread after a number, each once."""
        kinds = (
            one.kind for one in self.seen if one.seq > after and one.fields.get("thread_id") == thread_id
        )
        return list(dict.fromkeys(kinds))

    async def fate(
        self, account: Account, message_id: str, *, unread: bool = False, leave_drafts: bool = False
    ) -> Fate:
        """What became of a message, once nothing more happens to it by itself.

        One that is expected to be `unread` is not waited for so long. A draft is approved, so that it shows
        what leaves then, or else is left waiting.
        """
        read_s = _UNREAD_S if unread else _READ_S
        story = None
        for _ in _until(read_s):
            phase = await self.phase(account)
            if phase is Phase.READY:
                story = await self._story(account, message_id)
            if story is not None or phase not in _PASSING:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        if story is None:
            return Fate(Outcome.UNREAD)
        outcome, approved = None, list[int]()
        for _ in _until(_DECIDED_S + self.patience_s):
            now = () if leave_drafts else await self._approve(story)
            approved += now
            outcome = None if now else await self._outcome(account, story)
            if outcome is not None:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
            story = await self._story(account, message_id) or story
        return Fate(outcome or Outcome.WAITING, story, tuple(approved))

    async def _outcome(self, account: Account, story: Story) -> Outcome | None:
        """None while something happens soon."""
        outcome = outcome_of(story)
        if outcome is Outcome.HELD:
            hold = story.standing.hold if story.standing else None
            return None if hold is not None and _soon(hold.until_ms) else outcome
        if story.standing is None or story.standing.stage is not TurnStage.WAITING:
            return outcome
        # It may wait behind another answer of its thread, which pacing holds.
        status = await self.ask(GetStatus(account.channel, account.id))
        held = status.channels[account.channel].accounts[account.id].held
        there = [one for one in held if one.thread == str(story.recorded.thread)]
        return Outcome.WAITING if any(not _soon(one.until_ms) for one in there) else None

    async def _approve(self, story: Story) -> tuple[int, ...]:
        """Approve what would wait for the operator; gives the numbers of these drafts."""
        drafts = Fate(Outcome.DRAFTED, story).drafts
        for number in drafts:
            await self.ask(Approve(number, stale_ok=True))
        return drafts

    async def challenge_left(self, fate: Fate, after: int) -> bool:
        """Whether the text of a challenge left, or none had to."""
        assert fate.story is not None
        decision, thread = fate.story.recorded.made[-1].decision, fate.story.recorded.thread
        if decision.reason is not Reason.DM_PAIRING_REQUIRED:
            return True
        return await self.wait_for("sent", after, lambda one: one.fields.get("thread_id") == thread.id)

    async def _story(self, account: Account, message_id: str) -> Story | None:
        told = await self.ask(Why(message_id))
        stories = (one.message for one in told.items if one.message)
        return next((one for one in stories if one.recorded.account == str(account)), None)


@asynccontextmanager
async def staged(play: Play, folder: Path) -> AsyncIterator[Stage]:
    """A stage in a folder of its own, with a simulator that runs.

    Raises `RehearsalError`, `NoSimulator`, and `ConfigError` for a config that is not valid.
    """
    state = folder / "state"
    state.mkdir(mode=0o700, parents=True)
    name = play.config_name if play.config_file is None else play.config_file.name
    (folder / "config").mkdir()
    paths = Paths(state, folder / "config" / name)
    _write_config(play, paths.config_file)
    play.channel.install(paths)
    plugins = OnlyRehearsed(play.channel.manifest, play.channel.others)
    ours = {"CLAWLANE_STATE_DIR": str(state), "CLAWLANE_CONFIG": str(paths.config_file)}
    async with simulator(play.channel.runtime, folder, empty=True) as network:
        environ = child_environment({**ours, **network})
        config = load(paths, plugins, environ)
        gateway = GatewayProcess(
            paths, environ, folder / "gateway.out", agents=play.agents, without=play.channel.others
        )
        patience = _AGENT_S if play.agents else 0.0
        stage = Stage(play.channel.runtime.cast_of(network), play.channel, config, paths, gateway, patience)
        await _enroll(stage)
        try:
            yield stage
        finally:
            await gateway.stop()


async def _enroll(stage: Stage) -> None:
    block = stage.config.channels.get(stage.channel.manifest.id)
    stage.accounts = {one.id: one for one in (block.accounts if block else ()) if one.enabled}
    if not stage.accounts:
        raise RehearsalError(
            later(
                "the config has no enabled account of channel '{channel}'", channel=stage.channel.manifest.id
            ),
            f"openclaw config set channels.{stage.channel.manifest.id}.enabled true",
        )
    for account in stage.accounts.values():
        stage.figures[account.id] = await stage.cast.enroll(account)
        # A directory without any friend or group is not believed, and holds up the look-up of names.
        friend = await stage.cast.person(_ACQUAINTANCE, friend=True, account=account)
        await stage.cast.group(_QUIET_GROUP, [friend], account=account)


def _write_config(play: Play, file: Path) -> None:
    if play.config_text is not None:
        file.write_text(play.config_text, encoding="utf-8")
    elif play.config_file is not None:
        shutil.copyfile(play.config_file, file)
    file.chmod(0o600)


def _soon(until_ms: int | None) -> bool:
    return until_ms is not None and until_ms - now_ms() < _HELD_S * 1000


def _until(seconds: float) -> Iterator[None]:
    """Once, and again until so many seconds have passed."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        yield
