"""The people of the simulator, told what to do through its control interface.

`ZALOWEB_CONTROL=127.0.0.1:PORT` says where that is, beside `ZALOWEB_NETWORK`. The simulator's own module is
never imported: it is another process.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import aiohttp

from clawlane.capabilities import CastError, Figure, Seen
from clawlane.channel import Account
from clawlane.texts import later
from zaloweb.transport.network import LOOPBACK

VARIABLE = "ZALOWEB_CONTROL"

_LONGEST_ANSWER = 32 * 2**20
"""Bytes. An answer holds at most 1000 records."""

_PATIENCE_S = 10.0
_CODE_S = 15.0
"""Time for the code of a login to be shown before the phone gives up."""

_ACTIONS = frozenset(
    {
        "ask-friend", "backlog", "befriend", "clock", "decline", "delete", "drop", "expire",
        "expire-session", "fault", "forget", "half-open", "join", "kick", "leave", "lose-friends",
        "push", "react", "read", "receive", "refresh-cookies", "rename", "say", "second-listener",
        "second-login", "see", "type", "undo", "unfriend", "warn",
    }
)  # fmt: skip


def control_port(environ: Mapping[str, str] | None = None) -> int | None:
    """The port in `ZALOWEB_CONTROL`; None if it is unset or empty. Raises `CastError`."""
    value = (os.environ if environ is None else environ).get(VARIABLE, "").strip()
    if not value:
        return None
    host, _, port = value.rpartition(":")
    if host != LOOPBACK or not (port.isascii() and port.isdigit()) or not 0 < int(port[:6]) < 65536:
        shape = later("{variable}: {value!r} is not of the shape {shape}")
        raise CastError(later(shape, variable=VARIABLE, value=value[:100], shape=f"{LOOPBACK}:PORT"))
    return int(port)


class SimulatedPeople:
    """The cast of the simulator whose control interface is at `port`.

    `own_id` gives the Zalo id of an account that is connected here, or an empty text. Any other account is
    the one it was enrolled as, or that has its id, or else the simulator's first one.
    """

    def __init__(self, port: int, own_id: Callable[[Account], str] = lambda _account: "") -> None:
        self._port = port
        self._own_id = own_id
        self._enrolled: dict[str, str] = {}

    async def enroll(self, account: Account) -> Figure:
        """Who an account is on the simulator: the first account that is free, or else a new one."""
        accounts, taken = await self._accounts(), self._enrolled.values()
        free = (one for one in accounts if not one.get("loggedIn") and one["uid"] not in taken)
        one = self._known(account, accounts) or next(free, None)
        if one is None:
            one = await self._post("account", {"name": account.name or account.id})
        figure = Figure("account", _text(one, "uid"), _text(one, "name"))
        self._enrolled[account.id] = figure.id
        return figure

    async def scan(self, account: Account) -> None:
        """The account's phone scans the code on the screen, and confirms. Waits 15 s for a code."""
        uid = (await self.enroll(account)).id
        try:
            async with asyncio.timeout(_CODE_S):
                await self._scan(uid)
        except TimeoutError:
            raise CastError(later("no QR code was shown within {n:.0f} s", n=_CODE_S)) from None
        await self._post("confirm", {"account": uid})

    async def person(
        self, name: str, *, friend: bool = False, id: str = "", account: Account | None = None
    ) -> str:
        """The id of a new person, who is a stranger or a friend."""
        body = {"name": name, "friend": friend, "uid": id, **await self._of(account)}
        return _text(await self._post("person", body), "uid")

    async def group(
        self, name: str, members: Sequence[str], *, id: str = "", account: Account | None = None
    ) -> str:
        """The id of a new group of the account and these people."""
        body = {"name": name, "members": list(members), "gid": id, **await self._of(account)}
        return _text(await self._post("group", body), "gid")

    async def write(
        self, account: Account, sender: str, text: str, *, group: str = "", mention: bool = False
    ) -> str:
        """Somebody writes to the account, or in a group; the id of the message.

        A mention is put at the beginning of a text that has none.
        """
        us = await self._account(account)
        body: dict[str, Any] = {
            "from": sender,
            "text": text,
            **({"group": group} if group else {"to": us["uid"]}),
        }
        if mention:
            called = f"@{us['name']}"
            body |= {"text": text if called in text else f"{called} {text}", "mentions": [us["uid"]]}
        return _text(await self._post("say", body), "msgId")

    async def cut(self, account: Account, code: int = 1006) -> None:
        """The account's connection ends: 1006 cuts it, any other code is sent as the reason."""
        await self._post("drop", {"account": (await self._account(account))["uid"], "code": code})

    async def act(self, account: Account, action: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request of the control interface by its name, such as `kick`; docs/simulator.md lists them.

        `account` is filled in where a request is about an account and the fields do not name one.
        """
        if action not in _ACTIONS:
            actions = ", ".join(sorted(_ACTIONS))
            raise CastError(
                later(
                    "the simulator has no {action!r}; it has {actions}", action=action[:40], actions=actions
                )
            )
        return await self._post(action, {**await self._addressed(account, action, fields), **fields})

    async def everybody(self) -> list[Figure]:
        """All accounts, people and groups, in the order they were made."""
        world = await self._world()
        return [
            Figure(kind, _text(one, key), _text(one, "name"), about(one))
            for kind, listed, key, about in _LISTED
            for one in world.get(listed, ())
        ]

    async def seen(self, after: int = 0, wait: float = 0.0) -> list[Seen]:
        """What happened after a number, at most 1000 things; with nothing yet, waits up to 60 s for it."""
        answer = await self._request("GET", f"arrived?after={after:d}&wait={wait:f}", patience_s=wait)
        records = answer.get("arrived")
        if not isinstance(records, list):
            raise CastError(later("the simulator's answer holds no records"))
        return [_seen(record) for record in records]

    async def _scan(self, uid: str) -> None:
        while True:
            last = int((await self._world()).get("last", 0))
            try:
                await self._post("scan", {"account": uid})
            except NotNow:
                await self._next_code(last)
            else:
                return

    async def _next_code(self, after: int) -> None:
        seen = await self.seen(after, _CODE_S)
        while not any(one.kind == "qrshown" for one in seen):
            seen = await self.seen(seen[-1].seq if seen else after, _CODE_S)

    async def _account(self, account: Account) -> dict[str, Any]:
        accounts = await self._accounts()
        return self._known(account, accounts) or accounts[0]

    def _known(self, account: Account, accounts: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        uid = self._own_id(account) or self._enrolled.get(account.id, account.id)
        return next((one for one in accounts if one["uid"] == uid), None)

    async def _of(self, account: Account | None) -> dict[str, str]:
        return {} if account is None else {"account": (await self._account(account))["uid"]}

    async def _addressed(self, account: Account, action: str, fields: Mapping[str, Any]) -> dict[str, str]:
        if action in _OF_NO_ACCOUNT:
            return {}
        uid = (await self._account(account))["uid"]
        if action in ("say", "type"):
            to_us = "group" not in fields and "to" not in fields and fields.get("from") != uid
            return {"to": uid} if to_us else {}
        return {"account": uid}

    async def _accounts(self) -> list[dict[str, Any]]:
        accounts = (await self._world()).get("accounts")
        if not isinstance(accounts, list) or not accounts:
            raise CastError(later("the simulator's answer holds no accounts"))
        return [{**one, "uid": _text(one, "uid"), "name": _text(one, "name")} for one in accounts]

    async def _world(self) -> dict[str, Any]:
        return await self._request("GET", "world")

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._request("POST", path, body)

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, patience_s: float = 0.0
    ) -> dict[str, Any]:
        place = f"{LOOPBACK}:{self._port}"
        url = f"http://{place}/{path}"
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S + patience_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, url, json=body, allow_redirects=False) as answer,
            ):
                status, content = answer.status, await _bounded(answer.content)
        except TimeoutError:
            late = later("the simulator at {place} does not answer in time", place=place)
            raise CastError(late) from None
        except (aiohttp.ClientError, OSError):
            none = later("no simulator answers at {place} ({variable})", place=place, variable=VARIABLE)
            raise CastError(none) from None
        read = _object(content)
        if status != 200:
            error = NotNow if status == 409 else CastError
            told = str(read.get("error", "")).splitlines()
            raise error(told[0][:500] if told else later("the simulator answered {status}", status=status))
        return read


class NotNow(CastError):
    """Impossible now, such as a scan without a code."""


_OF_NO_ACCOUNT = frozenset(
    {"backlog", "clock", "fault", "join", "leave", "react", "receive", "rename", "see", "undo"}
)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    async for block in content.iter_any():
        read += block
        if len(read) > _LONGEST_ANSWER:
            most = _LONGEST_ANSWER // 2**20
            raise CastError(later("the simulator's answer is longer than {n} MiB", n=most))
    return bytes(read)


def _object(content: bytes) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise CastError(later("the simulator's answer is not what it should be: is it of this version?"))
    return read


_STANDINGS = {
    (True, True): later("logged in, connected"),
    (True, False): later("logged in, not connected"),
    (False, True): later("not logged in, connected"),
    (False, False): later("not logged in, not connected"),
}
"""Where an account stands, by whether it is logged in and connected."""


def _of_account(one: Mapping[str, Any]) -> str:
    return _STANDINGS[bool(one.get("loggedIn")), bool(one.get("connected"))]


def _of_person(one: Mapping[str, Any]) -> str:
    return later("friend") if one.get("friendOf") else later("stranger")


def _of_group(one: Mapping[str, Any]) -> str:
    return ", ".join(map(str, one.get("members", ())))


_LISTED: tuple[
    tuple[Literal["account", "person", "group"], str, str, Callable[[Mapping[str, Any]], str]], ...
]
_LISTED = (
    ("account", "accounts", "uid", _of_account),
    ("person", "people", "uid", _of_person),
    ("group", "groups", "gid", _of_group),
)


def _text(answer: Any, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise CastError(later("the simulator's answer holds no {name}", name=name))
    return value


def _seen(record: Any) -> Seen:
    match record:
        case {"seq": int(seq), "kind": str(kind), **fields}:
            return Seen(seq, kind, {str(name): value for name, value in fields.items()})
    raise CastError(later("a record of the simulator has no number or no kind"))
