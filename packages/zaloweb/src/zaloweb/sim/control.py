"""The control interface of the simulator: the handles of a world as plain HTTP and JSON, on loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from aiohttp import web

from zaloweb.sim.accounts import Account
from zaloweb.sim.arrived import Arrived
from zaloweb.sim.errors import Impossible, Unknown
from zaloweb.sim.people import Person
from zaloweb.sim.world import World

_LOOPBACK = "127.0.0.1"
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_LONGEST_WAIT = 60.0
_MOST_RECORDS = 1000
_PATIENCE = 0.05

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _OfAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What most steps take: an account by name or uid, the first one if left out."""

    account: str | None = None


class _Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    sender: str
    text: str
    to: str | None = None
    group: str | None = None
    mentions: list[str] = []


class _NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    friend: bool = True


class _NewGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    members: list[str] = []


class _Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: int = 1006
    account: str | None = None


B = TypeVar("B", bound=msgspec.Struct)


class Control:
    """The interface, served on a loopback port while entered; 0 takes a free one."""

    def __init__(self, world: World, port: int = 0) -> None:
        self.port = port
        self._world = world
        app = web.Application(middlewares=[_errors_as_json, _loopback_only])
        app.add_routes(
            [
                web.post("/scan", self._scan),
                web.post("/confirm", self._confirm),
                web.post("/decline", self._decline),
                web.post("/expire", self._expire),
                web.post("/person", self._person),
                web.post("/group", self._group),
                web.post("/say", self._say),
                web.post("/drop", self._drop),
                web.post("/kick", self._kick),
                web.post("/credentials", self._credentials),
                web.post("/expire-session", self._expire_session),
                web.post("/refresh-cookies", self._refresh_cookies),
                web.get("/arrived", self._arrived),
                web.get("/world", self._show_world),
            ]
        )
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_PATIENCE
        )

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, _LOOPBACK, self.port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _scan(self, request: web.Request) -> web.Response:
        (await self._account(request)).phone.scan()
        return _done()

    async def _confirm(self, request: web.Request) -> web.Response:
        (await self._account(request)).phone.confirm()
        return _done()

    async def _decline(self, request: web.Request) -> web.Response:
        (await self._account(request)).phone.decline()
        return _done()

    async def _expire(self, request: web.Request) -> web.Response:
        (await self._account(request)).phone.expire()
        return _done()

    async def _person(self, request: web.Request) -> web.Response:
        told = await _body(request, _NewPerson)
        person = self._world.person(told.name, friend=told.friend)
        return _json({"uid": person.uid, "name": person.name})

    async def _group(self, request: web.Request) -> web.Response:
        told = await _body(request, _NewGroup)
        members = [self._world.cast.find_person(name) for name in told.members]
        group = self._world.group(told.name, members)
        return _json({"gid": group.gid, "name": group.name})

    async def _say(self, request: web.Request) -> web.Response:
        told = await _body(request, _Say)
        cast = self._world.cast
        message = await cast.find_person(told.sender).says(
            told.text,
            to=None if told.to is None else cast.find_person(told.to),
            group=None if told.group is None else cast.find_group(told.group),
            mentions=[cast.find_person(name) for name in told.mentions],
        )
        return _json({"msgId": message.msg_id, "cliMsgId": message.cli_msg_id})

    async def _drop(self, request: web.Request) -> web.Response:
        told = await _body(request, _Drop)
        await self._world.drop(told.code, self._named(told.account))
        return _done()

    async def _kick(self, request: web.Request) -> web.Response:
        await self._world.kick(await self._account(request))
        return _done()

    async def _credentials(self, request: web.Request) -> web.Response:
        return _json(self._world.credentials(await self._account(request)))

    async def _expire_session(self, request: web.Request) -> web.Response:
        self._world.expire_session(await self._account(request))
        return _done()

    async def _refresh_cookies(self, request: web.Request) -> web.Response:
        self._world.refresh_cookies(await self._account(request))
        return _done()

    async def _arrived(self, request: web.Request) -> web.Response:
        after, wait = _number(request, "after", int), _number(request, "wait", float)
        log = self._world.log
        if log.last <= after and wait:
            try:
                async with asyncio.timeout(min(wait, _LONGEST_WAIT)):
                    await log.first(Arrived, None, after)
            except TimeoutError:
                pass
        records = log.since(after)[:_MOST_RECORDS]
        return _json({"arrived": records, "last": records[-1].seq if records else max(after, log.last)})

    async def _show_world(self, _request: web.Request) -> web.Response:
        cast = self._world.cast
        return _json(
            {
                "accounts": [_shown_account(account) for account in cast.accounts.values()],
                "people": [
                    _shown_person(one) for one in cast.people.values() if one.uid not in cast.accounts
                ],
                "groups": [
                    {
                        "gid": group.gid,
                        "name": group.name,
                        "members": [one.name for one in group.members.values()],
                    }
                    for group in cast.groups.values()
                ],
                "last": self._world.log.last,
            }
        )

    async def _account(self, request: web.Request) -> Account:
        return self._named((await _body(request, _OfAccount)).account)

    def _named(self, account: str | None) -> Account:
        return self._world.me if account is None else self._world.cast.find_account(account)


def _shown_account(account: Account) -> dict[str, Any]:
    return {
        "uid": account.uid,
        "name": account.name,
        "loggedIn": account.session is not None,
        "connected": account.listener is not None,
    }


def _shown_person(person: Person) -> dict[str, Any]:
    return {"uid": person.uid, "name": person.name, "friendOf": sorted(person.friend_of)}


async def _body(request: web.Request, kind: type[B]) -> B:
    raw = await request.read()
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=f"the body does not fit: {error}") from None


def _number(request: web.Request, name: str, kind: type[int] | type[float]) -> Any:
    value = request.query.get(name, "0")
    try:
        number = kind(value)
    except ValueError:
        number = -1
    if not number >= 0:
        raise web.HTTPBadRequest(text=f"{name} must be a number from 0 on, not {value!r}")
    return number


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Unknown as error:
        return _error(404, str(error))
    except Impossible as error:
        return _error(409, str(error))
    except web.HTTPMethodNotAllowed as error:
        return _error(405, f"{request.path} takes {', '.join(sorted(error.allowed_methods))}")
    except web.HTTPNotFound:
        return _error(404, f"there is no {request.path}; docs/simulator.md lists what there is")
    except web.HTTPException as error:
        return _error(error.status, error.text or error.reason)


@web.middleware
async def _loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page in a browser could reach this port under a name of its own; such a name stands in Host."""
    host = request.headers.get("Host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in _LOOPBACK_NAMES:
        raise web.HTTPForbidden(text="the control interface answers to 127.0.0.1 and localhost only")
    return await handler(request)


def _done() -> web.Response:
    return _json({"ok": True})


def _error(status: int, told: str) -> web.Response:
    return _json({"error": told}, status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
