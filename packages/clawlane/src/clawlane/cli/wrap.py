"""Lines that fit the terminal: broken between words only, and measured as a terminal draws them."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator

import click

_PROSE = 80
"""Columns for sentences where nobody says how wide the screen is."""


def terminal_width() -> int | None:
    """Columns of the terminal, or of `COLUMNS`; None where the output goes into a file or a program."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return max(20, shutil.get_terminal_size((_PROSE, 24)).columns)
    return None


def echo_wrapped(text: str, indent: str = "", hanging: str | None = None, *, err: bool = False) -> None:
    """Print a paragraph as wide as the terminal; later lines begin with `hanging` (default: `indent`).

    Into a file or a program it goes as one line, so that it can be searched.
    """
    width = terminal_width()
    later = indent if hanging is None else hanging
    for line in wrapped(text, width, indent, later) if width else (f"{indent}{text}".rstrip(),):
        click.echo(line, err=err)


def prose(text: str, indent: str = "") -> Iterator[str]:
    """A paragraph as wide as the terminal, or 80 columns where there is none."""
    yield from wrapped(text, terminal_width() or _PROSE, indent, indent)


def wrapped(text: str, width: int, indent: str = "", hanging: str = "") -> Iterator[str]:
    """The lines of a paragraph. A word wider than the terminal stays whole: it is there to be copied."""
    line = indent
    empty = True
    for word in text.split():
        if not empty and columns(line) + 1 + columns(word) > width:
            yield line
            line, empty = hanging, True
        line += word if empty else f" {word}"
        empty = False
    yield line.rstrip()


def columns(text: str) -> int:
    """Columns on a terminal: combining marks take none, East Asian wide characters and emoji two."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
