"""Faults, frames with any payload, the backlog and the clock."""

from __future__ import annotations

from typing import Any

import msgspec

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


async def add_fault(world: World, body: AnyFault) -> object:
    """Add a fault. Its account may be given by name."""
    who = world.registry.find_account(body.account).uid if body.account else ""
    world.faults.add(msgspec.structs.replace(body, account=who))
    return DONE


async def clear_faults(world: World, _: Body) -> object:
    """Remove all faults."""
    world.faults.clear()
    return DONE


async def show_faults(world: World, _: Body) -> object:
    """The faults that can still hit."""
    return {"faults": world.faults.active()}


async def push(world: World, body: _Push) -> object:
    """Push a frame with this payload, packed like all others."""
    await world.connections.of(account(world, body.account)).push(body.cmd, body.sub, body.data)
    return DONE


async def backlog(world: World, body: _Backlog) -> object:
    """Set whether messages missed while not connected are pushed at the next connect."""
    world.pushes_backlog = body.pushed
    return DONE


async def clock(world: World, body: _Clock) -> object:
    """Set how far Zalo's clock is ahead, in messages and answers, and whether answers have a `Date`."""
    world.clock.ahead_ms = round(body.ahead * 1000)
    world.clock.shown = body.shown
    return DONE


STEPS = [
    Step("POST", "/fault", AnyFault, add_fault),
    Step("GET", "/faults", Body, show_faults),
    Step("DELETE", "/faults", Body, clear_faults),
    Step("POST", "/push", _Push, push),
    Step("POST", "/backlog", _Backlog, backlog),
    Step("POST", "/clock", _Clock, clock),
]
