"""The other end of webhooks: what came there, and how each request is answered."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo.stage import PATIENCE

Answer = Callable[[BaseHTTPRequestHandler], None]
Request = tuple[str, dict[str, Any]]
"""The id and the body of a webhook."""


@dataclass
class Receiver:
    """A webhook's other end. `answers` say in order what becomes of each request; then all are taken.

    Some paths are answered `always` the same way, and what came there is not kept.
    """

    url: str = ""
    came: queue.Queue[Request] = field(default_factory=queue.Queue)
    answers: queue.Queue[Answer] = field(default_factory=queue.Queue)
    always: dict[str, Answer] = field(default_factory=dict)

    def next(self) -> Request:
        """The next request."""
        return self.came.get(timeout=PATIENCE)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on this machine."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if rude := made.always.get(self.path):
                rude(self)
                return
            try:
                answer = made.answers.get_nowait()
            except queue.Empty:
                answer = status_of(200)
            answer(self)
            made.came.put((self.headers["webhook-id"], json.loads(body)))

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(head: bytes, on: bytes = b"", every_s: float = 0.0) -> Answer:
    """These bytes as they are; then others again and again, until whoever asked has had enough."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        try:
            request.wfile.write(head)
            while on:
                request.wfile.write(on)
                time.sleep(every_s)
        except OSError:
            pass  # that was enough

    return answer


def status_of(code: int, body: bytes = b"") -> Answer:
    """An answer with this code, which names another place."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        try:
            request.send_response(code)
            request.send_header("location", "http://127.0.0.1:9/elsewhere")
            request.end_headers()
            request.wfile.write(body)
        except ConnectionError:
            request.close_connection = True  # whoever asked does not read all that, or is dead

    return answer
