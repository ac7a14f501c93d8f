"""Faults as values, matched to calls and to pushed frames.

    Fault                   which account, how often, how likely
    ├── CallFault           matched to a call by its path, the end of its path, a pattern, or its name
    │   ├── Error           an error code in the outer or the inner layer of the envelope
    │   ├── Status          an HTTP status and a body: 5xx, or 200 with garbage
    │   ├── Slow            the answer comes late
    │   ├── Silence         no answer
    │   ├── Reset           the connection is cut
    │   ├── Bomb            a small answer that unpacks to a large one
    │   ├── Endless         the answer never ends
    │   ├── Crooked         JSON that is too deep, too long, has too long numbers, or is any given text
    │   ├── Redirect        the answer is somewhere else
    │   ├── Addresses       a login gets other services and sockets
    │   ├── Picture         the QR code is this picture
    │   ├── FileDone        the push that an uploaded file is ready comes early, late or never
    │   └── ForeignEcho     the echo of a sent message has ids that the sender does not know
    └── PushFault           matched to a pushed frame by what it holds
        ├── Lost            the frame is not sent; messages can be asked for later
        ├── Repeated        it is sent several times
        ├── Swapped         it is sent after the next one
        ├── Spoiled         it has bad items beside the good ones
        ├── Undecodable     malformed frames are sent before it
        ├── Bombed          a frame that unpacks to a large one is sent before it
        └── Packed          it is packed and encrypted in another way

The names are those of the control interface (`"does": "crooked"`). A fault with `processed` false hits before
the call is done; with true the call is done and only its answer is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Literal, TypeVar

import msgspec

from zaloweb.sim.rules import Packing
from zaloweb.wire.frames import Cmd

Encoding = Literal["gzip", "deflate", "br", "zstd"]
EventName = Literal["messages", "marks", "controls", "actions", "reactions", "unread", "old", "pings", "any"]

_COMMANDS: dict[EventName, Collection[int]] = {
    "messages": (Cmd.USER_MESSAGES, Cmd.GROUP_MESSAGES),
    "marks": (Cmd.USER_MARKS, Cmd.GROUP_MARKS),
    "controls": (Cmd.CONTROLS,),
    "actions": (Cmd.ACTIONS,),
    "reactions": (Cmd.REACTIONS,),
    "unread": (Cmd.UNREAD_CLEARED,),
    "old": (
        Cmd.OLD_USER_MESSAGES,
        Cmd.OLD_GROUP_MESSAGES,
        Cmd.OLD_USER_REACTIONS,
        Cmd.OLD_GROUP_REACTIONS,
    ),
    "pings": (Cmd.PING,),
}


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="does", tag=str.lower, forbid_unknown_fields=True
):
    """Hits the first `times` matches (None: all until it is cleared), each with this `probability`.

    `account` is a uid; "" is every account, and calls without a session.
    """

    account: str = ""
    times: int | None = 1
    probability: float = 1.0


class CallFault(Fault, frozen=True, kw_only=True):
    """Hits calls. `call` is a path, the end of one (`sendmsg`), a pattern (`*/upload`) or a call's name.

    The upgrade to a WebSocket is the call `listen`. The default matches every call.
    """

    call: str = "*"

    def fits(self, path: str, name: str) -> bool:
        """Whether a call with this path and name matches."""
        return self.call == name or path.endswith(f"/{self.call}") or fnmatchcase(path, self.call)


class Error(CallFault, frozen=True, kw_only=True):
    """An error in the outer layer of the envelope, or in the inner, encrypted one."""

    code: int
    message: str = ""
    layer: Literal["outer", "inner"] = "outer"
    processed: bool = False


class Status(CallFault, frozen=True, kw_only=True):
    """This HTTP status and body; `retry_after` is the header of that name."""

    status: int = 503
    body: str = ""
    retry_after: str = ""
    processed: bool = False


class Slow(CallFault, frozen=True, kw_only=True):
    """The call is done after `seconds`, or done at once and answered after `seconds`."""

    seconds: float
    processed: bool = False


class Silence(CallFault, frozen=True, kw_only=True):
    """No answer until the client gives up. By default the call is done."""

    processed: bool = True


class Reset(CallFault, frozen=True, kw_only=True):
    """The connection is cut without an answer."""

    processed: bool = False


class Bomb(CallFault, frozen=True, kw_only=True):
    """The answer is `mebibytes` of blanks, compressed to almost nothing."""

    encoding: Encoding = "gzip"
    mebibytes: int = 256


class Endless(CallFault, frozen=True, kw_only=True):
    """The answer comes in blocks of `bytes`, `seconds` apart, and never ends."""

    bytes: int = 65_536
    seconds: float = 0.0


class Crooked(CallFault, frozen=True, kw_only=True):
    """The answer holds JSON that is hard to parse, in one of the layers of the envelope.

    `deep` nested lists, a list of `many` empty objects, a number of `digits`, or the `text` as it is.
    """

    deep: int = 0
    many: int = 0
    digits: int = 0
    text: str = ""
    layer: Literal["outer", "inner"] = "inner"

    @property
    def json(self) -> str:
        """The JSON text."""
        if self.deep:
            return "[" * self.deep + "]" * self.deep
        if self.many:
            return f"[{','.join(['{}'] * self.many)}]"
        return "9" * self.digits or self.text


class Redirect(CallFault, frozen=True, kw_only=True):
    """The answer is at `location`."""

    location: str
    status: int = 302


class Addresses(CallFault, frozen=True, kw_only=True):
    """A login gets these `services` instead of the usual ones, and these `sockets` if any are given."""

    call: str = "getLoginInfo"
    services: dict[str, list[str]] = {}
    sockets: list[str] | None = None


class Picture(CallFault, frozen=True, kw_only=True):
    """The QR code is this picture, in base64."""

    call: str = "generate"
    base64: str


class FileDone(CallFault, frozen=True, kw_only=True):
    """The push for an upload comes before the answer to its last chunk, `seconds` after it, or never."""

    call: str = "asyncfile/upload"
    when: Literal["early", "late", "never"]
    seconds: float = 1.0


class ForeignEcho(CallFault, frozen=True, kw_only=True):
    """The echo of a sent message has a message id or a client id (or both) that the sender does not know."""

    message_id: bool = True
    client_id: bool = True


class PushFault(Fault, frozen=True, kw_only=True):
    """Hits pushed frames that hold this kind of event."""

    event: EventName = "messages"

    def fits(self, cmd: int) -> bool:
        """Whether a frame with this command matches."""
        return self.event == "any" or cmd in _COMMANDS[self.event]


class Lost(PushFault, frozen=True, kw_only=True):
    """The frame is not sent."""


class Repeated(PushFault, frozen=True, kw_only=True):
    """The frame is sent `copies` times."""

    copies: int = 2


class Swapped(PushFault, frozen=True, kw_only=True):
    """The frame is sent after the next one of its connection."""


class Spoiled(PushFault, frozen=True, kw_only=True):
    """Bad items are put before and after the good ones of each list in the frame."""


class Undecodable(PushFault, frozen=True, kw_only=True):
    """Before the frame come others that no client can decode."""


class Bombed(PushFault, frozen=True, kw_only=True):
    """Before the frame comes one that unpacks to `mebibytes`."""

    mebibytes: int = 256


class Packed(PushFault, frozen=True, kw_only=True):
    """The frame is packed like this (see `rules.Sealing`)."""

    encrypt: Literal[0, 1, 2, 3] = 2
    packing: Packing | None = None


AnyAnswerFault = Error | Status | Slow | Silence | Reset | Bomb | Endless | Crooked | Redirect
AnyCallFault = AnyAnswerFault | Addresses | Picture | FileDone | ForeignEcho
AnyPushFault = Lost | Repeated | Swapped | Spoiled | Undecodable | Bombed | Packed
AnyFault = AnyCallFault | AnyPushFault


F = TypeVar("F", bound=CallFault)


@dataclass(slots=True)
class _Active:
    """A fault, and how often it can still hit (None: always)."""

    fault: AnyFault
    left: int | None


class Faults:
    """The faults of a world. Of those that match, the one added first hits."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._active: list[_Active] = []

    def add(self, fault: AnyFault) -> None:
        """Let this fault hit from now on."""
        self._active.append(_Active(fault, fault.times))

    def clear(self) -> None:
        """Remove all faults."""
        self._active.clear()

    def active(self) -> list[AnyFault]:
        """The faults that can still hit, with the times they have left."""
        return [msgspec.structs.replace(one.fault, times=one.left) for one in self._active]

    def for_call(self, path: str, name: str, account: str) -> AnyAnswerFault | None:
        """The fault that hits the answer to this call."""
        found: AnyAnswerFault | None = self._first(
            AnyAnswerFault, account, lambda fault: fault.fits(path, name)
        )
        return found

    def of_kind(self, kind: type[F], path: str, name: str = "", account: str = "") -> F | None:
        """The fault of a kind that changes no answer but something around it."""
        found: F | None = self._first(kind, account, lambda fault: fault.fits(path, name))
        return found

    def for_push(self, cmd: int, account: str) -> AnyPushFault | None:
        """The fault that hits this frame."""
        found: AnyPushFault | None = self._first(AnyPushFault, account, lambda fault: fault.fits(cmd))
        return found

    def _first(self, kind: Any, account: str, fits: Callable[[Any], bool]) -> Any:
        for active in self._active:
            fault = active.fault
            if (
                isinstance(fault, kind)
                and fault.account in ("", account)
                and fits(fault)
                and self._hits(active)
            ):
                return fault
        return None

    def _hits(self, active: _Active) -> bool:
        if self._random.random() >= active.fault.probability:
            return False
        if active.left is not None:
            active.left -= 1
            if active.left <= 0:
                self._active.remove(active)
        return True
