"""The simulator's ends of the WebSockets: what is pushed over them, and how they end."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterable
from itertools import cycle

import msgspec
from aiohttp import ClientConnectionError, web

from zaloweb.sim.errors import Impossible
from zaloweb.sim.faults import (
    AnyPushFault,
    Bombed,
    Faults,
    Lost,
    Packed,
    Repeated,
    Spoiled,
    Swapped,
    Undecodable,
)
from zaloweb.sim.malformed_frames import MALFORMED_FRAMES, bomb_frame, with_bad_items
from zaloweb.sim.pushes import Push
from zaloweb.sim.registry import User
from zaloweb.sim.rules import Packing, Sealing
from zaloweb.wire import cipher
from zaloweb.wire.frames import VERSION, Cmd, Frame, pack

KICKED = 3003
CUT = 1006
_STUCK_SECONDS = 10.0


class Connection:
    """One WebSocket of an account. Pushing over one that has ended does nothing.

    `faults` may hit what is pushed. `dropped_with` is the close code
    if the simulator ended the connection; `silent` is true once it is half-open.
    """

    def __init__(
        self,
        account: User,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        sealing: Sealing,
        faults: Faults,
    ) -> None:
        self.account = account
        self.dropped_with: int | None = None
        self.silent = False
        self._sealing = sealing
        self._faults = faults
        self._late: list[bytes] = []
        self._open = True
        self._socket = socket
        self._transport = transport
        self._key = os.urandom(16)
        self._packings: cycle[Packing] = cycle(("zlib", "gzip"))

    async def send_key(self) -> None:
        """Send the key that later events are encrypted with: the first frame of every connection."""
        key = base64.b64encode(self._key).decode()
        await self._send_plain(Cmd.CIPHER_KEY, 1, msgspec.json.encode({"key": key}))

    async def push(self, cmd: int, sub: int, data: object, sealing: Sealing | None = None) -> None:
        """Push an event with this payload, packed by the rules of the world or as `sealing` says."""
        fault = self._faults.for_push(cmd, self.account.uid)
        if isinstance(fault, Spoiled):
            data = with_bad_items(data)
        if isinstance(fault, Packed):
            sealing = Sealing(fault.encrypt, fault.packing)
        late, self._late = self._late, []
        frame = self._sealed(cmd, sub, data, sealing or self._sealing)
        for one in [*self._faulty(fault, frame), *late]:
            await self._send(one)

    async def pong(self) -> None:
        """Answer a keep-alive frame."""
        frame = pack(Frame(VERSION, Cmd.PING, 1, b'{"error_code":0}'))
        fault = self._faults.for_push(Cmd.PING, self.account.uid)
        for one in self._faulty(fault, frame):
            await self._send(one)

    async def replace(self) -> None:
        """Another client of the account connected: tell this one to close (3000)."""
        await self._send_plain(Cmd.DUPLICATE, 0, b'{"error_code":0}')
        self._open = False

    async def drop(self, code: int) -> None:
        """End the connection: 1006 cuts it without a word, any other code is sent as a close code."""
        self._open = False
        self.dropped_with = code
        if code == CUT:
            self._transport.abort()
        else:
            await self._socket.close(code=code, drain=False)

    def _sealed(self, cmd: int, sub: int, data: object, how: Sealing) -> bytes:
        plain = msgspec.json.encode({"error_code": 0, "data": data})
        packing = next(self._packings) if how.packing is None else how.packing
        sealed = cipher.seal_event(plain, how.encrypt, self._key, packing=packing)
        body = {"error_code": 0, "encrypt": how.encrypt, "data": sealed}
        return pack(Frame(VERSION, cmd, sub, msgspec.json.encode(body)))

    def _faulty(self, fault: AnyPushFault | None, frame: bytes) -> list[bytes]:
        match fault:
            case Lost():
                return []
            case Repeated():
                return [frame] * fault.copies
            case Swapped():
                self._late.append(frame)
                return []
            case Undecodable():
                return [*MALFORMED_FRAMES, frame]
            case Bombed():
                return [bomb_frame(fault.mebibytes), frame]
        return [frame]

    async def _send_plain(self, cmd: int, sub: int, body: bytes) -> None:
        await self._send(pack(Frame(VERSION, cmd, sub, body)))

    async def _send(self, data: bytes) -> None:
        if self.silent or not self._open:
            return
        try:
            async with asyncio.timeout(_STUCK_SECONDS):
                await self._socket.send_bytes(data)
        except TimeoutError:  # the client reads nothing
            await self.drop(CUT)
        except (ClientConnectionError, ConnectionError):
            self._open = False  # the client is gone; the reader of this socket records it


class Connections:
    """The open connections by uid; an account has at most one."""

    def __init__(self) -> None:
        self._by_uid: dict[str, Connection] = {}

    def __contains__(self, uid: str) -> bool:
        return uid in self._by_uid

    def get(self, account: User) -> Connection | None:
        """The account's connection, if a client is connected."""
        return self._by_uid.get(account.uid)

    def of(self, account: User) -> Connection:
        """The account's connection. Raises `Impossible` if no client is connected."""
        connection = self.get(account)
        if connection is None:
            raise Impossible("no client is listening to this account")
        return connection

    async def take_over(self, connection: Connection) -> None:
        """Make this the connection of its account; a former one is told to close."""
        former = self._by_uid.pop(connection.account.uid, None)
        if former is not None:
            await former.replace()
        await connection.send_key()
        self._by_uid[connection.account.uid] = connection

    def release(self, connection: Connection) -> None:
        """The connection has ended."""
        if self.get(connection.account) is connection:
            del self._by_uid[connection.account.uid]

    async def push(self, pushes: Iterable[Push]) -> None:
        """Send these one after the other; those for accounts without a connection are lost."""
        for push in pushes:
            connection = self._by_uid.get(push.uid)
            if connection is not None:
                await connection.push(push.cmd, 0, push.data)

    async def drop(self, account: User, code: int) -> None:
        """End the account's connection, if there is one."""
        connection = self.get(account)
        if connection is not None:
            await connection.drop(code)

    async def close(self) -> None:
        """Cut all connections."""
        for connection in tuple(self._by_uid.values()):
            await connection.drop(CUT)
