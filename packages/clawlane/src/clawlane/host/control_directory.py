"""The directory over the control socket: whom an account knows, asked over its live connection.

    GET  /directory/self?channel=C[&account=A]              {"self": PERSON}
    GET  /directory/peers?channel=C[&account=A]             {"peers": [PERSON, …]}
    GET  /directory/groups?channel=C[&account=A]            {"groups": [GROUP, …]}
    GET  /directory/members?channel=C[&account=A]&group=G   {"members": {"people": [PERSON, …], "total": N}}

A PERSON is a `clawlane.abilities.Person`, a GROUP a `clawlane.abilities.Group`, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from clawlane.host.lookup import Lookup

Find = Callable[[web.Request], Lookup]
"""The account that a request means."""


def routes(find: Find) -> list[web.RouteDef]:
    """The routes, for the control socket. They raise `DirectoryError`."""

    def answering(name: str, ask: Callable[[Lookup, web.Request], Awaitable[Any]]) -> web.RouteDef:
        async def answer(request: web.Request) -> web.Response:
            found = await ask(find(request), request)
            told = [asdict(one) for one in found] if isinstance(found, list) else asdict(found)
            return web.Response(text=json.dumps({name: told}), content_type="application/json")

        return web.get(f"/directory/{name}", answer)

    return [
        answering("self", lambda lookup, _: lookup.self_()),
        answering("peers", lambda lookup, _: lookup.peers()),
        answering("groups", lambda lookup, _: lookup.groups()),
        answering("members", lambda lookup, request: lookup.members(request.query.get("group", ""))),
    ]
