"""The config in force: an edited file is taken over whole, waits for the operator, or is refused."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

from clawlane.access.comparison import compare
from clawlane.access.exposure import Change, Exposure
from clawlane.agents.errors import AgentsUnusable
from clawlane.backoff import Backoff
from clawlane.channel import Channel, ChannelUnusable
from clawlane.config.choices import Reload
from clawlane.config.errors import ConfigError, Problem
from clawlane.config.load import Config
from clawlane.credentials.files import CredentialsError
from clawlane.gateway.accounts import Accounts, EditNote
from clawlane.gateway.agent_host import OpenAgents, what_agents_depend_on
from clawlane.gateway.log_level import LEVEL
from clawlane.gateway.reload import Look
from clawlane.gateway.wanted import Edited
from clawlane.lane.live_agents import LiveAgents
from clawlane.ops.context import GONE, Refused, Waiting
from clawlane.ops.exposure import exposure, policies
from clawlane.ops.exposure_text import sentences
from clawlane.ops.operation import Caller, OpError
from clawlane.plugins.errors import PluginError
from clawlane.plugins.registry import load_runtime
from clawlane.store.errors import StoreError
from clawlane.store.events import Edit
from clawlane.texts import later

UNGUARDED = later("edits that widen access no longer wait: gateway.reload is not 'ask' any more")

_FIRST_WAIT = 2.0
_LONGEST_WAIT = 300.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Ready:
    """A config with all that can fail behind it. `agents` are None where those that run are its own."""

    config: Config
    channels: Mapping[str, Channel]
    agents: OpenAgents | None = None

    def hand_over(self, to: LiveAgents) -> None:
        """Let its agents answer from now on."""
        if self.agents is not None:
            to.replace(self.agents.agent, self.agents.close)
            self.agents = None

    def close(self) -> None:
        """Close its agents, unless they were handed over."""
        if self.agents is not None:
            self.agents.close()


@dataclass(slots=True)
class ConfigInForce:
    """Decides what becomes of the config file while the gateway runs.

    `load` reads it, `open_agents` opens the agents of a config (None: they never change). A config comes into
    force whole or not at all: what can fail is tried first. `announce` logs how accounts are set up.
    """

    accounts: Accounts
    agents: LiveAgents
    load: Callable[[], Config]
    open_agents: Callable[[Config], Awaitable[OpenAgents]] | None
    announce: Callable[[Config, Sequence[str]], None]
    applied: Config
    """The config that was applied last. While a widening waits, accounts that it switches off are off."""
    applied_ms: int = 0
    refused: Refused | None = None
    waiting: Waiting | None = None
    _edited: Config | None = None
    _backoff: Backoff = field(default_factory=lambda: Backoff(_FIRST_WAIT, _LONGEST_WAIT))
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, seen: Look) -> float | None:
        """Act on the file as it is now. One that cannot be used changes nothing.

        Gives the seconds after which to try it again, if that may help.
        """
        async with self._lock:
            with ExitStack() as stack:
                try:
                    ready = await self._ready(seen.revision)
                    stack.callback(ready.close)
                    known = ready.config.source.revision == (self._edited or self.applied).source.revision
                    changes = None if known else await self._compare(ready.config)
                except Exception as error:  # whatever it is, the operator has to learn of it
                    return self._refuse(seen.revision, error)
                self._mended()
                if changes is not None:
                    self._weigh(ready, changes)
                return None

    async def apply(self, by: tuple[str, str], reviewed: str = "") -> tuple[Exposure, list[str]]:
        """Let the file count as it is, whatever it widens. Gives what changes, and which accounts start anew.

        `by` is the caller and the operation. Raises what keeps the file from being used, and `OpError` if the
        revision that was `reviewed` is not the file's.
        """
        async with self._lock:
            with closing(await self._ready(reviewed=reviewed)) as ready:
                changes = await self._compare(ready.config)
                self._mended()
                return changes, self._apply(ready, changes, by)

    async def check(self) -> Config:
        """Try out the file as it is, with its channels and agents. Raises what keeps it from being used."""
        async with self._lock:
            with closing(await self._ready()) as ready:
                return ready.config

    async def foresee(self, config: Config) -> tuple[str, ...]:
        """What would keep a config waiting for the operator, in sentences; empty if nothing does."""
        async with self._lock:
            return self._waits_for(config, await self._compare(config))

    def _weigh(self, ready: _Ready, changes: Exposure) -> None:
        if told := self._waits_for(ready.config, changes):
            self._hold(ready, changes, told)
        else:
            self._apply(ready, changes)

    def _waits_for(self, config: Config, changes: Exposure) -> tuple[str, ...]:
        modes = (self.applied.root.gateway.reload, config.root.gateway.reload)
        if Reload.ASK not in modes:
            return ()
        unguarded = [UNGUARDED] if modes == (Reload.ASK, Reload.AUTO) else []
        return (*sentences(changes.widens), *unguarded)

    def _apply(self, ready: _Ready, changes: Exposure, by: tuple[str, str] | None = None) -> list[str]:
        before, config = self.applied, ready.config
        # Nothing waits here: every decision is made before the swap or after it.
        changed = self.accounts.follow(config, None, ready.channels)
        ready.hand_over(self.agents)
        LEVEL.set(config.root.logging.level)
        self.applied, self.applied_ms = config, self.accounts.now_ms()
        self.accounts.store.work_by(config.source.revision, config.source.substance)
        self.waiting = self._edited = None
        log.info("the config of revision %s is in force", config.source.revision)
        if config.root.store != before.root.store:
            log.warning("the edit of `store` waits for the next start: openclaw gateway restart")
        _log_changes(changes)
        for warning in config.warnings:
            if warning not in before.warnings:
                log.warning("%s", warning)
        concerned = {one.account for one in (*changes.widens, *changes.narrows)}
        self._announce(config, sorted(concerned.union(changed)))
        self._record(config.source.revision, Edit.IN_FORCE, changes, by)
        return changed

    def _hold(self, ready: _Ready, changes: Exposure, told: tuple[str, ...]) -> None:
        """Keep a config that widens access waiting; what it narrows counts at once.

        Its agents can be opened, but who knows when they are needed.
        """
        config = ready.config
        edited = Edited(config, frozenset(one.account for one in changes.narrows if one.is_about_people))
        self.accounts.follow(_without_those_off(self.applied, config), edited, self.accounts.channels)
        names = tuple(map(str, config.accounts))
        self._edited, self.waiting = config, Waiting(config.source.revision, told, names)
        command = f"openclaw config apply --revision {config.source.revision}"
        log.warning("the edited config widens access and waits for: %s", command)
        for sentence in told:
            log.warning("it would widen: %s", sentence)
        for sentence in sentences(changes.narrows):
            log.info("it narrows at once: %s", sentence)
        self._record(config.source.revision, Edit.WAITS, changes)

    def _refuse(self, revision: str, error: Exception) -> float | None:
        """Keep why the file cannot be used. Gives the seconds until it is tried again, if it is."""
        problems = _problems(error)
        if self.refused is None or self.refused.revision != revision:
            self._backoff.reset()
        if self.refused is None or (self.refused.revision, self.refused.problems) != (revision, problems):
            log.error("the config file cannot be used; the config that was applied before stays in force")
            for problem in problems:
                log.error("%s", problem)
            if not isinstance(error, (*_FORESEEN, AgentsUnusable, ConfigError)):
                log.error("where that came from", exc_info=error)
            self._record(revision, Edit.REFUSED, Exposure())
        # What is wrong in the file itself stays wrong until somebody saves another one.
        wait = None if isinstance(error, ConfigError) else self._backoff.next()
        again_ms = None if wait is None else self.accounts.now_ms() + round(wait * 1000)
        self.refused = Refused(revision, problems, again_ms)
        return wait

    def _mended(self) -> None:
        if self.refused is not None:
            log.info("the config file can be used again")
            self.refused = None

    async def _ready(self, revision: str = "", reviewed: str = "") -> _Ready:
        """The file as a config, with its channels and agents. Raises whatever keeps it from being used.

        Raises `OpError` before it opens anything if another revision was `reviewed`.
        """
        config = await asyncio.to_thread(self.load)
        if reviewed and config.source.revision != reviewed:
            raise OpError(
                later(
                    "the file is not the one of revision {revision} any more: nothing was applied",
                    revision=reviewed,
                ),
                later("look at what it opens now: openclaw channels status --json"),
            )
        if self.applied.source.exists and (revision == GONE or not config.source.exists):
            raise ConfigError([Problem("", str(config.source.file), None, None, later("the file is gone"))])
        channels: dict[str, Channel] = {}
        for name, block in config.channels.items():
            if name in self.accounts.channels:
                channels[name] = self.accounts.channels[name]
            else:
                channels[name] = await asyncio.to_thread(load_runtime, block.manifest)
        same = what_agents_depend_on(config) == what_agents_depend_on(self.applied)
        if self.open_agents is None or same:
            return _Ready(config, channels)
        return _Ready(config, channels, await self.open_agents(config))

    async def _compare(self, config: Config) -> Exposure:
        """What a config would change about who gets in, compared with the one applied last."""
        try:
            return await exposure(self.accounts.context(Caller.GATEWAY), self.applied, config)
        except StoreError as error:
            log.warning("who is affected by the edited config is unknown: %s", error)
            return compare(policies(self.applied), policies(config), {})

    def _record(
        self, revision: str, edit: Edit, changes: Exposure, by: tuple[str, str] | None = None
    ) -> None:
        """Tell the event feed, on every account."""
        for name in {*self.accounts.supervisors, *map(str, self.applied.accounts)}:
            widens, narrows = (_kinds(found, name) for found in (changes.widens, changes.narrows))
            try:
                self.accounts.note(name, EditNote(revision, edit, widens, narrows, by))
            except Exception:
                log.exception("%s: the event feed does not tell of this edit", name)

    def _announce(self, config: Config, names: Sequence[str]) -> None:
        """Log how accounts are set up. What fails here changes nothing about the config in force."""
        try:
            self.announce(config, names)
        except Exception:
            log.exception("the config is in force, but how accounts are set up could not be told")


_FORESEEN = (ChannelUnusable, CredentialsError, PluginError, StoreError)
"""Errors whose text is for the operator."""


def _problems(error: Exception) -> tuple[str, ...]:
    """What is wrong, one line for each."""
    if isinstance(error, ConfigError):
        return tuple(map(str, error.problems))
    if isinstance(error, AgentsUnusable):
        return error.problems
    if isinstance(error, ExceptionGroup):
        return tuple(line for one in error.exceptions for line in _problems(one))
    if isinstance(error, _FORESEEN):
        return (error.args[0],)
    told = next(iter(str(error).splitlines()), "")
    what = f"{type(error).__name__}: {told}" if told else type(error).__name__
    return (later("it could not be tried out: {error}", error=what),)


def _kinds(changes: Sequence[Change], account: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in changes:
        if one.account == account:
            found[one.code] += one.count
    return dict(found)


def _log_changes(changes: Exposure) -> None:
    for sentence in sentences(changes.widens):
        log.warning("it widens access: %s", sentence)
    for sentence in sentences(changes.narrows):
        log.info("it narrows access: %s", sentence)


def _without_those_off(config: Config, edited: Config) -> Config:
    """A config in which the accounts are off that are off in the edited one, or not in it."""
    on = {str(one) for one in edited.accounts if one.enabled}
    channels = {
        name: replace(
            block,
            accounts=tuple(replace(one, enabled=one.enabled and str(one) in on) for one in block.accounts),
        )
        for name, block in config.channels.items()
    }
    return replace(config, channels=channels)
