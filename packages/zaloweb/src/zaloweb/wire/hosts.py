"""Which addresses are Zalo's: where cookies, keys and sealed parameters may go.

Service maps, socket lists and redirects come from a server. An address counts only if it is `https` (or `wss`
for a socket) on the default port, without a user, and its host is in the table below or under an entry. The
accepted form is narrow on purpose, so that no two URL parsers can disagree about the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import quote, urldefrag, urljoin

from zaloweb.errors import SettingsError

ZALO_SUFFIXES: Final[Mapping[str, str]] = {
    "zalo.me": (
        "login, QR code, chat pages, all services and sockets of the recorded logins "
        "(tests/vectors: wpa.chat.zalo.me, id.zalo.me, jr.chat.zalo.me, *.chat.zalo.me)"
    ),
    "zdn.vn": "scripts of the recorded login page (stc-zlogin.zdn.vn) and the hosts of media",
    "zadn.vn": "scripts of the chat page (zalo-chat-static.zadn.vn) and stickers (zalo-api.zadn.vn)",
}
"""Hosts that Zalo owns, with the evidence. Cookies are set only for `zalo.me` and below."""

_ADDRESS = re.compile(
    r"(?P<scheme>https|wss)://(?P<host>(?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z]{2,63})(?::443)?"
    r"(?:[/?][\x21-\x5b\x5d-\x7e]*)?",
    re.IGNORECASE | re.ASCII,
)
_SUFFIX = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,63}", re.ASCII)
_SHOWN = re.compile(r"[a-z][a-z0-9+.-]{0,15}:/{0,3}[^/?#\\\s]{0,80}", re.IGNORECASE | re.ASCII)
_UNPRINTABLE = re.compile(r"[^\x21-\x7e…]")
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))

Scheme = Literal["https", "wss"]


class Hosts:
    """The table and the operator's additions. Raises `SettingsError` for an invalid suffix."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._suffixes = tuple(ZALO_SUFFIXES) + tuple(_suffix(one) for one in more)

    def refusal(self, url: str, scheme: Scheme = "https") -> str:
        """Why nothing is sent to an address, in a few words; "" if it is Zalo's."""
        found, host = _scheme_and_host(url)
        if found != scheme:
            return f"{shown(url)} is no plain {scheme} address"
        if any(host == suffix or host.endswith(f".{suffix}") for suffix in self._suffixes):
            return ""
        return f"{shown(url)} is not Zalo's"


@lru_cache(maxsize=64)  # most calls go to the same few addresses
def _scheme_and_host(url: str) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(url)
    return (found["scheme"].lower(), found["host"].lower()) if found else ("", "")


def next_hop(url: str, location: str) -> str:
    """The target of a redirect, without a fragment and in ASCII. Raises `ValueError` if it is no URL."""
    target = urldefrag(urljoin(url, location.strip())).url
    return quote(target.encode("utf-8", "surrogateescape"), safe=_PRINTABLE)


def shown(url: str) -> str:
    """Scheme and host of an address, for display; never a user, path or query."""
    found = _SHOWN.match(url)
    if found is None:
        return "what was given"
    before, at, host = found[0].rpartition("@")
    text = f"{before.partition('//')[0]}//…@{host}" if at else host
    return _UNPRINTABLE.sub("?", text)


def _suffix(text: str) -> str:
    suffix = text.strip().removeprefix(".").lower()
    if not _SUFFIX.fullmatch(suffix):
        raise SettingsError(f"{text!r:.80} is no host: write it like zalo.me, without https:// and port")
    return suffix
