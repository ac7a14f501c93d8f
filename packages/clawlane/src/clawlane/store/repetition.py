"""Tells whether a text repeats what somebody said: all of it, or some words of it in a row."""

from __future__ import annotations

import json
import re

from clawlane.store.sessions import SHORTEST_QUOTE

IN_A_ROW = 5
"""Words in a row that are no accident any more."""

_WORD = re.compile(r"\w+")


class Repetition:
    """What was said, and whether other texts repeat it."""

    def __init__(self) -> None:
        self._rows: set[tuple[str, ...]] = set()
        self._whole: set[str] = set()

    def add(self, *texts: str) -> None:
        """More that was said."""
        for text in map(str.casefold, texts):
            words = _WORD.findall(text)
            if len(words) >= IN_A_ROW:
                self._rows.update(_in_a_row(words))
            elif len(text.strip()) >= SHORTEST_QUOTE:
                self._whole.add(text.strip())

    def __bool__(self) -> bool:
        return bool(self._rows or self._whole)

    def is_in(self, text: str) -> bool:
        """Whether a text, or a JSON text, repeats something."""
        text = text.casefold()
        if any(one in text or json.dumps(one)[1:-1] in text for one in self._whole):
            return True
        if "\\u" in text:  # JSON that escapes what is not ASCII
            text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text).casefold()
        return not self._rows.isdisjoint(_in_a_row(_WORD.findall(text)))


def _in_a_row(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[place : place + IN_A_ROW]) for place in range(len(words) - IN_A_ROW + 1)}
