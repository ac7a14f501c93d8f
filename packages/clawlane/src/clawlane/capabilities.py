"""What a channel may be able to do beside receiving and sending, each a protocol found with `isinstance`.

Login by QR code, a probe, a directory, looking up what became of a send, a risk to accept, a rehearsal. A
look-up among an account's people and groups fails with `DirectoryError`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from clawlane.channel import Account, Vault
from clawlane.messages import Group, Members, Person, ThreadKind


@dataclass(frozen=True, slots=True)
class ShowQr:
    """A code to scan: a PNG, good until `expires_ms`."""

    png: bytes = field(repr=False)
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """Somebody scanned the code and has to confirm on the phone."""

    name: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The phone said yes; the session is being fetched."""


@dataclass(frozen=True, slots=True)
class Done:
    """Logged in. `secret` is what the vault keeps; nothing is stored until the caller does it."""

    user_id: str
    user_name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody scanned in time."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The phone said no."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The login broke off at `stage`; `reason` is one sentence for the operator."""

    stage: str
    reason: str


LoginStep = ShowQr | Scanned | Confirmed | Done | Expired | Declined | Failed


@runtime_checkable
class Login(Protocol):
    """A channel whose accounts log in by scanning a code."""

    def steps(self, account: Account) -> AsyncIterator[LoginStep]:
        """The login as a stream that ends with exactly one of Done, Expired, Declined, Failed."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Whether the stored session is accepted right now."""

    ok: bool
    user_id: str = ""
    user_name: str = ""
    error: str = ""
    expired: bool = False
    elapsed_ms: int = 0


@runtime_checkable
class CanReconcile(Protocol):
    """A channel that can fetch what was written while it is connected, and not only after it connected."""

    async def look_up(self, account: Account, kind: ThreadKind) -> None:
        """Begin to fetch, as after a connect: `Host.cursor` says how far, `Host.caught_up` that it is done.

        Nothing happens where there is no connection, for the next one fetches anyhow.
        """
        ...


@runtime_checkable
class Probe(Protocol):
    """A channel that can ask the platform whether a session still holds."""

    async def probe(self, account: Account, vault: Vault) -> ProbeResult:
        """One live request with the session in the vault. Never raises for what the platform says."""
        ...


class DirectoryError(Exception):
    """People or groups could not be looked up; the text is one line, `help` the command that mends it.

    `needs_login` says that trying again is useless until the operator has logged in.
    """

    def __init__(self, text: str, help: str = "", *, needs_login: bool = False) -> None:
        super().__init__(text)
        self.help = help
        self.needs_login = needs_login


@runtime_checkable
class Directory(Protocol):
    """A channel that can tell whom an account knows.

    All of these use the connection of `run` where there is one, else the session in the vault, for the time
    of the question. They raise `DirectoryError` and `VaultError`.
    """

    async def self_(self, account: Account, vault: Vault) -> Person:
        """The account itself."""
        ...

    async def peers(self, account: Account, vault: Vault) -> list[Person]:
        """The people the account is connected to: its friends."""
        ...

    async def groups(self, account: Account, vault: Vault) -> list[Group]:
        """The groups the account is in."""
        ...

    async def members(self, account: Account, vault: Vault, group_id: str) -> Members:
        """The members of one group, as far as the platform tells. An unknown group is a `DirectoryError`."""
        ...


@runtime_checkable
class NeedsConsent(Protocol):
    """A channel that an operator has to accept the risk of before an account runs."""

    def risk(self) -> RiskNotice: ...


@dataclass(frozen=True, slots=True)
class RiskNotice:
    """What running the channel may cost, in a few lines, and what else there is."""

    title: str
    lines: tuple[str, ...]
    alternative: str


@runtime_checkable
class Rehearsal(Protocol):
    """A channel that can be pointed at a simulator."""

    def rehearsal(self) -> str:
        """Where the simulator is (`127.0.0.1:4443`), or empty for the real platform."""
        ...
