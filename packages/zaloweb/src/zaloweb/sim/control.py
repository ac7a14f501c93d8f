"""The control interface of the simulator: plain HTTP and JSON, on loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from zaloweb.sim.errors import Impossible, Unknown
from zaloweb.sim.event_log import Record
from zaloweb.sim.http_server import LOOPBACK, HttpServer
from zaloweb.sim.steps import STEPS, Step
from zaloweb.sim.world import World

_LOOPBACK_NAMES = frozenset({LOOPBACK, "localhost", "[::1]"})
_LONGEST_WAIT = 60.0
_MOST_RECORDS = 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control(HttpServer):
    """Serves a world's control interface while entered; `port` 0 takes a free one.

    `requests` are the methods and paths it answers.
    """

    def __init__(self, world: World, port: int = 0) -> None:
        self._world = world
        app = web.Application(middlewares=[_errors_as_json, _loopback_only])
        app.add_routes([web.route(step.method, step.path, self._handler(step)) for step in STEPS])
        app.add_routes([web.get("/arrived", self._arrived), web.get("/world", self._show_world)])
        self.requests = frozenset(
            (route.method, route.resource.canonical)
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        )
        super().__init__(app, port)

    def _handler(self, step: Step) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                body = msgspec.json.decode(await request.read() or b"{}", type=step.body)
            except msgspec.MsgspecError as error:
                raise web.HTTPBadRequest(text=f"the body does not fit: {error}") from None
            answer = step.act(self._world, body)
            if isinstance(answer, Awaitable):
                answer = await answer
            return _json({"ok": True} if answer is None else answer)

        return handle

    async def _arrived(self, request: web.Request) -> web.Response:
        after, wait = _number(request, "after", int), _number(request, "wait", float)
        log = self._world.log
        if log.last <= after and wait:
            try:
                async with asyncio.timeout(min(wait, _LONGEST_WAIT)):
                    await log.first(Record, None, after)
            except TimeoutError:
                pass
        records = log.since(after)[:_MOST_RECORDS]
        return _json({"arrived": records, "last": records[-1].seq if records else max(after, log.last)})

    async def _show_world(self, _request: web.Request) -> web.Response:
        world, registry = self._world, self._world.registry
        return _json(
            {
                "accounts": [
                    {
                        "uid": account.uid,
                        "name": account.name,
                        "loggedIn": world.sessions.of_account(account) is not None,
                        "connected": account.uid in world.connections,
                    }
                    for account in registry.accounts.values()
                ],
                "people": [
                    {"uid": person.uid, "name": person.name, "friendOf": sorted(person.friend_of)}
                    for person in registry.people.values()
                    if person.uid not in registry.accounts
                ],
                "groups": [
                    {
                        "gid": group.gid,
                        "name": group.name,
                        "members": [member.name for member in group.members.values()],
                    }
                    for group in registry.groups.values()
                ],
                "last": world.log.last,
            }
        )


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
    """A web page could reach this port under a host name of its own (DNS rebinding)."""
    host = request.headers.get("Host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in _LOOPBACK_NAMES:
        raise web.HTTPForbidden(text="the control interface answers to 127.0.0.1 and localhost only")
    return await handler(request)


def _error(status: int, message: str) -> web.Response:
    return _json({"error": message}, status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
