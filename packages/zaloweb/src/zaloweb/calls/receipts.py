"""Typing, delivered and seen, as the account shows them to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from zaloweb.calls.call import Call, require_thread
from zaloweb.errors import InvalidRequest
from zaloweb.events import Message, Thread, ThreadKind
from zaloweb.wire.envelope import compact

MOST = 50
"""Messages in one receipt."""

_ACCOUNT = "0"


class Destination(IntEnum):
    """The kind of account in a direct conversation."""

    PERSON = 3
    PAGE = 5


@dataclass(frozen=True, slots=True)
class Marked:
    """A message to mark as delivered or seen.

    `receiver_id` is the group, or the account itself. `st`, `at`, `cmd` and `ts` are the fields of that name
    in the pushed message; receipts only say whether each was a number.
    """

    msg_id: str
    cli_msg_id: str
    sender_id: str
    receiver_id: str
    msg_type: str = "webchat"
    st: object = 0
    at: object = 0
    cmd: object = 0
    ts: object = 0

    @classmethod
    def of(cls, message: Message) -> Marked:
        """The fields of a received message that receipts need."""
        wire = message.raw
        to_account = message.thread.kind is ThreadKind.USER and not message.is_self
        return cls(
            message.msg_id,
            message.cli_msg_id,
            message.sender_id,
            _ACCOUNT if to_account else message.thread.id,
            message.msg_type,
            *(wire.get(name) for name in ("st", "at", "cmd", "ts")),
        )

    def item(self, own_id: str) -> dict[str, object]:
        """The message as part of a receipt."""
        return {
            "cmi": self.cli_msg_id,
            "gmi": self.msg_id,
            "si": self.sender_id,
            "di": _ACCOUNT if self.receiver_id == own_id else self.receiver_id,
            "mt": self.msg_type,
            **{name: _given(getattr(self, name)) for name in ("st", "at", "cmd", "ts")},
        }


def typing(thread: Thread, *, imei: str, to: Destination = Destination.PERSON) -> Call[object]:
    """Shows for some seconds that the account is typing. Raises `InvalidRequest` without a thread."""
    require_thread(thread, "typing")
    if thread.kind is ThreadKind.GROUP:
        params: dict[str, object] = {"grid": thread.id, "imei": imei}
    else:
        params = {"toid": thread.id, "destType": int(to), "imei": imei}
    service, path = _route(thread.kind, "typing")
    return Call("typing", "POST", service, path, object, params, "form", shown=False)


def delivered(
    kind: ThreadKind, messages: Sequence[Marked], *, own_id: str, imei: str, seen: bool = False
) -> Call[object]:
    """Marks messages as delivered, with `seen` as seen too.

    Raises `InvalidRequest` for none or more than `MOST`, and for messages of several groups.
    """
    told: dict[str, object] = {"seen": int(seen), "data": _items(messages, own_id)}
    if kind is ThreadKind.GROUP:
        told["grid"] = _one(messages, "receiver_id")
    service, path = _route(kind, "deliveredv2")
    params = _params(kind, told, imei)
    return Call("mark delivered", "POST", service, path, object, params, "form", shown=False)


def seen(kind: ThreadKind, messages: Sequence[Marked], *, own_id: str, imei: str) -> Call[object]:
    """Marks messages as seen. Raises `InvalidRequest` as `delivered` does."""
    told: dict[str, object] = {"data": _items(messages, own_id)}
    if kind is ThreadKind.GROUP:
        told["grid"] = _one(messages, "receiver_id")
    else:
        told["senderId"] = _one(messages, "sender_id")
    service, path = _route(kind, "seenv2")
    params = _params(kind, told, imei)
    return Call("mark seen", "POST", service, path, object, params, "form", nretry=True, shown=False)


def _route(kind: ThreadKind, what: str) -> tuple[str, str]:
    group = kind is ThreadKind.GROUP
    return ("group", f"/api/group/{what}") if group else ("chat", f"/api/message/{what}")


def _params(kind: ThreadKind, told: dict[str, object], imei: str) -> dict[str, object]:
    return {"msgInfos": compact(told), **({"imei": imei} if kind is ThreadKind.GROUP else {})}


def _items(messages: Sequence[Marked], own_id: str) -> list[dict[str, object]]:
    if not 1 <= len(messages) <= MOST:
        raise InvalidRequest(f"between 1 and {MOST} messages can be marked at once, not {len(messages)}")
    return [message.item(own_id) for message in messages]


def _one(messages: Sequence[Marked], name: str) -> str:
    found = {str(getattr(message, name)) for message in messages}
    if len(found) > 1:
        raise InvalidRequest("messages that are marked together must be of one thread")
    return found.pop()


def _given(value: object) -> int:
    if isinstance(value, str):
        return 0 if value.lstrip()[:1].isdecimal() else -1
    return 0 if isinstance(value, int | float) else -1
