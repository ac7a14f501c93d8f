"""Cookies as they are kept and exchanged: the JSON of tough-cookie and zca-js, and what browsers export.

Keys read: `key` or `name`, `value`, `domain` (a leading dot is dropped), `path`, `secure`, `httpOnly`,
`hostOnly`, `creation`, and the end of life as `expires` (a date, or seconds since 1970) or `expirationDate`
(seconds).
"""

from __future__ import annotations

from datetime import UTC, datetime

from zaloweb.cookie import LATEST_MS, Cookie, sendable
from zaloweb.errors import SettingsError

_DEFAULT_HOST = "chat.zalo.me"
_SECONDS_END = 100_000_000_000  # a number below this is seconds, from here on milliseconds


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


def from_entry(entry: object, number: int, now_ms: int) -> Cookie:
    """The cookie of one entry, the `number`th of a list. Raises `SettingsError` that shows no value."""
    if not isinstance(entry, dict):
        raise SettingsError(f"cookies: entry {number} is not an object")
    name = _text(entry, "key", number) or _text(entry, "name", number)
    value = _text(entry, "value", number)
    if not name or not sendable(name + value):
        raise SettingsError(f"cookies: entry {number} has no name, or characters that no cookie can have")
    domain = _text(entry, "domain", number).removeprefix(".").lower()
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


def _text(entry: dict[str, object], key: str, number: int) -> str:
    found = entry.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise SettingsError(f"cookies: `{key}` of entry {number} is not a text")
    return found


def _expiry(entry: dict[str, object]) -> int | None:
    given = entry.get("expires", entry.get("expirationDate"))
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _from_number(given)
    return _moment(given)


def _from_number(given: float) -> int | None:
    if not given > 0:  # -1 stands for "with the session" in some exports
        return None
    return int(min(given if given >= _SECONDS_END else given * 1000, LATEST_MS))


def _moment(text: object) -> int | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # "Infinity" is tough-cookie's word for no end
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _as_text(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
