"""All accounts of the gateway: their supervisors, and what each needs to know about the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import Agent
from clawlane.channel import Account, Channel, StateCode
from clawlane.config.load import Config, Plugins
from clawlane.config.paths import Paths
from clawlane.gateway import pauses
from clawlane.gateway.ending import Ending
from clawlane.gateway.name_resolution import NameResolver
from clawlane.gateway.supervisor import Supervisor
from clawlane.lane.commands import Answering
from clawlane.lane.gate import Gate
from clawlane.lane.inbound_media import MediaLimits
from clawlane.lane.pacing import Pacer
from clawlane.lane.runner import AccountDeps
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller
from clawlane.store.account_store import Clock
from clawlane.store.database import Store
from clawlane.store.media_files import MediaFiles

AGENTS_AT_ONCE = 8


class Accounts:
    """The accounts by name (`channel/id`), disabled ones included."""

    def __init__(
        self,
        config: Config,
        paths: Paths,
        store: Store,
        channels: Mapping[str, Channel],
        agent: Agent,
        now_ms: Clock,
        environ: Mapping[str, str],
        ending: Ending | None = None,
        plugins: Plugins | None = None,
    ) -> None:
        """`channels` maps the id of every configured channel to the object that runs it."""
        self.config = config
        self.store = store
        self.now_ms = now_ms
        self._started_ms = now_ms()
        self.begun = asyncio.Event()
        self._paths = paths
        self._environ = environ
        self._ending = ending
        self._plugins = plugins
        self._agent = agent
        self._slots = asyncio.Semaphore(AGENTS_AT_ONCE)
        self._media = MediaFiles(paths.inbound_media_dir)
        self._resolvers: dict[str, NameResolver] = {}
        self.supervisors = {
            str(account): self._supervise(account, channels[name], account.id == channel.default_account)
            for name, channel in config.channels.items()
            for account in channel.accounts
        }

    def context(self, caller: Caller) -> OpContext:
        """The context of the operations that run in this gateway."""
        return OpContext(
            self._paths,
            self._environ,
            self.now_ms,
            caller,
            live=self.supervisors,
            store=self.store,
            loaded=self.config,
            started_ms=self._started_ms,
            ending=self._ending,
            loading=self._plugins,
        )

    def grants(self, account: str) -> Grants:
        """What access needs to know of an account besides its config."""
        supervisor = self.supervisors[account]
        state = supervisor.state
        others = {one.state.user_id for one in self.supervisors.values() if one is not supervisor}
        return Grants(
            state.user_id,
            frozenset(others - {""}),
            supervisor.paired,
            self._resolvers[account].pins,
            language=state.language,
            skew_ms=state.skew_ms,
        )

    async def run(self) -> None:
        """Run every enabled account until cancelled. One that fails for good does not affect the others."""
        ctx = self.context(Caller.GATEWAY)
        await asyncio.to_thread(self._media.tidy)
        for supervisor in self.supervisors.values():
            await pauses.put_in_force(ctx, supervisor)
        async with asyncio.TaskGroup() as group:
            for name, supervisor in self.supervisors.items():
                supervisor.pairing_changed()
                await self._resolvers[name].load(self.store)
                group.create_task(supervisor.run())
                if supervisor.account.enabled:
                    supervisor.start()
            for supervisor in self.supervisors.values():
                await supervisor.owned.wait()
                group.create_task(pauses.end_in_time(ctx, supervisor))
            self.begun.set()

    async def stop(self) -> None:
        """Stop all accounts at once, each after its chunks in flight have been answered."""
        await asyncio.gather(
            *(one.stop(StateCode.GATEWAY_STOPS, "the gateway stops") for one in self.supervisors.values())
        )

    def _supervise(self, account: Account, channel: Channel, is_default: bool) -> Supervisor:
        name, settings = str(account), account.settings
        policy = AccessPolicy.of(self.config, account)
        resolver = self._resolvers[name] = NameResolver(
            account,
            policy.names_to_pin(),
            lambda: self.supervisors[name].lookup(),  # noqa: PLW0108 (the supervisor is made below)
            self.now_ms,
        )
        pacer = Pacer(settings.pacing, random.random) if settings.pacing.enabled else None
        deps = AccountDeps(
            account=account,
            channel=channel,
            agent=self._agent,
            policy=policy,
            gate=Gate(account, channel, pacer),
            grants=lambda: self.grants(name),
            ready=resolver.opened,
            slots=self._slots,
            now_ms=self.now_ms,
            jitter=random.random,
            report=resolver.note,
            pin=resolver.run,
            resend_unknown=settings.resend_unknown,
            prefix=settings.response_prefix or "",
            outgoing=self._paths.outgoing_dir(name),
            media=(self._media, MediaLimits.of(settings)),
            answering=Answering.of(self.config),
            look_up_gap_ms=int(settings.look_up_gap.total_seconds() * 1000),
        )
        return Supervisor(deps, self.store, self._paths.vault_dir, self._paths.consent_dir, is_default)
