"""A plain table: columns as wide as they need, cells broken between words where the terminal is narrower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import click

from clawlane.cli.wrap import columns, terminal_width, wrapped

_GAP = "  "
Row = Sequence[str]


def print_table(heads: Row, rows: Sequence[Row]) -> None:
    """Print rows under their heads, two spaces apart.

    A table that does not fit at all, however its cells are broken, is printed row by row instead.
    """
    wide = [max(map(columns, cells)) for cells in zip(heads, *rows, strict=True)]
    widths = _fitted(heads, rows, wide, terminal_width())
    lines = _records(heads, rows) if widths is None else _lines(heads, rows, widths)
    for line in lines:
        click.echo(line)


def _fitted(heads: Row, rows: Sequence[Row], wide: list[int], room: int | None) -> list[int] | None:
    """The widths of the columns; None if the longest words alone need more room than there is."""
    if room is None:
        return wide
    least = [max(map(_longest_word, cells)) for cells in zip(heads, *rows, strict=True)]
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
        broken = [list(wrapped(cell, width)) for cell, width in zip(row, widths, strict=True)]
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


def _longest_word(cell: str) -> int:
    return max(map(columns, cell.split()), default=0)
