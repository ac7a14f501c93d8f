"""The approved and waiting senders in a state folder of OpenClaw.

Two forms are known: the tables `channel_pairing_allow_entries` and `channel_pairing_requests` of
`state/openclaw.sqlite`, and before them `credentials/CHANNEL-allowFrom.json`,
`credentials/CHANNEL-ACCOUNT-allowFrom.json` and `credentials/CHANNEL-pairing.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from clawlane.access.pairing import ALPHABET, CODE_LENGTH, CODE_LIFE_MS
from clawlane.channel import Manifest
from clawlane.config.senders import is_numeric_id
from clawlane.ops.openclaw_files import Home, decoded, odd
from clawlane.texts import later

_MOST = 10_000
"""Entries of one list."""

_NO_ID = later("is no id")
_LONGEST_ID = 32
_LONGEST_NAME = 200
_EXACT = 2**53
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_CODE = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}\\Z")


@dataclass(frozen=True, slots=True)
class Sender:
    """Somebody who was let in. `account` is empty where the list names none."""

    account: str
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits with a code, since `created_ms`."""

    account: str
    id: str
    name: str
    code: str = field(repr=False)
    created_ms: int = 0


@dataclass(slots=True)
class People:
    """Who is in the folder for one channel, and what of it is none: where, and why."""

    approved: list[Sender] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)


def people_of(home: Home, manifest: Manifest, now_ms: int) -> People:
    """The senders of one channel. Raises `OpError` for a file of a form that is not known."""
    found, prefixes = People(), (manifest.id, *manifest.aliases)
    for where, account, entry in _allowed(home, manifest.id):
        try:
            sender = Sender(_account(account), person_id(entry, prefixes))
        except ValueError as error:
            found.odd.append((where, error.args[0]))
        else:
            if sender not in found.approved:
                found.approved.append(sender)
    allowed = {(one.account, one.id) for one in found.approved}
    for where, request in _requests(home, manifest.id):
        try:
            waiting = _waiting(request, prefixes, now_ms)
        except ValueError as error:
            found.odd.append((where, error.args[0]))
            continue
        if (waiting.account, waiting.id) not in allowed:
            allowed.add((waiting.account, waiting.id))
            found.waiting.append(waiting)
    return found


def person_id(value: object, prefixes: tuple[str, ...]) -> str:
    """The digits of an entry. Raises `ValueError` that says what it is instead, without repeating it."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        if value >= _EXACT:
            raise ValueError(
                later("a number of this length has lost its last digits; approve this person anew")
            )
        return str(value)
    if not isinstance(value, str):
        raise ValueError(_NO_ID)
    entry = value.strip()
    kind, colon, rest = entry.partition(":")
    if colon and kind.strip().lower() in prefixes:
        entry = rest.strip()
    if entry == "*":
        raise ValueError(
            later("'*' would let anybody in; if you mean that, write it into allowFrom yourself")
        )
    if not is_numeric_id(entry) or len(entry) > _LONGEST_ID:
        raise ValueError(_NO_ID)
    return entry


def _allowed(home: Home, channel: str) -> Iterator[tuple[str, str, object]]:
    """Where an entry stands, its account and the entry."""
    for name in home.names("credentials"):
        if found := re.fullmatch(rf"{re.escape(channel)}(?:-(.+))?-allowFrom\.json", name):
            where = f"credentials/{name}"
            entries = _list(home.json("credentials", name), "allowFrom", where)
            yield from ((f"{where}[{place}]", found[1] or "", one) for place, one in enumerate(entries))
    table = "channel_pairing_allow_entries"
    rows = home.rows(table, ("channel_key", "account_id", "entry"), "channel_key = ?", channel)
    for place, row in enumerate(_few(rows, table)):
        yield f"{table}[{place}]", str(row["account_id"] or ""), row["entry"]


def _requests(home: Home, channel: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    name = f"{channel}-pairing.json"
    listed = _list(home.json("credentials", name), "requests", f"credentials/{name}")
    for place, one in enumerate(listed):
        yield f"credentials/{name}[{place}]", one if isinstance(one, Mapping) else {}
    table = "channel_pairing_requests"
    columns = ("channel_key", "account_id", "request_id", "code", "created_at", "meta_json")
    for place, row in enumerate(_few(home.rows(table, columns, "channel_key = ?", channel), table)):
        where = f"{table}[{place}]"
        meta = decoded(row["meta_json"], where) if isinstance(row["meta_json"], str | bytes) else {}
        account = {"accountId": row["account_id"]} if row["account_id"] else {}
        yield (
            where,
            {
                "id": row["request_id"],
                "code": row["code"],
                "createdAt": row["created_at"],
                "meta": {**(meta if isinstance(meta, Mapping) else {}), **account},
            },
        )


def _waiting(request: Mapping[str, Any], prefixes: tuple[str, ...], now_ms: int) -> Waiting:
    """One request. Raises `ValueError`."""
    sender = person_id(request.get("id"), prefixes)
    code = request.get("code")
    if not isinstance(code, str) or not _CODE.match(code.strip().upper()):
        raise ValueError(later("has no pairing code"))
    created_ms = min(_moment(request.get("createdAt")), now_ms)
    if now_ms - created_ms >= CODE_LIFE_MS:
        raise ValueError(later("its code has expired; this person gets a new one with the next message"))
    given = request.get("meta")
    meta = given if isinstance(given, Mapping) else {}
    named = meta.get("accountId")
    account = _account(named if isinstance(named, str) else "")
    name = next((one for key in ("name", "displayName") if isinstance(one := meta.get(key), str)), "")
    told = name.encode(errors="replace").decode()[:_LONGEST_NAME]
    return Waiting(account, sender, told, code.strip().upper(), created_ms)


def _moment(value: object) -> int:
    """Milliseconds since 1970 of a number or a date of ISO 8601. Raises `ValueError`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _EXACT:
        return int(value)
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError(later("does not say since when it waits")) from None


def _account(written: str) -> str:
    name = written.strip().lower()
    if name and not _ACCOUNT.match(name):
        raise ValueError(later("is for an account whose name is none"))
    return name


def _list(data: object, key: str, where: str) -> list[Any]:
    if data is None:
        return []
    listed = data.get(key) if isinstance(data, Mapping) else data
    if not isinstance(listed, list):
        raise odd(where, later("has no list `{key}`, so its form is not known here", key=key))
    return _few(listed, where)


def _few(listed: list[Any], where: str) -> list[Any]:
    if len(listed) > _MOST:
        raise odd(where, later("has more than {n} entries", n=_MOST))
    return listed
