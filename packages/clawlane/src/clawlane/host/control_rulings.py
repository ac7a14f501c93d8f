"""Decisions about stuck messages over the control socket, see `clawlane.host.rulings`.

POST /outbox?ruling=R&id=N                                     R: resend, arrived, drop
POST /dead-letters?channel=C[&account=A]&ruling=R&message=ID   R: resubmit, drop
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from clawlane.host.rulings import Ruling, Rulings
from clawlane.store.errors import NoDeadLetter, NotInOutbox


def routes(rulings: Rulings, channel_of: Callable[[web.Request], str]) -> list[web.RouteDef]:
    """The routes, for the control socket. They raise `NotInOutbox` and `NoDeadLetter`."""

    async def outbox(request: web.Request) -> web.Response:
        number, ruling = request.query.get("id", ""), request.query.get("ruling", "")
        if not number.isdecimal() or ruling not in (Ruling.RESEND, Ruling.ARRIVED, Ruling.DROP):
            raise NotInOutbox("name a message of the outbox by its number, and resend, arrived or drop")
        return _json(await rulings.send(Ruling(ruling), int(number)))

    async def letters(request: web.Request) -> web.Response:
        ruling, message = request.query.get("ruling", ""), request.query.get("message", "")
        if ruling not in (Ruling.RESUBMIT, Ruling.DROP):
            raise NoDeadLetter("name a message that was set aside, and resubmit or drop")
        account = request.query.get("account")
        return _json(await rulings.letter(Ruling(ruling), channel_of(request), account, message))

    return [web.post("/outbox", outbox), web.post("/dead-letters", letters)]


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(value), content_type="application/json")
