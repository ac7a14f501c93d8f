"""A setting as one line of text, to be kept beside what it decided.

It is made of the value and not cut out of the file: what else stands in that line of the file, such as a
password or a comment, is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawlane.config.problems import KeyPath
from clawlane.config.source import Source

_LONGEST = 400


def setting_text(source: Source, path: KeyPath | None) -> str:
    """`groupPolicy: 'open'`; empty for what is not written. Long ones are cut."""
    if not path:
        return ""
    value: Any = source.data
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return ""
        value = value[key]
    text = f"{_key(str(path[-1]))}: {_shown(value)}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)}: {_shown(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return _quoted(value) if isinstance(value, str) else str(getattr(value, "raw", value))


def _key(key: str) -> str:
    return key if key.isidentifier() else _quoted(key)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
