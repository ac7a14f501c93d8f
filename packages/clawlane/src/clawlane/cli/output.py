"""How commands print: paragraphs and tables as wide as the terminal, JSON, times, texts of strangers."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any

import click

from clawlane.cli.screen import PROSE, screen_columns
from clawlane.ops.operation import plain
from clawlane.texts import t

_GAP = "  "
Row = Sequence[str]


def terminal_width() -> int | None:
    """Columns of the terminal, or of `COLUMNS`; None where the output goes into a file or a program."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return max(20, screen_columns())
    return None


def echo_wrapped(text: str, indent: str = "", hanging: str | None = None, *, err: bool = False) -> None:
    """Print a paragraph as wide as the terminal; later lines begin with `hanging` (default: `indent`).

    Into a file or a program it goes as one line, so that it can be searched.
    """
    width = terminal_width()
    later = indent if hanging is None else hanging
    for line in wrapped(text, width, indent, later) if width else (f"{indent}{text}".rstrip(),):
        click.echo(line, err=err)


_COLUMN = re.compile(r" *(?:\S.{0,20}?  +)?")
"""The blanks that a line begins with, or the first column of what is laid out in two."""


def echo_line(text: str, *, err: bool = False) -> None:
    """Print a line as it is laid out; one that is too wide goes on below its second column, or indented."""
    width = terminal_width()
    line = text.lstrip("\n")
    if width is None or columns(line) <= width:
        click.echo(text, err=err)
        return
    click.echo(text[: len(text) - len(line)], nl=False, err=err)
    found = _COLUMN.match(line)
    head = found[0] if found else ""
    echo_wrapped(line[len(head) :], head, " " * columns(head) if head.strip() else f"{head}  ", err=err)


def prose(text: str, indent: str = "") -> Iterator[str]:
    """A paragraph as wide as the terminal, or 80 columns where there is none."""
    yield from wrapped(text, terminal_width() or PROSE, indent, indent)


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


@lru_cache(1 << 16)  # a table asks for each cell three times
def columns(text: str) -> int:
    """Columns on a terminal: combining marks take none, East Asian wide characters and emoji two."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_columns_of, text))


@cache
def _columns_of(one: str) -> int:
    if unicodedata.combining(one) or unicodedata.category(one) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def print_json(**fields: Any) -> None:
    """Print the result of a command as one JSON object: `"ok": true`, unless given, and these fields."""
    click.echo(json.dumps(plain({"ok": True, **fields}), ensure_ascii=False))


def print_result(lines: Iterable[str], as_json: bool, **fields: Any) -> None:
    """Print the result of a command: its fields for programs, or its lines for people."""
    if as_json:
        print_json(**fields)
        return
    for line in lines:
        echo_line(line)


def print_table(heads: Row, rows: Sequence[Row]) -> None:
    """Print rows under their heads, two spaces apart.

    A table that does not fit at all, however its cells are broken, is printed row by row instead.
    """
    wide = [max(map(columns, cells)) for cells in zip(heads, *rows, strict=True)]
    widths = _fitted(heads, rows, wide, terminal_width())
    lines = _records(heads, rows) if widths is None else _lines(heads, rows, widths)
    click.echo("\n".join(lines))


def _fitted(heads: Row, rows: Sequence[Row], wide: list[int], room: int | None) -> list[int] | None:
    """The widths of the columns; None if the longest words alone need more room than there is."""
    if room is None:
        return wide
    words = (" ".join(cells).split() for cells in zip(heads, *rows, strict=True))
    least = [max(map(columns, column), default=0) for column in words]
    gaps = len(_GAP) * (len(heads) - 1)
    if sum(least) + gaps > room:
        return None
    widths = list(wide)
    while sum(widths) + gaps > room:
        slack = [width - floor for width, floor in zip(widths, least, strict=True)]
        widest = max(range(len(widths)), key=lambda at: (slack[at] > 0, widths[at]))
        widths[widest] -= 1
    return widths


def _lines(heads: Row, rows: Sequence[Row], widths: list[int]) -> Iterator[str]:
    for row in (heads, *rows):
        broken = [
            [cell] if columns(cell) <= width else list(wrapped(cell, width))
            for cell, width in zip(row, widths, strict=True)
        ]
        for cells in zip_longest(*broken, fillvalue=""):
            padded = [cell + " " * (width - columns(cell)) for cell, width in zip(cells, widths, strict=True)]
            yield _GAP.join(padded).rstrip()


def _records(heads: Row, rows: Sequence[Row]) -> Iterator[str]:
    """Every cell on a line of its own, under the name of its column."""
    head_width = max(map(columns, heads))
    for count, row in enumerate(rows):
        if count:
            yield ""
        for head, cell in zip(heads, row, strict=True):
            indent = head + " " * (head_width - columns(head)) + _GAP
            yield from wrapped(cell, terminal_width() or 0, indent, " " * len(indent))


@dataclass(frozen=True, slots=True)
class Card:
    """A row that needs more than a line: what names it, the line of that, and what stands below."""

    name: str
    head: str
    lines: tuple[str, ...]


def echo_cards(cards: Sequence[Card]) -> None:
    """Print rows of several lines each, the names in a column of their own."""
    width = max((columns(card.name) for card in cards), default=0) + len(_GAP)
    for card in cards:
        echo_wrapped(card.head, card.name + " " * (width - columns(card.name)), " " * width)
        for line in card.lines:
            echo_wrapped(line, " " * width)


def echo_commands(commands: Sequence[tuple[str, str]]) -> None:
    """Print what can be done next, indented: what it does, and the command in a column of its own."""
    said = [(t(what), command) for what, command in commands]
    width = max(columns(what) for what, _ in said) + len(_GAP)
    for what, command in said:
        click.echo(f"  {what}{' ' * (width - columns(what))}{command}")
