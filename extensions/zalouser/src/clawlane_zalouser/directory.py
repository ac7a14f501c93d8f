"""Whom a personal Zalo account knows: itself, its friends, its groups and their members."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clawlane.capabilities import DirectoryError
from clawlane.channel import Account, Vault
from clawlane.messages import Group, Members, Person
from clawlane.texts import later
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

log = logging.getLogger(__name__)


async def ask(
    account: Account, vault: Vault, environment: Environment, live: Zalo | None, question: Question[T]
) -> T:
    """The answer to a question, over the live session if there is one, else over the stored one.

    Raises `DirectoryError` and `VaultError`.
    """
    log.debug("%s: a lookup over the %s session", account, "stored" if live is None else "live")
    try:
        if live is not None:
            return await question(live)
        return await _ask_alone(account, StoredSession(account, vault, environment), question)
    except SessionExpired as error:
        reason = later("the session of {account} has expired ({error})", account=account, error=str(error))
        raise DirectoryError(reason, login_command(account, "--force"), needs_login=True) from error
    except ZaloError as error:
        told = later("{account} could not ask Zalo: {error}", account=account, error=str(error))
        raise DirectoryError(told) from error


async def self_(zalo: Zalo) -> Person:
    """The account itself."""
    user = await zalo.account_info()
    return Person(user.id or zalo.own_id, user.name, _aliases(user))


async def peers(zalo: Zalo) -> list[Person]:
    """All friends."""
    return [Person(one.id, one.name, _aliases(one), is_friend=True) for one in await zalo.friends() if one.id]


async def all_groups(zalo: Zalo) -> list[Group]:
    """All groups, looked up in batches."""
    found = []
    for one in await zalo.groups():
        size = len(one.members()) or None if one.total_member is None else one.total_member
        found.append(Group(one.id, one.name or "", size))
    return found


async def members(zalo: Zalo, group_id: str) -> Members:
    """The members of a group that Zalo names, and how many there are. Some may have no name.

    If Zalo lists no friends at all, it is unknown which members are friends.
    """
    found = await zalo.groups([group_id])
    if not found:
        raise DirectoryError(
            later("the account is in no group {group}", group=group_id),
            "openclaw directory groups list --channel zalouser",
        )
    friends = {one.id: one for one in await zalo.friends()}
    named: dict[str, _Named] = {str(one.id): one for one in found[0].current_mems or ()}
    ids = found[0].members()
    for batch in groups.in_batches(one for one in ids if one not in friends):
        named.update((await zalo.call(groups.members_info(batch))).members)
    people = []
    for user_id in ids:
        is_friend = user_id in friends if friends else None
        one = friends.get(user_id) or named.get(user_id)
        name, aliases = ("", ()) if one is None else (_shown_name(one), _aliases(one))
        people.append(Person(user_id, name, aliases, is_friend))
    return Members(tuple(people), len(ids) + found[0].hidden)


def login_command(account: Account, *flags: str) -> str:
    """What the operator types to link the account again."""
    words = ["openclaw channels login --channel", account.channel]
    if account.id != "default":
        words += ["--account", account.id]
    return " ".join((*words, *flags))


async def _ask_alone(account: Account, stored: StoredSession, question: Question[T]) -> T:
    """The answer over a client of its own. A session that is too old is renewed once with its cookies."""
    session = await stored.read()
    if session is None:
        nobody = later("{account} is not logged in", account=account)
        raise DirectoryError(nobody, login_command(account), needs_login=True)
    try:
        async with stored.open(session) as zalo:
            return await question(zalo)
    except SessionExpired:
        fresh = await stored.refresh(session)
    async with stored.open(fresh) as zalo:
        return await question(zalo)


def _shown_name(one: _Named) -> str:
    return (one.d_name or one.zalo_name or "") if isinstance(one, Member) else one.name


def _aliases(one: _Named) -> tuple[str, ...]:
    """The name they chose, if the account calls them something else."""
    own = one.zalo_name or ""
    return (own,) if own and own != _shown_name(one) else ()
