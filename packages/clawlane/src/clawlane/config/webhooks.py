"""Signed requests to addresses outside: which may be named, and the webhooks that are told what happens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StrictStr

from clawlane.config.fields import Block
from clawlane.config.secrets import SecretField

MOST = 20
"""How many webhooks there are at most."""

_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")
_LONGEST_URL = 2000


def webhook_url(value: str) -> str:
    """An address that may get signed events. Raises `ValueError`: without TLS only this machine may."""
    url = value.strip()
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (a port that is none raises)
    except ValueError:
        raise ValueError("must be a URL such as 'https://host/hook'") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > _LONGEST_URL:
        raise ValueError("must be a URL such as 'https://host/hook'")
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname):
        raise ValueError("must begin with https://; http:// is for this machine only")
    if parts.username or parts.password:
        raise ValueError("must not hold a password; the receiver checks the signature")
    return url


WebhookUrl = Annotated[StrictStr, AfterValidator(webhook_url)]


class Webhook(Block):
    """An address that gets signed requests. `secret` is what the receiver checks the signature with."""

    url: WebhookUrl = Field(repr=False)
    secret: SecretField


class EventKind(StrEnum):
    """What webhooks are told: an admitted message, any other decision, and so on (see docs/webhooks.md)."""

    MESSAGE = "message"
    DECISION = "decision"
    RECALL = "recall"
    STATE = "state"
    CHANGE = "change"
    CONFIG = "config"


class EventWebhook(Webhook):
    """A signed request for each of these `events`. People's names and words only with `content`."""

    events: Annotated[tuple[EventKind, ...], Field(min_length=1)] = tuple(EventKind)
    content: StrictBool = False

    @property
    def host(self) -> str:
        """Where it is, without the path, which may hold a secret."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _check(webhooks: Sequence[EventWebhook]) -> Sequence[EventWebhook]:
    if len(webhooks) > MOST:
        raise ValueError(f"must be at most {MOST} webhooks")
    addresses = [one.url for one in webhooks]
    for number, address in enumerate(addresses):
        if address in addresses[:number]:
            first = addresses.index(address)
            raise ValueError(
                f"the addresses {first + 1} and {number + 1} are the same; write one entry for it"
            )
    return webhooks


EventWebhooks = Annotated[tuple[EventWebhook, ...], AfterValidator(_check)]
