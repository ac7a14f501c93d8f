"""Values as JSON5 text, in the style of the file that they are written into."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from clawlane.config.layout import Node, has_comments, indent_at, line_start

_WIDTH = 100
"""Columns within which a list or an object is written on one line."""

COMMENT = "// "
_COLUMNS = 78
"""Of comments: they are shown indented before a file is written."""

_COMMAND = re.compile(r"`[^`]*`|\bopenclaw [a-z][^.,;()`]*")
_JOINED = "\u00a0"
"""Stands for a blank at which no line ends."""

_BARE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_WORDS = frozenset(("true", "false", "null", "Infinity", "NaN"))
_BLANKS = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written. `trailing` puts a comma behind the last entry of what takes several lines.

    Without `comments` it is plain JSON, which has none.
    """

    newline: str = "\n"
    unit: str = "  "
    quote: str = "'"
    quoted_keys: bool = False
    trailing: bool = True
    comments: bool = True

    @classmethod
    def of(cls, text: str, root: Node) -> Style:
        """The style of a text, with the defaults for what it does not show."""
        nodes = list(_nodes(root))
        keys = [member.key for node in nodes for member in node.members if member.key]
        scalars = (text[node.start] for node in nodes if not node.opening)
        quotes = Counter(sign for sign in (*(key[0] for key in keys), *scalars) if sign in "'\"")
        quote = quotes.most_common(1)[0][0] if quotes else "'"
        quoted = bool(keys) and all(key[0] in "'\"" for key in keys)
        commas = [
            node.members[-1].comma is not None
            for node in nodes
            if node.members and line_start(text, node.members[-1].end) != line_start(text, node.end)
        ]
        strict = quoted and quote == '"'
        return cls(
            newline="\r\n" if "\r\n" in text else "\n",
            unit=next((unit for node in nodes if (unit := _unit(text, node))), "  "),
            quote=quote,
            quoted_keys=quoted,
            trailing=2 * sum(commas) >= len(commas) if commas else not strict,
            comments=not strict or has_comments(text),
        )

    def key(self, key: str, *, quoted: bool) -> str:
        """A key, without quotes where it needs none and its neighbours have none."""
        if not quoted and _BARE.match(key) and key not in _WORDS:
            return key
        return self.text(key)

    def text(self, text: str) -> str:
        return f"{self.quote}{escaped(text, self.quote)}{self.quote}"

    def value(self, value: Any, indent: str = "", used: int = 0) -> str:
        """A value that begins in a line of this indentation, with `used` columns before it."""
        short = self.on_one_line(value)
        if not isinstance(value, Mapping | list | tuple) or len(indent) + used + len(short) <= _WIDTH:
            return short
        inner = indent + self.unit
        if isinstance(value, Mapping):
            signs = "{}"
            lines = []
            for key, one in value.items():
                head = f"{self.key(key, quoted=self.quoted_keys)}: "
                lines.append(f"{head}{self.value(one, inner, len(head))}")
        else:
            signs, lines = "[]", [self.value(one, inner) for one in value]
        body = f",{self.newline}{inner}".join(lines) + ("," if self.trailing else "")
        return f"{signs[0]}{self.newline}{inner}{body}{self.newline}{indent}{signs[1]}"

    def on_one_line(self, value: Any) -> str:
        """A value without a line break, however long it is."""
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case str():
                return self.text(value)
            case int() | float():
                return _number(value)
            case Mapping():
                quoted = self.quoted_keys
                pairs = (
                    f"{self.key(key, quoted=quoted)}: {self.on_one_line(one)}" for key, one in value.items()
                )
                return f"{{ {', '.join(pairs)} }}" if value else "{}"
        return f"[{', '.join(map(self.on_one_line, value))}]"


def wrapped_comment(line: str) -> list[str]:
    """A line of a file; one that is a long comment as several, with each command of it in one piece."""
    bare = line.lstrip()
    if not bare.startswith(COMMENT):
        return [line]
    start = line[: len(line) - len(bare)] + COMMENT
    text = _COMMAND.sub(lambda found: found.group().replace(" ", _JOINED), bare.removeprefix(COMMENT))
    lines = wrap(
        text,
        _COLUMNS,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [one.replace(_JOINED, " ") for one in lines]


def escaped(text: str, quote: str) -> str:
    """A text as it is written between these quotes."""
    signs = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    signs = signs.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x7f", "\\u007f")
    return signs.replace(quote, f"\\{quote}")


def _number(value: int | float) -> str:
    if raw := getattr(value, "raw", ""):
        return str(raw)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for member in node.members:
        yield from _nodes(member.value)


def _unit(text: str, node: Node) -> str:
    """How much deeper the first entry of a value is than the line that it begins in; empty if it is not."""
    inner = indent_at(text, node.members[0].start) if node.members else None
    start = line_start(text, node.start)
    found = _BLANKS.match(text, start)
    outer = found.group() if found else ""
    return inner[len(outer) :] if inner is not None and inner.startswith(outer) else ""
