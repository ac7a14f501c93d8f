"""The contract between the gateway and a channel.

`Channel` is mandatory and small; what else a channel may be able to do stands in `clawlane.capabilities`. A
plugin is a Python distribution with an entry point in the group `clawlane.channels` that gives a `Manifest`.

How a send can fail, and what the outbox makes of it:

    SendFailed
    ├── NotSent      no byte left, or the platform said "later": may be tried again
    ├── NeedsLogin   the session is gone: waits until the operator has logged in
    ├── Refused      the platform said no: trying again is useless
    └── Unknown      bytes left and no answer came: sent again only once its absence is shown

A channel that cannot work at all as things are raises `ChannelUnusable` from any of its methods.

How the sealed session can fail:

    VaultError
    └── VaultClosed  logged out or replaced by a new login: a late save is void
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Any, Protocol

from clawlane.messages import Fact, Inbound, Outgoing, Person, Receipt, Reply, Signal, Thread, ThreadKind

ENTRY_POINT_GROUP = "clawlane.channels"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the gateway knows of a channel before it loads it.

    Importing the module of a manifest must not import the channel's libraries, so that `plugins list` stays
    quick: `settings` and `runtime` are `"module:attribute"` texts. `settings` names a pydantic model of the
    channel's block in the config, `runtime` a `Channel` class that takes no arguments. `unofficial` names the
    platform risk in lists.
    """

    id: str
    label: str
    aliases: tuple[str, ...]
    settings: str
    runtime: str
    summary: str = ""
    unofficial: bool = False


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


class Phase(StrEnum):
    """Where an account stands in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    CONNECTING = "connecting"
    READY = "ready"
    DEGRADED = "degraded"
    NEEDS_LOGIN = "needs_login"
    NEEDS_CONSENT = "needs_consent"
    REPLACED = "replaced"
    PAUSED = "paused"
    FAILED = "gave_up"


class StateCode(StrEnum):
    """Why an account is in its phase, for programs. A channel may report codes of its own.

    The comments name the phases that a code comes with. Codes are stable: none is ever renamed.
    """

    NOT_STARTED = "not_started"  # stopped: nothing has started it since the gateway came up
    GATEWAY_DOWN = "gateway_down"  # stopped: no gateway runs
    STOPPED_BY_OPERATOR = "stopped_by_operator"  # stopped
    GATEWAY_STOPS = "gateway_stops"  # stopped
    RESTARTING = "restarting"  # stopped: starts again at once
    CHANNEL_ENDED = "channel_ended"  # stopped: the channel returned without a reason
    STARTING = "starting"  # starting
    TAKING_BACK = "taking_back"  # starting: waits until the other client of the account is closed
    LOGGING_IN = "logging_in"  # connecting: with the stored session
    LOGIN_FAILED = "login_failed"  # connecting: tried again by itself
    SESSION_REFUSED = "session_refused"  # connecting: logs in again; needs_login: that did not help
    READY = "ready"  # ready
    LIMITED = "limited"  # ready, without some services of the platform
    SENDING_FAILS = "sending_fails"  # ready, but no message is known to arrive
    CONNECTION_LOST = "connection_lost"  # degraded: connects again by itself
    OVERDUE = "overdue"  # degraded: starting or connecting takes too long
    CRASHED = "crashed"  # degraded: starts again by itself
    CRASHED_REPEATEDLY = "crashed_repeatedly"  # gave_up
    OWNED_ELSEWHERE = "owned_elsewhere"  # gave_up: another gateway runs the account
    NOT_LOGGED_IN = "not_logged_in"  # needs_login
    SESSION_EXPIRED = "session_expired"  # needs_login
    SESSION_UNREADABLE = "session_unreadable"  # needs_login: the stored session is damaged or lacks its key
    CONSENT_MISSING = "consent_missing"  # needs_consent
    CONSENT_UNREADABLE = "consent_unreadable"  # needs_consent: its record is damaged
    CONSENT_OF_OTHER_USER = "consent_of_other_user"  # needs_consent: given for another user of the platform
    TAKEN_OVER = "taken_over"  # replaced: another client took the connection
    OFFLINE = "offline"  # paused by the operator, with the connection closed


class Health(StrEnum):
    """Of one direction or service: unknown until something was seen."""

    UNKNOWN = "unknown"
    OK = "ok"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class State:
    """The state of one account, as its channel reports it. A `None` health leaves what was known.

    `code` says why for programs (a `StateCode`, or one of the channel's own; empty if the phase says it all),
    `reason` in one sentence for people, and `action` is the command that helps, empty if there is none.
    `noticed_ms` is the longest time until a dead connection is noticed, 0 if that is not known. `skew_ms` is
    how far the platform's clock is ahead of this machine's; None leaves what was known. `language` is that of
    the account (`vi`, `en`), empty where the channel cannot tell.
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


class VaultError(Exception):
    """The sealed session cannot be read or written.

    The text is one line for the operator; `help` is the command.
    """

    def __init__(self, text: str, help: str = "") -> None:
        super().__init__(f"{text}; {help}" if help else text)
        self.help = help


class VaultClosed(VaultError):
    """The session was logged out or replaced by a new login since it was read: a late save is void."""


class Vault(Protocol):
    """The sealed session of one profile. A session that was logged out refuses to be written."""

    def read(self) -> bytes | None:
        """The session as it was last written, or None when nobody is logged in.

        Raises `VaultError` if it is damaged.
        """
        ...

    def write(self, secret: bytes) -> None:
        """Seal and store atomically.

        Raises `VaultClosed` if the session read before was logged out or replaced since.
        """
        ...


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one kind of thread had been read before this connection. Times are the platform's.

    `at_ms` and `message_id` are of the newest message that was admitted, 0 and empty where there was none.
    What a channel fetches has to go back to `reach_ms`; of what it fetched, it passes on what was sent from
    `since_ms` on.
    """

    at_ms: int
    message_id: str
    reach_ms: int
    since_ms: int


class Host(Protocol):
    """All that a channel may ask of the gateway for one account. It grows; channels do not break."""

    @property
    def vault(self) -> Vault: ...

    async def cursor(self, kind: ThreadKind) -> Cursor:
        """What to fetch after a connection came about. Ask before any message of it is admitted.

        The answer stays the same, over restarts too, until `caught_up`.
        """
        ...

    async def caught_up(
        self, kind: ThreadKind, back_to_ms: int, own_ids: frozenset[str] = frozenset()
    ) -> None:
        """Everything of this kind sent since `back_to_ms` has gone through `admit` and `observe`.

        Own messages included. If that does not reach the cursor, the gap is recorded. `own_ids` are the
        message ids of all own messages that were fetched, older ones too: those with a receipt show that the
        platform gives out what this login sent, and only then is a message that is missing taken as absent.
        """
        ...

    async def admit(self, inbound: Inbound) -> None:
        """Decide and store a message.

        Returns at once while the store keeps up; holds the reader back when it does not.
        """
        ...

    async def observe(self, fact: Fact) -> None:
        """Note something that is no message to answer."""
        ...

    async def keep_peers(self, people: Sequence[Person]) -> bool:
        """Keep who the account's peers are, as the platform told just now.

        False when that cannot be right, because they are none or sharply fewer than before: then the former
        ones stay, and whether somebody is a friend is not known.
        """
        ...

    def report(self, state: State) -> None:
        """Tell how the account is. Cheap; call it at every change."""
        ...


class ChannelUnusable(Exception):
    """The channel cannot work here as things are. The text is one line for the operator."""


class SendFailed(Exception):
    """A message did not demonstrably arrive. The text is for the operator."""


class NotSent(SendFailed):
    """Nothing reached the platform. `retry_in` is in seconds."""

    def __init__(self, text: str, retry_in: float = 5.0) -> None:
        super().__init__(text)
        self.retry_in = retry_in


class NeedsLogin(SendFailed):
    """The account has to log in before anything can be sent."""


class Refused(SendFailed):
    """The platform refused this message for good."""


class Unknown(SendFailed):
    """Whether it arrived is not known.

    `taken` says that the platform did answer, only without an id: it is never sent again by itself.
    """

    def __init__(self, text: str, *, taken: bool = False) -> None:
        super().__init__(text)
        self.taken = taken


class Channel(Protocol):
    """A platform on which accounts send and receive."""

    async def run(self, account: Account, host: Host) -> None:
        """Live for one account until cancelled: connect, read in order, `host.admit`, reconnect.

        Returns when it cannot go on without the operator, after a `report` that says why.
        """
        ...

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        """Send one chunk over the connection of `run`. Raises a `SendFailed`."""
        ...

    async def signal(self, account: Account, signal: Signal) -> None:
        """Show others something, if it can be done now. Best-effort: what it raises has no consequence."""
        ...

    def plan(self, thread: Thread, reply: Reply) -> list[Outgoing]:
        """A reply as chunks that fit the channel. Pure: must not do I/O."""
        ...


def load_dotted(text: str) -> Any:
    """The named attribute. Raises whatever its module raises; `ImportError` if there is no such attribute."""
    module, _, attribute = text.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except AttributeError:
        raise ImportError(f"{module} has no '{attribute}'") from None
