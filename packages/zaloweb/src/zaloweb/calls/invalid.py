"""What this client refuses to send."""

from __future__ import annotations

from zaloweb.errors import ZaloError


class InvalidRequest(ZaloError, ValueError):
    """A request that makes no sense as it stands; nothing was sent. The text says what is wrong with it."""
