"""Items of messages as they stand on the wire, and what the decoder makes of them."""

from __future__ import annotations

import json
from typing import Any

from zaloweb.events import Decoder, Event
from zaloweb.wire.cipher import seal_event
from zaloweb.wire.frames import Frame, pack

OWN, ALICE, BOB, GROUP = (
    "8200000000000000001",
    "8200000000000000102",
    "8200000000000000203",
    "9100000000000000401",
)
SENT_MS = 1_700_000_000_123
KEY = b"sixteen bytes ok"


def media(params: object = "", **fields: Any) -> dict[str, Any]:
    """An object content; `params` becomes a JSON text unless it is one already."""
    inside = params if isinstance(params, str) else json.dumps(params)
    empty = {"title": "", "description": "", "href": "", "thumb": "", "action": ""}
    return {**empty, "childnumber": 0, "type": "", "params": inside, **fields}


def item(content: object, msg_type: object = "webchat", **changes: Any) -> dict[str, Any]:
    """A message from Alice to the account."""
    ids = {"msgId": "6800000001001", "cliMsgId": "1700000000001"}
    parties = {"uidFrom": ALICE, "idTo": OWN, "dName": "Ánh", "ts": str(SENT_MS), "ttl": 0}
    return {**ids, **parties, "msgType": msg_type, "content": content, **changes}


def frame(cmd: int, data: object, sub: int = 0) -> bytes:
    """A frame as it is pushed."""
    body = {"encrypt": 2, "data": seal_event(json.dumps({"data": data}).encode(), 2, KEY)}
    return pack(Frame(1, cmd, sub, json.dumps(body).encode()))


def heard(one: dict[str, Any], *, group: bool = False) -> Event:
    """The event that an item becomes, alone in a direct chat or in a group."""
    told = {**one, "idTo": one["idTo"] if one.get("idTo") != OWN else GROUP} if group else one
    data = frame(521, {"groupMsgs": [told]}) if group else frame(501, {"msgs": [told]})
    (event,) = Decoder(OWN, KEY).decode(data)
    return event
