"""One request of the control interface as a value: its path, its body, and what it does to the world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from zaloweb.sim.users import Group, User
from zaloweb.sim.world import World

DONE = {"ok": True}


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body without fields: the root of all."""


class OfAccount(Body, frozen=True, kw_only=True):
    """What most steps take: an account by name or uid, the first one if left out."""

    account: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`act` gets the world and the decoded body; what it returns is the answer, as JSON."""

    method: Literal["POST", "DELETE", "GET"]
    path: str
    body: Any
    act: Callable[[World, Any], Awaitable[object]]


def account(world: World, named: str | None) -> User:
    """The account with this name or uid, or the first one."""
    return world.me if named is None else world.registry.find_account(named)


def person(world: World, named: str | None) -> User | None:
    """The user with this name or uid, or None if none is named."""
    return None if named is None else world.registry.find_person(named)


def group(world: World, named: str | None) -> Group | None:
    """The group with this name or id, or None if none is named."""
    return None if named is None else world.registry.find_group(named)
