"""The binary frames of Zalo's WebSocket: four bytes of header, then JSON in UTF-8. Nothing here does I/O.

Header: version (1 byte), command (2 bytes, little endian), sub-command (1 byte, unsigned: the wire's -1 is
255). What the client sends is plain JSON; what the server pushes is opened by `zaloweb.wire.cipher`.
"""

from __future__ import annotations

import json
import struct
from enum import IntEnum
from typing import Final

import msgspec

from zaloweb.errors import FrameError

VERSION: Final = 1
_HEADER = struct.Struct("<BHB")


class Cmd(IntEnum):
    """The known commands. Any other stays a number."""

    CIPHER_KEY = 1
    PING = 2
    USER_MESSAGES = 501
    USER_MARKS = 502
    OLD_USER_MESSAGES = 510
    OLD_GROUP_MESSAGES = 511
    GROUP_MESSAGES = 521
    GROUP_MARKS = 522
    UNREAD_CLEARED = 524
    USER_MESSAGES_TOO = 551
    CONTROLS = 601
    ACTIONS = 602
    OLD_USER_REACTIONS = 610
    OLD_GROUP_REACTIONS = 611
    REACTIONS = 612
    DUPLICATE = 3000


_KINDS: Final = {int(cmd): cmd.name.lower().replace("_", " ") for cmd in Cmd}


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame. `body` may be empty and need not be JSON."""

    version: int
    cmd: int
    sub: int
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Frame({self.version}, {self.cmd}, {self.sub}, {len(self.body)} bytes)"


def unpack(data: bytes) -> Frame:
    """The frame in a binary WebSocket message. Raises FrameError if it is shorter than a header."""
    if len(data) < _HEADER.size:
        raise FrameError(f"a frame of {len(data)} bytes is shorter than its header of {_HEADER.size}")
    version, cmd, sub = _HEADER.unpack_from(data)
    return Frame(version, cmd, sub, data[_HEADER.size :])


def command_of(data: bytes) -> int:
    """The command of a binary WebSocket message; 0 where it is too short to have one."""
    return int.from_bytes(data[1:3], "little") if len(data) >= _HEADER.size else 0


def kind_of(data: bytes) -> str:
    """What kind of frame a binary WebSocket message is: "ping", "user messages", or "command 999"."""
    command = command_of(data)
    return _KINDS.get(command) or f"command {command}"


def pack(frame: Frame) -> bytes:
    """The binary WebSocket message of a frame. Raises FrameError for numbers that do not fit the header."""
    try:
        return _HEADER.pack(frame.version, frame.cmd, frame.sub & 0xFF) + frame.body
    except struct.error:
        raise FrameError(
            f"command {frame.cmd} or version {frame.version} does not fit a frame's header"
        ) from None


def request(cmd: int, sub: int, payload: dict[str, object]) -> bytes:
    """A frame from the client with a JSON payload, ready to send."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return pack(Frame(VERSION, cmd, sub, body))


def ping(now_ms: int) -> bytes:
    """The keep-alive frame, ready to send. It has no request id."""
    return request(Cmd.PING, 1, {"eventId": now_ms})


def old_messages(*, group: bool, request_number: int, last_id: str | None = None) -> bytes:
    """Requests messages of this login: those before message `last_id`, or the latest. Ready to send.

    `request_number` counts all requests of a session from 0.
    """
    cmd = Cmd.OLD_GROUP_MESSAGES if group else Cmd.OLD_USER_MESSAGES
    return _history(cmd, request_number, last_id)


def old_reactions(*, group: bool, request_number: int, last_id: str | None = None) -> bytes:
    """Requests reactions in the same way."""
    cmd = Cmd.OLD_GROUP_REACTIONS if group else Cmd.OLD_USER_REACTIONS
    return _history(cmd, request_number, last_id)


def _history(cmd: Cmd, request_number: int, last_id: str | None) -> bytes:
    return request(
        cmd, 1, {"first": True, "lastId": last_id, "preIds": [], "req_id": f"req_{request_number}"}
    )
