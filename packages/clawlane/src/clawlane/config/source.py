"""The config file as plain values, with the line and column of each.

A decimal integer stays an exact `int`. Any other notation (`0x1F`, `1e20`, `12.0`, `-3`, `+3`) becomes an
`OddInt` or an `OddFloat`, which are numbers that keep their text. They are refused as ids.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from json5.loader import ModelLoader, loads
from json5.model import (
    BooleanLiteral,
    Identifier,
    Infinity,
    Integer,
    JSONArray,
    JSONObject,
    NaN,
    NullLiteral,
    String,
    UnaryOp,
)
from json5.utils import JSON5DecodeError

from clawlane.config.errors import ConfigError, KeyPath, Problem, format_path
from clawlane.config.numbers import OddFloat, OddInt
from clawlane.config.regular_file import read_regular

_MAX_BYTES = 4 * 1024 * 1024
_PLACE = re.compile(r"line (\d+) column (\d+)")
_INDEX = re.compile(r"at index (\d+)")
_EXPECTED = re.compile(r"Was expecting ((?:[A-Z]+|value)(?: or [A-Z]+)*)")
_NEAR = re.compile(r"near token ([A-Z_]+)")
_SIGNS = {
    "COMMA": "','",
    "COLON": "':'",
    "RBRACE": "'}'",
    "RBRACKET": "']'",
    "LBRACE": "'{'",
    "LBRACKET": "'['",
    "value": "a value (texts need quotes)",
}


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column, both counted from 1."""

    line: int
    column: int


_OF_MACHINE = ("node", "store", "secrets")
"""Keys of the root that differ between machines which share a store."""


@dataclass(frozen=True)
class Source:
    """One config file. `data` is its root object, empty for a file that does not exist.

    `revision` is a digest of its text, empty without a file.
    """

    file: Path
    data: Mapping[str, Any]
    values: Mapping[KeyPath, Position] = field(repr=False)
    keys: Mapping[KeyPath, Position] = field(repr=False)
    exists: bool = True
    revision: str = ""

    @property
    def substance(self) -> str:
        """A digest of what it says, the same on all machines that share a store if they say the same."""
        said = {name: value for name, value in self.data.items() if name not in _OF_MACHINE}
        return _revision(json.dumps(said, sort_keys=True).encode())

    @cached_property
    def by_path(self) -> Mapping[str, KeyPath]:
        """Each key that is written, by its path as text. Asked for each of hundreds of accounts."""
        return {format_path(path): path for path in self.keys}

    @cached_property
    def account_names(self) -> Mapping[tuple[str, str], str]:
        """How the accounts of a channel are written, by channel and id."""
        found: dict[tuple[str, str], str] = {}
        channels = self.data.get("channels")
        for channel in channels if isinstance(channels, Mapping) else ():
            accounts = self.at(("channels", channel, "accounts"))
            for name in accounts if isinstance(accounts, Mapping) else ():
                found.setdefault((channel, name.strip().lower()), name)
        return found

    def at(self, path: KeyPath) -> Any:
        """The value at a path of keys, None where there is none."""
        value: Any = self.data
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                return None
            value = value[key]
        return value

    def problem(self, path: KeyPath, message: str, hint: str = "", *, at_key: bool = False) -> Problem:
        """A problem of a value (or its key), placed at the nearest position in the file."""
        path = self._as_written(path)
        position = self.position(path, at_key=at_key)
        if position is None:
            return Problem(format_path(path), self.file.name, None, None, message, hint)
        where = f"{self.file.name}:{position.line}:{position.column}"
        return Problem(format_path(path), where, position.line, position.column, message, hint)

    def _as_written(self, path: KeyPath) -> KeyPath:
        """A path without the places in lists of what the file writes as one object."""
        written: KeyPath = ()
        for part in path:
            if not (isinstance(part, int) and isinstance(self.at(written), Mapping)):
                written = (*written, part)
        return written

    def position(self, path: KeyPath, *, at_key: bool = False) -> Position | None:
        """Where a value (or its key) is; for one that is not in the file, where its nearest parent is."""
        if at_key and path in self.keys:
            return self.keys[path]
        for length in range(len(path), 0, -1):
            if path[:length] in self.values:
                return self.values[path[:length]]
        return self.values.get(())


def read_source(file: Path) -> Source:
    """Read and parse a config file. Raises `ConfigError` if it cannot be read or parsed."""
    raw = _read(file)
    return Source(file, {}, {}, {}, exists=False) if raw is None else parse_source(file, raw)


@lru_cache(maxsize=1)
def parse_source(file: Path, raw: bytes) -> Source:
    """The content of a config file, which need not be in the file yet. Raises `ConfigError`.

    Kept, for a gateway reads the same text again and again.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, f"is not UTF-8 text (line {line}): save it as UTF-8") from None
    reader = _Reader(file)
    try:
        root = loads(text, loader=ModelLoader()).value
        data = reader.value(root, ())
    except JSON5DecodeError as error:
        raise _syntax_error(file, text, str(error)) from None
    except RecursionError:
        raise _unreadable(file, "is nested too deeply") from None
    except ValueError:
        raise _unreadable(file, "has a number of more than 4300 digits: put it in quotes") from None
    if reader.problems:
        raise ConfigError(reader.problems)
    if not isinstance(data, dict):
        raise _unreadable(file, "must hold one object: { … }")
    return Source(file, data, reader.values, reader.keys, revision=_revision(raw))


def revision_of(file: Path) -> str:
    """The revision of a config file as it is now, or empty without one. Raises `ConfigError`."""
    raw = _read(file)
    return "" if raw is None else _revision(raw)


def _revision(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


class _Reader:
    """Turns the syntax tree into values, and records positions and duplicate keys."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.values: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self.problems: list[Problem] = []

    def value(self, node: Any, path: KeyPath) -> Any:
        self.values[path] = _position(node)
        match node:
            case JSONObject():
                return self._object(node, path)
            case JSONArray():
                return [self.value(item, (*path, index)) for index, item in enumerate(node.values)]
            case String():
                return self._text(node, path)
            case BooleanLiteral():
                return bool(node.value)
            case NullLiteral():
                return None
        return _number(node)

    def _object(self, node: JSONObject, path: KeyPath) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for pair in node.key_value_pairs:
            name: Any = pair.key
            key = name.name if isinstance(name, Identifier) else self._text(name, path)
            here = (*path, key)
            position = _position(name)
            if key in out:
                first = self.keys[here].line
                self._problem(
                    here, position, f"this key is written twice (first in line {first})", "keep one of them"
                )
                continue
            self.keys[here] = position
            out[key] = self.value(pair.value, here)
        return out

    def _text(self, node: String, path: KeyPath) -> str:
        # Two \u escapes that make one character arrive as two halves; a lone half cannot be stored or sent.
        text = str(node.characters).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\ufffd" in text and "\ufffd" not in str(node.characters):
            self._problem(path, _position(node), "half a character: a \\uD800 to \\uDFFF escape stands alone")
        return text

    def _problem(self, path: KeyPath, at: Position, message: str, hint: str = "") -> None:
        where = f"{self.file.name}:{at.line}:{at.column}"
        self.problems.append(Problem(format_path(path), where, at.line, at.column, message, hint))


def _number(node: Any) -> int | float:
    raw = _raw(node)
    if isinstance(node, Integer) and raw.isdecimal():
        return int(raw)
    sign = -1 if raw.startswith("-") else 1
    digits = raw.lstrip("+-")
    whole: Any = node.value if isinstance(node, UnaryOp) else node
    if isinstance(whole, Integer):
        odd = OddInt(sign * int(digits, 16 if digits[:2].lower() == "0x" else 10))
        odd.raw = raw
        return odd
    plain = math.inf if isinstance(whole, Infinity) else math.nan if isinstance(whole, NaN) else float(digits)
    number = OddFloat(sign * plain)
    number.raw = raw
    return number


def _raw(node: Any) -> str:
    if isinstance(node, UnaryOp):
        return f"{node.op}{_raw(node.value)}"
    if isinstance(node, Infinity):
        return "Infinity"
    return "NaN" if isinstance(node, NaN) else str(node.raw_value)


def _position(node: Any) -> Position:
    return Position(node.lineno, node.col_offset + 1)


def _read(file: Path) -> bytes | None:
    try:
        raw = read_regular(file, _MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _unreadable(file, "is not a regular file") from None
    if len(raw) > _MAX_BYTES:
        raise _unreadable(file, "is larger than 4 MiB: this is not a config file")
    return raw


def _unreadable(file: Path, message: str) -> ConfigError:
    return ConfigError([Problem("", str(file), None, None, message)])


def _syntax_error(file: Path, text: str, error: str) -> ConfigError:
    """The parser's first error as one line with a position."""
    first = next((line.strip() for line in error.splitlines() if "column" in line or "index" in line), error)
    if found := _PLACE.search(first):
        line, column = int(found[1]), int(found[2])
    else:
        before = text[: int(found[1]) if (found := _INDEX.search(first)) else len(text)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    where = f"{file.name}:{line}:{column}"
    return ConfigError([Problem("", where, line, column, _complaint(first))])


def _complaint(error: str) -> str:
    near = found[1] if (found := _NEAR.search(error)) else ""
    if "UNTERMINATED" in near:
        return "a text starts here and never ends"
    if found := _EXPECTED.search(error):
        return "expected " + " or ".join(_SIGNS.get(word, word) for word in found[1].split(" or "))
    if found := re.search(r"Illegal character ('.')", error):
        return f"unexpected character {found[1]}"
    if "Octals" in error:
        return "a number must not start with 0; put an id in quotes"
    if error == "Expecting value. Received unexpected EOF":
        return "the file is empty; write { } for the built-in defaults"
    if "EOF" in error:
        return "the file ends in the middle: a value, '}' or ']' is missing"
    if near and error.startswith("Syntax Error in"):
        return f"unexpected {_SIGNS.get(near, near.lower())}"
    reason = re.split(r" in or near token| at: line|\(line", error)[0].removeprefix("Syntax Error: ")
    return reason.strip().rstrip(".").lower()
