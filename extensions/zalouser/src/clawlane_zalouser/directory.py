"""Whom a personal Zalo account knows: itself, its friends, its groups and who is in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from clawlane.capabilities import DirectoryError
from clawlane.channel import Account, Vault
from clawlane.messages import Group, Members, Person
from clawlane_zalouser.environment import Environment
from clawlane_zalouser.stored_session import StoredSession
from zaloweb.calls import groups
from zaloweb.calls.account import User
from zaloweb.calls.groups import Member, MemberProfile
from zaloweb.client import Zalo
from zaloweb.errors import SessionExpired, ZaloError

T = TypeVar("T")
Question = Callable[[Zalo], Awaitable[T]]
_Named = User | Member | MemberProfile


async def asked(
    account: Account, vault: Vault, environment: Environment, live: Zalo | None, ask: Question[T]
) -> T:
    """The answer to a question, over the live session if there is one, else over the stored one.

    Raises `DirectoryError` and `VaultError`.
    """
    try:
        return await (ask(live) if live is not None else _asked_alone(account, vault, environment, ask))
    except SessionExpired as error:
        reason = f"the session of {account} has expired ({error})"
        raise DirectoryError(reason, login_command(account, "--force"), needs_login=True) from error
    except ZaloError as error:
        raise DirectoryError(f"{account} could not ask Zalo: {error}") from error


async def self_(zalo: Zalo) -> Person:
    """The account itself."""
    user = await zalo.account_info()
    return Person(user.id or zalo.own_id, user.name, _aliases(user))


async def peers(zalo: Zalo) -> list[Person]:
    """All friends."""
    return [Person(one.id, one.name, _aliases(one), is_friend=True) for one in await zalo.friends() if one.id]


async def all_groups(zalo: Zalo) -> list[Group]:
    """All groups, asked for in batches."""
    return [Group(one.id, one.name or "", _size(one)) for one in await zalo.groups()]


async def members(zalo: Zalo, group_id: str) -> Members:
    """Who is in a group, and how many there are. People whom Zalo says nothing about have no name.

    Where Zalo tells no friends at all, it is not known who of them is one.
    """
    found = await zalo.groups([group_id])
    if not found:
        raise DirectoryError(
            f"the account is in no group {group_id}", "openclaw directory groups list --channel zalouser"
        )
    friends = {one.id: one for one in await zalo.friends()}
    told: dict[str, _Named] = {str(one.id): one for one in found[0].current_mems or ()}
    ids = found[0].members()
    for batch in groups.in_batches(one for one in ids if one not in friends):
        told.update((await zalo.call(groups.members_info(batch))).members)
    known = (lambda user_id: user_id in friends) if friends else (lambda _user_id: None)
    people = (_member(user_id, friends.get(user_id) or told.get(user_id), known(user_id)) for user_id in ids)
    return Members(tuple(people), len(ids) + found[0].hidden)


def login_command(account: Account, *flags: str) -> str:
    """What the operator types to link the account again."""
    words = ["openclaw channels login --channel", account.channel]
    if account.id != "default":
        words += ["--account", account.id]
    return " ".join((*words, *flags))


async def _asked_alone(account: Account, vault: Vault, environment: Environment, ask: Question[T]) -> T:
    """Over a client of its own. A session that has grown too old is renewed once with its cookies."""
    stored = StoredSession(account, vault, environment)
    session = await stored.read()
    if session is None:
        raise DirectoryError(f"{account} is not logged in", login_command(account), needs_login=True)
    try:
        async with stored.opened(session) as zalo:
            return await ask(zalo)
    except SessionExpired:
        fresh = await stored.refreshed(session)
    async with stored.opened(fresh) as zalo:
        return await ask(zalo)


def _member(user_id: str, told: _Named | None, is_friend: bool | None) -> Person:
    if told is None:
        return Person(user_id, "", is_friend=is_friend)
    return Person(user_id, _shown(told), _aliases(told), is_friend=is_friend)


def _shown(told: _Named) -> str:
    return (told.d_name or told.zalo_name or "") if isinstance(told, Member) else told.name


def _aliases(told: _Named) -> tuple[str, ...]:
    """The name they gave themselves, where the account calls them otherwise."""
    own = told.zalo_name or ""
    return (own,) if own and own != _shown(told) else ()


def _size(group: groups.Group) -> int | None:
    return group.total_member if group.total_member is not None else len(group.members()) or None
