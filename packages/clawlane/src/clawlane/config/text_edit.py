"""Edits of a JSON5 text: what is put or removed changes, and not one byte besides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clawlane.config import layout
from clawlane.config.errors import KeyPath, format_path
from clawlane.config.layout import LayoutError, Member, Node
from clawlane.config.writing import COMMENT, Style, escaped, wrapped_comment

_FEW = 60
"""Columns taken to be used before a value that is added within a line."""


@dataclass(frozen=True, slots=True)
class _Splice:
    """What replaces a part of a text."""

    begin: int
    end: int
    text: str = ""


def _spliced(text: str, splices: Iterable[_Splice]) -> str:
    """A text with parts of it replaced; where two begin at one place, the first one goes first."""
    ordered = sorted(splices, key=lambda one: one.begin)
    for one in reversed(ordered):
        text = f"{text[: one.begin]}{one.text}{text[one.end :]}"
    return text


def replace_texts(text: str, data: Any, changes: Iterable[tuple[KeyPath, str, bool]]) -> str:
    """A text with texts in the place of texts, numbers or (`True`) keys of it, all found before the first.

    `data` is what the text says. Raises `LayoutError`, as the other functions do.
    """
    root = layout.parse(text)
    splices = []
    for path, new, at_key in changes:
        nodes = layout.find(root, data, path)
        if len(nodes) <= len(path):
            raise LayoutError(f"{format_path(path)} is not in the file")
        begin, end = nodes[-1].start, nodes[-1].end
        if at_key:
            member = next(member for member in nodes[-2].members if member.value is nodes[-1])
            begin, end = member.start, member.start + len(member.key)
        if text[begin] in "{[":
            raise LayoutError(f"{format_path(path)} is neither a text nor a number")
        quote = '"' if text[begin] == '"' else "'"
        splices.append(_Splice(begin, end, f"{quote}{escaped(new, quote)}{quote}"))
    return _spliced(text, splices)


def put(text: str, data: Any, path: KeyPath, value: Any, lines: Sequence[str] = ()) -> str:
    """A text with a value at a path: in the place of another, or added at the end of its object or list.

    `lines` are the entry with its comments, for a value that is added on lines of its own.
    """
    return _Change(text, data, path, lines).put(value)


def remove(text: str, data: Any, path: KeyPath) -> str:
    """A text without a key or an item, its line and the comment behind it."""
    return _Change(text, data, path).remove()


class _Change:
    """A change at one path of a text, whose content is `data`."""

    def __init__(self, text: str, data: Any, path: KeyPath, lines: Sequence[str] = ()) -> None:
        self.text, self.data, self.path, self.lines = text, data, path, lines
        self.root = layout.parse(text)
        self.nodes = layout.find(self.root, data, path)
        self.style = Style.of(text, self.root)

    def put(self, value: Any) -> str:
        found = len(self.nodes) - 1
        if found == len(self.path):
            node = self.nodes[-1]
            line = self.text[layout.line_start(self.text, node.start) : node.start]
            indent = _indent(line)
            written = self.style.value(value, indent, len(line) - len(indent))
            return _spliced(self.text, [_Splice(node.start, node.end, written)])
        for step in reversed(self.path[found + 1 :]):
            if step and not isinstance(step, str):
                raise LayoutError(f"{format_path(self.path)} is in a list that is not in the file")
            value = {step: value} if isinstance(step, str) else [value]
        return _spliced(self.text, self._insertion(self.nodes[-1], self.path[found], value))

    def _insertion(self, node: Node, step: str | int, value: Any) -> list[_Splice]:
        place = format_path(self.path[: len(self.nodes) - 1]) or "the file"
        if node.opening != ("{" if isinstance(step, str) else "["):
            kind = {"{": "an object", "[": "a list"}.get(node.opening, "a single value")
            raise LayoutError(f"{place} is {kind}, so it has no {format_path((step,))}")
        if isinstance(step, int) and step != len(node.members):
            raise LayoutError(
                f"{place} has {len(node.members)} items, so it takes [{len(node.members)}] next"
            )
        quoted = all(one.key[:1] in "'\"" for one in node.members) if node.members else self.style.quoted_keys
        key = f"{self.style.key(step, quoted=quoted)}: " if isinstance(step, str) else ""
        if not node.members:
            return self._first(node, key, value)
        last = node.members[-1]
        indent = layout.indent_at(self.text, last.start)
        comma = [] if last.comma is not None else [_Splice(last.end, last.end, ",")]
        trailing = "," if last.comma is not None else ""
        if indent is None:
            at = last.after
            outer = _indent(self.text[layout.line_start(self.text, last.start) : last.start])
            return [*comma, _Splice(at, at, f" {key}{self.style.value(value, outer, _FEW)}{trailing}")]
        at = self._inner_end(node)
        if lines := self._entry(indent):
            apart = self.style.newline if COMMENT in lines else ""
            return [*comma, _Splice(at, at, f"{apart}{self.style.newline}{lines}{trailing}")]
        written = self.style.value(value, indent, len(key))
        return [*comma, _Splice(at, at, f"{self.style.newline}{indent}{key}{written}{trailing}")]

    def _entry(self, indent: str) -> str:
        """The lines that were given, without the last comma, inside of the objects that are missing."""
        if not self.lines:
            return ""
        lines, unit = list(self.lines), self.style.unit
        for step in reversed(self.path[len(self.nodes) - 1 : -1]):
            key = self.style.key(str(step), quoted=self.style.quoted_keys)
            lines = [f"{key}: {{", *(f"{unit}{one}" if one else "" for one in lines), "},"]
        whole = [line for one in lines for line in wrapped_comment(f"{indent}{one}" if one else "")]
        return self.style.newline.join(whole).removesuffix(",")

    def _first(self, node: Node, key: str, value: Any) -> list[_Splice]:
        """The first entry of an object or a list without any; comments in it stay before the entry."""
        start = layout.line_start(self.text, node.start)
        outer = _indent(self.text[start : node.start].removeprefix("\ufeff"))
        inside = self.text[node.start + 1 : node.end - 1]
        at = self._inner_end(node)
        several = len(self.nodes) == 1 and ("\n" in self.text or not inside.strip())
        above = self.nodes[-2].members if len(self.nodes) > 1 else ()
        several = several or (
            node.opening == "{" and any(layout.indent_at(self.text, one.start) is not None for one in above)
        )
        if not several and "\n" not in inside and "\r" not in inside:
            blank = " " if node.opening == "{" else ""
            lead = " " if inside.strip() else blank
            return [_Splice(at, node.end - 1, f"{lead}{key}{self.style.value(value, outer, _FEW)}{blank}")]
        indent = outer + self.style.unit
        entry = self._entry(indent) or f"{indent}{key}{self.style.value(value, indent, len(key))}"
        written = f"{self.style.newline}{entry}"
        written += "," if self.style.trailing else ""
        closing = self.text[at : node.end - 1]
        rest = closing if "\n" in closing or "\r" in closing else f"{self.style.newline}{outer}"
        return [_Splice(at, node.end - 1, written + rest)]

    def _inner_end(self, node: Node) -> int:
        """Behind everything in an object or a list but the blanks before its end."""
        inside = self.text[node.start + 1 : node.end - 1]
        return node.start + 1 + len(inside.rstrip())

    def remove(self) -> str:
        if len(self.nodes) <= len(self.path) or not self.path:
            raise LayoutError(f"{format_path(self.path) or 'the file'} is not in the file")
        node = self.nodes[-2]
        at = next(index for index, one in enumerate(node.members) if one.value is self.nodes[-1])
        member, before = node.members[at], node.members[at - 1] if at else None
        is_last = at == len(node.members) - 1
        splices = [self._line_of(member) or self._part_of(member, is_last=is_last)]
        if is_last and member.comma is None and before is not None and before.comma is not None:
            splices.append(_Splice(before.comma, before.comma + 1))
        return _spliced(self.text, splices)

    def _line_of(self, member: Member) -> _Splice | None:
        """The lines that an entry has for itself, with the comment behind it; None if it shares them."""
        if layout.indent_at(self.text, member.start) is None:
            return None
        begin = layout.line_start(self.text, member.start)
        end = layout.line_end(self.text, member.after)
        if end is None or end == len(self.text):
            return None
        return _Splice(begin, end + (2 if self.text.startswith("\r\n", end) else 1))

    def _part_of(self, member: Member, *, is_last: bool) -> _Splice:
        """An entry that shares its line, with the blanks on one side of it."""
        begin, end = member.start, member.after
        if is_last:
            while self.text[begin - 1] in " \t":
                begin -= 1
        else:
            while self.text[end] in " \t":
                end += 1
        return _Splice(begin, end)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
