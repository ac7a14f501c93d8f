"""Names that strangers chose, made safe to print on a terminal."""

from __future__ import annotations

import unicodedata


def clean(text: str, longest: int = 60) -> str:
    """The text without control characters and direction marks, on one line, and not too long."""
    kept = "".join(" " if character in "\r\n\t" else character for character in text)
    kept = "".join(
        character for character in kept if unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"
