"""Questions to the platform about people and groups, within a deadline; answers are kept in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from clawlane.access.names import fold_name, without_diacritics
from clawlane.capabilities import Directory, DirectoryError
from clawlane.channel import Account, Channel, Vault, VaultError
from clawlane.messages import Group, Members, Person
from clawlane.store.account_store import AccountStore
from clawlane.store.directory import Kept, keep_groups, keep_members, keep_peers
from clawlane.texts import later

T = TypeVar("T")
_Named = TypeVar("_Named", Person, Group)

DEADLINE = 20.0
"""Seconds that one question may take, however many requests it needs."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look-ups of one account. Without an account store nothing is cached.

    `friends_listed` is told how many friends were stored before, and how many the platform listed.
    All of them raise `DirectoryError`, also for a platform that does not answer in time.
    """

    account: Account
    channel: Channel
    vault: Vault
    account_store: AccountStore | None = None
    friends_listed: Callable[[int, int], None] | None = None

    async def self_(self) -> Person:
        """The account itself."""
        return await self._ask(lambda directory: directory.self_(self.account, self.vault))

    async def peers(self, *, complete: bool = False) -> list[Person]:
        """The friends of the account.

        Sharply fewer than before, or none where there were some, are a `DirectoryError`: what was known
        stays. With `complete` none at all are one, too, until the store believes it.
        """
        people = await self._ask(lambda directory: directory.peers(self.account, self.vault))
        store = self.account_store
        kept = await store.attempt(keep_peers, people) if store else None
        if kept is not None and self.friends_listed is not None:
            self.friends_listed(kept.before, len(people))
        _check(later("friends"), people, kept, complete)
        return people

    async def groups(self, *, complete: bool = False) -> list[Group]:
        """The groups of the account; what is doubtful as with `peers`."""
        groups = await self._ask(lambda directory: directory.groups(self.account, self.vault))
        store = self.account_store
        _check(later("groups"), groups, await store.attempt(keep_groups, groups) if store else None, complete)
        return groups

    async def members(self, group_id: str) -> Members:
        """The members of a group, as far as the platform tells."""
        members = await self._ask(lambda directory: directory.members(self.account, self.vault, group_id))
        if self.account_store is not None:
            await self.account_store.attempt(keep_members, group_id, members.people)
        return members

    async def _ask(self, question: Callable[[Directory], Awaitable[T]]) -> T:
        """The platform's answer, within the deadline."""
        if not isinstance(self.channel, Directory):
            raise DirectoryError(
                later("the channel {channel} cannot look people or groups up", channel=self.account.channel)
            )
        try:
            async with asyncio.timeout(DEADLINE):
                return await question(self.channel)
        except TimeoutError:
            raise DirectoryError(
                later("the platform did not answer within {deadline:.0f} s; try again", deadline=DEADLINE)
            ) from None
        except VaultError as error:
            raise DirectoryError(error.args[0], error.help, needs_login=True) from error


def _check(what: str, found: Sequence[object], kept: Kept | None, complete: bool) -> None:
    """Raises `DirectoryError` for a list that is no completed look-up."""
    if kept is not None and kept.doubted and kept.before:
        told = later(
            "the platform told no {what} where {before} are known; the former ones stay; it is believed once"
            " it says so for an hour",
            what=what,
            before=kept.before,
        )
        if found:
            told = later(
                "the platform told only {n} {what} where {before} are known; the former ones stay; it is"
                " believed once it says so for an hour",
                n=len(found),
                what=what,
                before=kept.before,
            )
        raise DirectoryError(told)
    if complete and not found and (kept is None or kept.doubted):
        raise DirectoryError(
            later("the platform told no {what} at all; it is believed once it says so for an hour", what=what)
        )


def search(found: Iterable[_Named], query: str) -> list[_Named]:
    """Those whose id or name contains the query; exact matches come first.

    Case and diacritics do not count: `nguyen` finds `Nguyễn`, and `dang` finds `Đặng`. An empty query finds
    all, in their order.
    """
    wanted = _bare(query)
    if not wanted:
        return list(found)
    hits = [one for one in found if any(wanted in text for text in _texts(one))]
    return sorted(hits, key=lambda one: wanted not in _texts(one))


def _texts(one: Person | Group) -> list[str]:
    aliases = one.aliases if isinstance(one, Person) else ()
    return [_bare(text) for text in (one.id, one.name, *aliases)]


def _bare(text: str) -> str:
    return without_diacritics(fold_name(text))
