"""What an operation works with: paths, config, store, and the accounts that a gateway runs.

OpError         an operation cannot be done; the text is one line, `help` is what fixes it
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from clawlane.config.paths import Paths
from clawlane.ops.operation import Caller, OpError
from clawlane.texts import later
from clawlane.threads import Thread, ThreadKind
from clawlane.zone import MACHINE, Zone

if TYPE_CHECKING:
    import asyncio

    from clawlane.access.exposure import Exposure
    from clawlane.access.in_force import Rules
    from clawlane.access.outbound import Verdict
    from clawlane.alarm_kinds import AlarmKind
    from clawlane.channel import Account, Channel, Manifest, State, Vault
    from clawlane.config.load import ChannelConfig, Config, Plugins
    from clawlane.credentials.profile import Consent
    from clawlane.credentials.profiles import Profiles
    from clawlane.credentials.sealing_key import KeyLocation
    from clawlane.credentials.vault import ProfileVault
    from clawlane.lane.evidence import Evidence
    from clawlane.ops.serving import Listening
    from clawlane.plugins.registry import Registry
    from clawlane.store.account_store import AccountStore, Clock
    from clawlane.store.alarm_told import Alarm, Alarmed
    from clawlane.store.database import Store
    from clawlane.store.models import OpenTurn, RecallResult
    from clawlane.store.place import StorePlace
    from clawlane.store.reader import Reader
    from clawlane.store.sql import Database
    from clawlane.store.told import Pause, Resumed

P = ParamSpec("P")
T = TypeVar("T")


class LiveAccount(Protocol):
    """An account of a running gateway. Disabled and stopped accounts are among them."""

    @property
    def account(self) -> Account: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def state(self) -> State: ...
    @property
    def rules(self) -> Rules:
        """The access rules in force."""

    def outbound(self, thread: Thread) -> Verdict:
        """What may leave in a thread now, and the setting that says so."""

    @property
    def since_ms(self) -> int:
        """When it entered its phase."""

    @property
    def account_store(self) -> AccountStore | None:
        """What writes for it; None before the gateway owns it."""

    @property
    def language(self) -> str:
        """The language in which people are written to; empty while that is not known."""

    def give_back(self, thread: Thread) -> None:
        """The operator ended what the owner took over in a thread."""

    @property
    def pauses(self) -> Sequence[Pause]:
        """Its pauses in force, stored or not."""

    @property
    def evidence(self) -> Evidence:
        """What it did that the store does not keep."""

    def vault(self) -> Vault:
        """Its sealed session, as a new handle."""

    async def pairing_changed(self) -> None:
        """Somebody was approved or rejected: it counts from the next message on."""

    def wake(self) -> None:
        """There is something new to send."""

    def settled(self, turn: int | None) -> None:
        """The operator decided about a chunk: its turn may be settled, and others may go."""

    def answered(self, turn: int) -> None:
        """An answer to a turn came later, and is stored."""

    def again(self, turn: OpenTurn) -> None:
        """A turn that was over is open again."""

    def recalled(self, recalled: RecallResult) -> None:
        """Messages were taken back: what waits for them ends, or begins anew."""

    def hold(self, pauses: Sequence[Pause]) -> None:
        """Replace the pauses in force by these."""

    async def look_up(self, kind: ThreadKind) -> bool:
        """Ask the platform for past messages. False if it does not run, or its channel cannot."""

    def friends_listed(self, known: int, listed: int) -> None:
        """The platform listed so many friends; so many were known before."""

    def alarmed(self, kind: AlarmKind, alarmed: Alarmed) -> None:
        """An operation has raised an alarm; its pause holds from now on."""

    def acknowledged(self, alarms: Sequence[Alarm]) -> None:
        """The operator has seen these alarms."""

    def debug_lines(self) -> AbstractContextManager[None]:
        """Log its debug lines while entered, whatever the level of the config."""

    async def connect(self) -> None:
        """Close or open the connection where the pauses changed that."""

    async def resumed(self, resumed: Resumed) -> None:
        """A pause has ended; `resumed` says what expired and what goes on."""

    async def restart(self) -> None:
        """Start again from what is stored now."""

    async def stop(self) -> None:
        """Returns once nothing of the account runs."""

    async def take_back(self) -> bool:
        """Run an account again that another client took over. False if none did."""


GONE, UNREADABLE = "gone", "unreadable"
"""What stands for the revision of a config file that is not there, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A config file that cannot be used: its revision, and what is wrong, one line for each problem.

    Where the reason may lie outside the file, it is tried again at `again_ms`.
    """

    revision: str
    problems: tuple[str, ...]
    again_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An edited config that waits to be applied: its revision, and what it would widen, in sentences.

    `accounts` are all that it has, by `channel/id`.
    """

    revision: str
    widens: tuple[str, ...]
    accounts: tuple[str, ...] = ()


class LiveConfig(Protocol):
    """The config of a running gateway, beside what the file says."""

    @property
    def applied(self) -> Config:
        """The config that was applied last."""

    @property
    def applied_ms(self) -> int:
        """Since when the config is in force."""

    @property
    def refused(self) -> Refused | None:
        """The file as it is, if it cannot be used."""

    @property
    def waiting(self) -> Waiting | None:
        """The file as it is, if what it widens waits for the operator."""

    async def check(self) -> Config:
        """Try out the file as it is, which changes nothing. Raises what keeps it from being used."""

    async def foresee(self, config: Config) -> tuple[str, ...]:
        """What would keep a config waiting for the operator, in sentences; empty if nothing does."""

    async def apply(self, by: tuple[str, str], reviewed: str = "") -> tuple[Exposure, list[str]]:
        """Let the file count, whatever it widens; `by` is the caller and the operation.

        Raises `OpError` if the revision that was `reviewed` is not the file's.
        Gives what changes, and the accounts that start anew.
        """


class Ends(Protocol):
    """The process of a running gateway, which can end."""

    def stop(self) -> None:
        """End for good, after the accounts have stopped in order."""

    def restart(self) -> None:
        """End in the same way, and begin again as the same process."""


@dataclass(frozen=True, slots=True)
class Target:
    """The account an operation is about. `configured` is false if the config has no block for its channel."""

    manifest: Manifest
    account: Account
    configured: bool
    is_default: bool

    @property
    def words(self) -> str:
        """What names this account in a command: `--channel zalouser`, with `--account` where it is needed."""
        return account_words(self.account.channel, self.account.id, self.is_default)


def account_words(channel: str, account: str, is_default: bool) -> str:
    """The options that name an account in a command."""
    return f"--channel {channel}" + ("" if is_default else f" --account {account}")


class OfAccount(Protocol):
    """Anything that is stored for one account (`channel/id`)."""

    @property
    def account(self) -> str: ...


Kept = TypeVar("Kept", bound=OfAccount)


def on_account(found: Iterable[Kept], channel: str, account: str | None) -> list[Kept]:
    """The items of one channel, or of one account of it if that is named."""
    return [
        one
        for one in found
        if one.account.partition("/")[0] == channel and account in (None, one.account.partition("/")[2])
    ]


@dataclass(frozen=True)
class OpContext:
    """What operations work with. In a gateway `store` is open and `live` holds its accounts by `channel/id`.

    Without one, the store is opened when something is to be written, which raises `StoreOwned` if a gateway
    holds it; `async with` closes it again.
    """

    paths: Paths
    environ: Mapping[str, str] = field(repr=False)
    now_ms: Clock
    caller: Caller
    live: Mapping[str, LiveAccount] = field(default_factory=dict)
    store: Store | None = None
    kept: Profiles | None = None
    """The profiles of the gateway; without one they are where the config says."""
    loaded: Config | None = None
    plan: Config | None = None
    """A config that is not in the file yet, and counts as if it were."""
    plugins: Registry | None = None
    started_ms: int | None = None
    """When the gateway started; None without one."""
    ending: Ends | None = None
    live_config: LiveConfig | None = None
    serves: Mapping[str, Listening] = field(default_factory=dict)
    loading: Plugins | None = None
    """The plugins that the gateway loaded its config with, where they are not those of the registry."""
    operation: str = ""
    """The operation that runs, for the record of who changed what."""
    node: str = ""
    """The node that this gateway is; empty without one, and where the store is its own."""
    only: frozenset[str] | None = None
    """The accounts that the operation is about here, while other nodes do the rest; None for all."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)
    _opened: list[Store] = field(default_factory=list, repr=False)

    async def __aenter__(self) -> OpContext:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()
        self._opened.clear()

    def during(self, operation: str) -> OpContext:
        """A copy that names the operation that runs. One that calls another keeps its own name."""
        if self.operation:
            return self
        named = copy(self)
        object.__setattr__(named, "operation", operation)
        return named

    def as_written(self, config_file: str = "") -> OpContext:
        """The same with the config as the file has it now, which a gateway may not run with yet."""
        paths = replace(self.paths, config_file=Path(config_file)) if config_file else self.paths
        if self.loaded is None and paths == self.paths:
            return self
        return replace(self, paths=paths, loaded=None)

    def may_be_elsewhere(self, operation: str) -> bool:
        """Whether another node may have to carry an operation out."""
        from clawlane.ops.reach import REACH, Reach

        if self.only is not None or REACH.get(operation) is not Reach.OWNER:
            return False
        return self.shares_store

    @property
    def shares_store(self) -> bool:
        """Whether other gateways may run accounts of the same store. Raises as `place` without a gateway."""
        return bool(self.node) if self.in_gateway else self.place.file is None

    def includes(self, account: str) -> bool:
        """Whether the operation is about an account (`channel/id`) here."""
        return self.only is None or account in self.only

    @property
    def in_gateway(self) -> bool:
        """Whether this is a gateway, and not a process that acts because none runs."""
        return self.store is not None

    def lane_runs(self, reader: Reader) -> bool:
        """Whether a gateway runs accounts: this one, or one that shares the store."""
        return self.in_gateway or (self.shares_store and bool(reader.running_nodes()))

    @cached_property
    def registry(self) -> Registry:
        """The installed plugins."""
        from clawlane.plugins.registry import Registry

        return self.plugins or Registry(self.paths)

    @cached_property
    def config(self) -> Config:
        """The checked config: of the gateway, else what the file says. Raises `ConfigError`."""
        return self.written_config() if self.loaded is None else self.loaded

    @cached_property
    def place(self) -> StorePlace:
        """Where the store is. Raises `ConfigError` and `StoreUnusable`."""
        from clawlane.ops.place import place_of, written_place

        config = self.plan or self.loaded
        if config is None:
            return written_place(self.paths, self.environ, self.sealing_key)
        return place_of(config.root.store, self.paths, self.environ, self.sealing_key)

    def zone(self) -> Zone:
        """The zone in which days begin and times are shown; with a broken config, the machine's."""
        from clawlane.config.errors import ConfigError

        try:
            return Zone(self.config.root.timezone or "")
        except ConfigError:
            return MACHINE

    def written_config(self) -> Config:
        """The config as the file has it now, which a gateway may not run with yet. Raises `ConfigError`."""
        if self.plan is not None:
            return self.plan
        from clawlane.config.load import load

        return load(self.paths, self.loading or self.registry, self.environ)

    def manifest(self, channel: str | None) -> Manifest:
        """The installed channel of that id or alias; without one, the only channel there is."""
        if channel:
            running = (block.manifest for block in self.loaded.channels.values()) if self.loaded else ()
            found = next((one for one in running if channel in (one.id, *one.aliases)), None)
            return found or self.registry.find(channel)
        installed = self.registry.manifests()
        if len(installed) == 1:
            return installed[0]
        if not installed:
            for missing in self.registry.broken().values():
                raise missing
            raise OpError(
                later("no channel plugin is installed"), "openclaw plugins install @openclaw/zalouser"
            )
        names = ", ".join(manifest.id for manifest in installed)
        raise OpError(
            later("there are several channels"), later("name one with --channel: {names}", names=names)
        )

    def block(self, manifest: Manifest) -> tuple[ChannelConfig, bool]:
        """The accounts of a channel, and whether the config has a block for it."""
        if found := self.config.channels.get(manifest.id):
            return found, True
        from clawlane.config.load import unconfigured

        return unconfigured(manifest, self.config.source, self.environ), False

    def target(self, channel: str | None, account: str | None) -> Target:
        """The channel and account that are named, or the default ones. Raises `OpError`."""
        manifest = self.manifest(channel)
        block, configured = self.block(manifest)
        found = block.account(account)
        if found is None:
            known = ", ".join(one.id for one in block.accounts) or later("none")
            waits = self.account_waits(manifest.id, account or "")
            raise waits or OpError(
                later("{channel} has no account '{account}'", channel=manifest.id, account=account),
                later("its accounts are: {known}", known=known),
            )
        return Target(manifest, found, configured, found.id == block.default_account)

    def account_waits(self, channel: str | None, account: str) -> OpError | None:
        """The error for an account that only an edit has which waits to be applied; None for any other."""
        waiting = self.live_config.waiting if self.live_config else None
        for name in waiting.accounts if waiting else ():
            of, _, id_ = name.partition("/")
            if id_ == account.strip().lower() and channel in (None, of):
                told = later(
                    "{channel} has the account '{id}' in the file only: that edit waits", channel=of, id=id_
                )
                return OpError(told, "openclaw config apply")
        return None

    def runtime(self, manifest: Manifest) -> Channel:
        """The channel itself, with its libraries: what the gateway runs, else a new one."""
        running = (one.channel for one in self.live.values() if one.account.channel == manifest.id)
        if found := next(running, None):
            return found
        from clawlane.plugins.registry import load_runtime

        return load_runtime(manifest)

    def named(self, channel: str | None, account: str | None) -> tuple[str, str | None]:
        """The id of a channel as with `manifest`, and of one of its accounts, if that is named."""
        if account is None:
            return self.manifest(channel).id, None
        target = self.target(channel, account)
        return target.manifest.id, target.account.id

    @cached_property
    def sealing_key(self) -> KeyLocation:
        """Where the key of the sessions is: as the config says, even one that does not load."""
        from clawlane.config.errors import ConfigError
        from clawlane.config.sealing import written_key
        from clawlane.credentials.sealing_key import KeyLocation
        from clawlane.plugins.errors import PluginError

        try:
            named = self.config.root.secrets.key_file
        except (ConfigError, PluginError):
            named = written_key(self.paths.config_file)
        return KeyLocation.of(self.paths.vault_dir, self.environ, named)

    @cached_property
    def profiles(self) -> Profiles:
        """The sessions, accepted risks and marks of takeovers, where they are kept.

        Raises `ConfigError` and `StoreUnusable` as `place` does.
        """
        from clawlane.credentials.profiles import Profiles
        from clawlane.credentials.record_files import RecordFiles

        if self.kept is not None:
            return self.kept
        return Profiles(self.place.records(RecordFiles.of(self.paths)), self.sealing_key)

    def vault(self, account: Account) -> ProfileVault:
        """The sealed session of an account, as it is stored. An account that runs writes as its owner."""
        live = self.live.get(str(account))
        owner = live.account_store if live else None
        return self.profiles.vault(account.channel, account.profile, owner)

    def consent(self, account: Account) -> Consent | None:
        """The accepted risk of an account. Raises `ConsentDamaged`."""
        return self.profiles.consent(account.channel, account.profile)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """A reader of the store. Without a store nothing is found, and nothing is created.

        Raises `StoreUnusable` for a store that is gone.
        """
        with self.store.read() if self.store is not None else self.place.reading() as reader:
            yield reader

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """The answer of a reader of the store, asked in a worker thread."""
        import asyncio

        def answer() -> T:
            with self.read() as reader:
                return question(reader)

        return await asyncio.to_thread(answer)

    @asynccontextmanager
    async def own(self, account: str) -> AsyncIterator[AccountStore]:
        """The store of an account (`channel/id`) to write to, owned by this process meanwhile.

        What it changes is recorded with the caller and the operation. In a gateway this waits while the
        account changes hands.
        """
        async with AsyncExitStack() as owning:
            account_store = await self._owned(account, owning)
            yield account_store.by(self.caller, self.operation)

    async def change_store(
        self,
        transition: Callable[Concatenate[Database, int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Change what belongs to no account (see `Store.change`), and wake who follows the event feed."""
        store = self.store or await self._store_alone()
        changed = await store.change(transition, *args, **kwargs)
        store.news()
        return changed

    async def update_store(self) -> None:
        """Bring a store that an older clawlane wrote up to date, where no gateway has it open.

        A copy of it is kept, as at the first start of a new version. Raises `StoreFailed` where that does not
        fit, and `StoreUnusable`. Beside a gateway of the older version, and for a store with another fault,
        nothing is done: whoever needs the store says so.
        """
        if self.store is not None or self._opened:
            return
        from clawlane.store.errors import StoreOwned

        if self.place.is_older():
            with suppress(StoreOwned):
                await self._store_alone()

    async def _owned(self, account: str, owning: AsyncExitStack) -> AccountStore:
        """The store of the account that runs, else one that is owned until `owning` ends."""
        if self.store is None:
            return await owning.enter_async_context((await self._store_alone()).own(account))
        from clawlane.store.errors import StoreOwned

        while True:
            live = self.live.get(account)
            if live is not None and live.account_store is not None:
                return live.account_store
            try:
                return await owning.enter_async_context(self.store.own(account))
            except StoreOwned:  # by an operation, or by the account that just starts
                await self.store.handed_over()

    async def _store_alone(self) -> Store:
        """The store, opened because no gateway has it open."""
        if not self._opened:
            import asyncio

            store = await self._stack.enter_async_context(self.place.opened(self.now_ms, checked=False))
            store.work_by(await asyncio.to_thread(self._revision))
            self._opened.append(store)
        return self._opened[0]

    def _revision(self) -> str:
        """The revision of the config file, which counts where no gateway runs; empty for one without."""
        from clawlane.config.errors import ConfigError
        from clawlane.config.source import revision_of

        try:
            return revision_of(self.paths.config_file)
        except ConfigError:
            return ""

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set when the event feed has grown; without a gateway it never is."""
        import asyncio

        with self.store.listening() if self.store else nullcontext(asyncio.Event()) as heard:
            yield heard
