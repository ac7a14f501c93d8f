"""One cookie: what it is, where it goes, and how a `Set-Cookie` header makes it.

Follows RFC 6265 with one exception: hosts of Zalo set cookies for one another (`id.zalo.me` hands out
`zpw_sek` for `chat.zalo.me`), which the RFC would drop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

_SITE = "zalo.me"
LATEST_MS = 253_402_300_799_000
"""The end of the year 9999: no cookie lives longer."""

_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f;]")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. Times are milliseconds since 1970; without `expires_ms` it lives as long as the session."""

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
        """What makes a later cookie replace this one."""
        return (self.name, self.domain, self.path)

    def expired(self, now_ms: int) -> bool:
        return self.expires_ms is not None and self.expires_ms <= now_ms

    def belongs_to(self, host: str, path: str, *, secure: bool) -> bool:
        """Whether it goes out with a request to this host and path."""
        in_domain = host == self.domain if self.host_only else _domain_match(host, self.domain)
        return in_domain and _path_match(path, self.path) and (secure or not self.secure)


def parse_set_cookie(header: str, url: str, now_ms: int) -> Cookie | None:
    """The cookie of one `Set-Cookie` header; None without a name or for a domain the host has no say in."""
    pair, *attributes = header.split(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not name or not sendable(name + value):
        return None
    given = dict(_attribute(text) for text in attributes)
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
        path=path if path.startswith("/") else _default_path(parts.path),
        host_only=not domain,
        secure="secure" in given,
        http_only="httponly" in given,
        expires_ms=_expiry(given, now_ms),
        created_ms=now_ms,
    )


def of_zalo(domain: str) -> bool:
    """Whether a cookie of this domain can go to a host of Zalo's."""
    return _domain_match(domain, _SITE)


def sendable(text: str) -> bool:
    """Whether a `Cookie` header can hold this text."""
    return not _UNSENDABLE.search(text)


def _attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip()


def _expiry(given: dict[str, str], now_ms: int) -> int | None:
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


def _default_path(path: str) -> str:
    return path[: path.rfind("/")] or "/"


_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"(\d{1,2})(?!\d)", re.ASCII)
_YEAR = re.compile(r"(\d{2,4})(?!\d)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


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
