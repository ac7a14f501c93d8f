"""All accounts of the gateway: their supervisors, and what each needs to know about the others."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clawlane.access.policy import Grants
from clawlane.backoff import Backoff
from clawlane.channel import Channel, State, StateCode
from clawlane.config.accounts import needs_new_connection
from clawlane.config.load import Config, Plugins
from clawlane.config.paths import Paths
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.record_files import RecordFiles
from clawlane.credentials.sealing_key import KeyLocation
from clawlane.gateway import pauses
from clawlane.gateway.alert_targets import AlertTargets
from clawlane.gateway.alerts import AlertDispatcher
from clawlane.gateway.ending import Ending
from clawlane.gateway.name_resolution import NameResolver
from clawlane.gateway.owner_commands import OwnerCommands
from clawlane.gateway.supervisor import Supervisor
from clawlane.gateway.upgrades import Upgrades
from clawlane.gateway.wanted import Edited, closed, settings_of
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.gate import Gate
from clawlane.lane.live_agents import LiveAgents
from clawlane.lane.live_settings import LiveSettings
from clawlane.lane.pacing import Pacer
from clawlane.ops.context import LiveConfig, OpContext
from clawlane.ops.operation import Caller
from clawlane.ops.serving import Listening
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.database import Store
from clawlane.store.errors import NotOwned
from clawlane.store.events import Edit, note_config
from clawlane.store.media_files import MediaFiles
from clawlane.store.told import Pause
from clawlane.texts import ENGLISH, chosen, later, speak
from clawlane.webhook_sender import WebhookSender, webhook_sender
from clawlane.zone import Zone

AGENTS_AT_ONCE = 8
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EditNote:
    """What became of an edit of the config on one account: how many of each kind it widens and narrows.

    `by` is the caller and the operation that let it count; None for the gateway itself.
    """

    revision: str
    edit: Edit
    widens: Mapping[str, int]
    narrows: Mapping[str, int]
    by: tuple[str, str] | None = None


class Accounts:
    """The accounts by name (`channel/id`), disabled ones included, as the config in force has them."""

    def __init__(
        self,
        config: Config,
        paths: Paths,
        store: Store,
        channels: Mapping[str, Channel],
        agents: LiveAgents,
        now_ms: Clock,
        environ: Mapping[str, str],
        ending: Ending | None = None,
        plugins: Plugins | None = None,
        profiles: Profiles | None = None,
    ) -> None:
        """`channels` maps the id of every configured channel to the object that runs it.

        Without `profiles` they are files of the state directory.
        """
        self.config = config
        self._followed = asyncio.Event()
        self.channels = dict(channels)
        self.store = store
        self.now_ms = now_ms
        self._started_ms = now_ms()
        self.begun = asyncio.Event()
        self.live_config: LiveConfig | None = None
        """What stands in the config file beside the config in force; None without anybody who looks at it."""
        self.serves: dict[str, Listening] = {}
        """What is served besides the lane, for `status`."""
        self.node = ""
        """The node that this gateway is; empty where it shares its store with nobody."""
        self._paths = paths
        key = KeyLocation.of(paths.vault_dir, environ, config.root.secrets.key_file)
        self._profiles = profiles or Profiles(RecordFiles.of(paths), key)
        self.environ = environ
        self._ending = ending
        self._plugins = plugins
        self._agents = agents
        self._slots = asyncio.Semaphore(AGENTS_AT_ONCE)
        self._media = MediaFiles(paths.inbound_media_dir)
        self._upgrades = Upgrades(store)
        self._resolvers: dict[str, NameResolver] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._settling: dict[str, asyncio.Lock] = {}
        self._kept: dict[str, list[Pause]] = {}
        """The pauses of accounts that are being replaced: not all of them may be stored."""
        self._stops = False
        self._before_write: Callable[[], str] = str
        self._webhooks: WebhookSender
        self._group = asyncio.TaskGroup()
        self.supervisors: dict[str, Supervisor] = {}
        self._own_ids: frozenset[str] | None = None
        self._wanted = settings_of(config, None)
        for name in self._wanted:
            self._make(name)

    def context(self, caller: Caller) -> OpContext:
        """The context of the operations that run in this gateway."""
        return OpContext(
            self._paths,
            self.environ,
            self.now_ms,
            caller,
            live=self.supervisors,
            store=self.store,
            kept=self._profiles,
            loaded=self.config,
            started_ms=self._started_ms,
            ending=self._ending,
            loading=self._plugins,
            live_config=self.live_config,
            serves=self.serves,
            node=self.node,
        )

    def zone(self) -> Zone:
        """The zone of the config in force."""
        return Zone(self.config.root.timezone or "")

    def locale(self) -> str:
        """The language in which the owner is told something: of the config in force, else of the machine."""
        return chosen(self.environ, self.config.root.locale or "")

    def grants(self, account: str) -> Grants:
        """What access needs to know of an account besides its config."""
        supervisor = self.supervisors[account]
        state = supervisor.state
        if self._own_ids is None:
            self._own_ids = frozenset(one.state.user_id for one in self.supervisors.values()) - {""}
        return Grants(
            state.user_id,
            self._own_ids,
            supervisor.paired,
            self._resolvers[account].pins,
            language=supervisor.language,
            skew_ms=state.skew_ms,
        )

    def here(self) -> list[str]:
        """The accounts that run here, or start or stop."""
        return list(self._wanted)

    def _runs_here(self, name: str) -> bool:  # noqa: ARG002 (nodes know better)
        return True

    def _guard(self, channels: Mapping[str, Channel]) -> None:
        """Have channels ask right before they write, where that is not always allowed."""

    async def _let_go(self, name: str) -> None:
        """End what runs of an account, and be ready to run it again."""
        await self._end_tasks(name)
        if name in self._wanted:
            self._make(name)

    async def _end_tasks(self, name: str) -> None:
        tasks = self._tasks.pop(name, [])
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _reported(self, name: str, state: State) -> None:
        """Take a state of an account; its own id may be one that the others have to know."""
        if state.user_id and state.user_id not in (self._own_ids or ()):
            self._own_ids = None
        self._resolvers[name].note(state)

    async def run(self) -> None:
        """Run every enabled account until cancelled. One that fails for good does not affect the others."""
        await asyncio.to_thread(self._media.tidy)
        async with webhook_sender() as self._webhooks, self._group:
            self._group.create_task(self._upgrades.look_ahead(self.config))
            await asyncio.gather(*map(self._begin, filter(self._runs_here, tuple(self.supervisors))))
            self.begun.set()
            await asyncio.Event().wait()  # accounts may come later

    async def stop(self) -> None:
        """Stop all accounts at once, each after its chunks in flight have been answered."""
        self._stops = True
        await asyncio.gather(*map(self._stop, tuple(self.supervisors)))

    async def _stop(self, name: str) -> None:
        await self.supervisors[name].stop(StateCode.GATEWAY_STOPS, later("the gateway stops"))

    def follow(self, config: Config, edited: Edited | None, channels: Mapping[str, Channel]) -> list[str]:
        """Work by another config from now on; `edited` is one whose widening waits.

        Who may write is decided by it at once. Accounts that need another connection get it soon, new ones
        start, and those that are gone stop. Gives the names of these.
        """
        self.config, self.channels = config, dict(channels)
        self._guard(channels)
        self._followed.set()
        self._followed = asyncio.Event()
        self._wanted = settings_of(config, edited)
        revision = (edited.config if edited else config).source.revision
        for name, supervisor in self.supervisors.items():
            settings = self._wanted.get(name) or closed(supervisor.deps.settings.now, revision)
            supervisor.follow(settings)
            self._resolvers[name].follow(settings.rules.names_to_pin(), supervisor.account_store)
        changed = [name for name in {*self.supervisors, *self._wanted} if not self._settled(name)]
        for name in {*self.supervisors, *changed}:
            self._group.create_task(self._settle(name))
        return sorted(changed)

    async def next_config(self) -> None:
        """Returns once they work by another config."""
        await self._followed.wait()

    def note(self, name: str, note: EditNote) -> None:
        """Record what became of an edit of the config on an account, at once or when the account is there."""
        supervisor = self.supervisors.get(name)
        if supervisor is None or (account_store := supervisor.account_store) is None:
            self._group.create_task(self._note_later(name, note))
            return
        bound = account_store.by(*note.by) if note.by else account_store
        bound.post(note_config, note.revision, note.edit, note.widens, note.narrows)

    async def _note_later(self, name: str, note: EditNote) -> None:
        async with self._settling.setdefault(name, asyncio.Lock()):
            supervisor = self.supervisors.get(name)
        if supervisor is not None:
            await supervisor.owned.wait()
            if supervisor.account_store is not None:
                self.note(name, note)

    def _settled(self, name: str) -> bool:
        """Whether an account was launched with the connection that the config in force wants."""
        wanted, there = self._wanted.get(name), self.supervisors.get(name)
        if wanted is None or there is None:
            return wanted is None and there is None
        same_channel = self.channels[wanted.account.channel] is there.channel
        launched = name in self._tasks or not self._runs_here(name)
        return launched and same_channel and not needs_new_connection(there.made_for, wanted.account)

    async def _begin(self, name: str) -> None:
        """Run an account that was made at the start. One that fails is tried again, and the others run."""
        try:
            async with self._settling.setdefault(name, asyncio.Lock()):
                await self._start(name, [])
        except Exception as error:
            self._group.create_task(self._settle(name, error))

    async def _settle(self, name: str, failed: Exception | None = None) -> None:
        """Let an account run, or not, as the config in force wants it by then. What fails is tried again."""
        if failed is None:
            await self.begun.wait()
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT, random.random)
        while not self._stops:
            if failed is not None:
                await asyncio.sleep(self._report_failed(name, failed, backoff.next()))
            try:
                async with self._settling.setdefault(name, asyncio.Lock()):
                    await self._change(name)
                return
            except Exception as error:
                failed = error

    def _report_failed(self, name: str, error: Exception, wait: float) -> float:
        """Say that an account could not be started or changed. Gives the seconds until it is tried again."""
        log.error("%s could not be changed; trying again in %.0f s", name, wait, exc_info=error)
        if name in self.supervisors and name not in self._tasks:
            self.supervisors[name].not_started(error, wait)
        return wait

    async def _change(self, name: str) -> None:
        if not self._settled(name) and name in self.supervisors:
            self._kept[name] = self.supervisors[name].pauses
            await self._remove(name)
        if name in self._wanted and name not in self.supervisors and not self._stops:
            await self._add(name, self._kept.get(name, []))
        elif name in self.supervisors:
            pacing = self.supervisors[name].account.settings.pacing
            await self.supervisors[name].pace(pacing, random.random)
            if (account_store := self.supervisors[name].account_store) is not None:
                await self._upgrades.follow(self.config, account_store)
        self._kept.pop(name, None)

    async def _add(self, name: str, kept: list[Pause]) -> None:
        """Run an account that was not there. Pauses that could not be stored hold on."""
        self._make(name)
        if not self._runs_here(name):
            return
        await self._start(name, kept)
        enabled = self.supervisors[name].account.enabled
        log.info("%s: %s by the config", name, "starts" if enabled else "is disabled")

    async def _start(self, name: str, kept: list[Pause]) -> None:
        self.supervisors[name].hold(kept)
        self._launch(name)
        await self._end_pauses(name)

    async def _prepare(self, supervisor: Supervisor, account_store: AccountStore) -> None:
        """What belongs between the moment when an account is owned and its first run."""
        ctx, name = self.context(Caller.GATEWAY), account_store.account
        was, stored, approved, looked_up = await self.store.ask(
            lambda reader: (
                reader.in_force(name),
                reader.pauses(),
                reader.approved(name),
                reader.looked_up(name),
            )
        )
        pauses.put_in_force(supervisor, stored)
        supervisor.pair(approved)
        await self._resolvers[name].load(looked_up, account_store)
        if await self._upgrades.weigh(self.config, account_store, was):
            pauses.put_in_force(supervisor, await self.store.ask(lambda reader: reader.pauses()))
        await pauses.end_overdue(ctx, supervisor)

    async def _remove(self, name: str) -> None:
        supervisor, wanted = self.supervisors[name], self._wanted.get(name)
        if wanted is not None and wanted.account.enabled:
            code, reason = StateCode.RESTARTING, later("starting again with other settings")
        else:
            code, reason = StateCode.STOPPED_BY_CONFIG, later("switched off in the config")
        if name in self._tasks:  # else it never ran
            log.info("%s: %s", name, reason)
            await supervisor.stop(code, reason)
            tasks = self._tasks.pop(name)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        del self.supervisors[name], self._resolvers[name]
        self._own_ids = None

    def _launch(self, name: str) -> None:
        supervisor = self.supervisors[name]
        self._tasks[name] = [self._group.create_task(self._live(supervisor))]
        if supervisor.account.enabled:
            supervisor.start()

    async def _live(self, supervisor: Supervisor) -> None:
        speak(lambda: ENGLISH)  # and not the language of whoever asked for this start
        try:
            await supervisor.run()
        except NotOwned as error:
            log.info("%s", error)
            self._group.create_task(self._not_owned(supervisor))

    async def _not_owned(self, supervisor: Supervisor) -> None:
        name = str(supervisor.account)
        async with self._settling.setdefault(name, asyncio.Lock()):
            if self.supervisors.get(name) is supervisor:  # else it was let go meanwhile, and may run again
                await self._let_go(name)

    async def _end_pauses(self, name: str) -> None:
        """Once the account is owned, end its pauses in time. Returns at the first try to prepare it."""
        supervisor = self.supervisors[name]
        await supervisor.tried.wait()
        if self.supervisors.get(name) is not supervisor or name not in self._tasks:
            return  # it was lost meanwhile
        ending = pauses.end_in_time(self.context(Caller.GATEWAY), supervisor)
        self._tasks[name].append(self._group.create_task(ending))
        self._tasks[name].append(self._group.create_task(self._tell_owner(name)))

    async def _tell_owner(self, name: str) -> None:
        """Carry the alerts of an account to its owner, once it is owned. Lives until cancelled."""
        supervisor = self.supervisors[name]
        await supervisor.owned.wait()
        assert supervisor.account_store is not None
        targets = AlertTargets(name, self.supervisors, self.environ, self._webhooks, self.now_ms)
        await AlertDispatcher(
            self.store,
            supervisor.account_store,
            targets,
            lambda: supervisor.account.settings.alerts,
            self.now_ms,
            random.random,
            self.zone,
            self.locale,
        ).run()

    def _make(self, name: str) -> None:
        settings = self._wanted[name]
        account = settings.account
        channel = self.channels[account.channel]
        resolver = self._resolvers[name] = NameResolver(
            account,
            settings.rules.names_to_pin(),
            lambda: supervisor.lookup(),  # noqa: PLW0108 (the supervisor is made below)
            self.now_ms,
        )
        pacing = account.settings.pacing
        pacer = Pacer(pacing, random.random) if pacing.enabled else None
        gate = Gate(account, channel, pacer, self.now_ms)
        gate.keep_quiet(settings.quiet_hours)
        deps = AccountDeps(
            settings=LiveSettings(settings),
            channel=channel,
            agents=self._agents,
            gate=gate,
            grants=lambda: self.grants(name),
            ready=resolver.opened,
            slots=self._slots,
            now_ms=self.now_ms,
            jitter=random.random,
            report=lambda state: self._reported(name, state),
            pin=resolver.run,
            outgoing=self._paths.outgoing_dir(name),
            act=OwnerCommands(
                name, lambda: self.context(Caller.OWNER), lambda: self.supervisors.get(name)
            ).act,
            media=self._media,
            before_write=lambda: self._before_write(),  # noqa: PLW0108 (nodes set it later)
        )
        supervisor = Supervisor(
            deps, self.store, self._profiles, lambda account_store: self._prepare(supervisor, account_store)
        )
        self.supervisors[name] = supervisor
