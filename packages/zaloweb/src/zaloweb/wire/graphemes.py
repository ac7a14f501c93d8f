"""Boundaries between characters as a reader sees them. Nothing here does I/O.

The rules of Unicode's extended grapheme clusters (UAX #29). Properties that the standard library lacks are
derived from the general category. In doubt two characters stay together, which only moves a cut.
"""

from __future__ import annotations

import re
import unicodedata

_ZERO_WIDTH_JOINER = "\u200d"
_VIRAMA = 9  # the combining class of the signs that join two Indic consonants
_ENDS = {"Cc", "Zl", "Zp"}
_MARKS = {"Mn", "Me", "Mc"}
_EXTENDING = re.compile("[\u0e33\u0eb3\u200c\u200d\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_PREPENDED = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_HANGUL_LEAD = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_HANGUL_VOWEL = re.compile("[\u1160-\u11a7\ud7b0-\ud7c6]")
_HANGUL_TAIL = re.compile("[\u11a8-\u11ff\ud7cb-\ud7fb]")
_FIRST_SYLLABLE, _LAST_SYLLABLE, _TAILS = 0xAC00, 0xD7A3, 28


def is_boundary(text: str, place: int) -> bool:
    """Whether a text may be cut at `place` without splitting what a reader sees as one character."""
    if not 0 < place < len(text):
        return True
    before, after = text[place - 1], text[place]
    if before.isascii() and after.isascii():
        return not (before == "\r" and after == "\n")
    if _ends(before) or _ends(after):
        return True
    extends = unicodedata.category(after) in _MARKS or _EXTENDING.match(after)
    if extends or _PREPENDED.match(before):
        return False
    if before == _ZERO_WIDTH_JOINER and _is_symbol(after):
        return False
    if unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) == "Lo":
        return False
    if _FLAG.match(before) and _FLAG.match(after):
        return _flags_until(text, place) % 2 == 0
    return not _same_syllable(before, after)


def _ends(char: str) -> bool:
    return unicodedata.category(char) in _ENDS


def _is_symbol(char: str) -> bool:
    # Pictographs in joined emoji are "other symbols"; older tables lack a few.
    return unicodedata.category(char) in {"So", "Cn"} or char in "\u203c\u2049\u3030\u303d↔"


def _flags_until(text: str, place: int) -> int:
    start = place
    while start and _FLAG.match(text[start - 1]):
        start -= 1
    return place - start


def _same_syllable(before: str, after: str) -> bool:
    if _HANGUL_LEAD.match(before):
        return bool(_HANGUL_LEAD.match(after) or _HANGUL_VOWEL.match(after) or _is_syllable(after))
    if _HANGUL_VOWEL.match(before) or (
        _is_syllable(before) and (ord(before) - _FIRST_SYLLABLE) % _TAILS == 0
    ):
        return bool(_HANGUL_VOWEL.match(after) or _HANGUL_TAIL.match(after))
    return bool(_HANGUL_TAIL.match(after) and (_HANGUL_TAIL.match(before) or _is_syllable(before)))


def _is_syllable(char: str) -> bool:
    return _FIRST_SYLLABLE <= ord(char) <= _LAST_SYLLABLE
