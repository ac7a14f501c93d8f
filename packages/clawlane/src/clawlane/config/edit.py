"""Edits of the config file: single values and keys are replaced, every other byte stays as it is.

EditError    the file was not changed; the text says why
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clawlane.config.errors import ConfigError, KeyPath, format_path
from clawlane.config.source import Position, Source, read_source

_BOM = "\ufeff"
_TOKEN = re.compile(r"""'(?:\\(?:\r\n|[\s\S])|[^'\\])*'|"(?:\\(?:\r\n|[\s\S])|[^"\\])*"|[^\s,:\[\]{}/'"]+""")


class EditError(Exception):
    """An edit was not made; the file is unchanged."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that replaces a text, a number or (`at_key`) a key of the file."""

    path: KeyPath
    text: str
    at_key: bool = False


def backup_of(file: Path) -> Path:
    """Where the file from before the last edit is kept."""
    return file.with_name(f"{file.name}.bak")


def edit(source: Source, edits: Sequence[Edit]) -> list[str]:
    """Make all edits in the file of `source`, or none. The former file is kept beside it as `….bak`.

    Returns the changed lines as a diff. Comments, order, quotes, file mode and a symbolic link stay.
    Raises `EditError`, also when the file has changed since it was read.
    """
    file = source.file.resolve()
    raw = file.read_bytes()
    before = raw.decode()
    after = apply_edits(source, before, edits)
    scratch, kept = _scratch_of(file), _scratch_of(backup_of(file))
    try:
        _write_like(file, scratch, after.encode())
        _check(scratch, source, edits)
        _write_like(file, kept, raw)
        if file.read_bytes() != raw:
            raise EditError(f"{file} was changed by something else in the meantime; nothing was written")
        # A link in the place of the backup is replaced, never followed.
        kept.replace(backup_of(file))
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
        kept.unlink(missing_ok=True)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in diff if not line.startswith(("---", "+++"))]


def _scratch_of(file: Path) -> Path:
    return file.with_name(f".{file.name}.{secrets.token_hex(6)}")


def apply_edits(source: Source, text: str, edits: Sequence[Edit]) -> str:
    """The text of the file with the edits made. Raises `EditError` where it is not the text of `source`."""
    start = len(_BOM) if text.startswith(_BOM) else 0
    lines = [start, *(start + found.end() for found in re.finditer("\n", text[start:]))]
    spots = sorted({_spot(source, text, lines, one): one for one in edits}.items(), reverse=True)
    for (begin, end), one in spots:
        quote = '"' if text[begin] == '"' else "'"
        escaped = one.text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
        escaped = escaped.replace("\n", "\\n").replace("\r", "\\r")
        text = f"{text[:begin]}{quote}{escaped}{quote}{text[end:]}"
    return text


def _spot(source: Source, text: str, lines: Sequence[int], one: Edit) -> tuple[int, int]:
    """Where the token that an edit replaces begins and ends."""
    position: Position | None = (source.keys if one.at_key else source.values).get(one.path)
    if position is None or position.line > len(lines):
        raise EditError(f"{format_path(one.path)} is not in the file; nothing was written")
    begin = lines[position.line - 1] + position.column - 1
    found = _TOKEN.match(text, begin)
    if found is None:
        raise EditError(f"{format_path(one.path)} is neither a text nor a number; nothing was written")
    return found.span()


def _write_like(file: Path, scratch: Path, content: bytes) -> None:
    """Write a new file with the mode of an old one, and sync it."""
    mode = file.stat().st_mode & 0o777
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())


def _check(scratch: Path, source: Source, edits: Sequence[Edit]) -> None:
    """Compare the new file with the old data and the edits."""
    try:
        found = read_source(scratch).data
    except ConfigError as error:
        raise EditError(f"the edited file would not be readable ({error}); nothing was written") from None
    if found != _expected(source.data, edits, ()):
        raise EditError("the file is not the one that was read, or the edits contradict; nothing was written")


def _expected(data: Any, edits: Sequence[Edit], path: KeyPath) -> Any:
    for one in edits:
        if one.path == path and not one.at_key:
            return one.text
    if isinstance(data, Mapping):
        names = {one.path: one.text for one in edits if one.at_key}
        return {
            names.get((*path, key), key): _expected(value, edits, (*path, key)) for key, value in data.items()
        }
    if isinstance(data, list):
        return [_expected(value, edits, (*path, index)) for index, value in enumerate(data)]
    return data
