"""What one account runs with: everything that its parts in this room are given from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from clawlane.access.policy import Grants
from clawlane.backoff import Sleep
from clawlane.channel import Account, Channel, State
from clawlane.lane.alarm_feed import AlarmFeed, NoFeed
from clawlane.lane.evidence import Evidence
from clawlane.lane.gate import Gate
from clawlane.lane.live_agents import LiveAgents
from clawlane.lane.live_settings import LiveSettings
from clawlane.lane.send_record import SendTrouble
from clawlane.store.account_store import Clock
from clawlane.store.media_files import MediaFiles


async def _nothing() -> None:
    """There are no names to look up."""


@dataclass(frozen=True, slots=True)
class AccountDeps:
    """What an account runs with. `report` is called with every state; `jitter` gives a number from 0 to 1.

    `settings` and `agents` are those in force, over all runs. `ready` returns once messages can be decided:
    `grants` then knows the own id and the pinned names. `pin` looks up names while the account runs. `media`
    is where files that people send are kept; without it none is fetched. `trouble` is called when sending
    stops working, and with None when it works again. `outgoing` is the folder for copies of files that wait
    to be sent. `evidence` keeps what became of signals and fetches; `alarms` is told what may be trouble.
    `act` carries out a command of the owner and gives the answer. `before_write` says why nothing may be
    written to the platform now; empty while it may.
    """

    settings: LiveSettings
    channel: Channel
    agents: LiveAgents
    gate: Gate
    grants: Callable[[], Grants]
    ready: Callable[[], Awaitable[None]]
    slots: asyncio.Semaphore
    now_ms: Clock
    jitter: Callable[[], float]
    report: Callable[[State], None]
    pin: Callable[[], Coroutine[None, None, None]] = _nothing
    media: MediaFiles | None = None
    trouble: Callable[[SendTrouble | None], None] = lambda _: None
    outgoing: Path | None = None
    evidence: Evidence = field(default_factory=Evidence)
    act: Callable[[str], Awaitable[str]] | None = None
    alarms: AlarmFeed = field(default_factory=NoFeed)
    sleep: Sleep = asyncio.sleep
    before_write: Callable[[], str] = str

    @property
    def account(self) -> Account:
        """The account, with its settings of now."""
        return self.settings.now.account
