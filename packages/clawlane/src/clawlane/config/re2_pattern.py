"""Runs Python's regular expressions on RE2, which searches in linear time.

RE2 differs from Python where it matters here: its `\\w`, `\\d`, `\\s` and `\\b` know ASCII only. The classes
are written out. For `\\b` the text is searched with a sign before each character and at the end: a line feed
where a word begins or ends, a null elsewhere. `(?m:$)` fits before a line feed, and so stands for `\\b`.
See docs/decisions/0011-mention-patterns-run-on-re2.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import re2

LONGEST_TEXT = 500
"""Characters of a text that are searched. A mention is near the beginning."""

_MEMORY = 1 << 20
"""Bytes that a pattern may take. It also bounds the work for one character."""

_EDGE, _INSIDE = "\n", "\0"
_LINE_END = "\u2028"
_UNREAL = str.maketrans({"\n": _LINE_END, "\0": "\ufffd"})

_WORD, _DIGIT, _BLANK = r"\p{L}\p{N}_", r"\p{Nd}", r"\s\x0b\x1c-\x1f\x{85}\p{Z}"
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _BLANK}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_IN_CLASS = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[0-7]{1,3}|.)|.", re.DOTALL
)
_OPEN = re.compile(r"\((?:\?(?:P<\w+>|i*:))?\Z")

Token = tuple[str, str]
"""Kind and text of one token of a pattern, as `clawlane.config.patterns` splits it."""


class Pattern:
    """A compiled pattern. `source` is its text in the config."""

    def __init__(self, source: str, tokens: Sequence[Token]) -> None:
        """Raises `ValueError` for what RE2 cannot run."""
        self.source = source
        self._marked = any(token == ("atom", r"\b") for token in tokens)
        body = "".join(_translated(kind, text, self._marked) for kind, text in tokens)
        if self._marked:
            body = rf"\A(?s:..)*?(?:{body})"  # begins at a sign, never behind the last one
        options = re2.Options()
        options.case_sensitive, options.log_errors, options.max_mem = False, False, _MEMORY
        try:
            self._compiled = re2.compile(body, options)
        except re2.error:
            raise ValueError("is more than can be searched in bounded time; write it shorter") from None

    def fits(self, text: str) -> bool:
        """Whether it matches in the first 500 characters of a text, in any case."""
        searchable = _searchable(text[:LONGEST_TEXT], self._marked)
        return self._compiled.search(searchable) is not None


def _translated(kind: str, text: str, marked: bool) -> str:
    """One token in RE2's syntax. `marked` for texts with signs."""
    match kind:
        case "open" if not _OPEN.match(text):
            what = {"(?=": "a look-ahead", "(?!": "a look-ahead", "(?>": "an atomic group"}
            raise _cannot(what.get(text, "a look-behind" if text.startswith("(?<") else f"'{text}'"))
        case "quantifier" if len(text) > 1 and text.endswith("+"):
            raise _cannot(f"'{text}'")
        case "quantifier":
            return text.replace("{,", "{0,")
        case "flags" if text not in ("(?i)", "(?u)"):
            raise _cannot(f"'{text}'")
        case "flags":
            return ""  # case never counts, so `i` adds nothing
        case "open" | "close" | "either":
            return text
        case "class":
            one = _class(text)
        case "sign" if text in "^$":
            return _anchor(text, marked)
        case "sign":
            one = f"[^{_hex(_LINE_END)}]" if text == "." else _hex(text)
        case _ if text.startswith("(?#"):
            return ""
        case _ if text == r"\B":
            raise _cannot(r"'\B'")
        case _ if text == r"\b":
            return "(?m:$)"
        case _ if text in (r"\A", r"\Z"):
            return _anchor({"A": "^", "Z": "$"}[text[1]], marked)
        case _ if (letter := text[1]).lower() in _CLASSES:
            one = f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
        case _:
            one = _hex(_escaped(text))
    return rf"(?:[\n\x00]{one})" if marked else one  # with the sign before the character


def _anchor(sign: str, marked: bool) -> str:
    if sign == "^":
        return r"\A"
    return rf"(?:[\n\x00]{_hex(_LINE_END)})?[\n\x00]\z" if marked else rf"{_hex(_LINE_END)}?\z"


def _class(text: str) -> str:
    """A set of characters, `[…]`. In RE2 an opening bracket in it would mean more."""
    negated = text.startswith("[^")
    inner = text[2 if negated else 1 : -1]
    items = "".join(_member(found[0]) for found in _IN_CLASS.finditer(inner))
    return f"[{'^' if negated else ''}{items}]"


def _member(text: str) -> str:
    if text == "-":
        return text
    if len(text) == 1:
        return _hex(text)
    letter = text[1]
    if letter in _CLASSES:
        return _CLASSES[letter]
    if letter == "D":
        return r"\P{Nd}"
    if letter in "WS":
        raise _cannot(f"'{text}' inside [ ]")
    return r"\x08" if letter == "b" else _hex(_escaped(text))


def _escaped(text: str) -> str:
    """The character that an escape stands for."""
    letter, rest = text[1], text[2:]
    if letter in "xuU" and rest:
        return chr(int(rest, 16))
    if letter == "N":
        return unicodedata.lookup(rest[1:-1])
    if letter.isdigit():
        return chr(int(text[1:], 8))
    return _CONTROLS.get(letter, letter)


def _hex(char: str) -> str:
    """A character escaped for RE2."""
    return f"\\x{{{ord(char.translate(_UNREAL)):x}}}"


@lru_cache(maxsize=2)
def _searchable(text: str, marked: bool) -> bytes:
    """A text as RE2 gets it. Cached, because several patterns are tried on one text."""
    normal = unicodedata.normalize("NFC", text).translate(_UNREAL)
    if marked:
        is_word = [False, *(char.isalnum() or char == "_" for char in normal), False]
        signs = [_EDGE if before is not after else _INSIDE for before, after in pairwise(is_word)]
        normal = "".join(sign + char for sign, char in zip(signs, (*normal, ""), strict=True))
    return normal.encode("utf-8", "replace")


def _cannot(what: str) -> ValueError:
    return ValueError(f"has {what}, which cannot be searched in bounded time; write it without")
