"""All accounts of the gateway: their supervisors, and what each must know of the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import Agent
from clawlane.channel import Account, Channel, State, StateCode
from clawlane.config.load import Config
from clawlane.config.paths import Paths
from clawlane.gateway.held import HeldAccount
from clawlane.gateway.name_resolution import NameResolver
from clawlane.gateway.supervisor import Supervisor
from clawlane.lane.gate import Gate
from clawlane.lane.pacing import Pacer
from clawlane.lane.runner import AccountDeps
from clawlane.ops.directory import Lookup
from clawlane.ops.kill_switch import Pauses
from clawlane.ops.messages import AccountStores, Resolutions
from clawlane.ops.pairing import Pairings
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.database import Store
from clawlane.store.models import OpenTurn

AGENTS_AT_ONCE = 8


class Accounts:
    """The accounts by name (`channel/id`), disabled ones included."""

    def __init__(
        self,
        config: Config,
        places: Paths,
        store: Store,
        channels: Mapping[str, Channel],
        agent: Agent,
        now_ms: Clock,
    ) -> None:
        """`channels` maps the id of every configured channel to the object that runs it."""
        self.config = config
        self.store = store
        self.now_ms = now_ms
        account_stores = AccountStores(store, self._store_of)
        self.pairings = Pairings(
            store, account_stores, self._wake, now_ms, lambda account: self._languages.get(account, "")
        )
        self.rulings = Resolutions(store, account_stores, self._ruled, self._again)
        self.begun = asyncio.Event()
        self._own_ids: dict[str, str] = {}
        self._languages: dict[str, str] = {}
        self._places = places
        self._agent = agent
        self._slots = asyncio.Semaphore(AGENTS_AT_ONCE)
        self.pinnings: dict[str, NameResolver] = {}
        self.gates: dict[str, Gate] = {}
        self.supervisors = {
            str(account): self._supervise(account, channels[name], account.id == channel.default_account)
            for name, channel in config.channels.items()
            for account in channel.accounts
        }

        held = {name: HeldAccount(supervisor) for name, supervisor in self.supervisors.items()}
        self.pauses = Pauses(store, account_stores, config, held, now_ms)

    def find(self, channel: str, account: str | None) -> Supervisor | None:
        """The account of that name, or the channel's default account."""
        block = self.config.channels.get(channel)
        found = block.account(account) if block else None
        return self.supervisors[str(found)] if found else None

    def grants(self, account: str) -> Grants:
        """What access has to know of an account beside its config."""
        others = frozenset(user_id for name, user_id in self._own_ids.items() if name != account)
        pins = self.pinnings[account].pins
        return Grants(
            self._own_ids.get(account, ""),
            others,
            self.pairings.paired(account),
            pins,
            language=self._languages.get(account, ""),
            skew_ms=self.supervisors[account].state.skew_ms,
        )

    def lookup(self, account: str) -> Lookup:
        """The way to ask whom an account knows, with a fresh handle on its session."""
        one = self.supervisors[account]
        return Lookup(one.parts.account, one.parts.channel, one.vault(), one.account_store)

    async def run(self) -> None:
        """Run every enabled account until cancelled. One that fails for good costs the others nothing."""
        await self.pauses.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pauses.run())
            for name, supervisor in self.supervisors.items():
                self.pairings.load(name)
                await self.pinnings[name].load(self.store)
                group.create_task(supervisor.run(self.store))
                if supervisor.parts.account.enabled:
                    supervisor.start()
            for supervisor in self.supervisors.values():
                await supervisor.owned.wait()
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
            account, policy.names_to_pin(), lambda: self.lookup(name), self.now_ms
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
        return Supervisor(parts, self._places.vault_dir, self._places.consent_dir, is_default)

    def _noting(self, name: str) -> Callable[[State], None]:
        def note(state: State) -> None:
            if state.user_id:
                self._own_ids[name] = state.user_id
            if state.language:
                self._languages[name] = state.language
            self.pinnings[name].note(state)

        return note

    def _ruled(self, account: str, turn: int | None) -> None:
        if supervisor := self.supervisors.get(account):
            supervisor.settled(turn)

    def _again(self, account: str, turn: OpenTurn) -> None:
        if supervisor := self.supervisors.get(account):
            supervisor.again(turn)

    def _wake(self, account: str) -> None:
        if supervisor := self.supervisors.get(account):
            supervisor.wake()

    def _store_of(self, account: str) -> AccountStore | None:
        supervisor = self.supervisors.get(account)
        return supervisor.account_store if supervisor else None


def _pacer(account: Account) -> Pacer | None:
    rules = account.settings.pacing
    return Pacer(rules, random.random) if rules.enabled else None
