"""Who there is: new people, accounts and groups, friendships, and how groups change."""

from __future__ import annotations

from zaloweb.sim.steps.step import DONE, Body, OfAccount, Step, account
from zaloweb.sim.world import World


class _NewPerson(Body, frozen=True, kw_only=True):
    name: str
    friend: bool = True
    uid: str = ""


class _NewAccount(Body, frozen=True, kw_only=True):
    name: str


class _NewGroup(Body, frozen=True, kw_only=True):
    name: str
    members: tuple[str, ...] = ()


class _Friendship(OfAccount, frozen=True, kw_only=True):
    person: str
    text: str = "Kết bạn nhé"


class _Rename(Body, frozen=True, kw_only=True):
    group: str
    by: str
    name: str


class _Member(Body, frozen=True, kw_only=True):
    group: str
    person: str
    by: str | None = None


async def new_person(world: World, told: _NewPerson) -> object:
    """Somebody new."""
    made = world.person(told.name, friend=told.friend, uid=told.uid)
    return {"uid": made.uid, "name": made.name}


async def new_account(world: World, told: _NewAccount) -> object:
    """A further account."""
    made = world.account(told.name)
    return {"uid": made.uid, "name": made.name}


async def new_group(world: World, told: _NewGroup) -> object:
    """A group made by the first account."""
    made = world.group(told.name, [world.registry.find_person(name) for name in told.members])
    return {"gid": made.gid, "name": made.name}


async def ask_friend(world: World, told: _Friendship) -> object:
    """Somebody asks to be friends."""
    await world.registry.find_person(told.person).asks_friendship(account(world, told.account), told.text)
    return DONE


async def befriend(world: World, told: _Friendship) -> object:
    """Somebody becomes a friend."""
    await world.registry.find_person(told.person).befriends(account(world, told.account))
    return DONE


async def unfriend(world: World, told: _Friendship) -> object:
    """Somebody stops being a friend."""
    await world.registry.find_person(told.person).unfriends(account(world, told.account))
    return DONE


async def rename(world: World, told: _Rename) -> object:
    """Somebody renames a group."""
    await world.registry.find_person(told.by).renames(world.registry.find_group(told.group), told.name)
    return DONE


async def join(world: World, told: _Member) -> object:
    """Somebody joins a group, or is added."""
    one, group = world.registry.find_person(told.person), world.registry.find_group(told.group)
    by = one if told.by is None else world.registry.find_person(told.by)
    await by.adds(one, group)
    return DONE


async def leave(world: World, told: _Member) -> object:
    """Somebody leaves a group, or is removed."""
    one, group = world.registry.find_person(told.person), world.registry.find_group(told.group)
    if told.by is None:
        await one.leaves(group)
    else:
        await world.registry.find_person(told.by).removes(one, group)
    return DONE


STEPS = [
    Step("POST", "/person", _NewPerson, new_person),
    Step("POST", "/account", _NewAccount, new_account),
    Step("POST", "/group", _NewGroup, new_group),
    Step("POST", "/ask-friend", _Friendship, ask_friend),
    Step("POST", "/befriend", _Friendship, befriend),
    Step("POST", "/unfriend", _Friendship, unfriend),
    Step("POST", "/rename", _Rename, rename),
    Step("POST", "/join", _Member, join),
    Step("POST", "/leave", _Member, leave),
]
