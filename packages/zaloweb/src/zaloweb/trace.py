"""Observing an account: each frame and each call by its kind, size, time and result, never what is in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TracedFrame:
    """A frame of the socket.

    `kind` is that of `zaloweb.wire.frames.kind_of`, such as "user messages", or one of WebSocket's own:
    "close" with its `code`, "lost" (1006) for a line that broke, "websocket ping", "websocket pong", "text".
    `size` is in bytes, as decompressed.
    """

    kind: str
    outgoing: bool
    size: int
    code: int | None = None


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A request over HTTP and its answer, redirects one by one; "connect" is the upgrade of the socket.

    `name` is that of the call, such as "send text". `sent` counts the bytes of query and body, `received`
    those of the body as decompressed. `status` is the HTTP status, None without an answer; `code` is Zalo's
    own, 0 for success, None where the answer has none. `error` names the kind of `ZaloError`, empty for none.
    """

    name: str
    method: str
    sent: int
    received: int
    ms: float
    status: int | None = None
    code: int | None = None
    error: str = ""


Traced = TracedFrame | TracedCall
Observer = Callable[[Traced], None]


class Trace:
    """Who is told of the frames and calls of an account. With nobody, nothing is measured or made.

        trace = Trace()
        session = await log_in(credentials, trace=trace)
        async with Zalo(session, trace=trace) as zalo:
            with trace.told(print):
                await zalo.friends()

    One trace may serve the login and all clients of an account, one after another or at once.
    """

    def __init__(self) -> None:
        self._observers: dict[object, Observer] = {}

    @property
    def on(self) -> bool:
        """Whether anybody observes."""
        return bool(self._observers)

    @contextmanager
    def told(self, observer: Observer) -> Iterator[None]:
        """Tell the observer while entered. It is called in the middle of the work, so it must not wait.

        Its exceptions are only logged.
        """
        entry = object()
        self._observers[entry] = observer
        try:
            yield
        finally:
            del self._observers[entry]

    def tell(self, one: Traced) -> None:
        """Tell all observers."""
        for observer in tuple(self._observers.values()):
            try:
                observer(one)
            except Exception:  # a message that was sent must not look as if it had failed
                log.exception("an observer of frames and calls failed")
