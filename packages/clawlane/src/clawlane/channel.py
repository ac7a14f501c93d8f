"""The contract between the gateway and a channel.

`Channel` is mandatory and small; optional capabilities are protocols in `clawlane.capabilities`. A plugin is
a Python distribution with an entry point in the group `clawlane.channels` that returns a `Manifest`.

How a send can fail, and what the outbox does then:

    SendFailed
    ├── NotSent      no byte left, or the platform said "later": tried again
    ├── NeedsLogin   the session is gone: waits until the operator has logged in
    ├── Refused      the platform said no: never tried again
    └── Unknown      bytes left and no answer came: sent again only once it is known to be missing

A channel that cannot work in this environment raises `ChannelUnusable` from any of its methods.

How the sealed session can fail:

    VaultError
    └── VaultClosed  logged out, or replaced by a new login: a late save is discarded
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Any, Protocol

from clawlane.condition import Health as Health
from clawlane.condition import Phase as Phase
from clawlane.condition import StateCode as StateCode
from clawlane.messages import Fact, Inbound, Outgoing, Person, Receipt, Reply, Signal, Thread, ThreadKind
from clawlane.texts import later

ENTRY_POINT_GROUP = "clawlane.channels"


class Capability(StrEnum):
    """What a channel can send or show: the kinds of `Outgoing` and `Signal`, and what a text may have."""

    TEXT = "text"
    STYLES = "styles"
    MENTIONS = "mentions"
    QUOTE = "quote"
    PHOTO = "photo"
    ALBUM = "album"
    FILE = "file"
    VOICE = "voice"
    VIDEO = "video"
    LINK = "link"
    REACTION = "reaction"
    UNDO = "undo"
    TYPING = "typing"
    DELIVERED = "delivered"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the gateway knows of a channel before it loads it.

    The module of a manifest must not import the channel's libraries, so that `plugins list` stays quick:
    `settings` and `runtime` are `"module:attribute"` strings. `settings` names the pydantic model of the
    channel's config block, `runtime` a `Channel` class without constructor arguments. `unofficial` shows the
    platform risk in lists.
    """

    id: str
    label: str
    aliases: tuple[str, ...]
    settings: str
    runtime: str
    summary: str = ""
    unofficial: bool = False
    capabilities: frozenset[Capability] = frozenset((Capability.TEXT,))


@dataclass(frozen=True, slots=True)
class Account:
    """One login that the operator runs. `settings` is the channel's own settings model for this account."""

    channel: str
    id: str
    profile: str
    settings: Any = field(repr=False)
    name: str = ""
    enabled: bool = True

    def __str__(self) -> str:
        return f"{self.channel}/{self.id}"


@dataclass(frozen=True, slots=True)
class State:
    """The state of one account, as its channel reports it. A `None` health leaves what was known.

    `code` says why for programs (a `StateCode`, or one of the channel's own; empty if the phase says it all),
    `reason` in one sentence for people, and `action` is the command that helps, empty if there is none.
    `noticed_ms` is the longest time until a dead connection is noticed, 0 if that is not known. `skew_ms` is
    how far the platform's clock is ahead of this machine's; None leaves what was known. `language` is that of
    the account (`vi`, `en`), empty if the channel does not know. `close_code` is that of the WebSocket whose
    end this reports, and 0 for every other state.
    """

    phase: Phase
    reason: str = ""
    action: str = ""
    auth: Health | None = None
    inbound: Health | None = None
    outbound: Health | None = None
    user_id: str = ""
    user_name: str = ""
    noticed_ms: int = 0
    skew_ms: int | None = None
    language: str = ""
    code: str = ""
    close_code: int = 0


class VaultError(Exception):
    """The sealed session cannot be read or written.

    The text is one line for the operator; `help` is the command that helps.
    """

    def __init__(self, text: str, help: str = "") -> None:
        super().__init__(later("{text}; {help}", text=text, help=help) if help else text)
        self.help = help
        self.text = text


class VaultClosed(VaultError):
    """The session was logged out or replaced by a new login since it was read; the save is discarded."""


class Vault(Protocol):
    """The sealed session of one profile. It cannot be written after a logout."""

    async def read(self) -> bytes | None:
        """The session as last written, or None when nobody is logged in.

        Raises `VaultError` if it is damaged.
        """
        ...

    async def write(self, secret: bytes) -> None:
        """Seal and store atomically.

        Raises `VaultClosed` if the session read before was logged out or replaced since.
        """
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one kind of thread had been read before this connection, in the platform's time.

    `at_ms` and `message_id` are those of the newest admitted message, 0 and empty without one. The channel
    fetches messages back to `reach_ms` and passes on those sent at `since_ms` or later.
    """

    at_ms: int
    message_id: str
    reach_ms: int
    since_ms: int


class Host(Protocol):
    """The gateway as a channel sees it, for one account. It may grow, but keeps what it has."""

    @property
    def vault(self) -> Vault: ...

    async def cursor(self, kind: ThreadKind) -> Cursor:
        """What to fetch after connecting. Ask before admitting any message of the connection.

        The answer stays the same, across restarts too, until `caught_up`.
        """
        ...

    async def caught_up(
        self, kind: ThreadKind, back_to_ms: int, own_ids: frozenset[str] = frozenset()
    ) -> None:
        """Everything of this kind sent since `back_to_ms` has gone through `admit` and `observe`.

        That includes own messages. If that does not reach the cursor, the gap is recorded. `own_ids` are the
        message ids of all own messages that were fetched, older ones too. If one of them has a receipt, the
        platform returns what this login sent; only then does a message that was not fetched count as
        missing.
        """
        ...

    async def admit(self, inbound: Inbound) -> None:
        """Decide about a message and store it.

        Returns at once while the store keeps up, and otherwise applies back-pressure to the reader.
        """
        ...

    async def observe(self, fact: Fact) -> None:
        """Record a fact that is not a message to answer."""
        ...

    async def keep_peers(self, people: Sequence[Person]) -> bool:
        """Store the account's peers as the platform has just listed them.

        False for an implausible list: empty, or far shorter than before. Then the former list is kept, and
        it is unknown who is a friend.
        """
        ...

    async def is_peer(self, user_id: str) -> bool:
        """Whether the list of `keep_peers` that was kept last has somebody."""
        ...

    def report(self, state: State) -> None:
        """Report the state of the account. Cheap; call it at every change."""
        ...


class ChannelUnusable(Exception):
    """The channel cannot work in this environment. The text is one line for the operator."""


class SendFailed(Exception):
    """A message is not known to have arrived. The text is for the operator."""


class NotSent(SendFailed):
    """The platform has not accepted the message. `retry_in` is in seconds, `limit_code` as in `Refused`."""

    def __init__(self, text: str, retry_in: float = 5.0, *, limit_code: int = 0) -> None:
        super().__init__(text)
        self.retry_in = retry_in
        self.limit_code = limit_code


class NeedsLogin(SendFailed):
    """The account has to log in before anything can be sent."""


class Refused(SendFailed):
    """The platform refused this message for good.

    `limit_code` is the platform's code where the refusal may be about the account as a whole; 0 where it is
    about this message, person or group.
    """

    def __init__(self, text: str, *, limit_code: int = 0) -> None:
        super().__init__(text)
        self.limit_code = limit_code


class Unknown(SendFailed):
    """It is not known whether the message arrived.

    `taken` says that the platform accepted it but returned no id: it is never sent again automatically.
    Of an album `arrived` are the ids of the pictures that are there, in their places; "" for the others.
    """

    def __init__(self, text: str, *, taken: bool = False, arrived: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.taken = taken
        self.arrived = arrived


class Channel(Protocol):
    """A messaging platform. One object serves all of its accounts."""

    async def run(self, account: Account, host: Host) -> None:
        """Run one account until cancelled: connect, read in order, `host.admit`, reconnect.

        Returns when the operator is needed, after a `report` that says why.
        """
        ...

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        """Send one chunk over the connection of `run`. Raises a `SendFailed`."""
        ...

    async def signal(self, account: Account, signal: Signal) -> None:
        """Show a signal, if that is possible now. Best effort: exceptions are ignored."""
        ...

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        """A reply as chunks that fit the channel. Pure: must not do I/O."""
        ...


def load_dotted(text: str) -> Any:
    """The attribute named by `"module:attribute"`.

    Raises what importing its module raises, and `ImportError` if there is no such attribute.
    """
    module, _, attribute = text.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except AttributeError:
        raise ImportError(f"{module} has no '{attribute}'") from None
