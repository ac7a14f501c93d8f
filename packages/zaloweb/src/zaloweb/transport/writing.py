"""Asks somebody else before anything is written, right before the bytes go out."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

from zaloweb.errors import BeforeSending

BeforeWrite = Callable[[], str]
"""Says why nothing may be written now, for people; "" while it may. Called in the middle of the work, so it
must be quick, and must not raise."""


def allowed() -> str:
    """Anything may be written."""
    return ""


def ask(before_write: BeforeWrite, name: str) -> None:
    """Raise `BeforeSending` if the request or frame of this name must not be written."""
    if reason := before_write():
        raise BeforeSending(name, reason)


def tracing(before_write: BeforeWrite) -> aiohttp.TraceConfig:
    """Asks before what a session of aiohttp writes: the head of a request, and each block of its body.

    aiohttp calls these between the connection and the bytes, and closes the connection when they raise.
    """

    async def before(_session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        ask(before_write, "request")

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(before)
    config.on_request_chunk_sent.append(before)
    return config
