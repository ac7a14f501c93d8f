"""A client that knows only how requests and frames look: what the tests of the simulator hold against it."""

from __future__ import annotations

import base64
import json
from random import Random
from types import TracebackType
from typing import Any, Self

import aiohttp

from zaloweb.sim.people import Account
from zaloweb.sim.server import Simulator
from zaloweb.sim.services import SERVICE_MAP, SOCKET_URLS
from zaloweb.sim.world import World
from zaloweb.wire import cipher
from zaloweb.wire.frames import Frame, unpack

VERSION = {"zpw_ver": "685", "zpw_type": "30"}
IMEI = "11111111-2222-4333-8444-555555555555-a69b52f9d7f760edf3fd052bcda2542f"


class Bare:
    """A client that knows only how requests look. It keeps no cookies but those it was given."""

    def __init__(self, sim: Simulator, cookies: dict[str, str]) -> None:
        self.cookies = cookies
        self.key = b""
        self._http = aiohttp.ClientSession(
            connector=sim.network.connector(), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def json(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        async with self._http.request(method, url, cookies=self.cookies, **more) as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def set_cookies(self, method: str, url: str, **more: Any) -> list[str]:
        """The Set-Cookie headers of an answer."""
        async with self._http.request(method, url, cookies=self.cookies, **more) as answer:
            return list(answer.headers.getall("Set-Cookie", []))

    async def login(self, **changed: str) -> dict[str, Any]:
        """The opened inner answer of getLoginInfo; `changed` goes over the signed query."""
        zcid, ext = cipher.zcid(30, IMEI, 1), cipher.new_zcid_ext(Random(1))
        key = cipher.login_key(zcid, ext)
        told = {"computer_name": "Web", "imei": IMEI, "language": "vi", "ts": 1}
        query = {
            "zcid": zcid,
            "zcid_ext": ext,
            "enc_ver": "v2",
            "params": cipher.encrypt(key, json.dumps(told)),
        }
        query |= {"type": "30", "client_version": "685"}
        query = query | {"signkey": cipher.sign("getlogininfo", query)} | changed
        outer = await self.json("GET", "https://wpa.chat.zalo.me/api/login/getLoginInfo", params=query)
        if outer["data"] is None:
            return outer
        inner: dict[str, Any] = json.loads(cipher.decrypt(key, outer["data"]))
        if inner["data"]:
            self.key = cipher.session_key(inner["data"]["zpw_enk"])
        return inner

    async def call(
        self, method: str, service: str, path: str, params: dict[str, Any] | None, *, query: bool = False
    ) -> dict[str, Any]:
        """The outer envelope when it is an error, else the opened inner one."""
        sealed = {} if params is None else self.sealed(params)
        if query or method == "GET":
            outer = await self.json(method, SERVICE_MAP[service][0] + path, params=VERSION | sealed)
        else:
            outer = await self.json(method, SERVICE_MAP[service][0] + path, params=VERSION, data=sealed)
        return self.opened(outer)

    async def data(
        self, method: str, service: str, path: str, params: dict[str, Any] | None, *, query: bool = False
    ) -> Any:
        """The data of a call that must go well."""
        told = await self.call(method, service, path, params, query=query)
        assert told["error_code"] == 0, told
        return told["data"]

    async def upload(
        self, path: str, params: dict[str, Any], data: bytes, *, field: str = "chunkContent"
    ) -> dict[str, Any]:
        """The envelope of a call to the file service that carries a file."""
        form = aiohttp.FormData()
        form.add_field(field, data, filename="blob", content_type="application/octet-stream")
        url = SERVICE_MAP["file"][0] + path
        return self.opened(await self.json("POST", url, params=VERSION | self.sealed(params), data=form))

    async def fetch(self, method: str, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a plain request."""
        async with self._http.request(method, url, headers=headers) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    def sealed(self, params: dict[str, Any]) -> dict[str, str]:
        """The field that holds encrypted parameters."""
        return {"params": cipher.encrypt(self.key, json.dumps(params))}

    def opened(self, outer: dict[str, Any]) -> dict[str, Any]:
        """The outer envelope when it is an error, else the opened inner one."""
        if outer["error_code"]:
            return outer
        inner: dict[str, Any] = json.loads(cipher.decrypt(self.key, outer["data"]))
        return inner

    async def connect(self, host: int = 0) -> BareSocket:
        url = f"{SOCKET_URLS[host]}/?t=1700000000000&zpw_ver=685&zpw_type=30"
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": "https://chat.zalo.me",
        }
        socket = BareSocket(await self._http.ws_connect(url, headers=headers, autoclose=False))
        first = await socket.frame()
        assert (first.version, first.cmd, first.sub) == (1, 1, 1)
        socket.key = base64.b64decode(json.loads(first.body)["key"])
        return socket


class BareSocket:
    """The client's end of a WebSocket, frame by frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket
        self.key = b""

    async def frame(self) -> Frame:
        return unpack(await self.raw.receive_bytes(timeout=10))

    async def event(self, cmd: int) -> dict[str, Any]:
        """The opened payload of the next frame, which must have this command."""
        frame = await self.frame()
        assert frame.cmd == cmd
        body = json.loads(frame.body)
        data: dict[str, Any] = json.loads(cipher.open_event(body["data"], body["encrypt"], self.key))["data"]
        return data

    async def end(self) -> int:
        """The code the server closed with; 1006 for a connection that was cut."""
        message = await self.raw.receive(timeout=10)
        if message.type is aiohttp.WSMsgType.CLOSE:
            await self.raw.close()
            return int(message.data)
        return 1006


def cookies_of(world: World, account: Account | None = None) -> dict[str, str]:
    """The cookies of an account's session."""
    return {cookie["key"]: cookie["value"] for cookie in world.credentials(account)["cookie"]}
