"""The channel `zalouser`, as the gateway sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cached_property, partial
from typing import TypeVar

from clawlane.capabilities import LoginStep, ProbeResult, RiskNotice
from clawlane.channel import Account, ChannelUnusable, Host, NeedsLogin, NotSent, Vault
from clawlane.messages import Group, Members, Outgoing, Person, Receipt, Reply, Signal, Thread, ThreadKind
from clawlane_zalouser import directory, marks, outbound, risk, signin
from clawlane_zalouser.lifetime import Lifetime
from clawlane_zalouser.probe import probe
from clawlane_zalouser.surroundings import Surroundings
from zaloweb.errors import SettingsError

T = TypeVar("T")


class ZaloUserChannel:
    """Personal Zalo accounts. Can log in by QR code, be probed, and be rehearsed against a simulator."""

    def __init__(self) -> None:
        self._lives: dict[str, Lifetime] = {}

    @cached_property
    def _around(self) -> Surroundings:
        # Loading the machine's certificates takes a moment, which `plan` and `risk` need not pay.
        try:
            return Surroundings()
        except SettingsError as error:
            raise ChannelUnusable(str(error)) from error

    async def run(self, account: Account, host: Host) -> None:
        """Live for one account until cancelled, or until the operator is needed."""
        life = self._lives[account.id] = Lifetime(account, host, self._around)
        try:
            await life.run()
        finally:
            del self._lives[account.id]

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        """Send one chunk with the session of `run`. Raises a `SendFailed`."""
        life = self._lives.get(account.id)
        if life is None or life.zalo is None:
            raise NotSent(f"{account} is not connected")
        try:
            return await outbound.send(life.zalo, out)
        except NeedsLogin as error:
            life.expired(str(error))
            raise

    async def signal(self, account: Account, signal: Signal) -> None:
        """Show others that the account types, has a message, or has seen it."""
        life = self._lives.get(account.id)
        if life is not None and life.zalo is not None:
            await marks.show(life.zalo, signal)

    async def look_up(self, account: Account, kind: ThreadKind) -> None:
        """Fetch what was written, so that chunks of unknown fate are found or known to be absent."""
        if life := self._lives.get(account.id):
            await life.look_up(kind)

    def plan(self, thread: Thread, reply: Reply) -> list[Outgoing]:
        """A reply as texts that Zalo takes."""
        return outbound.plan(thread, reply)

    def steps(self, account: Account) -> AsyncIterator[LoginStep]:
        """Log in by QR code."""
        return signin.steps(account, self._around)

    async def probe(self, account: Account, vault: Vault) -> ProbeResult:
        """Ask Zalo whether the session in the vault holds."""
        return await probe(account, vault, self._around)

    async def self_(self, account: Account, vault: Vault) -> Person:
        """The account itself."""
        return await self._asked(account, vault, directory.self_)

    async def peers(self, account: Account, vault: Vault) -> list[Person]:
        """The account's friends."""
        return await self._asked(account, vault, directory.peers)

    async def groups(self, account: Account, vault: Vault) -> list[Group]:
        """The groups the account is in."""
        return await self._asked(account, vault, directory.all_groups)

    async def members(self, account: Account, vault: Vault, group_id: str) -> Members:
        """Who is in a group, as far as it shows them."""
        return await self._asked(account, vault, partial(directory.members, group_id=group_id))

    def risk(self) -> RiskNotice:
        """What a personal account risks."""
        return risk.NOTICE

    def rehearsal(self) -> str:
        """Where the simulator is, or empty for the real Zalo."""
        return self._around.network.rehearsal

    async def _asked(self, account: Account, vault: Vault, ask: directory.Question[T]) -> T:
        life = self._lives.get(account.id)
        return await directory.asked(account, vault, self._around, life.zalo if life else None, ask)
