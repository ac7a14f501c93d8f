"""The simulator's end of one WebSocket: what is pushed over it and how it can be ended."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from itertools import cycle

import msgspec
from aiohttp import ClientConnectionError, web

from zaloweb.sim.bombs import packed
from zaloweb.sim.faults import (
    AnyPushFault,
    Bombed,
    Lost,
    Packed,
    Repeated,
    Spoiled,
    Swapped,
    Undecodable,
)
from zaloweb.sim.messages import Message
from zaloweb.sim.rubbish import RUBBISH, spoiled
from zaloweb.sim.rules import Packing, Sealing
from zaloweb.wire import cipher
from zaloweb.wire.frames import VERSION, Cmd, Frame, pack

KICKED = 3003
CUT = 1006
_STUCK_SECONDS = 10.0


class Listener:
    """One open WebSocket of an account. Pushing to one that is gone does nothing."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        sealing: Sealing,
        trouble: Callable[[int], AnyPushFault | None],
    ) -> None:
        self.dropped_with: int | None = None
        self.silent = False
        self._sealing = sealing
        self._trouble = trouble
        self._late: list[bytes] = []
        self._open = True
        self._socket = socket
        self._transport = transport
        self._key = os.urandom(16)
        self._packings: cycle[Packing] = cycle(("zlib", "gzip"))

    async def hand_key(self) -> None:
        """Tell the client the key of the events to come: the first frame of every connection."""
        await self.push_plain(Cmd.CIPHER_KEY, 1, {"key": base64.b64encode(self._key).decode()})

    async def push_messages(self, viewer: str, messages: list[Message]) -> None:
        """Push new messages to the account with this uid: one frame for each kind of thread."""
        for group in (False, True):
            items = [message.seen_by(viewer) for message in messages if message.in_group is group]
            if items:
                cmd, name = _NEW[group]
                await self.push(cmd, 0, {name: items})

    async def push(self, cmd: int, sub: int, data: object, sealing: Sealing | None = None) -> None:
        """Push an event with this payload, packed by the rules of the world or as `sealing` says.

        What goes wrong with it on purpose is decided here.
        """
        trouble = self._trouble(cmd)
        if isinstance(trouble, Spoiled):
            data = spoiled(data)
        if isinstance(trouble, Packed):
            sealing = Sealing(trouble.encrypt, trouble.packing)
        late, self._late = self._late, []
        for frame in self._troubled(trouble, self._sealed(cmd, sub, data, sealing or self._sealing)):
            await self.push_bytes(frame)
        for frame in late:
            await self.push_bytes(frame)

    async def push_plain(self, cmd: int, sub: int, body: object) -> None:
        """Push a frame whose body is this JSON, not packed."""
        await self.push_bytes(pack(Frame(VERSION, cmd, sub, msgspec.json.encode(body))))

    async def pong(self, cmd: int) -> None:
        """Answer a keep-alive frame."""
        frame = pack(Frame(VERSION, cmd, 1, b'{"error_code":0}'))
        for one in self._troubled(self._trouble(cmd), frame):
            await self.push_bytes(one)

    def go_silent(self) -> None:
        """Nothing comes over this connection any more, though it stays open."""
        self.silent = True

    def _sealed(self, cmd: int, sub: int, data: object, how: Sealing) -> bytes:
        plain = msgspec.json.encode({"error_code": 0, "data": data})
        sealed = cipher.seal_event(plain, how.encrypt, self._key, packing=self._packing(how))
        body = {"error_code": 0, "encrypt": how.encrypt, "data": sealed}
        return pack(Frame(VERSION, cmd, sub, msgspec.json.encode(body)))

    def _troubled(self, trouble: AnyPushFault | None, frame: bytes) -> list[bytes]:
        match trouble:
            case Lost():
                return []
            case Repeated():
                return [frame] * trouble.copies
            case Swapped():
                self._late.append(frame)
                return []
            case Undecodable():
                return [*RUBBISH, frame]
            case Bombed():
                return [_bomb(trouble.mebibytes), frame]
        return [frame]

    async def push_bytes(self, data: bytes) -> None:
        """Push these bytes as one binary message. A client that reads nothing is cut off."""
        if self.silent or not self._open:
            return
        try:
            async with asyncio.timeout(_STUCK_SECONDS):
                await self._socket.send_bytes(data)
        except TimeoutError:
            await self.drop(CUT)
        except (ClientConnectionError, ConnectionError):
            self._open = False  # the client is gone; whoever reads this socket records it

    async def replace(self) -> None:
        """Another listener of the account opened: the client is told to go (it closes with 3000)."""
        await self.push_plain(Cmd.DUPLICATE, 0, {"error_code": 0})
        self._open = False

    async def drop(self, code: int) -> None:
        """End the connection: 1006 cuts it without a word, any other code is sent as a close code."""
        self._open = False
        self.dropped_with = code
        if code == CUT:
            self._transport.abort()
        else:
            await self._socket.close(code=code, drain=False)

    def _packing(self, how: Sealing) -> Packing:
        return next(self._packings) if how.packing is None else how.packing


_NEW = {False: (Cmd.USER_MESSAGES, "msgs"), True: (Cmd.GROUP_MESSAGES, "groupMsgs")}


def _bomb(mebibytes: int) -> bytes:
    text = base64.b64encode(packed("deflate", mebibytes)).decode()
    body = {"error_code": 0, "encrypt": 1, "data": text}
    return pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, msgspec.json.encode(body)))
