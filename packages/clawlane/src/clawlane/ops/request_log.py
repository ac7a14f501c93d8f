"""Where web servers of ours log: what is no HTTP is a line for debugging, and no traceback."""

from __future__ import annotations

import logging

REQUESTS = logging.getLogger("clawlane.requests")


def _calm(record: logging.LogRecord) -> bool:
    from aiohttp.http_exceptions import HttpProcessingError
    from aiohttp.web import RequestPayloadError

    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | RequestPayloadError):
        record.levelno, record.levelname, record.exc_info = logging.DEBUG, "DEBUG", None
    return True


REQUESTS.addFilter(_calm)
