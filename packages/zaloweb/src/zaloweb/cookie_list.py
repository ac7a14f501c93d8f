"""Cookies as they are kept and exchanged: the JSON of tough-cookie and zca-js, and what browsers export.

Keys read: `key` or `name`, `value`, `domain` (a leading dot is dropped), `path`, `secure`, `httpOnly`,
`hostOnly`, `creation`, and the end of life as `expires` or `expirationDate`: a date of ISO 8601 or of HTTP,
or seconds or milliseconds since 1970, as a number or in a text. Null and what is none of these stand for no
end.

An export may be of the whole browser. Cookies of other sites are no business of this client.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from zaloweb.cookie import LATEST_MS, Cookie, cookie_date, of_zalo, sendable
from zaloweb.errors import SettingsError

_DEFAULT_HOST = "chat.zalo.me"
_SECONDS_END = 100_000_000_000  # a number below this is seconds, from here on milliseconds
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


def to_entry(cookie: Cookie) -> dict[str, object]:
    """One cookie as tough-cookie writes it. The last access is not tracked and given as the creation."""
    entry: dict[str, object] = {
        "key": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "hostOnly": cookie.host_only,
        "creation": _as_text(cookie.created_ms),
        "lastAccessed": _as_text(cookie.created_ms),
    }
    if cookie.secure:
        entry["secure"] = True
    if cookie.http_only:
        entry["httpOnly"] = True
    if cookie.expires_ms is not None:
        entry["expires"] = _as_text(cookie.expires_ms)
    return entry


def from_entry(entry: object, number: int, now_ms: int) -> Cookie | None:
    """The cookie of one entry, the `number`th of a list; None if it is of another site, however odd.

    Raises `SettingsError` that shows no value.
    """
    if not isinstance(entry, dict):
        raise SettingsError(f"cookies: entry {number} is not an object")
    domain = _domain(entry)
    if domain is None:
        return None
    name = _text(entry, "key", number) or _text(entry, "name", number)
    value = _text(entry, "value", number)
    if not name or not sendable(name + value):
        raise SettingsError(f"cookies: entry {number} has no name, or characters that no cookie can have")
    created_ms = _moment(entry.get("creation"))
    return Cookie(
        name=name,
        value=value,
        domain=domain or _DEFAULT_HOST,
        path=_text(entry, "path", number) or "/",
        host_only=entry.get("hostOnly") is True or not domain,
        secure=entry.get("secure") is True,
        http_only=entry.get("httpOnly") is True,
        expires_ms=_expiry(entry),
        created_ms=now_ms if created_ms is None else created_ms,
    )


def _domain(entry: dict[str, object]) -> str | None:
    """The domain of an entry, "" without one; None for another site's. An address stands for its host."""
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


def _text(entry: dict[str, object], key: str, number: int) -> str:
    found = entry.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise SettingsError(f"cookies: `{key}` of entry {number} is not a text")
    return found


def _expiry(entry: dict[str, object]) -> int | None:
    given = entry.get("expires")
    return _moment(entry.get("expirationDate") if given is None else given)


def _moment(given: object) -> int | None:
    """Milliseconds since 1970; None for what says no moment, as tough-cookie's "Infinity"."""
    if isinstance(given, str):
        text = given.strip()
        return _from_number(float(text)) if _NUMBER.fullmatch(text) else _from_date(text)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _from_number(given)
    return None


def _from_number(given: float) -> int | None:
    if not given > 0:  # -1 stands for "with the session" in some exports
        return None
    return int(min(given if given >= _SECONDS_END else given * 1000, LATEST_MS))


def _from_date(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return cookie_date(text)
    return min(max(round(seconds * 1000), 0), LATEST_MS)


def _as_text(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
