"""Where the values of a JSON5 text begin and end, with their commas and comments, for edits of the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clawlane.config.errors import KeyPath

_TRIVIA = re.compile(r"(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*[\s\S]*?\*/)*")
_SCALAR = re.compile(
    r"""'(?:\\(?:\r\n|[\s\S])|[^'\\])*'|"(?:\\(?:\r\n|[\s\S])|[^"\\])*"|[^\s,:\[\]{}/'"\ufeff]+"""
)
_REST_OF_LINE = re.compile(r"(?:[ \t]|/\*(?:(?!\*/)[^\n\r])*\*/)*(?://[^\n\r\u2028\u2029]*)?(?=[\n\r]|\Z)")


class LayoutError(Exception):
    """The text is laid out in a way that cannot be edited."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of an object or a list, from the first sign of its key to the last one of its value.

    `key` is the text of the key as it is written, empty in a list. `comma` is where the comma after it is.
    """

    start: int
    value: Node
    key: str = ""
    comma: int | None = None

    @property
    def end(self) -> int:
        return self.value.end

    @property
    def after(self) -> int:
        """Behind the comma, or behind the value where there is none."""
        return self.end if self.comma is None else self.comma + 1


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the text. `opening` is `{`, `[` or empty."""

    start: int
    end: int
    opening: str = ""
    members: tuple[Member, ...] = field(default=())


def has_comments(text: str) -> bool:
    """Whether a text has any comment."""
    outside = _SCALAR.sub("", text)
    return "//" in outside or "/*" in outside


def parse(text: str) -> Node:
    """The layout of a text that is known to be JSON5. Raises `LayoutError`."""
    return _Parser(text).value(_skip(text, 0))


def find(root: Node, data: Any, path: KeyPath) -> tuple[Node, ...]:
    """The nodes along a path, as far as `data` (what the text says) has it: at least the root.

    Keys are found by their order, so that it does not matter how they are written.
    """
    found = [root]
    for step in path:
        keys = list(data) if isinstance(data, Mapping) else range(len(data)) if isinstance(data, list) else ()
        if step not in keys or isinstance(step, bool):
            break
        at = list(keys).index(step)
        if at >= len(found[-1].members):
            raise LayoutError("the text is not the one that was read")
        found.append(found[-1].members[at].value)
        data = data[step]
    return tuple(found)


def line_start(text: str, at: int) -> int:
    """Where the line of a place begins."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def indent_at(text: str, at: int) -> str | None:
    """The blanks before a place, if the line has nothing else before it; else None."""
    before = text[line_start(text, at) : at].removeprefix("\ufeff")
    return before if not before.strip(" \t") else None


def line_end(text: str, at: int) -> int | None:
    """Where the line of a place ends, if only blanks and comments that end in it follow; else None."""
    found = _REST_OF_LINE.match(text, at)
    return found.end() if found else None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text

    def value(self, at: int) -> Node:
        opening = self.text[at : at + 1]
        if opening not in ("{", "["):
            return Node(at, self._scalar(at))
        members: list[Member] = []
        closing = "}" if opening == "{" else "]"
        place = _skip(self.text, at + 1)
        while self.text[place : place + 1] != closing:
            start, key = place, ""
            if opening == "{":
                end = self._scalar(place)
                key = self.text[place:end]
                colon = _skip(self.text, end)
                if self.text[colon : colon + 1] != ":":
                    raise LayoutError(f"a colon is missing at {colon}")
                place = _skip(self.text, colon + 1)
            value = self.value(place)
            place = _skip(self.text, value.end)
            comma = place if self.text[place : place + 1] == "," else None
            members.append(Member(start, value, key, comma))
            if comma is not None:
                place = _skip(self.text, comma + 1)
            elif self.text[place : place + 1] != closing:
                raise LayoutError(f"a comma is missing at {place}")
        return Node(at, place + 1, opening, tuple(members))

    def _scalar(self, at: int) -> int:
        found = _SCALAR.match(self.text, at)
        if found is None:
            raise LayoutError(f"there is no value at {at}")
        return found.end()


def _skip(text: str, at: int) -> int:
    """Behind blanks and comments."""
    found = _TRIVIA.match(text, at)
    return found.end() if found else at
