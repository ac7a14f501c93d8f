"""The login page with its QR code, up to the cookies of a session."""

from __future__ import annotations

from urllib.parse import urlencode

import segno
from aiohttp import web

from zaloweb.sim.api import enveloped, set_cookie
from zaloweb.sim.backend import Backend
from zaloweb.sim.connections import KICKED
from zaloweb.sim.event_log import QrLogin, QrShown
from zaloweb.sim.faults import Picture
from zaloweb.sim.qr import QrCode, QrState
from zaloweb.sim.routes.directory import avatar
from zaloweb.sim.sessions import ACCOUNT_COOKIE, SESSION_COOKIE

ID_HOST = "id.zalo.me"
SESSION_HOST = "jr.chat.zalo.me"
CHAT_HOST = "chat.zalo.me"

_PAGE = '<html><head><script src="https://stc-zlogin.zdn.vn/main-2.48.7.js"></script></head></html>'
_NOTHING_YET = 8
_DECLINED = -13
_GONE = -3


async def page(_backend: Backend, _request: web.Request) -> web.Response:
    """The page whose script name holds the version that all later forms repeat."""
    response = web.Response(text=_PAGE, content_type="text/html")
    response.set_cookie("zlogin_session", "sim-login", domain=ID_HOST, secure=True, httponly=True)
    response.set_cookie("_zlang", "vn", domain="zalo.me")
    return response


async def accept(_backend: Backend, _request: web.Request) -> web.Response:
    """Two calls of the page whose answers no client reads."""
    return enveloped({})


async def generate(backend: Backend, request: web.Request) -> web.Response:
    """A new QR code as a PNG data URL."""
    code = backend.codes.show()
    backend.log.add(QrShown(code=code.code))
    options = {"enabledCheckOCR": False, "enabledMultiLayer": False}
    fault = backend.faults.of_kind(Picture, request.path)
    if fault is None:
        picture = segno.make(f"https://{ID_HOST}/qr/{code.code}", error="m", micro=False)
        image = picture.png_data_uri(scale=6, border=4)
    else:
        image = f"data:image/png;base64,{fault.base64}"
    return enveloped({"code": code.code, "image": image, "token": code.token, "options": options})


async def waiting_scan(backend: Backend, request: web.Request) -> web.Response:
    """Long poll until the code is scanned: who scanned it, "nothing yet", or that the code is gone."""
    code = await _code(backend, request)
    if code is None:
        return _gone()
    if not await code.leaves(QrState.SHOWN, seconds=backend.rules.poll_seconds):
        return _nothing_yet()
    if code.account is None or code.state is QrState.EXPIRED:
        return _gone()
    return enveloped({"avatar": avatar(code.account), "display_name": code.account.name})


async def waiting_confirm(backend: Backend, request: web.Request) -> web.Response:
    """Long poll until the phone decides. A confirmation opens a session and sets its account cookie.

    The account's former session is kicked.
    """
    code = await _code(backend, request)
    if code is None:
        return _gone()
    if not await code.leaves(QrState.SHOWN, QrState.SCANNED, seconds=backend.rules.poll_seconds):
        return _nothing_yet()
    if code.state is QrState.DECLINED:
        return enveloped(None, _DECLINED, "Người dùng từ chối đăng nhập")
    if code.state is not QrState.CONFIRMED or code.account is None:
        return _gone()
    if code.session is None:  # a repeated poll gets the same session
        code.session = backend.sessions.open(code.account)
        await backend.connections.drop(code.account, KICKED)
    response = enveloped({})
    set_cookie(response, ACCOUNT_COOKIE, code.session.zpsid, ".zalo.me")
    return response


async def check_session(backend: Backend, request: web.Request) -> web.Response:
    """The first of two redirects, which carries the session to the chat host by a token."""
    session = backend.sessions.signed_in(request.cookies)
    if session is None:
        return _to(request.query.get("continue", f"https://{CHAT_HOST}/"))
    carried = {"token": backend.sessions.token(session), "continue": f"https://{CHAT_HOST}/index.html"}
    return _to(f"https://{SESSION_HOST}/jr/pushsession?{urlencode(carried)}")


async def push_session(backend: Backend, request: web.Request) -> web.Response:
    """The second redirect, which sets the session cookie."""
    session = backend.sessions.by_token(request.query.get("token", ""))
    response = _to(f"https://{CHAT_HOST}/index.html")
    if session is not None:
        set_cookie(response, SESSION_COOKIE, session.zpw_sek, ".chat.zalo.me")
        backend.log.add(QrLogin(account=session.account.uid))
    return response


async def chat_page(_backend: Backend, _request: web.Request) -> web.Response:
    """The page where the redirects end."""
    return web.Response(text="<html>Zalo</html>", content_type="text/html")


async def user_info(backend: Backend, request: web.Request) -> web.Response:
    """Whether the cookies belong to a session, and to whose."""
    session = backend.sessions.of(request.cookies)
    if session is None:
        return enveloped({"logged": False, "session_chat_valid": False, "info": {"name": "", "avatar": ""}})
    info = {"name": session.account.name, "avatar": avatar(session.account)}
    return enveloped({"logged": True, "session_chat_valid": True, "info": info})


PAGES = {
    ("GET", ID_HOST, "/account"): page,
    ("POST", ID_HOST, "/account/logininfo"): accept,
    ("POST", ID_HOST, "/account/verify-client"): accept,
    ("POST", ID_HOST, "/account/authen/qr/generate"): generate,
    ("POST", ID_HOST, "/account/authen/qr/waiting-scan"): waiting_scan,
    ("POST", ID_HOST, "/account/authen/qr/waiting-confirm"): waiting_confirm,
    ("GET", ID_HOST, "/account/checksession"): check_session,
    ("GET", SESSION_HOST, "/jr/pushsession"): push_session,
    ("GET", SESSION_HOST, "/jr/userinfo"): user_info,
    ("GET", CHAT_HOST, "/index.html"): chat_page,
}


async def _code(backend: Backend, request: web.Request) -> QrCode | None:
    return backend.codes.find(str((await request.post()).get("code", "")))


def _nothing_yet() -> web.Response:
    return enveloped(None, _NOTHING_YET, "waiting")


def _gone() -> web.Response:
    return enveloped(None, _GONE, "Mã hết hạn")


def _to(address: str) -> web.Response:
    return web.Response(status=302, headers={"Location": address})
