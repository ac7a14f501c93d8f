"""Signed webhooks: how one is signed and checked, and one try to deliver it.

DeliveryFailed  a target did not take a delivery; the text is for the operator and holds nobody's words
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

DEADLINE_S = 10.0
"""For all of one try: the connection, the request, and the head of the answer."""

FRESH_S = 300
"""How far the time of a webhook that comes here may be off."""

_MOST_SIGNATURES = 5
SHORTEST_SECRET = 16
"""Bytes."""

_PREFIX = "whsec_"


class DeliveryFailed(Exception):
    """A target did not take a delivery. It may be tried again."""


def signing_key(secret: str) -> bytes:
    """The key in a secret: its own bytes, or after `whsec_` what its base64 stands for.

    Raises `ValueError` for one that is too short.
    """
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ValueError("the secret is no base64 after 'whsec_'") from None
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"the secret has {len(key)} bytes; it needs at least {SHORTEST_SECRET}")
    return key


def signed(key: bytes, id_: str, now_ms: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook: its id, the time in seconds, and the signature over both and the body."""
    timestamp = str(now_ms // 1000)
    digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def is_signed(key: bytes, id_: str, timestamp: str, body: bytes, signature: str, now_ms: int) -> bool:
    """Whether a webhook was signed with this key, not more than `FRESH_S` away from now.

    There may be several signatures, with a space between them, while a key is replaced.
    """
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(now_ms // 1000 - int(timestamp)) > FRESH_S:
        return False
    right = signed(key, id_, int(timestamp) * 1000, body)["webhook-signature"].encode()
    given = signature.encode("utf-8", "replace").split()[:_MOST_SIGNATURES]
    return any(hmac.compare_digest(right, one) for one in given)


class WebhookSender:
    """Delivers webhooks, each in one request on a connection of its own."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def deliver(self, url: str, key: bytes, id_: str, now_ms: int, body: bytes) -> None:
        """Returns once the receiver has taken it, which any answer of 2xx says. Raises `DeliveryFailed`.

        Redirects are not followed, and the body of the answer is not read.
        """
        host = urlsplit(url).hostname
        try:
            async with (
                asyncio.timeout(DEADLINE_S),
                self._http.post(
                    url, data=body, headers=signed(key, id_, now_ms, body), allow_redirects=False
                ) as answer,
            ):
                status = answer.status
                answer.close()
        except TimeoutError:
            raise DeliveryFailed(f"{host} did not answer within {DEADLINE_S:.0f} s") from None
        except aiohttp.ClientSSLError:
            raise DeliveryFailed(f"{host} has no certificate that this machine trusts") from None
        except aiohttp.ClientResponseError:
            raise DeliveryFailed(f"{host} answered with what is no HTTP") from None
        except aiohttp.ServerDisconnectedError:
            raise DeliveryFailed(f"{host} closed the connection without an answer") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DeliveryFailed(f"{host} cannot be reached ({_kind(error)})") from None
        if 300 <= status < 400:
            raise DeliveryFailed(f"{host} answered {status}: a redirect, which is not followed")
        if not 200 <= status < 300:
            raise DeliveryFailed(f"{host} answered {status}")


def _kind(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return (cause.strerror or type(cause).__name__) if isinstance(cause, OSError) else type(error).__name__


@asynccontextmanager
async def webhook_sender() -> AsyncIterator[WebhookSender]:
    """A sender while this is entered. It takes no proxy and no password from the environment.

    Whoever delivers bounds how many do at once: a place in a queue here would count as a receiver's delay.
    """
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=jar, trust_env=False, auto_decompress=False
    ) as http:
        yield WebhookSender(http)
