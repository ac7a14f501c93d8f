"""Mention patterns: regular expressions of the operator, checked to be safe to search in strangers' texts."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterator

from clawlane.config.re2_pattern import Pattern

MAX_LENGTH = 200

_TOKEN = re.compile(
    r"""(?P<reference> \\[1-9] | \(\?P= | \(\?\( )
    | (?P<verbose> \(\?[a-z]*x )
    | (?P<flags> \(\?[a-z]+\) )
    | (?P<class> \[\^?\]?(?:\\.|[^\]\\])*\] )
    | (?P<atom> \\(?: x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | N\{[^}]*\} | 0[0-7]{0,2} | . )
        | \(\?\#[^)]*\) )
    | (?P<open> \( (?: \? (?: P<\w+> | <?[=!] | > | [a-z]*-?[a-z]*: ) )? )
    | (?P<close> \) )
    | (?P<quantifier> (?: [*+?] | \{(?:\d+(?:,\d*)?|,\d*)\} ) [?+]? )
    | (?P<either> \| )
    | (?P<sign> . )""",
    re.VERBOSE | re.DOTALL,
)
_REFUSED = {
    "reference": "has a back-reference, which is unsafe to search with; write the words themselves",
    "verbose": "has the flag 'x', under which it cannot be checked; write it without",
}


def check_pattern(pattern: str) -> str:
    """A pattern that is safe to search in any text. Raises `ValueError` saying what is wrong with it."""
    compile_pattern(pattern)
    return pattern


def compile_pattern(pattern: str) -> Pattern:
    """The pattern, compiled for NFC text in any case.

    Raises `ValueError` for more than 200 characters, back-references, a repeat of something that can itself
    match in several ways (nested quantifiers, alternatives), and what cannot be searched in linear time
    (look-arounds, atomic groups).
    """
    if not pattern.strip():
        raise ValueError("an empty pattern would fit every message; write a word, or remove it")
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"has {len(pattern)} characters; write patterns of at most {MAX_LENGTH}")
    normal = unicodedata.normalize("NFC", pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # a bracket in a class; escaped for RE2
            re.compile(normal, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"is not a regular expression ({error}); put '\\\\' before a character that is meant literally"
        ) from None
    if complaint := _danger(normal):
        raise ValueError(complaint)
    return Pattern(pattern, tuple(_tokens(normal)))


def _danger(pattern: str) -> str:
    """Why a pattern is unsafe, as one line with what to do; empty for a safe one."""
    open_groups = [False]
    varied = False
    for kind, text in _tokens(pattern):
        if kind in _REFUSED:
            return _REFUSED[kind]
        if kind == "quantifier" and varied and not text.startswith("?"):
            return (
                f"has a nested quantifier: '{text}' repeats what can itself fit in several ways; repeat less"
            )
        varied = _read(kind, open_groups)
    return ""


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(pattern):
        yield found.lastgroup or "", found[0]


def _read(kind: str, open_groups: list[bool]) -> bool:
    """Record a token in `open_groups`, which holds for each open group whether it can match in several ways.

    Returns the same for the item that the token completes.
    """
    if kind == "open":
        open_groups.append(False)
    elif kind == "close":
        inner = open_groups.pop()
        open_groups[-1] = open_groups[-1] or inner
        return inner
    elif kind in ("quantifier", "either"):
        open_groups[-1] = True
    return False
