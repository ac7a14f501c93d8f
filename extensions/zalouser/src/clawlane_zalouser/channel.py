"""The channel `zalouser`, as the gateway sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from clawlane.capabilities import (
    Cast,
    CastError,
    Done,
    Expired,
    Failed,
    Icon,
    Known,
    Limits,
    LoginStep,
    NotFetched,
    ProbeResult,
    RehearsedNetwork,
    RiskNotice,
    SessionFacts,
    TraceObserver,
)
from clawlane.channel import Account, ChannelUnusable, Host, NeedsLogin, NotSent, Vault
from clawlane.messages import (
    Attachment,
    Group,
    Members,
    Outgoing,
    Person,
    Receipt,
    Reply,
    Signal,
    Thread,
    ThreadKind,
)
from clawlane.texts import later
from clawlane_zalouser import (
    directory,
    inbound_media,
    login,
    outbound,
    reactions,
    receipts,
    risk,
    simulator,
    tracing,
)
from clawlane_zalouser.account_session import AccountSession
from clawlane_zalouser.cast import VARIABLE, SimulatedPeople, control_port
from clawlane_zalouser.devices import DEVICE_HELP
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.known import KNOWN
from clawlane_zalouser.stored_session import StoredSession, session_facts
from zaloweb.errors import SettingsError
from zaloweb.transport.network import LOOPBACK
from zaloweb.wire.text import LIMIT

_CANNOT = (
    later("edit a message: Zalo has no such thing"),
    later("send stickers, contact cards, polls or reminders"),
    later("call, or answer a call"),
    later("message people found by telephone number"),
    later("take a message back that was sent from another device"),
)

T = TypeVar("T")


class ZaloUserChannel:
    """Personal Zalo accounts. Can log in by QR code, be probed, and be rehearsed against a simulator."""

    def __init__(self) -> None:
        self._sessions: dict[str, AccountSession] = {}

    @cached_property
    def _environment(self) -> Environment:
        # Loading the machine's certificates takes a moment; `plan` and `risk` do without.
        try:
            return Environment()
        except SettingsError as error:
            raise ChannelUnusable(error.args[0] if error.args else str(error)) from error

    def describe(self, secret: bytes) -> SessionFacts:
        """Facts of a stored session; none of its values."""
        return session_facts(secret)

    async def run(self, account: Account, host: Host) -> None:
        """Run one account until cancelled, or until the operator is needed."""
        session = self._sessions[account.id] = AccountSession(account, host, self._environment)
        try:
            await session.run()
        finally:
            del self._sessions[account.id]

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        """Send one chunk with the session of `run`. Raises a `SendFailed`."""
        session = self._sessions.get(account.id)
        if session is None or session.zalo is None:
            raise NotSent(f"{account} is not connected")
        try:
            return await outbound.send(session.zalo, out, self._environment.clock)
        except NeedsLogin as error:
            session.expired(str(error))
            raise

    async def signal(self, account: Account, signal: Signal) -> None:
        """Show others that the account types, has a message, or has seen it."""
        session = self._sessions.get(account.id)
        if session is None or session.zalo is None:
            raise NotSent(f"{account} is not connected")
        await receipts.show(session.zalo, signal)

    async def reconnect(self, account: Account) -> bool:
        """Close the WebSocket of `run`, which then connects again. False if it is not connected."""
        session = self._sessions.get(account.id)
        return session is not None and session.reconnect()

    def trace(self, account: Account, observer: TraceObserver) -> AbstractContextManager[None]:
        """Tell the observer of each frame and call of the account while entered."""
        return self._environment.trace(account).told(lambda one: observer(tracing.traced(one)))

    def ask_before_writing(self, ask: Callable[[], str]) -> None:
        """Ask right before anything is written to Zalo, over HTTP or the WebSocket."""
        self._environment.ask_before_writing(ask)

    async def fetch(self, account: Account, attachment: Attachment, path: Path, max_bytes: int) -> int:
        """Save the file of an attachment from one of Zalo's hosts. Raises `NotFetched` and `OSError`."""
        session = self._sessions.get(account.id)
        if session is None or session.zalo is None:
            raise NotFetched("the account is not connected")
        return await inbound_media.fetch(session.zalo, attachment, path, max_bytes)

    async def look_up(self, account: Account, kind: ThreadKind) -> None:
        """Fetch past messages, so that unconfirmed chunks are found or known to be absent."""
        if session := self._sessions.get(account.id):
            await session.look_up(kind)

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        """A reply as texts and files that Zalo takes."""
        settings = account.settings
        return outbound.plan(thread, reply, settings.markdown.tables, numbered=settings.number_chunks)

    def limits(self, account: Account) -> Limits:
        """How much Zalo takes in one message, and what this channel cannot do."""
        return Limits(LIMIT, account.settings.media_max_mb, _CANNOT)

    def known(self) -> Sequence[Known]:
        """Where the knowledge of what this channel can do comes from."""
        return KNOWN

    def icons(self) -> list[Icon]:
        """The reactions that Zalo's own clients offer."""
        return reactions.all_icons()

    def icon(self, written: str) -> str:
        """The name of a reaction that is written as a name, an emoji or Zalo's code."""
        return reactions.icon_name(written)

    def steps(self, account: Account) -> AsyncIterator[LoginStep]:
        """Log in by QR code."""
        return login.steps(account, self._environment)

    def check_export(self, exported: bytes) -> None:
        """Whether these are credentials as zca-js exports them. Raises `VaultError`."""
        login.check_export(exported)

    async def take_over(self, account: Account, exported: bytes) -> Done | Expired | Failed:
        """Log in with credentials that another program has exported."""
        return await login.take_over(account, self._environment, exported)

    async def probe(self, account: Account, vault: Vault) -> ProbeResult:
        """Whether Zalo accepts the session in the vault right now."""
        return await StoredSession(account, vault, self._environment).probe()

    async def revoke(self, account: Account, vault: Vault) -> None:
        """Ask Zalo to end the session in the vault. Raises `NotRevoked` and `VaultError`."""
        await StoredSession(account, vault, self._environment).revoke()

    def device_help(self) -> str:
        """Where on the phone the device is removed."""
        return DEVICE_HELP

    async def self_(self, account: Account, vault: Vault) -> Person:
        """The account itself."""
        return await self._ask(account, vault, directory.self_)

    async def peers(self, account: Account, vault: Vault) -> list[Person]:
        """The account's friends."""
        return await self._ask(account, vault, directory.peers)

    async def groups(self, account: Account, vault: Vault) -> list[Group]:
        """The groups the account is in."""
        return await self._ask(account, vault, directory.all_groups)

    async def members(self, account: Account, vault: Vault, group_id: str) -> Members:
        """The members of a group, as far as it shows them."""
        return await self._ask(account, vault, partial(directory.members, group_id=group_id))

    def risk(self) -> RiskNotice:
        """The risk of running a personal account."""
        return risk.NOTICE

    def rehearsal(self) -> str:
        """Where the simulator is, or empty for the real Zalo."""
        return self._environment.network.rehearsal

    def rehearsed_network(self) -> RehearsedNetwork | None:
        """The simulator, which then serves every host of the internet."""
        network = self._environment.network
        return RehearsedNetwork(LOOPBACK, network.port, network.trust) if network.port else None

    def cast(self) -> Cast | None:
        """The simulator's people; None on the real Zalo, or without `ZALOWEB_CONTROL`. Raises `CastError`."""
        port = control_port() if self.rehearsal() else None
        return None if port is None else SimulatedPeople(port, self._own_id)

    def simulator(
        self, folder: Path, *, port: int = 0, control_port: int = 0, empty: bool = False
    ) -> tuple[str, ...]:
        """The command line of the simulator. Raises `NoSimulator`."""
        return simulator.command(folder, port, control_port, empty=empty)

    def simulated(self, ready: str) -> Mapping[str, str]:
        """What leads a process to the simulator that printed this line. Raises `NoSimulator`."""
        return simulator.environment(ready)

    def cast_of(self, environ: Mapping[str, str]) -> Cast:
        """The people of the simulator in these variables. Raises `CastError`."""
        port = control_port(environ)
        if port is None:
            raise CastError(later("{variable} is not set: `openclaw sim` prints it", variable=VARIABLE))
        return SimulatedPeople(port)

    def scenarios(self) -> Path:
        """The scenarios that come with the plugin."""
        return simulator.SCENARIOS

    def _own_id(self, account: Account) -> str:
        session = self._sessions.get(account.id)
        return session.own_id if session else ""

    async def _ask(self, account: Account, vault: Vault, question: directory.Question[T]) -> T:
        session = self._sessions.get(account.id)
        live = session.zalo if session else None
        return await directory.ask(account, vault, self._environment, live, question)
