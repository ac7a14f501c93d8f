"""How long a message takes from its frame to the disk, and how many a second.

The frames are the simulator's, the decoder and the store are the real ones; nothing is sent. The aim depends
on the disk: `fdatasync` after a write of 4 KiB is measured in the same run and folder.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.figure import Figure
from clawlane.access.allowlists import Allowlist
from clawlane.access.in_force import Rules
from clawlane.access.names import NameList
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.config.choices import DmPolicy
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.admission import Admission, CaughtUp
from clawlane.store.database import Store, open_store
from clawlane.store.models import AdmittedMessage, NoteResult
from clawlane_zalouser.mapping import inbound_of
from zaloweb.events import Decoder, Message
from zaloweb.sim.contents import Content
from zaloweb.sim.world import World
from zaloweb.wire.cipher import seal_event
from zaloweb.wire.frames import VERSION, Cmd, Frame, pack

STEADY, PER_SECOND, BURST, THREADS = 200, 20, 10_000, 30
_SYNCS, _BLOCK = 100, 4096
_AIM_MS, _AIM_SYNCS, _AIM_PER_SECOND = 1.0, 4.0, 2_000
_KEY = bytes(range(16))


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Latency:
        ordered = sorted(samples)
        return cls(statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))])

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms"


def run() -> Iterator[Figure]:
    """Milliseconds from frame to commit, one by one and all at once, and how many a second."""
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as folder:
        yield from asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    syncs = _fdatasyncs(folder)
    took = await admitted(open_store(folder / "store.sqlite", folder / "lock", now_ms))
    disk = Latency.of(syncs + _fdatasyncs(folder))
    aim = _AIM_MS + _AIM_SYNCS * disk.p50
    note = f"p99 {took.steady.p99:.2f} ms; fdatasync of {_BLOCK} bytes: {disk}"
    burst = str(took.burst)
    return [
        Figure(f"admission at {PER_SECOND}/s, p50", took.steady.p50, "ms", note, aim=aim),
        Figure(f"admission of {BURST} at once", took.rate, "/s", burst, aim=_AIM_PER_SECOND, at_least=True),
    ]


@dataclass(frozen=True, slots=True)
class Admitted:
    """How long each message took, one by one and all at once, and how many a second these were."""

    steady: Latency
    burst: Latency
    rate: float


async def admitted(opening: AbstractAsyncContextManager[Store], count: int = BURST) -> Admitted:
    """Admit messages into a store: some one by one, and `count` at once."""
    own_id, frames = _frames(STEADY + count)
    async with _reading(opening, own_id) as reader:
        steady = Latency.of(await reader.steady(frames[:STEADY]))
        started = time.perf_counter()
        burst = Latency.of(await reader.burst(frames[STEADY:]))
        return Admitted(steady, burst, count / (time.perf_counter() - started))


class _Reader:
    """Reads frames as a lane does, and notes when each message was committed."""

    def __init__(self, decoder: Decoder) -> None:
        self.admission: Admission | None = None
        self._decoder = decoder
        self._read_at: dict[str, float] = {}
        self._took: list[float] = []
        self._wanted = 0
        self._all_in = asyncio.Event()

    async def steady(self, frames: Sequence[bytes]) -> list[float]:
        """Milliseconds of each message when they come one by one."""
        self._expect(len(frames))
        start = time.perf_counter()
        for number, frame in enumerate(frames):
            await asyncio.sleep(start + number / PER_SECOND - time.perf_counter())
            await self._read(frame)
        await self._all_in.wait()
        return self._took

    async def burst(self, frames: Sequence[bytes]) -> list[float]:
        """Milliseconds of each message when all come at once."""
        self._expect(len(frames))
        for frame in frames:
            await self._read(frame)
        await self._all_in.wait()
        return self._took

    def committed(self, admitted: AdmittedMessage) -> None:
        """A message is on the disk."""
        self._took.append(1000 * (time.perf_counter() - self._read_at.pop(admitted.inbound.message_id)))
        if len(self._took) == self._wanted:
            self._all_in.set()

    def _expect(self, count: int) -> None:
        self._took, self._wanted = [], count
        self._all_in.clear()

    async def _read(self, frame: bytes) -> None:
        assert self.admission is not None
        read_at = time.perf_counter()
        for event in self._decoder.decode(frame):
            assert isinstance(event, Message)
            self._read_at[event.msg_id] = read_at
            await self.admission.admit(inbound_of("default", event, now_ms()))


@asynccontextmanager
async def _reading(opening: AbstractAsyncContextManager[Store], own_id: str) -> AsyncIterator[_Reader]:
    reader = _Reader(Decoder(own_id, _KEY))
    async with (
        opening as store,
        store.own("zalouser/default") as account_store,
        asyncio.TaskGroup() as group,
    ):
        rules = Rules(_policy())
        access = AccessChecker(account_store, lambda: rules, lambda: Grants(own_id))
        reader.admission = Admission(
            account_store, access, _ready, reader.committed, _noted, _caught_up, now_ms
        )
        running = group.create_task(reader.admission.run())
        yield reader
        running.cancel()


def _frames(count: int) -> tuple[str, list[bytes]]:
    """The id of an account, and frames with one message of a friend each, as they are pushed to it."""
    world = World()
    me = world.me
    friends = [world.person(f"Người {number}") for number in range(THREADS)]
    frames = []
    for number in range(count):
        friend = friends[number % THREADS]
        text = Content("webchat", f"{number} em hỏi anh chút được không?")
        message = world.message_store.accept(friend, me.uid, text, in_group=False)
        frames.append(_frame([message.item_for(me.uid)]))
    return me.uid, frames


def _frame(messages: list[dict[str, object]]) -> bytes:
    plain = msgspec.json.encode({"error_code": 0, "data": {"msgs": messages}})
    body = {"error_code": 0, "encrypt": 2, "data": seal_event(plain, 2, _KEY, packing="gzip")}
    return pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, msgspec.json.encode(body)))


def _policy() -> AccessPolicy:
    return AccessPolicy(dm=DmPolicy.OPEN, allow=Allowlist.of(["*"], NameList.ALLOW_FROM))


async def _ready() -> None:
    pass


def _noted(_noted: NoteResult) -> None:
    pass


async def _caught_up(_place: CaughtUp) -> None:
    pass


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _fdatasyncs(folder: Path) -> list[float]:
    """Milliseconds of each write of a block that has to be on the disk."""
    took = []
    with (folder / "blocks").open("ab", buffering=0) as file:
        for _ in range(_SYNCS):
            started = time.perf_counter()
            file.write(bytes(_BLOCK))
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - started))
    return took
