"""Plays the server's part of a recorded case over real TLS, and says where what came differs from it.

    async with playing(case, sent(case)) as server:
        ... use a client with server.network and server.clock ...
    # leaving asserts that every recorded request arrived, in order, and nothing else

Requests are answered exactly as recorded. What the recording encrypted with a key that depends on chance is
encrypted again with the key of the request that really came. Uploads that follow each other were started
together, so they may come in any order. The server's end of the WebSocket is there too: it announces uploads.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from aiohttp import web
from multidict import CIMultiDict

from vectors_harness.multipart_body import Multipart
from vectors_harness.socket_server import Peer, SocketServer
from vectors_harness.vectors import Case, document, fixture
from zaloweb.errors import CipherError
from zaloweb.sim.clock import ManualClock
from zaloweb.sim.http_server import Authority, TlsServer
from zaloweb.transport.network import Network
from zaloweb.wire import cipher
from zaloweb.wire.frames import Cmd
from zaloweb.wire.frames import request as request_frame

_OF_THE_LIBRARY = {"host", "content-length", "connection", "cookie", "transfer-encoding"}
_UPLOADS = ("/upload", "/upthumb")
_CLIENT_IDS = 100
"""Client ids count up from the time; the reference gives some of one sending the same."""
_AUTHORITY = Authority()  # making one for each of hundreds of cases would only cost time


@dataclass(frozen=True, slots=True)
class Expected:
    """A recorded request and its path inside the case, which `volatile` uses."""

    path: str
    data: dict[str, Any]


@dataclass(slots=True)
class VectorServer:
    """What a test needs of the server while it plays."""

    case: Case
    expected: list[Expected]
    network: Network
    clock: ManualClock
    listener: Peer = field(init=False)
    """The client's WebSocket, for whoever plays the server to set."""
    hung: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request has come that the recording leaves without an answer."""
    problems: list[str] = field(default_factory=list)
    left: list[Expected] = field(init=False)
    socket: SocketServer = field(default_factory=SocketServer)

    def __post_init__(self) -> None:
        self.left = list(self.expected)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "upgrade" in request.headers:
            return await self.socket.handle(request)
        if not self.left:
            self.problems.append(f"nothing more was recorded, but {request.method} {request.path} came")
            return web.Response(status=500)
        body = await request.read()
        compared = [_Comparison(self.case, expected, request, body) for expected in self._awaited()]
        best = min(compared, key=lambda comparison: len(comparison.problems()))
        self.left.remove(best.expected)
        self.problems += best.problems()
        return await self._respond(best.expected, request, best.key)

    def _awaited(self) -> list[Expected]:
        """The next request; if it is an upload, all uploads up to the next one that is none."""
        uploads = list(takewhile(lambda expected: expected.data["url"].endswith(_UPLOADS), self.left))
        return uploads or self.left[:1]

    async def _respond(self, expected: Expected, request: web.Request, key: bytes) -> web.StreamResponse:
        response = expected.data["response"]
        if response.get("never"):
            self.hung.set()
            await asyncio.Event().wait()
        if "network_error" in response:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        await self.announce(expected)
        recorded = expected.data.get("login_key")
        body = _body(response, key, recorded.encode() if recorded else None)
        headers = CIMultiDict(tuple(pair) for pair in response.get("headers", ()))
        return web.Response(status=response["status"], headers=headers, body=body.encode())

    async def announce(self, expected: Expected) -> None:
        """Say over the socket that an upload is finished, where the recording has the server say so."""
        told = expected.data["response"].get("ws_event")
        if told is not None:
            control = {"act_type": "file_done", "fileId": told["fileId"], "data": {"url": told["fileUrl"]}}
            payload = json.dumps({"data": {"controls": [{"content": control}]}})
            await self.listener.push(request_frame(Cmd.CONTROLS, 0, {"encrypt": 0, "data": payload}))
        if self.case.get("frame_after_request") == self.expected.index(expected) + 1:
            frame = self.case["frame"]
            await self.listener.push(bytes.fromhex(frame["header_hex"]) + frame["body_text"].encode())

    def verify(self) -> None:
        """Everything that was recorded came, and nothing in it differs."""
        left = [expected.data["url"] for expected in self.left]
        assert not self.problems, "\n".join(self.problems)
        assert not left, f"recorded, but it did not come: {left}"


def sent(case: Case) -> list[Expected]:
    """The requests of a case that has a list of them."""
    return [Expected(f"requests[{number}]", data) for number, data in enumerate(case["requests"])]


def sent_in_timeline(case: Case) -> list[Expected]:
    """The requests of a timeline, but for those that were given up before they were on the wire."""
    items = [(number, item["request"]) for number, item in enumerate(case["timeline"]) if "request" in item]
    return [
        Expected(f"timeline[{number}].request", data)
        for number, data in items
        if data.get("aborted") != "before it was sent"
    ]


@asynccontextmanager
async def playing(case: Case, expected: Sequence[Expected]) -> AsyncIterator[VectorServer]:
    """A server that knows one case, and a network and a clock for the client that talks to it."""
    clock = ManualClock(case.get("clock_ms", fixture()["client"]["clock_ms"]))
    server: VectorServer

    async def answer(request: web.Request) -> web.StreamResponse:
        return await server.answer(request)

    with tempfile.TemporaryDirectory() as folder:
        _AUTHORITY.write(Path(folder) / "ca.pem")
        async with TlsServer(answer, _AUTHORITY) as front:
            network = Network.loopback(front.port, Path(folder) / "ca.pem")
            server = VectorServer(case, list(expected), network, clock)
            yield server
    server.verify()


def said_by_server(case: Case, expected: Sequence[Expected]) -> list[tuple[int | None, str]]:
    """The codes and messages of all answers in a case: what an error of the client may tell."""
    layers = []
    for request in expected:
        response = request.data.get("response", {})
        layers.append(response.get("plain"))
        try:
            layers.append(json.loads(response.get("body", "")))
        except ValueError:
            continue
    return [
        (_number(layer.get("error_code")), str(layer.get("error_message", "")))
        for layer in layers
        if isinstance(layer, dict)
    ]


def assert_same_error(
    recorded: dict[str, Any], code: int | None, text: str, said: list[tuple[int | None, str]]
) -> bool:
    """Our error has the recorded code, and the server's messages that the reference passed on.

    Where the reference keeps silent about a code (`null`), ours may tell one that the server really sent;
    the answer says whether it does.
    """
    expected = _number(recorded.get("code"))
    told_more = expected is None and code is not None
    assert (code in {told for told, _ in said}) if told_more else (code == expected)
    for _, message in said:
        if message and message in recorded.get("message", ""):
            assert message in text
    return told_more


def _number(code: object) -> int | None:
    return int(code) if isinstance(code, int | str) and str(code).lstrip("-").isdigit() else None


class _Comparison:
    """One request beside its recording."""

    def __init__(self, case: Case, expected: Expected, request: web.Request, body: bytes) -> None:
        self.expected = expected
        self._volatile: dict[str, str] = case.get("volatile", {})
        self._default_headers: dict[str, str] = document(case.family).get("default_headers", {})
        self._path = expected.path
        self._expected = expected.data
        self._request = request
        multipart = request.content_type.startswith("multipart/")
        self._parts = Multipart.read(request.headers["content-type"], body) if multipart else None
        self._body = "" if multipart else body.decode()
        self._query = [
            list(pair) for pair in parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        ]
        self._form = [list(pair) for pair in parse_qsl(self._body, keep_blank_values=True)]
        self.key = self._find_key()
        self._found: list[str] = []
        self._compare()

    def problems(self) -> list[str]:
        """All that differs."""
        return self._found

    def _compare(self) -> None:
        self._same("method", self._expected["method"], self._request.method)
        self._same(
            "url", self._expected["url"], f"https://{self._request.host}{self._request.rel_url.raw_path}"
        )
        self._same("query", self._expected["query"], self._hidden(self._query, "query"))
        self._same("form", self._expected.get("form", []), self._hidden(self._form, "form"))
        self._same("cookie_names", self._expected.get("cookie_names", []), self._cookie_names())
        self._compare_headers()
        self._compare_params()
        self._compare_signature()
        self._compare_parts()
        self._compare_raw()

    def _find_key(self) -> bytes:
        given = dict(self._query)
        if "zcid" in given:
            return cipher.login_key(given["zcid"], given["zcid_ext"])
        return cipher.session_key(fixture()["secret_key"])

    def _hidden(self, pairs: list[list[str]], place: str) -> list[list[str]]:
        params = "params" in self._expected and self._expected.get("params_in") == place
        return [[name, "@params" if params and name == "params" else value] for name, value in pairs]

    def _cookie_names(self) -> list[str]:
        header = self._request.headers.get("cookie", "")
        return [pair.partition("=")[0] for pair in header.split("; ") if pair]

    def _compare_headers(self) -> None:
        recorded = self._expected["headers"]
        if recorded == "none":
            return
        wanted = dict(self._default_headers)
        wanted.update(
            {} if recorded == "default" else {name: v for name, v in recorded.items() if name != "..."}
        )
        came = {name.lower(): value for name, value in self._request.headers.items()}
        boundary = self._parts.boundary if self._parts else ""
        for name, value in wanted.items():
            self._same(f"headers.{name}", value and value.replace("@boundary", boundary), came.get(name))
        for name in came.keys() - wanted.keys() - _OF_THE_LIBRARY:
            self._found.append(f"{self._path}: header {name} was not recorded")

    def _compare_parts(self) -> None:
        if self._parts is None:
            self._note("parts", self._expected.get("parts"), None)
            return
        self._same("boundary", self._expected["boundary"], self._parts.boundary)
        told = [
            {name: part[name] for name in ("header_lines", "size", "md5", "sha256")}
            for part in self._expected["parts"]
        ]
        self._same("parts", told, self._parts.described())

    def _compare_params(self) -> None:
        if "params" not in self._expected:
            return
        pairs = self._query if self._expected["params_in"] == "query" else self._form
        text = cipher.decrypt(self.key, dict(pairs)["params"]).decode()
        self._same("params", self._expected["params"], json.loads(text))
        self._same("order of params", list(self._expected["params"]), list(json.loads(text)))

    def _compare_signature(self) -> None:
        given = dict(self._query)
        if "signkey" in given:
            signed = dict(pair for pair in self._query[: [n for n, _ in self._query].index("signkey")])
            kind = self._request.path.rpartition("/")[2].lower()
            self._same("signkey itself", cipher.sign(kind, signed), given["signkey"])

    def _compare_raw(self) -> None:
        if any("random" in kind for kind in self._volatile.values()):
            return
        if "raw_body" in self._expected:
            self._same("raw_body", self._expected["raw_body"], self._body)
        if "raw_url" in self._expected:
            came = f"https://{self._request.host}{self._request.raw_path}"
            self._same("raw_url", self._expected["raw_url"], came)

    def _same(self, path: str, wanted: Any, came: Any) -> None:
        """Compare along the paths of `volatile`: a value of chance by its shape, all others exactly."""
        full = f"{self._path}.{path}" if path else self._path
        if "random" in self._volatile.get(full, ""):
            self._note(full, shape(wanted), shape(came))
        elif "time" in self._volatile.get(full, "") and path.endswith("clientId") and str(wanted).isdigit():
            self._note(
                full, (type(wanted), int(wanted) // _CLIENT_IDS), (type(came), int(came) // _CLIENT_IDS)
            )
        elif path.removeprefix("params.") in self._expected.get("json_strings", ()) and isinstance(came, str):
            self._same(f"{path}->", json.loads(wanted), json.loads(came))
        elif isinstance(wanted, dict) and isinstance(came, dict):
            self._note(f"keys of {full}", sorted(wanted), sorted(came))
            for key in wanted.keys() & came.keys():
                self._same(f"{path}{'' if path.endswith('->') else '.'}{key}", wanted[key], came[key])
        elif isinstance(wanted, list) and isinstance(came, list) and len(wanted) == len(came):
            for number, (one, other) in enumerate(zip(wanted, came, strict=True)):
                self._same(f"{path}[{number}]", one, other)
        else:
            self._note(full, wanted, came)

    def _note(self, path: str, wanted: Any, came: Any) -> None:
        if wanted != came:
            self._found.append(f"{path}: recorded {wanted!r}, but {came!r} came")


def shape(value: Any) -> Any:
    """What stays the same of a value of chance: hex digits stay hex digits, everything else stays."""
    if not isinstance(value, str):
        return type(value)
    return re.sub(r"[0-9A-Fa-f]+", "hex", value, flags=re.ASCII)


def _pairs(text: str) -> list[list[str]]:
    return [list(pair) for pair in parse_qsl(text, keep_blank_values=True)]


def _body(response: dict[str, Any], key: bytes, recorded_key: bytes | None) -> str:
    body: str = response["body"]
    if body.startswith("@encrypted"):
        plain = json.dumps(_filled(response["plain"]), ensure_ascii=False)
        return json.dumps({"error_code": 0, "error_message": "", "data": cipher.encrypt(key, plain)})
    if body.startswith("@fixture"):
        return json.dumps(_from_fixture(body))
    return body if recorded_key is None else _sealed_again(body, recorded_key, key)


def _from_fixture(description: str) -> dict[str, Any]:
    inside = description[description.index("data: {") + len("data: {") :]
    fields = re.findall(r"(\w+)(?:: (\w+))?", inside)
    data = {name: fixture()[source or name] for name, source in fields}
    return {"error_code": 0, "error_message": "", "data": data}


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inside) for key, inside in value.items()}
    if isinstance(value, str) and value.startswith("@fixture."):
        return fixture()[value.removeprefix("@fixture.")]
    return value


def _sealed_again(body: str, recorded_key: bytes, key: bytes) -> str:
    try:
        answer = json.loads(body)
        plain = cipher.decrypt(recorded_key, answer["data"]).decode()
    except (ValueError, TypeError, KeyError, CipherError):
        return body
    sealed = cipher.encrypt(key, plain)
    escaped = "%" in answer["data"]
    return json.dumps({**answer, "data": quote(sealed, safe="") if escaped else sealed}, ensure_ascii=False)
