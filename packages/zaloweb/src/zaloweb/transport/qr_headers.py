"""The headers of the QR login, on top of the default ones.

The values are those on the wire, where a default header and a special one of the same name are joined by a
comma. The browser hints say Chrome whatever the user agent says, as the reference client does.
"""

from __future__ import annotations

from typing import Final

from zaloweb.transport.http import DEFAULT_HEADERS, ORIGIN

_SIGN_IN = "https://id.zalo.me/account?continue=https%3A%2F%2F"
_FROM_PC = f"{_SIGN_IN}zalo.me%2Fpc"
_FROM_CHAT = f"{_SIGN_IN}chat.zalo.me%2F"
_DOCUMENT = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
_BROWSER = {
    "accept-language": f"{DEFAULT_HEADERS['accept-language']}, "
    "vi-VN,vi;q=0.9,fr-FR;q=0.8,fr;q=0.7,en-US;q=0.6,en;q=0.5",
    "referrer-policy": "strict-origin-when-cross-origin",
    "sec-ch-ua": '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
}


def _navigation(referer: str, site: str) -> dict[str, str]:
    return {
        **_BROWSER,
        "accept": f"{DEFAULT_HEADERS['accept']}, {_DOCUMENT}",
        "priority": "u=0, i",
        "referer": referer,
        "sec-fetch-dest": "document",
        "sec-fetch-mode": "navigate",
        "sec-fetch-site": site,
        "upgrade-insecure-requests": "1",
    }


def _background(referer: str, site: str) -> dict[str, str]:
    return {
        **_BROWSER,
        "accept": f"{DEFAULT_HEADERS['accept']}, */*",
        "priority": "u=1, i",
        "referer": referer,
        "sec-fetch-dest": "empty",
        "sec-fetch-mode": "cors",
        "sec-fetch-site": site,
    }


PAGE: Final = {
    **_navigation(f"{ORIGIN}/", "same-site"),
    "cache-control": "max-age=0",
    "sec-fetch-user": "?1",
}
"""For the page where a login starts."""

BEFORE_CODE: Final = _background(_FROM_PC, "same-origin")
"""For the requests up to the code."""

WITH_CODE: Final = _background(_FROM_CHAT, "same-origin")
"""For the requests that wait for the phone."""

CHECK_SESSION: Final = _navigation(_FROM_CHAT, "same-origin")
"""For the first request from the confirmed code to the chat; redirects have the default headers."""

USER_INFO: Final = _background(f"{ORIGIN}/", "same-site")
"""For the question who is logged in."""
