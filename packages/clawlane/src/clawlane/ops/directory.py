"""The people and groups an account knows: asked over its session, cached in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.ops.operation import AccountRequest, OpError, Request, operation
from clawlane.people import Group, Person
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.access.names import ConfigName
    from clawlane.lookup import Lookup
    from clawlane.ops.context import OpContext, Target
    from clawlane.store.directory import LookedUp


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
    from clawlane.lookup import search

    async with lookup(ctx, ctx.target(request.channel, request.account)) as asked:
        return search(await asked.peers(), request.query)


@operation
async def groups(ctx: OpContext, request: Groups) -> list[Group]:
    from clawlane.lookup import search

    async with lookup(ctx, ctx.target(request.channel, request.account)) as asked:
        return search(await asked.groups(), request.query)


@operation
async def members(ctx: OpContext, request: GroupMembers) -> FoundMembers:
    from clawlane.config.senders import bare_id, is_numeric_id
    from clawlane.lookup import search

    target = ctx.target(request.channel, request.account)
    group_id = bare_id(request.group)
    if not is_numeric_id(group_id):
        raise OpError(
            later("'{group}' is no group id", group=request.group),
            f"openclaw directory groups list {target.words}",
        )
    async with lookup(ctx, target) as asked:
        told = await asked.members(group_id)
    found, count = tuple(search(told.people, request.query)), len(told.people)
    return FoundMembers(group_id, found, count, count + told.hidden)


@asynccontextmanager
async def lookup(ctx: OpContext, target: Target) -> AsyncIterator[Lookup]:
    """Looks up for one account: over its connection in a gateway, else over its stored session.

    The answers are kept, unless a gateway has just started.
    """
    from clawlane.capabilities import DirectoryError
    from clawlane.lookup import Lookup
    from clawlane.store.errors import StoreOwned

    account = target.account
    if live := ctx.live.get(str(account)):
        yield Lookup(account, live.channel, live.vault(), live.account_store, live.friends_listed)
        return
    channel, vault = ctx.runtime(target.manifest), ctx.vault(account)
    if vault.identity() is None:
        reason = later("{account} is not logged in", account=account)
        raise DirectoryError(reason, f"openclaw channels login {target.words}", needs_login=True)
    async with AsyncExitStack() as stack:
        account_store = None
        with suppress(StoreOwned):
            account_store = await stack.enter_async_context(ctx.own(str(account)))
        yield Lookup(account, channel, vault, account_store)


async def resolve(lookup: Lookup, names: Sequence[ConfigName], now_ms: int) -> list[LookedUp]:
    """What names stand for now: all of them looked up, or none.

    Raises `DirectoryError`, also for lists that cannot be right.
    """
    from clawlane.access.names import NameList

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
    from clawlane.access.names import Match, NameList, Pin, fold_name, slug
    from clawlane.store.directory import LookedUp

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
