"""Pairing over the control socket.

    GET  /pairing?channel=C[&account=A]                            {"requests": [REQUEST, …]}
    GET  /pairing/approved?channel=C[&account=A]                   {"approved": [APPROVED, …]}
    POST /pairing/approve?channel=C[&account=A]&code=X[&notify=1]  {"approved": APPROVED}
    POST /pairing/revoke?channel=C[&account=A]&sender=ID           {"revoked": [APPROVED, …]}
    GET  /pairing/rejected?channel=C[&account=A]                   {"rejected": [REJECTED, …]}
    POST /pairing/reject?channel=C[&account=A]&who=X[&block=1]     {"rejected": [REJECTED, …]}
    POST /pairing/unblock?channel=C[&account=A]&sender=ID          {"unblocked": [REJECTED, …]}

A REQUEST is a `clawlane.store.records.PairingRequest`, APPROVED and REJECTED are `Approved` and `Rejected` of
there, as JSON. `who` is a code or an id.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from clawlane.host.pairings import Pairings


def routes(pairings: Pairings, channel_of: Callable[[web.Request], str]) -> list[web.RouteDef]:
    """The routes, for the control socket. They raise `PairingUnknown`."""

    async def waiting(request: web.Request) -> web.Response:
        found = await pairings.waiting(channel_of(request), request.query.get("account"))
        return _json({"requests": [asdict(one) for one in found]})

    async def approved(request: web.Request) -> web.Response:
        found = await pairings.approved(channel_of(request), request.query.get("account"))
        return _json({"approved": [asdict(one) for one in found]})

    async def approve(request: web.Request) -> web.Response:
        account, code = request.query.get("account"), request.query.get("code", "")
        notify = request.query.get("notify") == "1"
        let_in = await pairings.approve(channel_of(request), account, code, notify=notify)
        return _json({"approved": asdict(let_in)})

    async def revoke(request: web.Request) -> web.Response:
        account, sender = request.query.get("account"), request.query.get("sender", "")
        found = await pairings.revoke(channel_of(request), account, sender)
        return _json({"revoked": [asdict(one) for one in found]})

    async def rejected(request: web.Request) -> web.Response:
        found = await pairings.rejected(channel_of(request), request.query.get("account"))
        return _json({"rejected": [asdict(one) for one in found]})

    async def reject(request: web.Request) -> web.Response:
        account, who = request.query.get("account"), request.query.get("who", "")
        block = request.query.get("block") == "1"
        found = await pairings.reject(channel_of(request), account, who, block=block)
        return _json({"rejected": [asdict(one) for one in found]})

    async def unblock(request: web.Request) -> web.Response:
        account, sender = request.query.get("account"), request.query.get("sender", "")
        found = await pairings.unblock(channel_of(request), account, sender)
        return _json({"unblocked": [asdict(one) for one in found]})

    return [
        web.get("/pairing", waiting),
        web.get("/pairing/approved", approved),
        web.post("/pairing/approve", approve),
        web.post("/pairing/revoke", revoke),
        web.get("/pairing/rejected", rejected),
        web.post("/pairing/reject", reject),
        web.post("/pairing/unblock", unblock),
    ]


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(value), content_type="application/json")
