"""The reference JavaScript client in a node process, as handles that tests await."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from zaloweb.sim.messages import Message
from zaloweb.sim.people import Account
from zaloweb.sim.server import Simulator

HERE = Path(__file__).parent
DEADLINE = 30.0
USER, GROUP = 0, 1
_LONGEST_LINE = 1 << 24

T = TypeVar("T")
Event = list[Any]


class Failed(Exception):
    """The client threw this out of a call. `code` is None where it made none of the server's."""

    def __init__(self, call: str, error: dict[str, Any]) -> None:
        super().__init__(f"{call}: {error}")
        self.name: str = error["name"]
        self.message: str = error["message"]
        self.code: int | str | None = error["code"]


class Node:
    """One node process with as many clients as a test logs in.

    Whoever waits for a line reads for all others, too; what nobody waits for yet is kept.
    """

    def __init__(self, process: asyncio.subprocess.Process, sim: Simulator) -> None:
        self.sim = sim
        self._process = process
        self._numbers = count(1)
        self._reading = asyncio.Lock()
        self._answers: dict[int, dict[str, Any]] = {}
        self._events: dict[tuple[str | None, str], deque[Event]] = defaultdict(deque)

    def client(self) -> Client:
        """A client that is not logged in yet."""
        return Client(f"client {next(self._numbers)}", self)

    async def call(self, client: str, call: str, args: tuple[Any, ...]) -> Any:
        """What a call gives back. Raises `Failed`."""
        number = next(self._numbers)
        order = {"id": number, "client": client, "call": call, "args": args}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order, default=_bytes).encode() + b"\n")
        answer = await self._first(lambda: self._answers.pop(number, None), f"an answer to {call}")
        if "error" in answer:
            raise Failed(call, answer["error"])
        return answer["result"]

    async def event(self, client: str | None, event: str, where: Callable[..., bool]) -> Event:
        """The first event of this kind that fits. It is given out once, and none before it any more."""
        kept = self._events[client, event]

        def fitting() -> Event | None:
            while kept:
                if where(*(args := kept.popleft())):
                    return args
            return None

        return await self._first(fitting, event)

    def forget(self, client: str, event: str) -> list[Event]:
        """The events of this kind that nobody has waited for; they are given out no more."""
        return list(self._events.pop((client, event), ()))

    async def _first(self, look: Callable[[], T | None], what: str) -> T:
        try:
            async with asyncio.timeout(DEADLINE):
                while (found := look()) is None:
                    async with self._reading:
                        if (found := look()) is not None:  # whoever read before this one has read it
                            return found
                        await self._read()
                return found
        except TimeoutError:
            raise AssertionError(f"{what} did not come; kept are {dict(self._events)}") from None

    async def _read(self) -> None:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the node process has ended"
        told: dict[str, Any] = json.loads(line)
        if "id" in told:
            self._answers[told["id"]] = told
        else:
            self._events[told["client"], told["event"]].append(told["args"])


class Client:
    """One client: what it calls, and what it hears."""

    def __init__(self, name: str, node: Node) -> None:
        self._name = name
        self._node = node

    async def call(self, call: str, *args: Any) -> Any:
        """Call a method of the client's API, or one of its listener (`listener.stop`). Raises `Failed`."""
        return await self._node.call(self._name, call, args)

    async def hears(self, event: str, where: Callable[..., bool] = lambda *args: True) -> Event:
        """The arguments of the next event of this kind that fits; earlier ones are passed over."""
        return await self._node.event(self._name, event, where)

    async def hears_message(self, message: Message) -> dict[str, Any]:
        """What the client makes of this message; other calls take it as it is."""
        (heard,) = await self.hears("message", lambda heard: heard["data"]["msgId"] == message.msg_id)
        return dict(heard)

    def unheard(self, event: str) -> list[Event]:
        """The events of this kind that came up to now and that nobody waited for."""
        return self._node.forget(self._name, event)

    async def throws(self) -> dict[str, Any]:
        """The next error that the client throws outside of any call, which would end its process."""
        (error,) = await self._node.event(None, "unhandled", lambda error: True)
        return dict(error)

    async def log_in(self, account: Account | None = None, **options: Any) -> None:
        """Log in with the account's cookies, and do not listen yet."""
        await self.call("login", self._node.sim.world.credentials(account), options)

    async def listen(self, **options: Any) -> None:
        """Connect the listener; it is ready for events then."""
        await self.call("listener.start", options)
        await self.hears("cipher_key")


@asynccontextmanager
async def reference_node(sim: Simulator, program: str) -> AsyncIterator[Node]:
    """A node process all of whose connections go to this simulator."""
    process = await asyncio.create_subprocess_exec(
        program,
        "--require",
        "./preload.cjs",
        "driver.mjs",
        cwd=HERE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={**os.environ, "SIMULATOR_PORT": str(sim.port), "NODE_EXTRA_CA_CERTS": str(sim.ca_file)},
    )
    try:
        yield Node(process, sim)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()


def _bytes(value: object) -> dict[str, str]:
    assert isinstance(value, bytes), value
    return {"$base64": base64.b64encode(value).decode()}
