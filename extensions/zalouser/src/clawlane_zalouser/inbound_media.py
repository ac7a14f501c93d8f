"""Files that people send: fetched from Zalo's hosts, and why one was not."""

from __future__ import annotations

import logging
from pathlib import Path

from clawlane.capabilities import NotFetched
from clawlane.messages import Attachment
from zaloweb import errors
from zaloweb.client import Zalo
from zaloweb.wire.hosts import Hosts

MEDIA_HOSTS = Hosts(("dlfl.vn", "flchat.vn", "dlmd.me"))
"""Zalo's own hosts, and those that it serves files and videos from.

Source: addresses in logs and tests of several public clients, November 2026. No cookie goes to any of them.
"""

log = logging.getLogger(__name__)


async def fetch(zalo: Zalo, attachment: Attachment, path: Path, max_bytes: int) -> int:
    """Save the file of an attachment; its size in bytes. Raises `NotFetched` and `OSError`."""
    if MEDIA_HOSTS.refusal(attachment.url):
        raise NotFetched("its address is not one of Zalo's")
    try:
        return (await zalo.download(attachment.url, path, max_bytes=max_bytes)).size
    except errors.ZaloError as error:
        log.debug("%s: %s", zalo.own_id, type(error).__name__)
        raise NotFetched(_reason(error, max_bytes)) from error


def _reason(error: errors.ZaloError, max_bytes: int) -> str:
    match error:
        case errors.TooLarge():
            return f"too large: more than {max_bytes / 2**20:.3g} MB"
        case errors.LinkExpired() | errors.HttpStatusError(status=403 | 404 | 410):
            return "the link has expired"
        case errors.HttpStatusError():
            return f"Zalo answered with HTTP status {error.status}"
        case errors.NetworkError():
            return "the connection failed"
    return "Zalo's answer cannot be used"
