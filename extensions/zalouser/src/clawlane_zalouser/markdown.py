"""Markdown as Zalo shows it: plain text, and the ranges of it that have a style.

Zalo has styles for emphasis, four colours, two sizes, lists and indentation. It has none for links, code,
tables and HTML: those stay as they were typed, so that nobody loses an address or a command. Nothing here
does I/O.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, autolink, backtick, html_inline
from markdown_it.token import Token

from clawlane.config.choices import Tables
from clawlane.messages import Mention, Person, Style
from clawlane_zalouser.names import Names

LONGEST_PARSED = 20_000
"""Characters. A longer text is sent as it is: parsing time can grow faster than the text."""

_DEEPEST_INDENT = 5
_NBSP = "\u00a0"
_INLINE_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
_TAG_STYLES = {
    "red": "red",
    "orange": "orange",
    "yellow": "yellow",
    "green": "green",
    "big": "big",
    "underline": "underline",
    "small": "",
}
"""The tags `{name}…{/name}`; `small` is Zalo's normal size, so its tags are only removed."""

_TAG = re.compile(rf"\{{(/?)({'|'.join(_TAG_STYLES)})\}}")
_ADDRESS = re.compile(r"(?:(?<=https)|(?<=http))://[^\s<>)\]]+", re.IGNORECASE)
_TASK = re.compile(r"\[[ xX]\](?=\s)")
_LEADING_BLANKS = re.compile(r"^[ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text and its styles, in the order in which they close, and whom it mentions.

    Indices are code points.
    """

    text: str
    styles: tuple[Style, ...] = ()
    mentions: tuple[Mention, ...] = ()


def render(markdown: str, tables: Tables = Tables.CODE, people: Sequence[Person] = ()) -> StyledText:
    """Markdown as text with styles; `@Name` of one of the people is a mention, but not in code or a table.

    Text beyond `LONGEST_PARSED` characters is taken as it is.
    """
    if len(markdown) > LONGEST_PARSED:
        return StyledText(markdown.strip())
    source = markdown.replace("\r\n", "\n").replace("\r", "\n")
    tokens = _PARSER.parse(source, {"names": Names(people)})
    return _Writer(source.split("\n"), tables).write(tokens)


@dataclass(slots=True)
class _Writer:
    """Writes the tokens of one text.

    Blocks keep the distance that they had in the source, up to one empty line.
    """

    lines: Sequence[str]
    tables: Tables
    out: list[str] = field(default_factory=list)
    length: int = 0
    styles: dict[Style, None] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)
    next_line: int = 0
    quotes: int = 0
    lists: list[str] = field(default_factory=list)
    marked: bool = False
    """Whether the item that is being written has got its marker."""

    def write(self, tokens: Sequence[Token]) -> StyledText:
        skip_to = 0
        for place, token in enumerate(tokens):
            if place < skip_to:
                continue
            match token.type:
                case "blockquote_open":
                    self.quotes += 1
                case "blockquote_close":
                    self.quotes -= 1
                case "bullet_list_open" | "ordered_list_open":
                    self.lists.append(_list_style(token))
                case "bullet_list_close" | "ordered_list_close":
                    self.lists.pop()
                case "list_item_open":
                    self.marked = False
                case "inline":
                    self._paragraph(token, tokens[place - 1])
                case "fence" | "code_block":
                    self._code(token)
                case "hr":
                    self._begin(token)
                    self._add(self.lines[_first_line(token)].strip())
                case "table_open":
                    skip_to = next(at for at in range(place, len(tokens)) if tokens[at].type == "table_close")
                    self._table(token, tokens[place:skip_to])
        return StyledText("".join(self.out), tuple(self.styles), tuple(self.mentions))

    def _begin(self, token: Token) -> None:
        """Leave the distance to the block before that the source has."""
        first, last = token.map or (self.next_line, self.next_line)
        if self.out:
            self._add("\n\n" if first > self.next_line else "\n")
        self.next_line = last

    def _paragraph(self, token: Token, opening: Token) -> None:
        self._begin(token)
        level = int(opening.tag[1:]) if opening.type == "heading_open" else 0
        if level and level not in _HEADINGS:
            self._add(opening.markup + " ")
        start, parts = self.length, len(self.out)
        marker = self._marker(token)
        self._inline(token.children or [])
        self._indent(start, parts)
        for style in _HEADINGS.get(level, ()):
            self._style(start, self.length, style)
        if marker:
            first_line = "".join(self.out[parts:]).split("\n", 1)[0]
            self._style(start, start + len(first_line), marker)

    def _marker(self, token: Token) -> str:
        """The list style of an item's first line. Tasks keep their box; late lists keep numbers."""
        if not self.lists or self.marked:
            return ""
        self.marked = True
        if _TASK.match(token.content):
            return ""
        style = self.lists[-1]
        if style in _LIST_STYLES:
            return style
        self._add(f"{style}. ")
        self.lists[-1] = str(int(style) + 1)
        return ""

    def _inline(self, children: Sequence[Token]) -> None:
        open_styles: list[tuple[str, int]] = []
        for child in children:
            if child.nesting > 0:
                open_styles.append((_inline_style(child), self.length))
            elif child.nesting < 0:
                name, start = open_styles.pop()
                self._style(start, self.length, name)
            else:
                if child.type == "mention":
                    self.mentions.append(Mention(child.info, self.length, len(child.content)))
                self._add(child.content)

    def _code(self, token: Token) -> None:
        self._begin(token)
        start, parts = self.length, len(self.out)
        code = token.content.removesuffix("\n").expandtabs(4)
        self._add(_LEADING_BLANKS.sub(lambda blanks: _NBSP * len(blanks[0]), code))
        self._indent(start, parts)

    def _table(self, token: Token, tokens: Sequence[Token]) -> None:
        self._begin(token)
        start, parts = self.length, len(self.out)
        rows = list(_rows(tokens))
        match self.tables:
            case Tables.CODE | Tables.BLOCK:
                self._add("\n".join(_lined_up(rows)))
            case Tables.BULLETS:
                self._bullets(rows)
            case Tables.OFF:
                first, last = token.map or (0, 0)
                self._add("\n".join(line.strip() for line in self.lines[first:last]))
        self._indent(start, parts)

    def _bullets(self, rows: Sequence[Sequence[str]]) -> None:
        """Each row as its first cell in bold and a bullet for each further cell."""
        header, *body = rows
        for number, row in enumerate(body):
            if number:
                self._add("\n")
            start = self.length
            self._add(row[0])
            self._style(start, self.length, "bold")
            for name, cell in zip(header[1:], row[1:], strict=False):
                self._add("\n")
                start = self.length
                self._add(f"{name}: {cell}" if name else cell)
                self._style(start, self.length, "bullet")

    def _indent(self, start: int, parts: int) -> None:
        """Indent what was written since, line by line, as deep as quotes and lists are nested."""
        depth = min(self.quotes + max(0, len(self.lists) - 1), _DEEPEST_INDENT)
        if not depth:
            return
        for line in re.finditer(r"[^\n]+", "".join(self.out[parts:])):
            self.styles[Style(start + line.start(), line.end() - line.start(), "indent", depth)] = None

    def _add(self, text: str) -> None:
        self.out.append(text)
        self.length += len(text)

    def _style(self, start: int, end: int, name: str) -> None:
        if name and end > start:
            self.styles.setdefault(Style(start, end - start, name))


_LIST_STYLES = ("bullet", "number")
_HEADINGS = {1: ("bold", "big"), 2: ("bold",), 3: ("bold",), 4: ("bold",)}


def _list_style(token: Token) -> str:
    """`bullet`, `number`, or the first number of a list that does not begin with 1: Zalo counts from 1."""
    if token.type == "bullet_list_open":
        return "bullet"
    start = token.attrs.get("start", 1)
    return "number" if start == 1 else str(start)


def _inline_style(token: Token) -> str:
    return str(token.meta["style"]) if token.meta else _INLINE_STYLES[token.tag]


def _first_line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _rows(tokens: Sequence[Token]) -> Iterator[list[str]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "inline":
            row.append("".join(child.content for child in token.children or []))
        elif token.type == "tr_close":
            yield row
            row = []


def _lined_up(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(3, *map(_width, column)) for column in zip(*rows, strict=False)]
    for number, row in enumerate(rows):
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"| {' | '.join('-' * width for width in widths)} |"


def _width(text: str) -> int:
    """The columns that a text takes in a font where all letters are as wide as each other."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


InlineRule = Callable[[StateInline, bool], bool]


def _as_typed(rule: InlineRule) -> InlineRule:
    """A rule of markdown-it whose match stays in the text exactly as it was typed."""

    def typed(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if not rule(state, True):
            return False
        if not silent:
            state.append_pending(state.src[start : state.pos])
        return True

    return typed


def _address(state: StateInline, silent: bool) -> bool:
    """The rest of an address from its colon on: what looks like emphasis in it is none."""
    found = _ADDRESS.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        state.append_pending(found[0])
    state.pos = found.end()
    return True


def _tag(state: StateInline, silent: bool) -> bool:
    """A tag of Zalo's: `{red}`, `{/red}`. `_pair_tags` decides which of them have a partner."""
    found = _TAG.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        token = state.push("zalo_tag", found[2], 0)
        token.content = found[0]
        token.meta = {"closes": bool(found[1])}
    state.pos = found.end()
    return True


def _mention(state: StateInline, silent: bool) -> bool:
    """`@Name` of somebody in the group."""
    if state.src[state.pos] != "@":
        return False
    names: Names = state.env["names"]
    found = names.find(state.src, state.pos, state.posMax)
    if found is None:
        return False
    person, end = found
    if not silent:
        token = state.push("mention", "", 0)
        token.content, token.info = state.src[state.pos : end], person
    state.pos = end
    return True


def _newline(state: StateInline, silent: bool) -> bool:
    """A line break is a line break, as in a chat, and what blanks stand before it stay."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.append_pending("\n")
    state.pos += 1
    return True


def _pair_tags(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            _pair(token.children)


def _pair(children: Sequence[Token]) -> None:
    """Turn tags with a partner into opening and closing tokens; those without one stay text.

    Pairs nest properly with each other and with emphasis, as `_Writer._inline` expects.
    """
    stack: list[Token] = []
    for child in children:
        if child.type != "zalo_tag":
            if child.nesting > 0:
                stack.append(child)
            elif child.nesting < 0:
                while stack and stack[-1].type == "zalo_tag":
                    stack.pop()
                stack.pop()
        elif not child.meta["closes"]:
            stack.append(child)
        elif stack and stack[-1].type == "zalo_tag" and stack[-1].tag == child.tag:
            opening = stack.pop()
            opening.nesting, child.nesting = 1, -1
            opening.meta = child.meta = {"style": _TAG_STYLES[child.tag]}


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table", "strikethrough"])
    parser.disable(["lheading", "reference", "html_block", "link", "image", "entity"])
    for name, rule in {"backticks": backtick, "autolink": autolink, "html_inline": html_inline}.items():
        parser.inline.ruler.at(name, _as_typed(rule))
    parser.inline.ruler.at("newline", _newline)
    parser.inline.ruler.before("emphasis", "zalo_tag", _tag)
    parser.inline.ruler.before("escape", "address", _address)
    parser.inline.ruler.before("emphasis", "mention", _mention)
    for char in "{@":
        parser.inline.add_terminator_char(char)
    parser.core.ruler.push("pair_tags", _pair_tags)
    return parser


_PARSER = _parser()
