"""Optional capabilities of a channel, each a protocol that is found with `isinstance`.

Login by QR code, a probe of the session, a directory, limits and reactions, reconciling unknown sends,
fetching media, a risk to accept, a rehearsal with its network, people and program, a connection that can be
closed on purpose, a trace of frames and calls, a question before each write, and where the knowledge of the
platform comes from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from clawlane.abilities import Ability, Source
from clawlane.channel import Account, Vault
from clawlane.condition import ProbeResult as ProbeResult
from clawlane.messages import Attachment, Group, Members, Person, ThreadKind
from clawlane.texts import t

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class ShowQr:
    """A code to scan: a PNG, valid until `expires_ms`."""

    png: bytes = field(repr=False)
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """Somebody scanned the code and has to confirm on the phone."""

    name: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Confirmed on the phone; the session is being fetched."""


@dataclass(frozen=True, slots=True)
class Done:
    """Logged in. `secret` is for the vault; the caller has to store it."""

    user_id: str
    user_name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody scanned in time."""


@dataclass(frozen=True, slots=True)
class Declined:
    """Declined on the phone."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The login failed at `stage`; `reason` is one sentence for the operator.

    `not_let_in` says that the platform does not want this program, so that trying again does harm.
    """

    stage: str
    reason: str
    not_let_in: bool = False


LoginStep = ShowQr | Scanned | Confirmed | Done | Expired | Declined | Failed


@runtime_checkable
class Login(Protocol):
    """A channel whose accounts log in by scanning a code."""

    def steps(self, account: Account) -> AsyncIterator[LoginStep]:
        """The login as a stream that ends with exactly one of Done, Expired, Declined, Failed."""
        ...


@runtime_checkable
class TakesLogin(Protocol):
    """A channel that can take over a login which another program has exported."""

    def check_export(self, exported: bytes) -> None:
        """Raises `VaultError` for what is no such export. Asks nobody."""
        ...

    async def take_over(self, account: Account, exported: bytes) -> Done | Expired | Failed:
        """Log in with it, which tells whose it is. Nothing is stored."""
        ...


@dataclass(frozen=True, slots=True)
class Icon:
    """A reaction that a platform offers: its name, and the emoji that it looks like ("" for none)."""

    name: str
    emoji: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a platform takes. `text_units` are the UTF-16 units of one message; longer texts are cut.

    `file_mb` is in megabytes (2**20). `cannot` are sentences about what its own clients can and this channel
    cannot.
    """

    text_units: int
    file_mb: float
    cannot: tuple[str, ...] = ()


@runtime_checkable
class HasLimits(Protocol):
    """A channel that says how much it takes."""

    def limits(self, account: Account) -> Limits: ...


@dataclass(frozen=True, slots=True)
class Known:
    """Where the knowledge of an ability comes from. `detail` says shortly what that leaves open."""

    ability: Ability
    source: Source
    detail: str


@runtime_checkable
class SaysHowKnown(Protocol):
    """A channel that was built without the platform's own documents, and says what it was built from."""

    def known(self) -> Sequence[Known]:
        """One entry for each ability that it has, in the order of `Ability`."""
        ...


@runtime_checkable
class AsksBeforeWriting(Protocol):
    """A channel that asks right before it writes to a socket whether it still may.

    Where several gateways may run an account one after another, nothing else keeps a write from coming late.
    """

    def ask_before_writing(self, ask: Callable[[], str]) -> None:
        """Ask from now on, before each request and frame of any account.

        `ask` says in one sentence why nothing may be written; empty while it may. Where it may not, a send
        fails with `NotSent`, and connections are closed without a word.
        """
        ...


@runtime_checkable
class Reacts(Protocol):
    """A channel whose reactions are a fixed set."""

    def icons(self) -> Sequence[Icon]:
        """All reactions that its platform offers."""
        ...

    def icon(self, written: str) -> str:
        """The name of the reaction that somebody wrote as a name, an emoji or a code; "" if there is none."""
        ...


@runtime_checkable
class CanReconcile(Protocol):
    """A channel that can fetch past messages at any time while it is connected, to settle unknown sends."""

    async def look_up(self, account: Account, kind: ThreadKind) -> None:
        """Begin to fetch, as after a connect: `Host.cursor` says how far, `Host.caught_up` that it is done.

        Does nothing without a connection, since the next one fetches anyway, or while a fetch goes on.
        """
        ...


class NotFetched(Exception):
    """An attachment was not fetched. The text is short and says why (`too large`); it quotes nothing."""


@runtime_checkable
class FetchesMedia(Protocol):
    """A channel that can fetch the files of the messages it read, while it is connected."""

    async def fetch(self, account: Account, attachment: Attachment, path: Path, max_bytes: int) -> int:
        """Save the file of an attachment and give its size in bytes; it is at the path whole or not at all.

        The address in an attachment was chosen by whoever sent it: the channel fetches from its platform's
        own hosts only. Raises `NotFetched`, and `OSError` if the file cannot be written.
        """
        ...


@runtime_checkable
class Probe(Protocol):
    """A channel that can ask the platform whether a session is still valid."""

    async def probe(self, account: Account, vault: Vault) -> ProbeResult:
        """One live request with the session in the vault. An error of the platform is a result too."""
        ...


@runtime_checkable
class LinkedDevice(Protocol):
    """A channel whose login is a device that the platform's app lists."""

    def device_help(self) -> str:
        """Where in the app the device is removed: one sentence without its full stop."""
        ...


class NotRevoked(Exception):
    """The platform did not take it that a session is to end. The text is one line."""


@runtime_checkable
class RevokesSession(Protocol):
    """A channel that can ask its platform to end a session."""

    async def revoke(self, account: Account, vault: Vault) -> None:
        """Ask once, with the session in the vault. Raises `NotRevoked` and `VaultError`."""
        ...


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What may be told of a session: no value of it.

    `logged_in_ms` is the time of the login, `expires_ms` and `expires` when the first cookie expires, and its
    name; None and empty for what the session does not say.
    """

    cookies: int
    logged_in_ms: int | None = None
    expires_ms: int | None = None
    expires: str = ""


@runtime_checkable
class DescribesSession(Protocol):
    """A channel that can tell facts of a stored session."""

    def describe(self, secret: bytes) -> SessionFacts:
        """Facts of what the vault holds. Raises `VaultError` if it is none of this channel's sessions."""
        ...


class DirectoryError(Exception):
    """People or groups could not be looked up. The text is one line, `help` the command that helps.

    `needs_login` says that retrying is useless until the operator has logged in.
    """

    def __init__(self, text: str, help: str = "", *, needs_login: bool = False) -> None:
        super().__init__(text)
        self.help = help
        self.needs_login = needs_login


@runtime_checkable
class Directory(Protocol):
    """A channel that can list the people and groups an account knows.

    All methods use the connection of `run` if there is one, else the session in the vault for the duration
    of the call. They raise `DirectoryError` and `VaultError`.
    """

    async def self_(self, account: Account, vault: Vault) -> Person:
        """The account itself."""
        ...

    async def peers(self, account: Account, vault: Vault) -> list[Person]:
        """The account's friends."""
        ...

    async def groups(self, account: Account, vault: Vault) -> list[Group]:
        """The groups the account is in."""
        ...

    async def members(self, account: Account, vault: Vault, group_id: str) -> Members:
        """The members of one group that the platform lists. Raises `DirectoryError` for an unknown group."""
        ...


@runtime_checkable
class NeedsConsent(Protocol):
    """A channel whose risk the operator has to accept before an account runs."""

    def risk(self) -> RiskNotice: ...


@dataclass(frozen=True, slots=True)
class RiskNotice:
    """The risk of the channel in a few lines, and the safer alternative."""

    title: str
    lines: tuple[str, ...]
    alternative: str

    @property
    def text(self) -> str:
        """All of it as one paragraph, in the language in force."""
        told = self.said()
        return f"{told.title}. {' '.join(told.lines)} {told.alternative}"

    def said(self) -> RiskNotice:
        """The same in the language in force."""
        return RiskNotice(t(self.title), tuple(map(t, self.lines)), t(self.alternative))


@runtime_checkable
class Rehearsal(Protocol):
    """A channel that can be pointed at a simulator."""

    def rehearsal(self) -> str:
        """The simulator's address (`127.0.0.1:4443`), or empty for the real platform."""
        ...


@dataclass(frozen=True, slots=True)
class RehearsedNetwork:
    """A stand-in for the internet on loopback: every host name leads to this address and port.

    `trust` is the certificate authority that vouches for all of them.
    """

    address: str
    port: int
    trust: ssl.SSLContext = field(repr=False)


class NoSimulator(Exception):
    """The simulator cannot be started here. The text is one line, `help` what would help."""

    def __init__(self, text: str, help: str = "") -> None:
        super().__init__(text)
        self.help = help


@dataclass(frozen=True, slots=True)
class Figure:
    """Somebody or something in a simulator: an `account`, a `person` or a `group`. `about` is for people."""

    kind: Literal["account", "person", "group"]
    id: str
    name: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that the simulator saw: its number, its `kind` and its fields.

    Of every channel: `sent` (`thread_id`, `text`), `connected` and `qrshown`.
    """

    seq: int
    kind: str
    fields: dict[str, Any] = field(repr=False)


class Cast(Protocol):
    """The people of a simulator, who do what they are told. All raise `CastError`."""

    async def enroll(self, account: Account) -> Figure:
        """Who an account is, or will be once its phone has scanned a code; nobody is two accounts.

        Without this an account is the first one there, until it logs in.
        """
        ...

    async def scan(self, account: Account) -> None:
        """The account's phone scans the code on the screen, and confirms."""
        ...

    async def person(
        self, name: str, *, friend: bool = False, id: str = "", account: Account | None = None
    ) -> str:
        """The id of a new person, who is a stranger or a friend; `id` asks for a certain one.

        `account` is whose friend it is, where there are several.
        """
        ...

    async def group(
        self, name: str, members: Sequence[str], *, id: str = "", account: Account | None = None
    ) -> str:
        """The id of a new group of the account and these people; `id` asks for a certain one."""
        ...

    async def write(
        self, account: Account, sender: str, text: str, *, group: str = "", mention: bool = False
    ) -> str:
        """Somebody writes to the account, or in a group; the id of the message."""
        ...

    async def cut(self, account: Account, code: int = 1006) -> None:
        """The account's connection ends."""
        ...

    async def act(self, account: Account, action: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Something that only this platform has, by its name there; gives what its simulator answers."""
        ...

    async def everybody(self) -> list[Figure]:
        """All accounts, people and groups there are."""
        ...

    async def seen(self, after: int = 0, wait: float = 0.0) -> list[Seen]:
        """What happened after a number; with nothing yet, waits that many seconds for it."""
        ...


class CastError(Exception):
    """The simulator could not do it. The text is one line."""


@runtime_checkable
class HasCast(Protocol):
    """A channel whose simulator has people that can be told what to do."""

    def cast(self) -> Cast | None:
        """The people of the simulator; None on the real platform, or where their address is not known."""
        ...


@runtime_checkable
class RunsSimulator(Protocol):
    """A channel that comes with a simulator, which is a program of its own, and with scenarios to play."""

    def simulator(
        self, folder: Path, *, port: int = 0, control_port: int = 0, empty: bool = False
    ) -> tuple[str, ...]:
        """The command line. It prints one line when it is ready, and ends when its stdin closes.

        It may write into `folder`. `empty` leaves out the people it begins with. Raises `NoSimulator`.
        """
        ...

    def simulated(self, ready: str) -> Mapping[str, str]:
        """The environment variables that lead a process there, from the line. Raises `NoSimulator`."""
        ...

    def cast_of(self, environ: Mapping[str, str]) -> Cast:
        """The people of the simulator that these variables lead to. Raises `CastError`."""
        ...

    def scenarios(self) -> Path:
        """The folder of its scenarios (`NAME.yaml`)."""
        ...


@runtime_checkable
class CanReconnect(Protocol):
    """A channel that can be told to close its connection, which then comes back as after any loss."""

    async def reconnect(self, account: Account) -> bool:
        """Close the connection of `run`. False if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Traced:
    """A frame, or a call with its answer, between an account and its platform: never what was in it.

    `name` is the platform's own: "ping", "send text". Bytes are `sent` or `received`, None for the other
    direction of a frame. `ms` is how long the call took. `status` is the HTTP status of its answer, `code`
    the platform's code (0 is success) or that of a closed connection, `error` the kind of error; None and
    empty where there is none.
    """

    kind: Literal["frame", "call"]
    name: str
    sent: int | None = None
    received: int | None = None
    ms: float | None = None
    status: int | None = None
    code: int | None = None
    error: str = ""


TraceObserver = Callable[[Traced], None]


@runtime_checkable
class CanTrace(Protocol):
    """A channel that tells of its frames and calls while somebody wants to know."""

    def trace(self, account: Account, observer: TraceObserver) -> AbstractContextManager[None]:
        """Tell the observer while entered, over all logins and connections. It must not wait."""
        ...


@runtime_checkable
class RehearsesNetwork(Protocol):
    """A channel whose simulator also stands in for the hosts that agents attach files from."""

    def rehearsed_network(self) -> RehearsedNetwork | None:
        """None on the real internet."""
        ...
