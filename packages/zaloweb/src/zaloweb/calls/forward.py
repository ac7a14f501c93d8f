"""Forwarding a text to several people or several groups at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from zaloweb.calls.call import Call, require_thread
from zaloweb.errors import InvalidRequest
from zaloweb.events import Thread, ThreadKind
from zaloweb.wire.envelope import compact

_REFERENCE = 3
_TEXT = "1"


@dataclass(frozen=True, slots=True)
class Origin:
    """The message that is forwarded. `level` counts how often it was forwarded."""

    msg_id: str
    sent_ms: int
    log_source: int = 1
    level: int = 1


class Delivery(msgspec.Struct, frozen=True, rename="camel"):
    """A forwarded message that Zalo accepted, by its `client_id`."""

    client_id: str | int = ""
    msg_id: str | int = ""


class Failure(msgspec.Struct, frozen=True):
    """A forwarded message that Zalo refused, and its error code."""

    client_id: str | int = msgspec.field(default="", name="clientId")
    error_code: str | int = ""


class Forwarded(msgspec.Struct, frozen=True):
    """The outcome of each message. Client ids count up from the given one, in the order of the threads."""

    success: list[Delivery] = msgspec.field(default_factory=list)
    fail: list[Failure] = msgspec.field(default_factory=list)


def forward(
    threads: Sequence[Thread], text: str, origin: Origin | None, *, ttl_ms: int, client_id: int, imei: str
) -> Call[Forwarded]:
    """Forwards a text. Raises `InvalidRequest` without text or threads, and for people mixed with groups."""
    if not text:
        raise InvalidRequest("a message that is forwarded needs a text")
    for thread in threads:
        require_thread(thread, "a message that is forwarded")
    kinds = {thread.kind for thread in threads}
    if len(kinds) != 1:
        raise InvalidRequest("a message is forwarded to people or to groups, one or more, not to both")
    group = kinds == {ThreadKind.GROUP}
    info: dict[str, str] = {"message": text}
    decoration: dict[str, object] | None = None
    if origin is not None:
        source = {
            "id": origin.msg_id,
            "ts": origin.sent_ms,
            "logSrcType": origin.log_source,
            "fwLvl": origin.level,
        }
        info["reference"] = compact({"type": _REFERENCE, "data": compact(source)})
        message = {"st": 1, "ts": origin.sent_ms, "id": origin.msg_id}
        decoration = {"fw": {"pmsg": message, "rmsg": message, "fwLvl": origin.level}}
    core = {
        "ttl": ttl_ms,
        "msgType": _TEXT,
        "totalIds": len(threads),
        "msgInfo": compact(info),
        "decorLog": compact(decoration),
    }
    listed = [
        {"clientId": str(client_id + place), "grid" if group else "toUid": thread.id, "ttl": ttl_ms}
        for place, thread in enumerate(threads)
    ]
    if group:
        params: dict[str, object] = {"grids": listed, **core}
        return Call("forward", "POST", "file", "/api/group/mforward", Forwarded, params, "form")
    params = {"toIds": listed, "imei": imei, **core}
    return Call("forward", "POST", "file", "/api/message/mforward", Forwarded, params, "form")
