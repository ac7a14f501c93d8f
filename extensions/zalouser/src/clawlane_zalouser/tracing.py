"""Frames and calls, as the gateway tells of them."""

from __future__ import annotations

from clawlane.capabilities import Traced
from zaloweb import trace


def traced(one: trace.Traced) -> Traced:
    """A frame or a call of zaloweb in the gateway's words."""
    if isinstance(one, trace.TracedCall):
        return Traced(
            "call",
            one.name,
            sent=one.sent,
            received=one.received,
            ms=round(one.ms, 1),
            status=one.status,
            code=one.code,
            error=one.error,
        )
    if one.outgoing:
        return Traced("frame", one.kind, sent=one.size, code=one.code)
    return Traced("frame", one.kind, received=one.size, code=one.code)
