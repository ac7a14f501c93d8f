"""Logout: Zalo ends the session of these cookies, and lists the device no longer.

The call is known from a public client's proposed change alone (zca-js#218), not from a recording.
"""

from __future__ import annotations

from zaloweb.errors import ApiError
from zaloweb.session import Session
from zaloweb.transport.http import Transport
from zaloweb.wire import cipher, envelope

_NAME = "logOut"
_URL = "https://wpa.chat.zalo.me/api/v2/login/logOut"
_COMPUTER = "Web"


async def log_out_over(transport: Transport, session: Session) -> None:
    """Ask Zalo to end the session, once. Whether it did shows when the session is used again.

    Raises `ApiError`, `HttpStatusError`, `ProtocolError`, `NetworkError`.
    """
    told = {
        "time": transport.clock.now_ms(),
        "imei": session.credentials.imei,
        "computer_name": _COMPUTER,
        "language": session.credentials.language,
    }
    params = cipher.encrypt(cipher.session_key(session.secret_key), envelope.compact(told))
    query = [("zpw_ver", str(session.api.version)), ("zpw_type", str(session.api.type))]
    answer = await transport.ask(
        "POST", _URL, name=_NAME, query=query, form=[("params", params)], redirect=False
    )
    if answer.code != 0:
        raise ApiError.of(answer.code, answer.message, _NAME)
