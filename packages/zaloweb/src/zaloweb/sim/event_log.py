"""What the clients did, as typed records in order, and a log of them that can be waited on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal, TypeVar

import msgspec

from zaloweb.sim.clock import ServerClock
from zaloweb.sim.errors import NothingArrived
from zaloweb.sim.faults import AnyAnswerFault

ThreadName = Literal["user", "group"]
OldItems = Literal["user messages", "group messages", "user reactions", "group reactions"]


reached: ContextVar[int] = ContextVar("reached", default=0)
"""The port that the client came to, whose request is being answered."""


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=str.lower):
    """One thing a client did. `seq` counts from 1 without gaps; `account` is a uid, "" before a login.

    `port` is the one that the client came to: a world may be served on several, to tell its clients apart.
    """

    seq: int = 0
    at_ms: int = 0
    port: int = 0
    account: str = ""


class QrShown(Record, frozen=True, kw_only=True):
    """The client asked for a QR code and got it."""

    code: str


class QrLogin(Record, frozen=True, kw_only=True):
    """A confirmed QR code became a session."""


class Login(Record, frozen=True, kw_only=True):
    """The client logged in with its cookies; every QR login is followed by one."""

    imei: str
    language: str
    client_version: str
    user_agent: str


class Connected(Record, frozen=True, kw_only=True):
    """A WebSocket opened. `t` is the time in the address."""

    host: str
    t: str
    origin: str
    user_agent: str


class Disconnected(Record, frozen=True, kw_only=True):
    """A WebSocket ended, with the close code of the client or of the simulator; 1006 is a cut connection."""

    code: int


class Pinged(Record, frozen=True, kw_only=True):
    """A keep-alive frame."""

    event_id: int


class AskedOld(Record, frozen=True, kw_only=True):
    """The client asked over the socket for old messages or reactions and got `answered` items."""

    what: OldItems
    last_id: str | None
    answered: int


class UnknownFrame(Record, frozen=True, kw_only=True):
    """A frame the simulator has no answer for."""

    cmd: int
    sub: int
    body: str


class Sent(Record, frozen=True, kw_only=True):
    """A message was sent. `params` are all decrypted parameters.

    `text` is the text or the caption. `mentions` and `styles` are as they were sent: positions in UTF-16
    units. `quoted` is the id of the quoted message, "" for none. `url`, `size` and `md5` describe the file
    if the media host holds it.
    """

    thread: ThreadName
    thread_id: str
    text: str
    msg_id: str
    client_id: str
    ttl_ms: int = 0
    quoted: str = ""
    mentions: list[dict[str, Any]] = []
    styles: list[dict[str, Any]] = []
    msg_type: str = "webchat"
    url: str = ""
    size: int = 0
    md5: str = ""
    path: str
    params: dict[str, Any]


class Typed(Record, frozen=True, kw_only=True):
    """The client reported typing."""

    thread: ThreadName
    thread_id: str


class Delivered(Record, frozen=True, kw_only=True):
    """The client confirmed the delivery of messages; `seen` if the same call says so."""

    thread: ThreadName
    thread_id: str
    msg_ids: list[str]
    seen: bool


class Seen(Record, frozen=True, kw_only=True):
    """The client reported messages as read."""

    thread: ThreadName
    thread_id: str
    msg_ids: list[str]


class Uploaded(Record, frozen=True, kw_only=True):
    """A file was uploaded, in this many chunks."""

    name: str
    size: int
    md5: str
    chunks: int
    path: str


class Downloaded(Record, frozen=True, kw_only=True):
    """A file of the media host was asked for with GET. There is no telling by whom."""

    path: str


class Reacted(Record, frozen=True, kw_only=True):
    """The client reacted to a message; an empty icon removes a reaction."""

    thread: ThreadName
    thread_id: str
    msg_id: str
    icon: str
    type: int


class Undone(Record, frozen=True, kw_only=True):
    """The client undid one of its messages."""

    thread: ThreadName
    thread_id: str
    msg_id: str


class Deleted(Record, frozen=True, kw_only=True):
    """The client deleted messages, for everyone in the group or for itself only."""

    thread: ThreadName
    thread_id: str
    msg_ids: list[str]
    everyone: bool


class Meddled(Record, frozen=True, kw_only=True):
    """A fault hit a call."""

    path: str
    fault: AnyAnswerFault


class Called(Record, frozen=True, kw_only=True):
    """Any other API call that was answered."""

    service: str
    path: str
    params: dict[str, Any]


class Refused(Record, frozen=True, kw_only=True):
    """A request answered with an error, unknown paths and dead cookies included."""

    host: str
    path: str
    code: int
    message: str


R = TypeVar("R", bound=Record)


class EventLog:
    """At least the newest `limit` records, and waits for the next ones."""

    def __init__(self, clock: ServerClock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._records: list[Record] = []
        self._dropped = 0
        self._news = asyncio.Event()
        self._closed = False

    @property
    def last(self) -> int:
        """The `seq` of the newest record, 0 before the first."""
        return self._dropped + len(self._records)

    def add(self, record: R) -> R:
        """Number a record, keep it and wake all waits."""
        now_ms = self._clock.now_ms()
        record = msgspec.structs.replace(record, seq=self.last + 1, at_ms=now_ms, port=reached.get())
        self._records.append(record)
        if len(self._records) >= 2 * self._limit:  # dropping half at a time keeps adding cheap
            self._dropped += len(self._records) - self._limit
            del self._records[: -self._limit]
        self._wake()
        return record

    def since(self, after: int = 0) -> list[Record]:
        """The records with a `seq` above `after`, oldest first."""
        return self._records[max(0, after - self._dropped) :]

    async def first(self, kind: type[R], where: Callable[[R], bool] | None, after: int) -> R | None:
        """The first record of this kind after `after`, now or later; None once the log is closed."""
        while True:
            for record in self.since(after):
                if isinstance(record, kind) and (where is None or where(record)):
                    return record
            if self._closed:
                return None
            after = self.last
            await self._news.wait()

    async def wait_for(
        self,
        kind: type[R],
        where: Callable[[R], bool] | None = None,
        *,
        after: int = 0,
        deadline: float = 10.0,
    ) -> R:
        """Like `first`, within `deadline` seconds. Raises `NothingArrived`."""
        start = self.last
        try:
            async with asyncio.timeout(deadline):
                record = await self.first(kind, where, after)
        except TimeoutError:
            record = None
        if record is None:
            came = ", ".join(type(other).__name__ for other in self.since(start)) or "nothing"
            raise NothingArrived(f"no {kind.__name__} that fits in {deadline} s; meanwhile came: {came}")
        return record

    def close(self) -> None:
        """End all waits; no record comes any more."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
