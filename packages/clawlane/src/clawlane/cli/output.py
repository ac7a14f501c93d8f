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
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.screen import PROSE, screen_columns
from clawlane.clock import length
from clawlane.ops.operation import plain
from clawlane.texts import later, t
from clawlane.zone import shown

if TYPE_CHECKING:
    from clawlane.ops.rules_from import RulesFrom
    from clawlane.store.told import Gap

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


def sanitize(text: str, longest: int = 60) -> str:
    """The text without control characters and direction marks, on one line, and not too long."""
    if len(text) <= longest and text.isprintable() and "  " not in text:
        return text.strip()
    spaced = (" " if one in "\r\n\t" else one for one in text)
    kept = "".join(one for one in spaced if unicodedata.category(one) not in ("Cc", "Cf", "Cs"))
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def printable(text: str) -> str:
    """The lines of a text as they are, without control characters and direction marks."""
    kept = ("\t", "\u200d")  # what joins the parts of an emoji is no direction mark
    return "\n".join(
        "".join(one for one in line if one in kept or unicodedata.category(one) not in ("Cc", "Cf", "Cs"))
        for line in text.splitlines()
    )


def cell(text: str, longest: int = 60) -> str:
    """A text of somebody else in a table, a dash where there is none."""
    return sanitize(text, longest) or "–"


def local(ms: int) -> str:
    """The time in the zone of the config: `2026-03-02 09:15:00`."""
    return f"{shown().at(ms):%Y-%m-%d %H:%M:%S}"


def local_minute(ms: int) -> str:
    """The time of day in that zone: `09:15`."""
    return shown().minute(ms)


def size_words(size: float) -> str:
    """A number of bytes: `436 B`, `12 KB`, `1.4 GB`."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


def when(ms: int | None, now_ms: int) -> str:
    """Local time to the minute with its age, for tables: `2026-03-02 09:15 (3 min ago)`, or `never`."""
    return t("never") if ms is None else f"{shown().at(ms):%Y-%m-%d %H:%M} ({ago(ms, now_ms)})"


def ago(ms: int | None, now_ms: int) -> str:
    """How long since: `3 min ago`, `never`."""
    return t("never") if ms is None else t("{time} ago", time=length(max(0, now_ms - ms)))


def day_words(ms: int, now_ms: int) -> str:
    """A time to come: `today at 04:00`, `tomorrow at 04:00`, `on 2026-03-02 at 04:00`."""
    then, days = shown().at(ms), (shown().at(ms).date() - shown().at(now_ms).date()).days
    time = f"{then:%H:%M}"
    if days == 0:
        return t("today at {time}", time=time)
    if days == 1:
        return t("tomorrow at {time}", time=time)
    return t("on {day} at {time}", day=f"{then:%Y-%m-%d}", time=time)


_GAP_OF_DMS = later(
    "direct messages from {since} to {until} may be missing: the platform did not give them out"
)
_GAP_OF_GROUPS = later(
    "messages of groups from {since} to {until} may be missing: the platform did not give them out"
)


def gap_words(gap: Gap) -> str:
    """A stretch of time whose messages the platform did not give out."""
    span = {"since": local(gap.from_ms), "until": local(gap.to_ms)}
    if gap.kind == "dm":
        return t(_GAP_OF_DMS, **span)
    return t(_GAP_OF_GROUPS, **span)


def rules_line(rules: RulesFrom, *, error_told: bool = False) -> str:
    """Where the rules of an answer were read, and whether file and gateway differ, as one sentence.

    Why a file cannot be used is left out where that was told already.
    """
    of_gateway = rules.source == "gateway"
    if not rules.running:
        return t("Rules: from the file (no gateway runs)")
    if rules.error and not rules.differs:
        unknown = t("a gateway runs, but did not say which config it uses ({error})", error=rules.error)
        return t("Rules: from the file; {other}", other=unknown)
    if not rules.differs:
        other = t("the file says the same") if of_gateway else t("the running gateway uses the same")
    elif rules.error:
        other = t("the file cannot be used, and the gateway keeps the last good one")
        other += "" if error_told else f": {rules.error}"
    elif rules.waiting:
        other = t("the file lets more in, which waits for: openclaw config apply")
    else:
        other = t("the file differs") if of_gateway else t("the running gateway uses others")
        other += t("; to apply the file: openclaw config apply")
    if of_gateway:
        return t("Rules: from the running gateway; {other}", other=other)
    return t("Rules: from the file; {other}", other=other)
