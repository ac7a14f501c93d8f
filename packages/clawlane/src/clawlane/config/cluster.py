"""Gateways that share a database: what this one is called, and which accounts it takes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

from clawlane.config.choices import Takeover as Takeover
from clawlane.config.fields import Block, Duration, Limit, Maybe

SOONEST = timedelta(seconds=15)
"""Before this time after its last beat no node is lost."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_MOST_LABELS = 20
_MOST_ACCOUNTS = 100_000


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError(
            "must have letters, digits, '.', '_' and '-' only, first a letter or digit, at most 63"
        )
    return value


Word = Annotated[StrictStr, AfterValidator(_word)]

Labels = Annotated[dict[Word, Word], Field(max_length=_MOST_LABELS)]
"""What a node has, or an account wants, by names of the operator's own."""


def _late_enough(value: timedelta) -> timedelta:
    if value < SOONEST:
        raise ValueError("must be at least 15s: until then the other node may still be at work")
    return value


TakeoverAfter = Annotated[Duration, AfterValidator(_late_enough)]


class NodeSettings(Block):
    """This gateway among those that share a database. Without a name it has that of its machine."""

    name: Maybe[Word] = None
    labels: Labels = Field(default_factory=dict)
    max_accounts: Maybe[Annotated[Limit, Field(le=_MOST_ACCOUNTS)]] = None

    def called(self, machine: str) -> str:
        """Its name, on a machine of this name."""
        return self.name or re.sub(r"[^A-Za-z0-9._-]", "-", machine)[:63].strip(".-_") or "node"
