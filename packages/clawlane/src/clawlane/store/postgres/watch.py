"""A limit of time for what waits for a server that may never answer: the socket is closed under it.

A server that is gone without a word, behind something that still takes bytes, cannot be told from a slow one;
and nothing ends a wait for it but the end of the socket.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg

_LOOK_EVERY_S = 0.5


@contextmanager
def limited(opened: psycopg.Connection[Any], limit_s: float) -> Iterator[None]:
    """Close the socket of a session if all that happens inside takes too long."""
    with closing(Watch(limit_s)) as watch, watch.over(opened):
        yield


class Watch:
    """Looks after sessions, from a thread of its own."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._waits: dict[object, tuple[int, float]] = {}
        """The handle of the socket, and when the wait is over: of each wait."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="clawlane-store-watch", daemon=True)
        self._thread.start()

    @contextmanager
    def over(self, opened: psycopg.Connection[Any], limit_s: float | None = None) -> Iterator[None]:
        """Close the socket of a session if what happens inside takes too long."""
        until = time.monotonic() + (self._limit_s if limit_s is None else limit_s)
        wait = object()
        with self._lock:
            self._waits[wait] = opened.fileno(), until
        try:
            yield
        finally:
            with self._lock:
                self._waits.pop(wait, None)

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            with self._lock:
                now = time.monotonic()
                for wait in [one for one, (_, until) in self._waits.items() if now > until]:
                    handle, _ = self._waits.pop(wait)
                    with suppress(OSError), socket.socket(fileno=os.dup(handle)) as taken:
                        taken.shutdown(socket.SHUT_RDWR)
