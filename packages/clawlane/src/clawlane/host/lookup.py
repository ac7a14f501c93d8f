"""Asking a channel whom an account knows, and keeping what it says in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clawlane.abilities import Directory, DirectoryError, Group, Members, Person
from clawlane.channel import Account, Channel, Vault, VaultError
from clawlane.store.journal import Journal

DEADLINE = 20.0
"""Seconds that one question may take, however many requests it needs."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The questions for one account. Without a journal nothing is kept.

    All of them raise `DirectoryError`, also for a platform that does not answer in time.
    """

    account: Account
    channel: Channel
    vault: Vault
    journal: Journal | None = None

    async def self_(self) -> Person:
        """The account itself."""
        async with _in_time(self._directory()) as directory:
            return await directory.self_(self.account, self.vault)

    async def peers(self) -> list[Person]:
        """The friends of the account."""
        async with _in_time(self._directory()) as directory:
            people = await directory.peers(self.account, self.vault)
        if self.journal is not None:
            await self.journal.keep_peers(people)
        return people

    async def groups(self) -> list[Group]:
        """The groups of the account."""
        async with _in_time(self._directory()) as directory:
            groups = await directory.groups(self.account, self.vault)
        if self.journal is not None:
            await self.journal.keep_groups(groups)
        return groups

    async def members(self, group_id: str) -> Members:
        """The members of a group, as far as the platform tells."""
        async with _in_time(self._directory()) as directory:
            people = await directory.members(self.account, self.vault, group_id)
        if self.journal is not None:
            await self.journal.keep_members(group_id, people)
        return people

    def _directory(self) -> Directory:
        if not isinstance(self.channel, Directory):
            raise DirectoryError(f"the channel {self.account.channel} cannot look people or groups up")
        return self.channel


@asynccontextmanager
async def _in_time(directory: Directory) -> AsyncIterator[Directory]:
    try:
        async with asyncio.timeout(DEADLINE):
            yield directory
    except TimeoutError:
        raise DirectoryError(f"the platform did not answer within {DEADLINE:.0f} s; try again") from None
    except VaultError as error:
        raise DirectoryError(str(error), error.help, needs_login=True) from error
