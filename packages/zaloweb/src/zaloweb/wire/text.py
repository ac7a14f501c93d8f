"""Offsets and pieces of text, in UTF-16 units (Zalo) and code points (Python).

Zalo counts offsets of mentions and styles in UTF-16 code units: a character beyond U+FFFF (most emoji) counts
two. A message that is too long is cut where a reader would pause, and never inside a visible character.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Generic, Never, TypeVar, overload

import msgspec

from zaloweb.wire.graphemes import is_boundary

T = TypeVar("T")

LIMIT = 2000
"""UTF-16 units that one message may have."""

_LAST_NARROW = "\uffff"
_PAUSES = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"\n"),
    re.compile(r"[.!?…。！？][\"'”’»)\]]*\s+"),
    re.compile(r"\s+"),
)
"""Places to cut a text, best first: after a paragraph, a line, a sentence, a word."""


class Range(msgspec.Struct, Generic[T], frozen=True):
    """A range of text and its meaning: a style, a person …"""

    start: int
    length: int
    value: T

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + self.length


class Piece(msgspec.Struct, Generic[T], frozen=True):
    """A part of a text with its ranges; their offsets count from the start of the part."""

    text: str
    ranges: tuple[Range[T], ...] = ()


def utf16_len(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def to_utf16(text: str, ranges: Iterable[Range[T]]) -> list[Range[T]]:
    """Ranges of code points as ranges of UTF-16 units. Offsets outside the text are moved to its ends."""
    clamped = [_clamped(place, len(text)) for place in ranges]
    if not clamped or utf16_len(text) == len(text):
        return clamped
    units = _units(text)
    return [Range(units[p.start], units[p.end] - units[p.start], p.value) for p in clamped]


def from_utf16(text: str, ranges: Iterable[Range[T]]) -> list[Range[T]]:
    """Ranges of UTF-16 units as ranges of code points. Offsets outside the text are moved to its ends.

    A range that begins or ends between the two units of a character includes the whole character.
    """
    length = utf16_len(text)
    clamped = [_clamped(place, length) for place in ranges]
    if not clamped or length == len(text):
        return clamped
    units = _units(text)
    found = []
    for place in clamped:
        start = bisect_right(units, place.start) - 1
        end = max(start, bisect_left(units, place.end)) if place.length else start
        found.append(Range(start, end - start, place.value))
    return found


@overload
def split(text: str, *, limit: int = LIMIT) -> list[Piece[Never]]: ...


@overload
def split(
    text: str,
    ranges: Iterable[Range[T]],
    limit: int = LIMIT,
    *,
    intact: Callable[[T], bool] = ...,
) -> list[Piece[T]]: ...


def split(
    text: str,
    ranges: Iterable[Range[T]] = (),
    limit: int = LIMIT,
    *,
    intact: Callable[[T], bool] = lambda _value: False,
) -> list[Piece[T]]:
    """A text as pieces of at most `limit` UTF-16 units; joined they are the text. Empty for an empty text.

    Cuts come after a paragraph, else a line, else a sentence, else a word, else a character. Ranges (in code
    points) across a cut are divided; those with an `intact` value only if they are longer than a piece. Empty
    ranges are left out.
    """
    if limit < 2:
        raise ValueError(f"a piece needs room for one character: limit is {limit}, must be 2 or more")
    marked = [place for place in (_clamped(place, len(text)) for place in ranges) if place.length]
    whole = [place for place in marked if intact(place.value)]
    cuts = [0, *_cuts(text, whole, limit)]
    spans = pairwise(cuts)
    return [Piece(text[start:end], tuple(_inside(marked, start, end))) for start, end in spans]


def _cuts(text: str, whole: Sequence[Range[T]], limit: int) -> Iterator[int]:
    units = _units(text)
    start = 0
    while units[-1] - units[start] > limit:
        start = _cut(text, start, bisect_right(units, units[start] + limit) - 1, whole)
        yield start
    if start < len(text):
        yield len(text)


def _cut(text: str, start: int, furthest: int, whole: Sequence[Range[T]]) -> int:
    def allowed(place: int) -> bool:
        return is_boundary(text, place) and not any(r.start < place < r.end for r in whole)

    for pause in _PAUSES:
        places = [match.end() for match in pause.finditer(text, start, furthest)]
        for place in reversed(places):
            if allowed(place) and not text[start:place].isspace():
                return place
    for accepted in (allowed, lambda place: is_boundary(text, place)):
        for place in range(furthest, start, -1):
            if accepted(place):
                return place
    return furthest


def _inside(ranges: Sequence[Range[T]], start: int, end: int) -> Iterator[Range[T]]:
    for place in ranges:
        first, last = max(place.start, start), min(place.end, end)
        if first < last:
            yield Range(first - start, last - first, place.value)


def _clamped(place: Range[T], length: int) -> Range[T]:
    if place.start >= 0 and place.length >= 0 and place.start + place.length <= length:
        return place
    start = min(max(place.start, 0), length)
    return Range(start, min(max(place.end, start), length) - start, place.value)


def _units(text: str) -> list[int]:
    return [0, *accumulate(2 if char > _LAST_NARROW else 1 for char in text)]
