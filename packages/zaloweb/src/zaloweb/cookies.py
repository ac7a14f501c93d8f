"""Cookies, the jar of a session, and their exchange as JSON.

Follows RFC 6265 with one exception: hosts of Zalo set cookies for one another (`id.zalo.me` hands out
`zpw_sek` for `chat.zalo.me`), which the RFC forbids.

Exported cookies are the JSON of tough-cookie and zca-js, and what browsers export. Keys read: `key` or
`name`, `value`, `domain` (a leading dot is dropped), `path`, `secure`, `httpOnly`, `hostOnly`, `creation`,
and the expiry as `expires` or `expirationDate`: a date of ISO 8601 or of HTTP, or seconds or milliseconds
since 1970, as a number or a text. Null and anything else mean no expiry. An export may be of a whole browser:
cookies of other sites are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from zaloweb.errors import SettingsError

_SITE = "zalo.me"
LATEST_MS = 253_402_300_799_000
"""The end of the year 9999, the latest expiry."""

_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"(\d{1,2})(?!\d)", re.ASCII)
_YEAR = re.compile(r"(\d{2,4})(?!\d)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DEFAULT_HOST = "chat.zalo.me"
_SECONDS_END = 100_000_000_000  # a number below this is seconds, from here on milliseconds
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?", re.ASCII)

_SECURE_SCHEMES = ("https", "wss")
_LONGEST = 4096
_MOST = 300
"""At least what a browser keeps (RFC 6265, section 6.1: 4096 bytes each, and more than 50 per site)."""

_MOST_HEADERS = 64
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f;]")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. Times are milliseconds since 1970; without `expires_ms` it lasts for the session."""

    name: str
    value: str = field(repr=False)
    domain: str
    path: str = "/"
    host_only: bool = False
    secure: bool = False
    http_only: bool = False
    expires_ms: int | None = None
    created_ms: int = 0

    @property
    def identity(self) -> tuple[str, str, str]:
        """A later cookie with the same identity replaces this one."""
        return (self.name, self.domain, self.path)

    def expired(self, now_ms: int) -> bool:
        return self.expires_ms is not None and self.expires_ms <= now_ms

    def belongs_to(self, host: str, path: str, *, secure: bool) -> bool:
        """Whether it is sent with a request to this host and path."""
        in_domain = host == self.domain if self.host_only else _domain_match(host, self.domain)
        return in_domain and _path_match(path, self.path) and (secure or not self.secure)


def parse_set_cookie(header: str, url: str, now_ms: int) -> Cookie | None:
    """The cookie of one `Set-Cookie` header; None without a name or for a domain of another host."""
    pair, *attributes = header.split(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not name or not sendable(name + value):
        return None
    given = {
        key.strip().lower(): told.strip() for key, _, told in (text.partition("=") for text in attributes)
    }
    parts = urlsplit(url)
    host = parts.hostname or ""
    domain = given.get("domain", "").removeprefix(".").lower()
    if domain and domain != host and not _may_set(host, domain):
        return None
    path = given.get("path", "")
    return Cookie(
        name=name,
        value=value,
        domain=domain or host,
        path=path if path.startswith("/") else parts.path[: parts.path.rfind("/")] or "/",
        host_only=not domain,
        secure="secure" in given,
        http_only="httponly" in given,
        expires_ms=_set_cookie_expiry(given, now_ms),
        created_ms=now_ms,
    )


def of_zalo(domain: str) -> bool:
    """Whether a cookie of this domain can be sent to a host of Zalo."""
    return _domain_match(domain, _SITE)


def sendable(text: str) -> bool:
    """Whether a `Cookie` header can hold this text."""
    return not _UNSENDABLE.search(text)


def _set_cookie_expiry(given: dict[str, str], now_ms: int) -> int | None:
    if re.fullmatch(r"-?\d{1,15}", given.get("max-age", ""), re.ASCII):
        return min(now_ms + max(int(given["max-age"]), 0) * 1000, LATEST_MS)
    return cookie_date(given["expires"]) if "expires" in given else None


def _may_set(host: str, domain: str) -> bool:
    if _domain_match(host, _SITE):
        return _domain_match(domain, _SITE)
    return "." in domain and _domain_match(host, domain)


def _domain_match(host: str, domain: str) -> bool:
    return host == domain or (host.endswith("." + domain) and not _is_address(host))


@lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _path_match(path: str, of_cookie: str) -> bool:
    return path == of_cookie or (
        path.startswith(of_cookie) and (of_cookie.endswith("/") or path[len(of_cookie)] == "/")
    )


def cookie_date(text: str) -> int | None:
    """Milliseconds since 1970, by the forgiving rules of RFC 6265, section 5.1.1."""
    time: tuple[int, int, int] | None = None
    day = month = year = None
    for token in re.split(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+", text):
        if time is None and (found := _TIME.match(token)):
            time = (int(found[1]), int(found[2]), int(found[3]))
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if time is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year < 70 else 0
    try:
        moment = datetime(year, month, day, *time, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


def to_entry(cookie: Cookie) -> dict[str, object]:
    """One cookie as tough-cookie writes it. The last access is not tracked: it is the creation."""
    entry: dict[str, object] = {
        "key": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "hostOnly": cookie.host_only,
        "creation": _iso_text(cookie.created_ms),
        "lastAccessed": _iso_text(cookie.created_ms),
    }
    if cookie.secure:
        entry["secure"] = True
    if cookie.http_only:
        entry["httpOnly"] = True
    if cookie.expires_ms is not None:
        entry["expires"] = _iso_text(cookie.expires_ms)
    return entry


def from_entry(entry: object, number: int, now_ms: int) -> Cookie | None:
    """The cookie of one entry, the `number`th of a list; None if it is of another site.

    Raises `SettingsError`, which shows no value.
    """
    if not isinstance(entry, dict):
        raise SettingsError(f"cookies: entry {number} is not an object")
    domain = _entry_domain(entry)
    if domain is None:
        return None
    name = _entry_text(entry, "key", number) or _entry_text(entry, "name", number)
    value = _entry_text(entry, "value", number)
    if not name or not sendable(name + value):
        raise SettingsError(f"cookies: entry {number} has no name, or characters that no cookie can have")
    created_ms, expires = _entry_moment(entry.get("creation")), entry.get("expires")
    return Cookie(
        name=name,
        value=value,
        domain=domain or _DEFAULT_HOST,
        path=_entry_text(entry, "path", number) or "/",
        host_only=entry.get("hostOnly") is True or not domain,
        secure=entry.get("secure") is True,
        http_only=entry.get("httpOnly") is True,
        expires_ms=_entry_moment(entry.get("expirationDate") if expires is None else expires),
        created_ms=now_ms if created_ms is None else created_ms,
    )


def _entry_domain(entry: dict[str, object]) -> str | None:
    """The domain of an entry, "" without one; None for another site. A URL counts as its host."""
    given = entry.get("domain")
    if given is None:
        return ""
    if not isinstance(given, str):
        return None
    text = given.strip().lower()
    try:
        text = urlsplit(text if "//" in text else f"//{text}").hostname or "" if text else ""
    except ValueError:
        return None
    domain = text.removeprefix(".").removesuffix(".")
    return domain if not given.strip() or of_zalo(domain) else None


def _entry_text(entry: dict[str, object], key: str, number: int) -> str:
    found = entry.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise SettingsError(f"cookies: `{key}` of entry {number} is not a text")
    return found


def _entry_moment(given: object) -> int | None:
    """Milliseconds since 1970; None for anything but a time, such as tough-cookie's "Infinity"."""
    if isinstance(given, str):
        text = given.strip()
        return _from_number(float(text)) if _NUMBER.fullmatch(text) else _from_date(text)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _from_number(given)
    return None


def _from_number(given: float) -> int | None:
    if not given > 0:  # some exports write -1 for a session cookie
        return None
    return int(min(given if given >= _SECONDS_END else given * 1000, LATEST_MS))


def _from_date(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return cookie_date(text)
    return min(max(round(seconds * 1000), 0), LATEST_MS)


def _iso_text(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Jar:
    """Cookies in the order of their creation. Its repr shows only names."""

    def __init__(self, cookies: Iterable[Cookie] = ()) -> None:
        self._cookies: list[Cookie] = []
        self._headers: dict[str, tuple[str, int]] = {}
        """The headers that were made since the last change, by URL, and until when they hold."""
        self.changes = 0
        """Counts changes by answers, so that a caller knows when to save the jar."""
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
        address = url.partition("?")[0]
        header, until_ms = self._headers.get(address, ("", 0))
        if now_ms >= until_ms:
            header, until_ms = self._header(address, now_ms)
            if len(self._headers) >= _MOST_HEADERS:
                self._headers.clear()
            self._headers[address] = header, until_ms
        return header

    def _header(self, address: str, now_ms: int) -> tuple[str, int]:
        parts = urlsplit(address)
        host, path, secure = parts.hostname or "", parts.path or "/", parts.scheme in _SECURE_SCHEMES
        going = [
            cookie
            for cookie in self._cookies
            if not cookie.expired(now_ms) and cookie.belongs_to(host, path, secure=secure)
        ]
        going.sort(key=lambda cookie: (-len(cookie.path), cookie.created_ms))
        until_ms = min((cookie.expires_ms or LATEST_MS for cookie in going), default=LATEST_MS)
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in going), until_ms

    def store(self, url: str, headers: Iterable[str], now_ms: int) -> None:
        """Store the `Set-Cookie` headers of an answer from this URL."""
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

        A cookie without a domain is for `chat.zalo.me` only. Expired cookies and other sites' are left out.
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
        self._headers.clear()
        for place, held in enumerate(self._cookies):
            if held.identity == cookie.identity:
                self._cookies[place] = replace(cookie, created_ms=held.created_ms)
                self.changes += held != self._cookies[place]
                return
        self._cookies.append(cookie)
        self.changes += 1

    def _drop_expired(self, now_ms: int) -> None:
        self._headers.clear()
        self._cookies = [cookie for cookie in self._cookies if not cookie.expired(now_ms)]
