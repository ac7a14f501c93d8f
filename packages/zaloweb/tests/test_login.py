"""Login with cookies against a server that answers as Zalo does, and in the ways it refuses."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from aiohttp import web

from zaloweb.cookies import Jar
from zaloweb.errors import HttpStatusError, LoginFailed, ProtocolError, SessionExpired, SettingsError
from zaloweb.session import Credentials, Session
from zaloweb.sim.clock import ManualClock
from zaloweb.sim.http_server import Handler
from zaloweb.transport.login import log_in
from zaloweb.transport.network import Network
from zaloweb.wire import cipher

Serve = Callable[[Handler], Awaitable[Network]]

NOW = 1_700_000_000_000
INFO = {
    "uid": "8200000000000000001",
    "zpw_enk": b64encode(bytes(16)).decode(),
    "zpw_ws": ["wss://ws1-msg.chat.zalo.me"],
    "zpw_service_map_v3": {"chat": ["https://chat1.chat.zalo.me"]},
    "send2me_id": 8200000000000000999,
}
SETTINGS = {"setttings": {"features": {"socket": {"ping_interval": 60_000}}}, "extra_ver": {"phonebook": 1}}


class LoginServer:
    """Answers both requests of a login; `inner` and `server` are what is inside the answers."""

    def __init__(self, inner: object, server: object = None, outer: dict[str, Any] | None = None) -> None:
        self.inner = inner
        self.server = server or {"error_code": 0, "error_message": "", "data": SETTINGS}
        self.outer = outer
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.rpartition("/")[2])
        if request.path.endswith("getServerInfo"):
            return web.json_response(self.server)
        if self.outer is not None:
            return web.json_response(self.outer)
        key = cipher.login_key(request.query["zcid"], request.query["zcid_ext"])
        data = cipher.encrypt(key, json.dumps(self.inner))
        answer = web.json_response({"error_code": 0, "error_message": "", "data": data})
        answer.headers["set-cookie"] = "zpw_sek=fresh; Domain=chat.zalo.me; Path=/"
        return answer


def accepted(**changes: object) -> dict[str, object]:
    return {"error_code": 0, "error_message": "Successful.", "data": {**INFO, **changes}}


async def with_cookies(network: Network, imei: str = "imei-1") -> Session:
    jar = Jar.from_list([{"key": "zpw_sek", "value": "old", "domain": "chat.zalo.me"}], NOW)
    held = Credentials(imei, "agent", jar)
    return await log_in(held, network=network, clock=ManualClock(NOW), random=Random(1))


async def test_a_session_holds_all_that_calls_and_the_socket_need(serve: Serve) -> None:
    session = await with_cookies(await serve(LoginServer(accepted())))
    assert session.uid == "8200000000000000001"
    assert session.send2me_id == "8200000000000000999"
    assert session.ws_urls == ("wss://ws1-msg.chat.zalo.me",)
    assert session.services["chat"] == ["https://chat1.chat.zalo.me"]
    assert session.settings.ping_interval_ms == 60_000
    assert session.extra_ver == {"phonebook": 1}


async def test_cookies_that_the_login_refreshes_are_in_the_session(serve: Serve) -> None:
    session = await with_cookies(await serve(LoginServer(accepted())))
    assert session.jar.header("https://chat.zalo.me/", NOW) == "zpw_sek=fresh"


@pytest.mark.parametrize("code", [102, 600])
@pytest.mark.parametrize("layer", ["inner", "outer", "server"])
async def test_cookies_that_are_dead_in_any_answer_are_an_expired_session(
    serve: Serve, code: int, layer: str
) -> None:
    refusal: dict[str, Any] = {"error_code": code, "error_message": "Phiên đăng nhập hết hạn", "data": None}
    server = {
        "inner": LoginServer(refusal),
        "outer": LoginServer(None, outer=refusal),
        "server": LoginServer(accepted(), server=refusal),
    }[layer]
    with pytest.raises(SessionExpired, match="Phiên đăng nhập hết hạn") as raised:
        await with_cookies(await serve(server))
    assert raised.value.code == code
    assert server.asked[-1] == ("getServerInfo" if layer == "server" else "getLoginInfo")


async def test_another_refusal_names_the_stage_and_the_reason(serve: Serve) -> None:
    refusal = {"error_code": -1, "error_message": "Bị từ chối", "data": None}
    with pytest.raises(LoginFailed, match=r"login-info: Bị từ chối \(code -1\)"):
        await with_cookies(await serve(LoginServer(refusal)))
    with pytest.raises(LoginFailed, match=r"server-info: Bị từ chối \(code -1\)"):
        await with_cookies(await serve(LoginServer(accepted(), server=refusal)))


@pytest.mark.parametrize("key", ["", "short", "AAAA"])
async def test_a_key_that_is_none_ends_the_login(serve: Serve, key: str) -> None:
    with pytest.raises(LoginFailed, match="no usable session key"):
        await with_cookies(await serve(LoginServer(accepted(zpw_enk=key))))


async def test_an_answer_of_another_shape(serve: Serve) -> None:
    with pytest.raises(ProtocolError, match=r"getLoginInfo: .*\$\.zpw_ws"):
        await with_cookies(await serve(LoginServer(accepted(zpw_ws=5))))


async def test_an_answer_under_another_key(serve: Serve) -> None:
    outer = {"error_code": 0, "data": cipher.encrypt(bytes(32), "{}")}
    with pytest.raises(ProtocolError, match="cannot be decrypted"):
        await with_cookies(await serve(LoginServer(None, outer=outer)))


async def test_a_status_that_is_no_success(serve: Serve) -> None:
    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500)

    with pytest.raises(HttpStatusError, match="getLoginInfo"):
        await with_cookies(await serve(broken))


async def test_incomplete_credentials_are_refused_before_anything_is_sent(serve: Serve) -> None:
    server = LoginServer(accepted())
    with pytest.raises(SettingsError, match="no `imei`"):
        await with_cookies(await serve(server), imei="")
    assert server.asked == []
