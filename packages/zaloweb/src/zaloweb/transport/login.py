"""Login with cookies: two requests that turn credentials into a session."""

from __future__ import annotations

import logging
from random import Random
from typing import Any, TypeVar

import msgspec

from zaloweb.errors import CipherError, LoginFailed, SessionExpired, SettingsError
from zaloweb.session import Api, Credentials, Session
from zaloweb.trace import Trace
from zaloweb.transport.clock import Clock
from zaloweb.transport.http import Transport
from zaloweb.transport.network import Network
from zaloweb.transport.platform_clock import PlatformClock
from zaloweb.transport.writing import BeforeWrite, allowed
from zaloweb.wire import cipher, envelope
from zaloweb.wire.envelope import Envelope
from zaloweb.wire.hosts import Hosts
from zaloweb.wire.services import filter_services
from zaloweb.wire.settings import Settings
from zaloweb.wire.urls import Pairs

T = TypeVar("T")
log = logging.getLogger(__name__)

_HOST = "https://wpa.chat.zalo.me"
_COMPUTER = "Web"
_EXPIRED = (102, 600)


async def log_in(
    credentials: Credentials,
    *,
    network: Network | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    proxy: str | None = None,
    api: Api | None = None,
    platform_clock: PlatformClock | None = None,
    hosts: Hosts | None = None,
    trace: Trace | None = None,
    before_write: BeforeWrite = allowed,
) -> Session:
    """The session of these credentials; their cookies are refreshed.

    The network is the one of `ZALOWEB_NETWORK`, or the real one. Services with an address that is not under
    `hosts` are left out (`Session.left_out`). Raises `SessionExpired` if Zalo no longer accepts the cookies,
    `LoginFailed` if it refuses for another reason or gives no address of its own for the socket or for texts,
    `SettingsError` for incomplete credentials, `NetworkError`, `HttpStatusError`, `ProtocolError`.
    """
    async with Transport(
        network,
        user_agent=credentials.user_agent,
        jar=credentials.jar,
        clock=clock,
        random=random,
        proxy=proxy,
        platform_clock=platform_clock,
        hosts=hosts,
        trace=trace,
        before_write=before_write,
    ) as transport:
        return await log_in_over(transport, credentials, random=transport.random, api=api)


async def log_in_over(
    transport: Transport, credentials: Credentials, *, random: Random, api: Api | None = None
) -> Session:
    """The same over an open transport, with its cookies instead of those of the credentials.

    Raises what `log_in` raises.
    """
    if not (credentials.imei and credentials.user_agent):
        missing = "userAgent" if credentials.imei else "imei"
        raise SettingsError(
            f"the credentials have no `{missing}`: export imei, cookie and userAgent together"
        )
    api = api or Api()
    info = await _login_info(transport, credentials, random, api)
    places = filter_services(info.zpw_service_map_v3, info.zpw_ws, transport.hosts)
    if places.missing:
        told = "; ".join(f"{name}: {why}" for name, why in places.missing.items())
        raise LoginFailed("login-info", f"the server names addresses that cannot be used ({told})")
    server = await _server_info(transport, credentials, api)
    counts = (len(places.services), len(places.ws_urls), len(places.left_out))
    log.debug("logged in as %s: %d services, %d sockets, %d left out", info.uid, *counts)
    return Session(
        credentials=Credentials(
            credentials.imei, credentials.user_agent, transport.jar, credentials.language
        ),
        uid=str(info.uid),
        secret_key=info.zpw_enk,
        services=places.services,
        ws_urls=places.ws_urls,
        settings=Settings(server.setttings or server.settings or {}),
        extra_ver=server.extra_ver or {},
        send2me_id=str(info.send2me_id or ""),
        api=api,
        left_out=places.left_out,
    )


class _LoginInfo(msgspec.Struct):
    uid: str | int
    zpw_enk: str
    zpw_ws: list[Any] = []
    zpw_service_map_v3: dict[str, Any] = {}
    send2me_id: str | int | None = None


class _ServerInfo(msgspec.Struct):
    setttings: dict[str, Any] | None = None  # the server's own spelling
    settings: dict[str, Any] | None = None
    extra_ver: dict[str, Any] | None = None


async def _login_info(transport: Transport, credentials: Credentials, random: Random, api: Api) -> _LoginInfo:
    name = "getLoginInfo"
    now_ms = transport.clock.now_ms()
    zcid = cipher.zcid(api.type, credentials.imei, now_ms)
    zcid_ext = cipher.new_zcid_ext(random)
    key = cipher.login_key(zcid, zcid_ext)
    device = {
        "computer_name": _COMPUTER,
        "imei": credentials.imei,
        "language": credentials.language,
        "ts": now_ms,
    }
    signed: dict[str, str | int | bool] = {
        "zcid": zcid,
        "zcid_ext": zcid_ext,
        "enc_ver": cipher.ENC_VER,
        "params": cipher.encrypt(key, envelope.compact(device)),
        "type": api.type,
        "client_version": api.version,
    }
    query = [
        *_signed("getlogininfo", signed),
        ("nretry", "0"),
        ("zpw_ver", str(api.version)),
        ("zpw_type", str(api.type)),
    ]
    answer = await transport.ask("GET", f"{_HOST}/api/login/{name}", name=name, query=query, key=key)
    info = _data("login-info", name, answer, _LoginInfo)
    try:
        cipher.session_key(info.zpw_enk)
    except CipherError as error:
        raise LoginFailed("login-info", f"Zalo gave no usable session key: {error}") from None
    return info


async def _server_info(transport: Transport, credentials: Credentials, api: Api) -> _ServerInfo:
    name = "getServerInfo"
    signed: dict[str, str | int | bool] = {
        "imei": credentials.imei,
        "type": api.type,
        "client_version": api.version,
        "computer_name": _COMPUTER,
    }
    query = _signed("getserverinfo", signed)
    answer = await transport.ask("GET", f"{_HOST}/api/login/{name}", name=name, query=query)
    return _data("server-info", name, answer, _ServerInfo)


def _signed(kind: str, params: dict[str, str | int | bool]) -> Pairs:
    pairs = [(name, str(value)) for name, value in params.items()]
    return [*pairs, ("signkey", cipher.sign(kind, params))]


def _data(stage: str, name: str, answer: Envelope, shape: type[T]) -> T:
    """The data of an answer. Raises `SessionExpired` or `LoginFailed` if it has none."""
    if not answer.empty:
        return envelope.decode(name, bytes(answer.data), shape)
    if answer.code in _EXPIRED:
        raise SessionExpired(answer.code, answer.message, name)
    raise LoginFailed(stage, answer.message or "Zalo gave no reason", answer.code)
