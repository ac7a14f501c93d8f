"""The login with cookies: getLoginInfo, which has its own key, and getServerInfo."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from aiohttp import web

from zaloweb.errors import CipherError
from zaloweb.sim.api import bad_parameters, enveloped, no_session, refused, sealed
from zaloweb.sim.backend import Backend
from zaloweb.sim.errors import Refusal
from zaloweb.sim.event_log import Login
from zaloweb.sim.faults import Addresses
from zaloweb.sim.services import EXTRA_VER, SERVICE_MAP, SOCKET_URLS, settings
from zaloweb.sim.sessions import WebSession
from zaloweb.wire import cipher

HOST = "wpa.chat.zalo.me"
_EXPIRED = 102
_EXPIRED_TEXT = "Phiên đăng nhập hết hạn"
_ZCID_KEY = b"3FC4F0D2AB50057BCE0D90D9187A22B1"
_SIGNED_LOGIN = ("zcid", "zcid_ext", "enc_ver", "params", "type", "client_version")
_SIGNED_INFO = ("imei", "type", "client_version", "computer_name")


async def login_info(backend: Backend, request: web.Request) -> web.Response:
    """The session key, the service map and the socket addresses, for valid cookies and a valid signature.

    Dead cookies are refused in the encrypted inner answer (code 102), as on the real servers.
    """
    key, params = _opened(request)
    session = backend.sessions.of(request.cookies)
    if session is None:
        refused(backend, request, Refusal(_EXPIRED, _EXPIRED_TEXT))  # recorded; answered in the inner layer
        return sealed(key, None, _EXPIRED, _EXPIRED_TEXT)
    backend.log.add(
        Login(
            account=session.account.uid,
            imei=str(params.get("imei", "")),
            language=str(params.get("language", "")),
            client_version=request.query["client_version"],
            user_agent=request.headers.get("User-Agent", ""),
        )
    )
    return sealed(key, _login_answer(backend, request, session))


async def server_info(backend: Backend, request: web.Request) -> web.Response:
    """The settings, for valid cookies and a valid signature."""
    _check_signature("getserverinfo", _SIGNED_INFO, request)
    if backend.sessions.of(request.cookies) is None:
        raise no_session()
    return enveloped({"setttings": settings(backend.rules), "extra_ver": EXTRA_VER})


async def log_out(backend: Backend, request: web.Request) -> web.Response:
    """Ends the session of these cookies, for parameters that its key opens."""
    session = backend.sessions.of(request.cookies)
    if session is None:
        raise no_session()
    form = await request.post()
    try:
        told = msgspec.json.decode(
            cipher.decrypt(session.key, str(form.get("params", ""))), type=dict[str, Any]
        )
    except (CipherError, ValueError):
        raise bad_parameters("params cannot be decrypted") from None
    if not {"time", "imei", "computer_name", "language"} <= told.keys():
        raise bad_parameters("params needs time, imei, computer_name and language")
    backend.sessions.end(session.account)
    return enveloped("")


def _opened(request: web.Request) -> tuple[bytes, dict[str, Any]]:
    _check_signature("getlogininfo", _SIGNED_LOGIN, request)
    zcid = request.query["zcid"]
    key = cipher.login_key(zcid, request.query["zcid_ext"])
    try:
        params = msgspec.json.decode(cipher.decrypt(key, request.query["params"]), type=dict[str, Any])
        hidden = cipher.decrypt(_ZCID_KEY, base64.b64encode(bytes.fromhex(zcid)).decode()).decode()
    except (CipherError, ValueError):
        raise bad_parameters("zcid or params cannot be decrypted") from None
    if hidden.rpartition(",")[0] != f"{request.query['type']},{params.get('imei')}":
        raise bad_parameters("zcid and the parameters have different types or imeis")
    return key, params


def _check_signature(kind: str, names: tuple[str, ...], request: web.Request) -> None:
    missing = [name for name in (*names, "signkey") if name not in request.query]
    if missing:
        raise bad_parameters(f"{', '.join(missing)} must be in the query")
    if request.query["signkey"] != cipher.sign(kind, {name: request.query[name] for name in names}):
        raise bad_parameters("signkey is wrong")


def _login_answer(backend: Backend, request: web.Request, session: WebSession) -> dict[str, Any]:
    fault = backend.faults.of_kind(Addresses, request.path, account=session.account.uid)
    sockets = SOCKET_URLS if fault is None or fault.sockets is None else fault.sockets
    return {
        "haspcclient": 0,
        "public_ip": "203.0.113.7",
        "language": "vi",
        "send2me_id": "8200000000000000999",
        "zpw_service_map_v3": SERVICE_MAP if fault is None else {**SERVICE_MAP, **fault.services},
        "zpw_ws": sockets,
        "zpw_enk": session.enk,
        "uid": session.account.uid,
    }


PAGES = {
    ("GET", HOST, "/api/login/getLoginInfo"): login_info,
    ("GET", HOST, "/api/login/getServerInfo"): server_info,
    ("POST", HOST, "/api/v2/login/logOut"): log_out,
}
