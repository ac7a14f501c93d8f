"""Queries and forms, encoded as a browser encodes them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote_plus

Pairs = Sequence[tuple[str, str]]


def encode(pairs: Pairs | str) -> str:
    """A query or a form, as a browser encodes it. A text counts as already encoded."""
    if isinstance(pairs, str):
        return pairs
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def with_query(url: str, pairs: Pairs | str) -> str:
    """The URL with parameters added."""
    added = encode(pairs)
    if not added:
        return url
    return f"{url}{'&' if '?' in url else '?'}{added}"


def _quoted(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")
