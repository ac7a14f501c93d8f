"""Words by which a line is known to be English where everything should be Vietnamese."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = frozenset(
    (
        *(
            "the",
            "and",
            "is",
            "are",
            "was",
            "were",
            "has",
            "have",
            "not",
            "of",
            "for",
            "with",
            "that",
            "this",
        ),
        *("by", "from", "which", "who", "nobody", "it", "waits", "arrived", "minute", "hour", "day", "days"),
        *("replies", "queued", "sending", "held", "sent", "refused", "cancelled", "expired", "unknown"),
    )
)
_COMMAND = re.compile(r"openclaw( --?[a-z-]+| [a-z-]+)*")
_WORD = re.compile(r"(?<![\w./:@-])[a-z]+(?![\w./@-])")


def english(told: str | Iterable[str]) -> list[str]:
    """The lines that have an English word outside a command, a key or an address."""
    lines = told.splitlines() if isinstance(told, str) else told
    return [line for line in lines if _WORDS & set(_WORD.findall(_COMMAND.sub("", line.lower())))]
