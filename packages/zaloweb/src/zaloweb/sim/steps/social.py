"""New people, accounts and groups; friendships; group changes."""

from __future__ import annotations

from typing import Annotated

import msgspec

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
    hidden: Annotated[int, msgspec.Meta(ge=0)] = 0


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


async def new_person(world: World, body: _NewPerson) -> object:
    """Somebody new. A new friend is pushed to the first account, as Zalo does."""
    person = world.person(body.name, friend=False, uid=body.uid)
    if body.friend:
        await world.connections.push(world.friendships.make(person, world.me))
    return {"uid": person.uid, "name": person.name}


async def new_account(world: World, body: _NewAccount) -> object:
    """A further account."""
    made = world.account(body.name)
    return {"uid": made.uid, "name": made.name}


async def new_group(world: World, body: _NewGroup) -> object:
    """A group made by the first account."""
    members = [world.registry.find_person(name) for name in body.members]
    group = world.group(body.name, members, hidden=body.hidden)
    return {"gid": group.gid, "name": group.name}


async def ask_friend(world: World, body: _Friendship) -> object:
    """Somebody sends a friend request."""
    person, owner = world.registry.find_person(body.person), account(world, body.account)
    await world.connections.push(world.friendships.ask(person, owner, body.text))
    return DONE


async def befriend(world: World, body: _Friendship) -> object:
    """Somebody becomes a friend."""
    person, owner = world.registry.find_person(body.person), account(world, body.account)
    await world.connections.push(world.friendships.make(person, owner))
    return DONE


async def unfriend(world: World, body: _Friendship) -> object:
    """Somebody stops being a friend."""
    person, owner = world.registry.find_person(body.person), account(world, body.account)
    await world.connections.push(world.friendships.end(person, owner))
    return DONE


async def rename(world: World, body: _Rename) -> object:
    """Somebody renames a group."""
    by, group = world.registry.find_person(body.by), world.registry.find_group(body.group)
    await world.connections.push(world.groups.rename(group, by, body.name))
    return DONE


async def join(world: World, body: _Member) -> object:
    """Somebody joins a group, or is added."""
    person, group = world.registry.find_person(body.person), world.registry.find_group(body.group)
    by = person if body.by is None else world.registry.find_person(body.by)
    await world.connections.push(world.groups.add(group, by, [person]))
    return DONE


async def leave(world: World, body: _Member) -> object:
    """Somebody leaves a group, or is removed."""
    person, group = world.registry.find_person(body.person), world.registry.find_group(body.group)
    if body.by is None:
        pushes = world.groups.leave(group, person)
    else:
        pushes = world.groups.remove(group, world.registry.find_person(body.by), [person])
    await world.connections.push(pushes)
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
