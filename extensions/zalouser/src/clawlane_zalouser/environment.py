"""What the channel takes from its process: network, clocks, random numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random, SystemRandom

from clawlane.channel import Account
from clawlane_zalouser.login_slots import LoginSlots
from zaloweb.trace import Trace
from zaloweb.transport.clock import Clock, SystemClock
from zaloweb.transport.network import Network
from zaloweb.transport.platform_clock import PlatformClock

LISTS_AT_ONCE = 2
"""A list of 5000 friends takes 17 MB while it is read, and all accounts ask for theirs at a start."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Shared by all accounts, so that they share one trust store. Making one may raise `SettingsError`."""

    network: Network = field(default_factory=Network.from_env)
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=SystemRandom)
    platform_clock: PlatformClock = field(init=False)
    lists: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LISTS_AT_ONCE), init=False, repr=False
    )
    """Held while a list of thousands of people is read, until the store has it."""
    logins: LoginSlots = field(default_factory=LoginSlots, init=False, repr=False)
    _before_write: list[Callable[[], str]] = field(default_factory=list, init=False, repr=False)
    _traces: dict[str, Trace] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "platform_clock", PlatformClock(self.clock))

    def ask_before_writing(self, ask: Callable[[], str]) -> None:
        """Whom `before_write` asks from now on."""
        self._before_write[:] = [ask]

    def before_write(self) -> str:
        """Why nothing may be written now; empty while it may."""
        return next((ask() for ask in self._before_write), "")

    def trace(self, account: Account) -> Trace:
        """Who is told of the frames and calls of an account, over all its logins and connections."""
        return self._traces.setdefault(account.id, Trace())
