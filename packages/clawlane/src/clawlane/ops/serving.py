"""What a gateway serves besides the lane.

ServiceUnusable     it cannot be served; `sentence` says why
"""

from __future__ import annotations

import logging

from msgspec import Struct

REQUESTS = logging.getLogger("clawlane.requests")
"""Where a web server logs. What somebody sends that is no HTTP is a line for debugging, no traceback."""


def _calm(record: logging.LogRecord) -> bool:
    from aiohttp.http_exceptions import HttpProcessingError
    from aiohttp.web import RequestPayloadError

    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | RequestPayloadError):
        record.levelno, record.levelname, record.exc_info = logging.DEBUG, "DEBUG", None
    return True


REQUESTS.addFilter(_calm)


class Listening(Struct, frozen=True):
    """One service, at `address`; `problem` is why it cannot be served, in a sentence."""

    address: str
    problem: str = ""


class ServiceUnusable(Exception):
    """It cannot be served. `sentence` says why, in one line made by `later`."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
