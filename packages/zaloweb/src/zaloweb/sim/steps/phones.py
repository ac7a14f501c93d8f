"""Phones, sessions and connections of accounts."""

from __future__ import annotations

from zaloweb.sim.steps.step import DONE, OfAccount, Step, account
from zaloweb.sim.world import World


class _Drop(OfAccount, frozen=True, kw_only=True):
    code: int = 1006


class _Forget(OfAccount, frozen=True, kw_only=True):
    keep: int = 0


async def scan(world: World, body: OfAccount) -> object:
    """The phone scans the newest QR code."""
    world.phone_of(account(world, body.account)).scan()
    return DONE


async def confirm(world: World, body: OfAccount) -> object:
    """The phone confirms the code it scanned."""
    world.phone_of(account(world, body.account)).confirm()
    return DONE


async def decline(world: World, body: OfAccount) -> object:
    """The phone declines the code it scanned."""
    world.phone_of(account(world, body.account)).decline()
    return DONE


async def expire(world: World, body: OfAccount) -> object:
    """The newest open code expires."""
    world.phone_of(account(world, body.account)).expire()
    return DONE


async def credentials(world: World, body: OfAccount) -> object:
    """The cookies of the session."""
    return world.credentials(account(world, body.account))


async def expire_session(world: World, body: OfAccount) -> object:
    """The cookies are refused from now on."""
    world.expire_session(account(world, body.account))
    return DONE


async def refresh_cookies(world: World, body: OfAccount) -> object:
    """The next answer sets a new session cookie."""
    world.refresh_cookies(account(world, body.account))
    return DONE


async def drop(world: World, body: _Drop) -> object:
    """The WebSocket ends."""
    await world.drop(body.code, account(world, body.account))
    return DONE


async def kick(world: World, body: OfAccount) -> object:
    """The WebSocket is closed with 3003."""
    await world.kick(account(world, body.account))
    return DONE


async def half_open(world: World, body: OfAccount) -> object:
    """The WebSocket stays open, but nothing comes over it any more."""
    world.half_open(account(world, body.account))
    return DONE


async def second_login(world: World, body: OfAccount) -> object:
    """A login somewhere else ends the session and kicks its client."""
    await world.second_login(account(world, body.account))
    return DONE


async def second_listener(world: World, body: OfAccount) -> object:
    """Another WebSocket of the session: the client is told to go."""
    await world.second_listener(account(world, body.account))
    return DONE


async def forget(world: World, body: _Forget) -> object:
    """Zalo holds only the newest messages."""
    world.message_store.mailbox(account(world, body.account)).forget(body.keep)
    return DONE


STEPS = [
    Step("POST", "/scan", OfAccount, scan),
    Step("POST", "/confirm", OfAccount, confirm),
    Step("POST", "/decline", OfAccount, decline),
    Step("POST", "/expire", OfAccount, expire),
    Step("POST", "/credentials", OfAccount, credentials),
    Step("POST", "/expire-session", OfAccount, expire_session),
    Step("POST", "/refresh-cookies", OfAccount, refresh_cookies),
    Step("POST", "/drop", _Drop, drop),
    Step("POST", "/kick", OfAccount, kick),
    Step("POST", "/half-open", OfAccount, half_open),
    Step("POST", "/second-login", OfAccount, second_login),
    Step("POST", "/second-listener", OfAccount, second_listener),
    Step("POST", "/forget", _Forget, forget),
]
