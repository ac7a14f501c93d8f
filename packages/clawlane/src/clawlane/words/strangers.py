"""Texts of other people, fit to be shown."""

from __future__ import annotations

import unicodedata


class Said(str):
    """A line that quotes somebody else: nothing in it is a word of ours."""

    __slots__ = ()


def sanitize(text: str, longest: int = 60) -> str:
    """The text without control characters and direction marks, on one line, and not too long."""
    if len(text) <= longest and text.isprintable() and "  " not in text:
        return text.strip()
    spaced = (" " if one in "\r\n\t" else one for one in text)
    kept = "".join(one for one in spaced if unicodedata.category(one) not in ("Cc", "Cf", "Cs"))
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def printable(text: str) -> str:
    """The lines of a text as they are, without control characters and direction marks."""
    kept = ("\t", "\u200d")  # what joins the parts of an emoji is no direction mark
    return "\n".join(
        "".join(one for one in line if one in kept or unicodedata.category(one) not in ("Cc", "Cf", "Cs"))
        for line in text.splitlines()
    )


def cell(text: str, longest: int = 60) -> str:
    """A text of somebody else in a table, a dash where there is none."""
    return sanitize(text, longest) or "–"
