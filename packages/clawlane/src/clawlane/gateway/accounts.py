"""All accounts of the gateway: their supervisors, and what each must know of the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial

from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import Agent
from clawlane.channel import Account, Channel, State, StateCode
from clawlane.config.load import Config
from clawlane.config.paths import Paths
from clawlane.gateway import pauses
from clawlane.gateway.name_resolution import NameResolver
from clawlane.gateway.supervisor import Supervisor
from clawlane.lane.gate import Gate
from clawlane.lane.pacing import Pacer
from clawlane.lane.runner import AccountDeps
from clawlane.ops.context import OpContext
from clawlane.ops.directory import Lookup
from clawlane.ops.operation import Caller
from clawlane.store.account_store import Clock
from clawlane.store.database import Store

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
    ) -> None:
        """`channels` maps the id of every configured channel to the object that runs it."""
        self.config = config
        self.store = store
        self.now_ms = now_ms
        self._started_ms = now_ms()
        self.begun = asyncio.Event()
        self._own_ids: dict[str, str] = {}
        self._paths = paths
        self._environ = environ
        self._agent = agent
        self._slots = asyncio.Semaphore(AGENTS_AT_ONCE)
        self.pinnings: dict[str, NameResolver] = {}
        self.gates: dict[str, Gate] = {}
        self.supervisors = {
            str(account): self._supervise(account, channels[name], account.id == channel.default_account)
            for name, channel in config.channels.items()
            for account in channel.accounts
        }

    def context(self, caller: Caller) -> OpContext:
        """What operations in this gateway are given."""
        return OpContext(
            self._paths,
            self._environ,
            self.now_ms,
            caller,
            live=self.supervisors,
            store=self.store,
            loaded=self.config,
            started_ms=self._started_ms,
        )

    def grants(self, account: str) -> Grants:
        """What access has to know of an account beside its config."""
        others = frozenset(user_id for name, user_id in self._own_ids.items() if name != account)
        pins = self.pinnings[account].pins
        return Grants(
            self._own_ids.get(account, ""),
            others,
            self.supervisors[account].paired,
            pins,
            language=self.supervisors[account].language,
            skew_ms=self.supervisors[account].state.skew_ms,
        )

    async def run(self) -> None:
        """Run every enabled account until cancelled. One that fails for good costs the others nothing."""
        ctx = self.context(Caller.GATEWAY)
        for supervisor in self.supervisors.values():
            await pauses.put_in_force(ctx, supervisor)
        async with asyncio.TaskGroup() as group:
            for name, supervisor in self.supervisors.items():
                supervisor.pairing_changed()
                await self.pinnings[name].load(self.store)
                group.create_task(supervisor.run())
                if supervisor.parts.account.enabled:
                    supervisor.start()
            for supervisor in self.supervisors.values():
                await supervisor.owned.wait()
                group.create_task(pauses.end_in_time(ctx, supervisor))
            self.begun.set()

    async def stop(self) -> None:
        """Stop every account, side by side; what is on its way gets its answer first."""
        await asyncio.gather(
            *(one.stop(StateCode.GATEWAY_STOPS, "the gateway stops") for one in self.supervisors.values())
        )

    def _supervise(self, account: Account, channel: Channel, is_default: bool) -> Supervisor:
        name, policy = str(account), AccessPolicy.of(self.config, account)
        self.gates[name] = Gate(account, channel, _pacer(account))
        self.pinnings[name] = NameResolver(
            account, policy.names_to_pin(), partial(self._lookup, name), self.now_ms
        )
        parts = AccountDeps(
            account=account,
            channel=channel,
            agent=self._agent,
            policy=policy,
            gate=self.gates[name],
            grants=lambda: self.grants(name),
            ready=self.pinnings[name].opened,
            slots=self._slots,
            now_ms=self.now_ms,
            jitter=random.random,
            report=self._noting(name),
            pin=self.pinnings[name].run,
            resend_unknown=account.settings.resend_unknown,
            look_up_gap_ms=int(account.settings.look_up_gap.total_seconds() * 1000),
        )
        return Supervisor(parts, self.store, self._paths.vault_dir, self._paths.consent_dir, is_default)

    def _lookup(self, name: str) -> Lookup:
        return self.supervisors[name].lookup()

    def _noting(self, name: str) -> Callable[[State], None]:
        def note(state: State) -> None:
            if state.user_id:
                self._own_ids[name] = state.user_id
            if state.language:
                self.supervisors[name].language = state.language
            self.pinnings[name].note(state)

        return note


def _pacer(account: Account) -> Pacer | None:
    rules = account.settings.pacing
    return Pacer(rules, random.random) if rules.enabled else None
