"""What is kept of a profile: its sealed session, the accepted risk, the mark of a takeover. Each is bytes.

They are files in the state directory (`record_files.py`), or rows of the database that several gateways share
(`clawlane.store.postgres.record_table`). Whoever keeps them never opens a session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

MAGIC = b"clawlane vault 1\n"
GENERATION_HEX = 32


class Kind(StrEnum):
    """What of a profile it is."""

    SESSION = "session"
    CONSENT = "consent"
    TAKEOVER = "takeover"


class Record(NamedTuple):
    """Which one of which profile."""

    kind: Kind
    channel: str
    profile: str


class Owner(Protocol):
    """The right to write for an account: `clawlane.store.account_store.AccountStore`."""

    def run(self, transition: Callable[..., T], /, *args: Any) -> Awaitable[T]:
        """The result of a transition. Raises `StoreLost` where another gateway runs the account."""


class ProfileRecords(Protocol):
    """Where the records are."""

    def load(self, record: Record) -> bytes | None:
        """The content; None where there is none."""

    def put(self, record: Record, content: bytes) -> None:
        """Store it durably, in place of any other."""

    def remove(self, record: Record) -> bool:
        """False if there was none."""

    def names(self, kind: Kind) -> list[Record]:
        """All of a kind, in the order of channels and profiles."""

    def changed_ms(self, record: Record) -> int | None:
        """When it was stored last; None where there is none."""

    def where(self, record: Record) -> str:
        """The file that it is, or would be, or the database that holds it: for people."""

    def at_once(self) -> AbstractContextManager[ProfileRecords]:
        """The records for a few questions, which a database is asked on one session."""

    def alone(self) -> AbstractContextManager[ProfileRecords]:
        """The records, while no other session changes: of all processes, on all machines that share them."""

    async def refresh(self, record: Record, generation: bytes, content: bytes, owner: Owner | None) -> bool:
        """Store a session over one of the same generation; False where that is gone, or another one is there.

        Raises `VaultClosed` where `owner` has lost the account, if the records can tell.
        """

    async def put_by(self, owner: Owner, record: Record, content: bytes) -> None:
        """The same as `put` for who owns an account. Raises `StoreLost` where another gateway runs it now."""


def generation_of(sealed: bytes) -> bytes:
    """The generation of a sealed session, in hexadecimal digits; empty for what is none."""
    found = sealed[len(MAGIC) : len(MAGIC) + GENERATION_HEX]
    return found if sealed.startswith(MAGIC) else b""
