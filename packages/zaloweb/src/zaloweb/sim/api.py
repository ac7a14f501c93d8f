"""The encrypted API: finds the route of a request, proves the session, opens parameters, seals answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from aiohttp import web
from multidict import MultiMapping

from zaloweb import cipher
from zaloweb.errors import CipherError
from zaloweb.sim.accounts import Account
from zaloweb.sim.arrived import Called, Refused
from zaloweb.sim.errors import Refusal
from zaloweb.sim.services import SERVICES
from zaloweb.sim.sessions import SESSION_COOKIE, WebSession
from zaloweb.sim.world import World

NO_SESSION = 600
BAD_PARAMETERS = 114
NO_SUCH_CALL = 404

_NO_SESSION_TEXT = "zpw_sek bị thiếu hoặc không đúng"
_BAD_PARAMETERS_TEXT = "Tham số không hợp lệ"
_COOKIE_DAYS = 30 * 86_400


@dataclass(slots=True)
class ApiCall:
    """One call: who makes it, with which parameters (decrypted). `afterwards` runs once it is answered."""

    world: World
    session: WebSession
    path: str
    params: dict[str, Any]
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """Whose session this is."""
        return self.session.account

    def text(self, name: str) -> str:
        """A parameter that must be a non-empty text."""
        value = self.params.get(name)
        if not isinstance(value, str) or not value:
            raise bad_parameters(f"{name} must be a text")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A parameter that must be a whole number."""
        value = self.params.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_parameters(f"{name} must be a number")
        return value

    def decimal(self, name: str) -> int:
        """A parameter that must be a whole number or a text of digits."""
        value = self.params.get(name)
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        return self.number(name)

    def json(self, name: str, kind: type[Any]) -> Any:
        """A parameter that must be a text holding JSON of this kind, opened."""
        try:
            return msgspec.json.decode(self.text(name), type=kind)
        except msgspec.MsgspecError as error:
            raise bad_parameters(f"{name} must be JSON in a text: {error}") from None


@dataclass(frozen=True, slots=True)
class Route:
    """A call the simulator answers. `place` is where its parameters stand, None for a call without any.

    `recorded` means that the handler writes its own record. `sealed` is False for the one plain answer.
    """

    method: Literal["GET", "POST"]
    service: str
    path: str
    handler: Callable[[ApiCall], object]
    place: Literal["query", "form"] | None
    recorded: bool = False
    sealed: bool = True


class Api:
    """Answers requests to the service hosts."""

    def __init__(self, world: World, routes: list[Route]) -> None:
        self._world = world
        self._routes: dict[tuple[str, str, str], Route] = {
            (route.method, route.service, route.path): route for route in routes
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer to one request, sent; then what the call wanted done afterwards."""
        session = self._world.sessions.of(request.cookies)
        afterwards: list[Callable[[], Awaitable[None]]] = []
        try:
            response = await self._serve(request, session, afterwards)
        except Refusal as refusal:
            response = self._refuse(request, session, refusal)
        try:
            await response.prepare(request)
            await response.write_eof()
        finally:
            for act in afterwards:
                await act()
        return response

    async def _serve(
        self,
        request: web.Request,
        session: WebSession | None,
        afterwards: list[Callable[[], Awaitable[None]]],
    ) -> web.Response:
        route = self._route(request)
        if session is None:
            raise Refusal(NO_SESSION, _NO_SESSION_TEXT)
        if not {"zpw_ver", "zpw_type"} <= request.query.keys():
            raise bad_parameters("zpw_ver and zpw_type must stand in the query")
        call = ApiCall(self._world, session, route.path, await _open(request, route, session), afterwards)
        data = route.handler(call)
        if not route.recorded:
            self._world.log.add(
                Called(account=call.account.uid, service=route.service, path=route.path, params=call.params)
            )
        return _with_fresh_cookie(session, _sealed(session, data) if route.sealed else enveloped(data))

    def _route(self, request: web.Request) -> Route:
        service = SERVICES[request.host.partition(":")[0]]
        route = self._routes.get((request.method, service, request.path))
        if route is None:
            raise Refusal(NO_SUCH_CALL, f"the simulator has no {request.method} {request.path} at {service}")
        return route

    def _refuse(self, request: web.Request, session: WebSession | None, refusal: Refusal) -> web.Response:
        self._world.log.add(
            Refused(
                account=session.account.uid if session else "",
                host=request.host,
                path=request.path,
                code=refusal.code,
                message=refusal.message,
            )
        )
        return enveloped(None, refusal.code, refusal.message)


def bad_parameters(why: str) -> Refusal:
    """The refusal of a call whose parameters are wrong; `why` is for the person who reads the error."""
    return Refusal(BAD_PARAMETERS, f"{_BAD_PARAMETERS_TEXT}: {why}")


def enveloped(data: object, code: int = 0, message: str = "") -> web.Response:
    """A JSON answer with the envelope every one of Zalo's answers has."""
    body = msgspec.json.encode({"error_code": code, "error_message": message, "data": data})
    return web.Response(body=body, content_type="application/json")


def session_cookie(response: web.Response, session: WebSession) -> None:
    """Let an answer set the session cookie."""
    response.set_cookie(
        SESSION_COOKIE,
        session.zpw_sek,
        domain=".chat.zalo.me",
        max_age=_COOKIE_DAYS,
        secure=True,
        httponly=True,
    )


def _sealed(session: WebSession, data: object) -> web.Response:
    inner = msgspec.json.encode({"error_code": 0, "error_message": "Successful.", "data": data})
    return enveloped(cipher.encrypt(session.key, inner.decode()))


def _with_fresh_cookie(session: WebSession, response: web.Response) -> web.Response:
    if session.fresh_cookie:
        session.fresh_cookie = False
        session_cookie(response, session)
    return response


async def _open(request: web.Request, route: Route, session: WebSession) -> dict[str, Any]:
    if route.place is None:
        return {}
    fields: MultiMapping[Any] = request.query if route.place == "query" else await request.post()
    sealed = fields.get("params")
    if not isinstance(sealed, str):
        raise bad_parameters(f"params must stand in the {route.place}")
    try:
        return msgspec.json.decode(cipher.decrypt(session.key, sealed), type=dict[str, Any])
    except (CipherError, msgspec.MsgspecError):
        raise bad_parameters("params do not open with the session key, or are no JSON object") from None
