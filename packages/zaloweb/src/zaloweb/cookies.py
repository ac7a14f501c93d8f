"""The cookies of a session: which go out with a request and what an answer changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from zaloweb.cookie import Cookie, parse_set_cookie
from zaloweb.cookie_list import from_entry, to_entry
from zaloweb.errors import SettingsError

_SECURE_SCHEMES = ("https", "wss")
_LONGEST = 4096
_MOST = 300
"""What a browser keeps at least (RFC 6265, section 6.1: 4096 bytes each, and more than 50 of a site)."""


class Jar:
    """Cookies in the order they were made. Its repr shows names only."""

    def __init__(self, cookies: Iterable[Cookie] = ()) -> None:
        self._cookies: list[Cookie] = []
        self.changes = 0
        """Grows whenever an answer changed something: a caller that keeps the jar knows when to write it."""
        for cookie in cookies:
            self._put(cookie)

    def __repr__(self) -> str:
        return f"Jar({', '.join(cookie.name for cookie in self._cookies)})"

    def __iter__(self) -> Iterator[Cookie]:
        return iter(tuple(self._cookies))

    def __len__(self) -> int:
        return len(self._cookies)

    def header(self, url: str, now_ms: int) -> str:
        """The `Cookie` header for this URL, "" if none goes out. Longer paths first, then older ones."""
        parts = urlsplit(url)
        host, path, secure = parts.hostname or "", parts.path or "/", parts.scheme in _SECURE_SCHEMES
        going = [
            cookie
            for cookie in self._cookies
            if not cookie.expired(now_ms) and cookie.belongs_to(host, path, secure=secure)
        ]
        going.sort(key=lambda cookie: (-len(cookie.path), cookie.created_ms))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in going)

    def store(self, url: str, headers: Iterable[str], now_ms: int) -> None:
        """Take over the `Set-Cookie` headers, one text each, of an answer from this URL."""
        for header in headers:
            cookie = parse_set_cookie(header, url, now_ms)
            if cookie is None or (cookie.secure and urlsplit(url).scheme not in _SECURE_SCHEMES):
                continue
            if len(cookie.name) + len(cookie.value) > _LONGEST:
                continue
            self._put(cookie)
            self._drop_expired(now_ms)
        while len(self._cookies) > _MOST:
            self._cookies.remove(min(self._cookies, key=lambda cookie: cookie.created_ms))

    def to_list(self) -> list[dict[str, object]]:
        """The cookies as tough-cookie writes them, which is what zca-js exports and accepts."""
        return [to_entry(cookie) for cookie in self._cookies]

    @classmethod
    def from_list(cls, exported: object, now_ms: int) -> Jar:
        """A jar from an exported list, or from an object with one in `cookies`. Raises `SettingsError`.

        A cookie without a domain is for `chat.zalo.me` alone. What has expired is left out, and whatever is
        of another site.
        """
        entries = exported.get("cookies") if isinstance(exported, dict) else exported
        if not isinstance(entries, list):
            raise SettingsError("cookies: expected a list, or an object with a list in `cookies`")
        read = (from_entry(entry, number, now_ms) for number, entry in enumerate(entries, 1))
        jar = cls(cookie for cookie in read if cookie is not None)
        jar._drop_expired(now_ms)
        jar.changes = 0
        return jar

    def _put(self, cookie: Cookie) -> None:
        for place, held in enumerate(self._cookies):
            if held.identity == cookie.identity:
                self._cookies[place] = replace(cookie, created_ms=held.created_ms)
                self.changes += held != self._cookies[place]
                return
        self._cookies.append(cookie)
        self.changes += 1

    def _drop_expired(self, now_ms: int) -> None:
        self._cookies = [cookie for cookie in self._cookies if not cookie.expired(now_ms)]
