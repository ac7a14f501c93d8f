"""Faults, and frames of one's own making."""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.sim.errors import Impossible
from zaloweb.sim.faults import AnyFault
from zaloweb.sim.steps.step import DONE, Body, OfAccount, Step, account
from zaloweb.sim.world import World


class _Push(OfAccount, frozen=True, kw_only=True):
    cmd: int
    sub: int = 0
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class _Backlog(Body, frozen=True, kw_only=True):
    pushed: bool = True


class _Clock(Body, frozen=True, kw_only=True):
    ahead: float = 0.0
    shown: bool = True


async def add(world: World, told: AnyFault) -> object:
    """Something goes wrong from now on. Its account may be given by name."""
    who = world.registry.find_account(told.account).uid if told.account else ""
    world.faults.add(msgspec.structs.replace(told, account=who))
    return DONE


async def clear(world: World, _: Body) -> object:
    """Nothing goes wrong any more."""
    world.faults.clear()
    return DONE


async def show(world: World, _: Body) -> object:
    """What can still go wrong."""
    return {"faults": world.faults.active()}


async def push(world: World, told: _Push) -> object:
    """A frame with this payload, packed like all others."""
    listener = account(world, told.account).listener
    if listener is None:
        raise Impossible("no client is listening to this account")
    await listener.push(told.cmd, told.sub, told.data)
    return DONE


async def backlog(world: World, told: _Backlog) -> object:
    """Whether what was written while nobody listened is pushed at the next connect."""
    world.pushes_backlog = told.pushed
    return DONE


async def clock(world: World, told: _Clock) -> object:
    """Zalo's clock shows another time than this machine's, in messages and answers; or answers have none."""
    world.clock.ahead_ms = round(told.ahead * 1000)
    world.clock.shown = told.shown
    return DONE


STEPS = [
    Step("POST", "/fault", AnyFault, add),
    Step("GET", "/faults", Body, show),
    Step("DELETE", "/faults", Body, clear),
    Step("POST", "/push", _Push, push),
    Step("POST", "/backlog", _Backlog, backlog),
    Step("POST", "/clock", _Clock, clock),
]
