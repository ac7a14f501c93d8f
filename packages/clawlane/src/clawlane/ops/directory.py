"""The people and groups an account knows: asked over its session, cached in the store."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from clawlane.access.names import ConfigName, Match, NameList, Pin, fold_name, slug
from clawlane.capabilities import Directory, DirectoryError
from clawlane.channel import Account, Channel, Vault, VaultError
from clawlane.config.senders import is_numeric_id
from clawlane.messages import Group, Members, Person
from clawlane.ops.config_names import bare_id
from clawlane.ops.context import OpContext, Target
from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.store.account_store import AccountStore
from clawlane.store.directory import Kept, LookedUp, keep_groups, keep_members, keep_peers
from clawlane.store.errors import StoreOwned

T = TypeVar("T")
_Named = TypeVar("_Named", Person, Group)

DEADLINE = 20.0
"""Seconds that one question may take, however many requests it needs."""


@dataclass(frozen=True, slots=True)
class Self(AccountRequest[Person]):
    """Who the account itself is."""


@dataclass(frozen=True, slots=True)
class Peers(AccountRequest[list[Person]]):
    """The friends of an account, those who match `query` first."""

    query: str = ""


@dataclass(frozen=True, slots=True)
class Groups(AccountRequest[list[Group]]):
    """The groups of an account, as with `Peers`."""

    query: str = ""


@dataclass(frozen=True, slots=True)
class GroupMembers(Request["FoundMembers"]):
    """The members of a group, an id or `group:ID`, as with `Peers`."""

    group: str
    channel: str | None = None
    account: str | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class FoundMembers:
    """`told` members were named by the platform, `total` are in the group: it may hide some."""

    group_id: str
    found: tuple[Person, ...]
    told: int
    total: int


@operation
async def self_(ctx: OpContext, request: Self) -> Person:
    """Raises `DirectoryError`, as all of these do."""
    async with lookup(ctx, ctx.target(request.channel, request.account)) as asked:
        return await asked.self_()


@operation
async def peers(ctx: OpContext, request: Peers) -> list[Person]:
    async with lookup(ctx, ctx.target(request.channel, request.account)) as asked:
        return search(await asked.peers(), request.query)


@operation
async def groups(ctx: OpContext, request: Groups) -> list[Group]:
    async with lookup(ctx, ctx.target(request.channel, request.account)) as asked:
        return search(await asked.groups(), request.query)


@operation
async def members(ctx: OpContext, request: GroupMembers) -> FoundMembers:
    target = ctx.target(request.channel, request.account)
    group_id = bare_id(request.group)
    if not is_numeric_id(group_id):
        raise OpError(f"'{request.group}' is no group id", f"openclaw directory groups list {target.words}")
    async with lookup(ctx, target) as asked:
        told = await asked.members(group_id)
    found, count = tuple(search(told.people, request.query)), len(told.people)
    return FoundMembers(group_id, found, count, count + told.hidden)


@asynccontextmanager
async def lookup(ctx: OpContext, target: Target) -> AsyncIterator[Lookup]:
    """Looks up for one account: over its connection in a gateway, else over its stored session.

    The answers are kept, unless a gateway has just started.
    """
    account = target.account
    if live := ctx.live.get(str(account)):
        yield Lookup(account, live.channel, live.vault(), live.account_store)
        return
    channel, vault = ctx.runtime(target.manifest), ctx.vault(account)
    if vault.identity() is None:
        reason = f"{account} is not logged in"
        raise DirectoryError(reason, f"openclaw channels login {target.words}", needs_login=True)
    async with AsyncExitStack() as stack:
        account_store = None
        with suppress(StoreOwned):
            account_store = await stack.enter_async_context(ctx.own(str(account)))
        yield Lookup(account, channel, vault, account_store)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look-ups of one account. Without an account store nothing is cached.

    All of them raise `DirectoryError`, also for a platform that does not answer in time.
    """

    account: Account
    channel: Channel
    vault: Vault
    account_store: AccountStore | None = None

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
        _check("friends", people, await store.attempt(keep_peers, people) if store else None, complete)
        return people

    async def groups(self, *, complete: bool = False) -> list[Group]:
        """The groups of the account; what is doubtful as with `peers`."""
        groups = await self._ask(lambda directory: directory.groups(self.account, self.vault))
        store = self.account_store
        _check("groups", groups, await store.attempt(keep_groups, groups) if store else None, complete)
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
            raise DirectoryError(f"the channel {self.account.channel} cannot look people or groups up")
        try:
            async with asyncio.timeout(DEADLINE):
                return await question(self.channel)
        except TimeoutError:
            raise DirectoryError(f"the platform did not answer within {DEADLINE:.0f} s; try again") from None
        except VaultError as error:
            raise DirectoryError(str(error), error.help, needs_login=True) from error


def _check(what: str, found: Sequence[object], kept: Kept | None, complete: bool) -> None:
    """Raises `DirectoryError` for a list that is no completed look-up."""
    if kept is not None and kept.doubted and kept.before:
        told = f"told only {len(found)}" if found else "told no"
        raise DirectoryError(
            f"the platform {told} {what} where {kept.before} are known; the former ones stay;"
            " it is believed once it says so for an hour"
        )
    if complete and not found and (kept is None or kept.doubted):
        raise DirectoryError(
            f"the platform told no {what} at all; it is believed once it says so for an hour"
        )


async def resolve(lookup: Lookup, names: Sequence[ConfigName], now_ms: int) -> list[LookedUp]:
    """What names stand for now: all of them looked up, or none.

    Raises `DirectoryError`, also for lists that cannot be right.
    """
    lists = {name.where for name in names}
    people = await lookup.peers(complete=True) if lists - {NameList.GROUPS} else []
    groups = await lookup.groups(complete=True) if NameList.GROUPS in lists else []
    return look_up(names, people, groups, now_ms)


def look_up(
    names: Iterable[ConfigName], people: Sequence[Person], groups: Sequence[Group], now_ms: int
) -> list[LookedUp]:
    """What each name means now: senders are looked up among the people, keys of `groups` among the groups.

    An exact name counts; only if nobody has it, another name of a person or the slug of a group does.
    """
    found = []
    for name in names:
        wanted, short, match = fold_name(name.entry), slug(name.entry), Match.EXACT
        known = groups if name.where is NameList.GROUPS else people
        named = {one.id: one.name for one in known if fold_name(one.name) == wanted}
        if not named and name.where is NameList.GROUPS:
            match = Match.SLUG
            named = {one.id: one.name for one in groups if short and slug(one.name) == short}
        elif not named:
            named = {one.id: one.name for one in people if wanted in map(fold_name, one.aliases)}
        found.append(LookedUp(Pin(name, tuple(named), match, now_ms), tuple(named.values())))
    return found


def search(found: Iterable[_Named], query: str) -> list[_Named]:
    """Those whose id or name contains the query; exact matches come first.

    Case and diacritics do not count: `nguyen` finds `Nguyễn`, and `dang` finds `Đặng`.
    """
    wanted = _bare(query)
    hits = [one for one in found if any(wanted in text for text in _texts(one))]
    return sorted(hits, key=lambda one: wanted not in _texts(one))


def _texts(one: Person | Group) -> list[str]:
    aliases = one.aliases if isinstance(one, Person) else ()
    return [_bare(text) for text in (one.id, one.name, *aliases)]


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", fold_name(text).replace("đ", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
