"""What goes wrong on purpose: faults as values, matched to calls and to pushed frames.

    Fault                   which account, how often, how likely
    ├── CallFault           matched to a call by its path, the end of its path, a pattern, or its name
    │   ├── Error           an error code in the outer or the inner layer of the envelope
    │   ├── Status          an HTTP status and a body: 5xx, or 200 with rubbish
    │   ├── Slow            the answer comes late
    │   ├── Silence         the answer never comes
    │   ├── Reset           the connection is cut
    │   ├── Bomb            a small answer that becomes a large one
    │   ├── Endless         the answer never ends
    │   ├── Crooked         JSON that is too deep, too long, has too long numbers, or is of one's own
    │   ├── Redirect        the answer is somewhere else
    │   ├── Addresses       a login names other services and sockets
    │   ├── Picture         the picture of the QR code is this one
    │   └── FileDone        the push that an uploaded file can be used comes early, late or never
    └── PushFault           matched to a pushed frame by what it tells
        ├── Lost            it does not come; messages can be asked for later
        ├── Repeated        it comes several times
        ├── Swapped         it comes after the next one
        ├── Spoiled         bad items stand beside the good ones
        ├── Undecodable     frames that cannot be decoded come before it
        ├── Bombed          a frame that becomes a large one comes before it
        └── Packed          it is packed and encrypted in another way

A fault of the classes with `processed` hits before the call is done, or after it was (`processed` true):
then the world has changed and only the answer is missing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Literal

import msgspec

from zaloweb.sim.rules import Packing
from zaloweb.wire.frames import Cmd

Encoding = Literal["gzip", "deflate", "br", "zstd"]
Told = Literal["messages", "marks", "controls", "actions", "reactions", "unread", "old", "pings", "any"]

_COMMANDS: dict[Told, Collection[int]] = {
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
    """Hits what fits `times` times (None: until it is cleared), each time with this `probability`.

    `account` is a uid; "" stands for every account and for calls without a session.
    """

    account: str = ""
    times: int | None = 1
    probability: float = 1.0


class CallFault(Fault, frozen=True, kw_only=True):
    """Hits calls. `call` is a path, the end of one (`sendmsg`), a pattern (`*/upload`) or a call's name.

    The upgrade to a WebSocket is the call `listen`. Without `call` every call is hit.
    """

    call: str = "*"

    def fits(self, path: str, name: str) -> bool:
        """Whether a call with this path and name is meant."""
        return self.call == name or path.endswith(f"/{self.call}") or fnmatchcase(path, self.call)


class Error(CallFault, frozen=True, kw_only=True):
    """The envelope holds an error: the outer one, or the inner one that is encrypted."""

    code: int
    message: str = ""
    layer: Literal["outer", "inner"] = "outer"
    processed: bool = False


class Status(CallFault, frozen=True, kw_only=True):
    """The answer is this, as it is; `retry_after` is the header of that name."""

    status: int = 503
    body: str = ""
    retry_after: str = ""
    processed: bool = False


class Slow(CallFault, frozen=True, kw_only=True):
    """The call is done `seconds` later than it came, or is done at once and answered later."""

    seconds: float
    processed: bool = False


class Silence(CallFault, frozen=True, kw_only=True):
    """Nothing is answered until the client gives up. Unless told otherwise, the call is done."""

    processed: bool = True


class Reset(CallFault, frozen=True, kw_only=True):
    """The connection is cut without an answer."""

    processed: bool = False


class Bomb(CallFault, frozen=True, kw_only=True):
    """The answer is `mebibytes` of blanks, packed in this way to almost nothing."""

    encoding: Encoding = "gzip"
    mebibytes: int = 256


class Endless(CallFault, frozen=True, kw_only=True):
    """The answer comes in blocks of `bytes`, `seconds` apart, without an end."""

    bytes: int = 65_536
    seconds: float = 0.0


class Crooked(CallFault, frozen=True, kw_only=True):
    """The answer holds JSON that is hard to read, in one of the layers of the envelope.

    `deep` lists in one another, `many` empty objects in a list, a number of `digits`, or the `text` as it is.
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
    """A login names these `services` instead of the usual ones, and these `sockets` if there are any."""

    call: str = "getLoginInfo"
    services: dict[str, list[str]] = {}
    sockets: list[str] | None = None


class Picture(CallFault, frozen=True, kw_only=True):
    """The picture of the QR code is this one, in base64."""

    call: str = "generate"
    base64: str


class FileDone(CallFault, frozen=True, kw_only=True):
    """The push for an upload comes before the answer to its last chunk, `seconds` after it, or never."""

    call: str = "asyncfile/upload"
    when: Literal["early", "late", "never"]
    seconds: float = 1.0


class PushFault(Fault, frozen=True, kw_only=True):
    """Hits pushed frames that tell of this."""

    event: Told = "messages"

    def fits(self, cmd: int) -> bool:
        """Whether a frame with this command is meant."""
        return self.event == "any" or cmd in _COMMANDS[self.event]


class Lost(PushFault, frozen=True, kw_only=True):
    """The frame does not come."""


class Repeated(PushFault, frozen=True, kw_only=True):
    """The frame comes `copies` times."""

    copies: int = 2


class Swapped(PushFault, frozen=True, kw_only=True):
    """The frame comes after the next one of its connection."""


class Spoiled(PushFault, frozen=True, kw_only=True):
    """Bad items stand before and behind the good ones of each list in the frame."""


class Undecodable(PushFault, frozen=True, kw_only=True):
    """Before the frame come others that no client can decode."""


class Bombed(PushFault, frozen=True, kw_only=True):
    """Before the frame comes one that becomes `mebibytes` once it is unpacked."""

    mebibytes: int = 256


class Packed(PushFault, frozen=True, kw_only=True):
    """The frame is packed like this (see `rules.Sealing`)."""

    encrypt: Literal[0, 1, 2, 3] = 2
    packing: Packing | None = None


AnyAnswerFault = Error | Status | Slow | Silence | Reset | Bomb | Endless | Crooked | Redirect
AnyCallFault = AnyAnswerFault | Addresses | Picture | FileDone
AnyPushFault = Lost | Repeated | Swapped | Spoiled | Undecodable | Bombed | Packed
AnyFault = AnyCallFault | AnyPushFault


@dataclass(slots=True)
class _Active:
    """A fault that is waiting, and how often it can still hit."""

    fault: AnyFault
    left: int | None


class FaultBook:
    """The faults of a world. Of those that fit, the one added first hits."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._active: list[_Active] = []

    def add(self, fault: AnyFault) -> None:
        """Let this go wrong from now on."""
        self._active.append(_Active(fault, fault.times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._active.clear()

    def active(self) -> list[AnyFault]:
        """The faults that can still hit, with the times they have left."""
        return [msgspec.structs.replace(one.fault, times=one.left) for one in self._active]

    def for_call(self, path: str, name: str, account: str) -> AnyAnswerFault | None:
        """What goes wrong with the answer to this call."""
        for active in self._of(account):
            fault = active.fault
            if isinstance(fault, AnyAnswerFault) and fault.fits(path, name) and self._hits(active):
                return fault
        return None

    def for_upload(self, path: str, name: str, account: str) -> FileDone | None:
        """What goes wrong with the push for this upload."""
        for active in self._of(account):
            fault = active.fault
            if isinstance(fault, FileDone) and fault.fits(path, name) and self._hits(active):
                return fault
        return None

    def for_login(self, path: str, account: str) -> Addresses | None:
        """Which other addresses a login is told."""
        for active in self._of(account):
            fault = active.fault
            if isinstance(fault, Addresses) and fault.fits(path, "") and self._hits(active):
                return fault
        return None

    def for_picture(self, path: str) -> Picture | None:
        """Which other picture a QR code has."""
        for active in self._of(""):
            fault = active.fault
            if isinstance(fault, Picture) and fault.fits(path, "") and self._hits(active):
                return fault
        return None

    def for_push(self, cmd: int, account: str) -> AnyPushFault | None:
        """What goes wrong with this frame."""
        for active in self._of(account):
            fault = active.fault
            if isinstance(fault, AnyPushFault) and fault.fits(cmd) and self._hits(active):
                return fault
        return None

    def _of(self, account: str) -> list[_Active]:
        return [active for active in self._active if active.fault.account in ("", account)]

    def _hits(self, active: _Active) -> bool:
        if self._random.random() >= active.fault.probability:
            return False
        self._count_down(active)
        return True

    def _count_down(self, active: _Active) -> None:
        if active.left is not None:
            active.left -= 1
            if active.left <= 0:
                self._active.remove(active)
