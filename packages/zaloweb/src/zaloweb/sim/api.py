"""The encrypted API: finds the route, checks the session, decrypts parameters, encrypts answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec
from aiohttp import BodyPartReader, web
from multidict import MultiMapping

from zaloweb.errors import CipherError
from zaloweb.sim.backend import Backend
from zaloweb.sim.errors import Impossible, Refusal
from zaloweb.sim.event_log import Called, Record, Refused
from zaloweb.sim.fault_injection import Responder, respond
from zaloweb.sim.faults import CallFault, Crooked, Error
from zaloweb.sim.pushes import Push
from zaloweb.sim.registry import User
from zaloweb.sim.services import SERVICES
from zaloweb.sim.sessions import SESSION_COOKIE, WebSession
from zaloweb.wire import cipher

NO_SESSION = 600
BAD_PARAMETERS = 114
NO_SUCH_CALL = 404

_COOKIE_DAYS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Part:
    """The file in the body of a call."""

    name: str
    data: bytes


Task = Coroutine[Any, Any, None]
F = TypeVar("F", bound=CallFault)


@dataclass(slots=True)
class ApiCall:
    """One call: its session, its decrypted parameters and its file."""

    backend: Backend
    session: WebSession
    name: str
    path: str
    params: dict[str, Any]
    part: Part | None = None
    after_answer: list[Task] = field(default_factory=list)

    def record(self, record: Record) -> None:
        """Record something that the account did."""
        self.backend.log.add(msgspec.structs.replace(record, account=self.account.uid))

    def then(self, task: Task) -> None:
        """Run this once the call is answered, or once a fault has taken its answer."""
        self.after_answer.append(task)

    def then_push(self, pushes: Iterable[Push]) -> None:
        """Push these once the call is answered."""
        self.then(self.backend.connections.push(pushes))

    @property
    def file(self) -> Part:
        """The file in the body. A call without one is refused."""
        if self.part is None:
            raise bad_parameters("the body must hold a file")
        return self.part

    @property
    def account(self) -> User:
        """The account of the session."""
        return self.session.account

    def fault(self, kind: type[F]) -> F | None:
        """The fault of this kind that hits something around the call, if any."""
        return self.backend.faults.of_kind(kind, self.path, self.name, self.account.uid)

    def text(self, name: str) -> str:
        """A parameter that must be a non-empty string."""
        value = self.params.get(name)
        if not isinstance(value, str) or not value:
            raise bad_parameters(f"{name} must be a text")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A parameter that must be an integer."""
        value = self.params.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_parameters(f"{name} must be a number")
        return value

    def decimal(self, name: str) -> int:
        """A parameter that must be an integer or a string of digits."""
        value = self.params.get(name)
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        return self.number(name)

    def texts(self, name: str) -> list[str]:
        """A parameter that must be a non-empty list of strings."""
        value = self.params.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise bad_parameters(f"{name} must be a list of texts")
        return value

    def objects(self, name: str) -> list[dict[str, Any]]:
        """A parameter that must be a non-empty list of objects."""
        value = self.params.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            raise bad_parameters(f"{name} must be a list of objects")
        return value

    def json(self, name: str, kind: type[Any]) -> Any:
        """A parameter that must be a string of JSON of this type, decoded."""
        try:
            return msgspec.json.decode(self.text(name), type=kind)
        except msgspec.MsgspecError as error:
            raise bad_parameters(f"{name} must be JSON in a text: {error}") from None


@dataclass(frozen=True, slots=True)
class Route:
    """A call the simulator answers; faults are matched to its `name` or its path.

    `place` is where the parameters are, None for a call without any; `part` is the form field with a file.
    `recorded` means that the handler writes its own record. `sealed` is false for the one plain answer.
    """

    name: str
    method: Literal["GET", "POST"]
    service: str
    path: str
    handler: Callable[[ApiCall], object]
    place: Literal["query", "form"] | None
    part: str = ""
    recorded: bool = False
    sealed: bool = True


class Api:
    """Answers requests to the service hosts."""

    def __init__(self, backend: Backend, routes: list[Route]) -> None:
        self._backend = backend
        self._routes: dict[tuple[str, str, str], Route] = {
            (route.method, route.service, route.path): route for route in routes
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send the answer to one request, then start the tasks of the call."""
        tasks: list[Task] = []
        try:
            response = await self._respond(request, tasks)
            await response.prepare(request)
            await response.write_eof()
        finally:
            self._begin(tasks)
        return response

    async def _respond(self, request: web.Request, tasks: list[Task]) -> web.StreamResponse:
        session = self._backend.sessions.of(request.cookies)
        account = session.account.uid if session else ""
        service = SERVICES[request.host.partition(":")[0]]
        route = self._routes.get((request.method, service, request.path))

        async def serve() -> web.StreamResponse:
            try:
                return await self._serve(request, route, session, tasks)
            except Refusal as refusal:
                return refused(self._backend, request, refusal, account)

        def refuse(fault: Error) -> web.StreamResponse:
            if fault.layer == "inner" and session is not None:
                return sealed(session.key, None, fault.code, fault.message)
            return enveloped(None, fault.code, fault.message)

        def crooked(fault: Crooked) -> web.StreamResponse:
            if fault.layer == "inner" and session is not None:
                inner = f'{{"error_code":0,"error_message":"","data":{fault.json}}}'
                return enveloped(cipher.encrypt(session.key, inner))
            return web.Response(text=f'{{"error_code":0,"data":{fault.json}}}')

        return await respond(
            self._backend,
            request,
            account,
            route.name if route else "",
            Responder(serve, refuse, lambda: self._begin(tasks), crooked),
        )

    async def _serve(
        self, request: web.Request, route: Route | None, session: WebSession | None, tasks: list[Task]
    ) -> web.Response:
        if route is None:
            service = SERVICES[request.host.partition(":")[0]]
            raise Refusal(NO_SUCH_CALL, f"the simulator has no {request.method} {request.path} at {service}")
        if session is None:
            raise no_session()
        if not {"zpw_ver", "zpw_type"} <= request.query.keys():
            raise bad_parameters("zpw_ver and zpw_type must be in the query")
        call = await _open(self._backend, request, route, session)
        call.after_answer = tasks
        try:
            data = route.handler(call)
        except Impossible as impossible:
            raise bad_parameters(str(impossible)) from None
        if not route.recorded:
            call.record(Called(service=route.service, path=route.path, params=call.params))
        response = sealed(session.key, data) if route.sealed else enveloped(data)
        if session.fresh_cookie:
            session.fresh_cookie = False
            set_cookie(response, SESSION_COOKIE, session.zpw_sek, ".chat.zalo.me")
        return response

    def _begin(self, tasks: list[Task]) -> None:
        while tasks:
            self._backend.background_tasks.start(tasks.pop(0))


def refused(backend: Backend, request: web.Request, refusal: Refusal, account: str = "") -> web.Response:
    """Record a refusal and answer with it. `account` is a uid, "" without a session."""
    code, message = refusal.code, refusal.message
    record = Refused(account=account, host=request.host, path=request.path, code=code, message=message)
    backend.log.add(record)
    return enveloped(None, code, message)


def no_session() -> Refusal:
    """The refusal of a request whose cookies belong to no session."""
    return Refusal(NO_SESSION, "zpw_sek bị thiếu hoặc không đúng")


def bad_parameters(why: str) -> Refusal:
    """The refusal of a call with wrong parameters; `why` is for the developer who reads the error."""
    return Refusal(BAD_PARAMETERS, f"Tham số không hợp lệ: {why}")


def enveloped(data: object, code: int = 0, message: str = "") -> web.Response:
    """A JSON answer in the envelope that all of Zalo's answers have."""
    body = msgspec.json.encode({"error_code": code, "error_message": message, "data": data})
    return web.Response(body=body, content_type="application/json")


def sealed(key: bytes, data: object, code: int = 0, message: str = "Successful.") -> web.Response:
    """An answer whose data is an envelope of its own, encrypted with this key."""
    inner = msgspec.json.encode({"error_code": code, "error_message": message, "data": data})
    return enveloped(cipher.encrypt(key, inner.decode()))


def set_cookie(response: web.Response, name: str, value: str, domain: str) -> None:
    """Set one of the cookies of a session with this answer."""
    response.set_cookie(name, value, domain=domain, max_age=_COOKIE_DAYS, secure=True, httponly=True)


async def _open(backend: Backend, request: web.Request, route: Route, session: WebSession) -> ApiCall:
    part = await _part(request, route.part) if route.part else None
    if route.place is None:
        return ApiCall(backend, session, route.name, route.path, {}, part)
    fields: MultiMapping[Any] = request.query if route.place == "query" else await request.post()
    encrypted = fields.get("params")
    if not isinstance(encrypted, str):
        raise bad_parameters(f"params must be in the {route.place}")
    try:
        params = msgspec.json.decode(cipher.decrypt(session.key, encrypted), type=dict[str, Any])
    except (CipherError, msgspec.MsgspecError):
        raise bad_parameters("params cannot be decrypted, or are not a JSON object") from None
    return ApiCall(backend, session, route.name, route.path, params, part)


async def _part(request: web.Request, name: str) -> Part:
    if not request.content_type.startswith("multipart/"):
        raise bad_parameters(f"the body must be a form with a file named {name}")
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == name and part.filename:
            return Part(part.filename, bytes(await part.read()))
    raise bad_parameters(f"the form must have a file named {name}")
