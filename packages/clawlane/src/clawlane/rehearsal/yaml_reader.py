"""Reads YAML written by people: values with the line each came from, within limits.

Only what a scenario needs: mappings, lists and texts. Aliases, tags and a second document are refused, and so
is a key that comes twice. A value is kept as it was typed, so that `says: no` and `says: 007` stay texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from clawlane.texts import later

LONGEST = 64 * 1024
"""Bytes of a file."""

_DEEPEST = 8
_MOST = 5000
_INTEGER = re.compile(r"-?\d{1,18}\Z")
_FLOAT = re.compile(r"-?\d{1,18}\.\d{1,18}\Z")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}

Place = tuple[str | int, ...]


class YamlError(Exception):
    """The text cannot be read. `line` counts from 1."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


class Scalar(str):
    """A text of the file; `plain` if it stands there without quotes."""

    __slots__ = ("plain",)
    plain: bool


def read(text: str) -> tuple[Any, dict[Place, int]]:
    """The values of a document, and the line of each of its places. Raises `YamlError`."""
    try:
        _check(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(
            later("this is not YAML: {problem}", problem=error.problem), mark.line + 1 if mark else 1
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(later("this is not YAML: {problem}", problem=error.reason), line) from None
    lines: dict[Place, int] = {}
    return (None if node is None else _value(node, (), lines)), lines


def typed(value: Any) -> Any:
    """A value with its numbers and truth values, for what is handed on as JSON."""
    if isinstance(value, Mapping):
        return {str(key): typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [typed(one) for one in value]
    if not isinstance(value, Scalar) or not value.plain:
        return str(value) if isinstance(value, str) else value
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.match(value):
        return int(value)
    return float(value) if _FLOAT.match(value) else str(value)


def _check(text: str) -> None:
    depth, documents = 0, 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if number > _MOST:
            raise YamlError(later("this is too long: at most {n} values", n=_MOST), line)
        if depth > _DEEPEST:
            raise YamlError(later("this is nested too deep: at most {n} levels", n=_DEEPEST), line)
        if documents > 1:
            raise YamlError(later("this is a second document; a file has one"), line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError(later("anchors and aliases (&, *) are not read; put the text in quotes"), line)
        if getattr(event, "tag", None):
            raise YamlError(later("tags (!) are not read; put the text in quotes"), line)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, (*place, at), lines) for at, one in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, one in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(later("a key has to be a text"), line)
            if key.value in found:
                raise YamlError(later("{key!r} stands here twice", key=key.value[:40]), line)
            found[key.value] = _value(one, (*place, key.value), lines)
            lines[(*place, key.value)] = line
        return found
    assert isinstance(node, yaml.ScalarNode)
    scalar = Scalar(node.value)
    scalar.plain = node.style is None
    return scalar
