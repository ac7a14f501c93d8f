"""Edits of the config file: values and keys are put, replaced and removed, every other byte stays as it is.

EditError    the file was not changed; the text says why
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clawlane.config import layout, text_edit
from clawlane.config.errors import ConfigError, KeyPath
from clawlane.config.layout import LayoutError
from clawlane.config.masking import hidden_in
from clawlane.config.scratch import scratch_of
from clawlane.config.source import Source, parse_source
from clawlane.config.writing import Style
from clawlane.texts import later

_NEW = "{\n}\n"
"""The file that is made where there was none, before anything is put into it."""


class EditError(Exception):
    """An edit was not made; the file is unchanged."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that replaces a text, a number or (`at_key`) a key of the file."""

    path: KeyPath
    text: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    """A value of any shape that is written at a path: it replaces what is there, or is added at the end.

    Objects on the way that are missing are made. A list takes the index behind its last item. `lines` are
    the entry with its key and comments, written instead where the value is added on lines of its own.
    """

    path: KeyPath
    value: Any
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remove:
    """A key or a list item that is removed, with its line and the comment behind it."""

    path: KeyPath


AnyEdit = Edit | Put | Remove


@dataclass(frozen=True, slots=True)
class Draft:
    """An edited file that is not written yet: `before` is what it says, `source` what it would say."""

    file: Path
    raw: bytes | None
    text: str
    before: Source
    source: Source

    @property
    def changes(self) -> bool:
        return self.raw != self.text.encode()

    def diff(self) -> list[str]:
        """The changed lines, without secrets."""
        former = "" if self.raw is None else self.raw.decode()
        lines = former.splitlines(), self.text.splitlines()
        shown = (
            masked_text(self.before, former).splitlines(),
            masked_text(self.source, self.text).splitlines(),
        )
        if any(len(one) != len(other) for one, other in zip(lines, shown, strict=True)):
            lines = shown  # a secret of several lines
        found: list[str] = []
        for tag, a, b, c, d in difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes():
            if tag != "equal":
                found.append(f"@@ {_range('-', a, b)} {_range('+', c, d)} @@")
                found += [f"-{line}" for line in shown[0][a:b]]
                found += [f"+{line}" for line in shown[1][c:d]]
        return found

    def write(self) -> None:
        """Replace the file, and keep the former one beside it as `….bak`.

        File mode and a symbolic link stay; a new file is private. Raises `EditError`, also when the file has
        changed since it was read.
        """
        try:
            if self.raw is None:
                _create(self.file, self.text.encode())
            else:
                self._replace(self.raw)
        except OSError as error:
            raise EditError(
                later(
                    "{file} cannot be written: {reason}; it stays as it was; check free space and"
                    " permissions",
                    file=self.file,
                    reason=error.strerror or error,
                )
            ) from error

    def _replace(self, raw: bytes) -> None:
        scratch, kept = scratch_of(self.file), scratch_of(backup_of(self.file))
        try:
            _write_like(self.file, scratch, self.text.encode())
            _write_like(self.file, kept, raw)
            if self.file.read_bytes() != raw:
                raise EditError(
                    later(
                        "{file} was changed by something else in the meantime; nothing was written",
                        file=self.file,
                    )
                )
            # A link in the place of the backup is replaced, never followed.
            kept.replace(backup_of(self.file))
            scratch.replace(self.file)
        finally:
            scratch.unlink(missing_ok=True)
            kept.unlink(missing_ok=True)


def backup_of(file: Path) -> Path:
    """Where the file from before the last edit is kept."""
    return file.with_name(f"{file.name}.bak")


def edit(
    source: Source, edits: Sequence[AnyEdit], check: Callable[[Source], object] | None = None
) -> list[str]:
    """Make all edits in the file of `source`, or none. The former file is kept beside it as `….bak`.

    `check` is given what the edited file says, and keeps it from being written by raising. Returns the
    changed lines as a diff. Comments, order, quotes, file mode and a symbolic link stay. A file that does not
    exist is made. Raises `EditError`, also when the file has changed since it was read.
    """
    made = draft(source, edits)
    if check is not None:
        check(made.source)
    made.write()
    return made.diff()


def style_of(source: Source) -> Style:
    """How the file of `source` is written."""
    text = source.file.read_bytes().decode("utf-8-sig")
    return Style.of(text, layout.parse(text))


def draft(source: Source, edits: Sequence[AnyEdit]) -> Draft:
    """The file of `source` with the edits made, without writing it. Raises `EditError`."""
    file = source.file.resolve()
    raw = file.read_bytes() if source.exists else None
    before = _NEW if raw is None else raw.decode()
    after = apply_edits(source, before, edits)
    try:
        found = parse_source(source.file, after.encode())
    except UnicodeEncodeError:
        raise _refused(later("a text with half a character cannot be written")) from None
    except ConfigError as error:
        raise _refused(later("the edited file would not be readable ({error})", error=error)) from None
    if found.data != _expected(source.data, edits):
        raise _refused(later("the file is not the one that was read, or the edits contradict"))
    return Draft(file, raw, after, source, found)


def apply_edits(source: Source, text: str, edits: Sequence[AnyEdit]) -> str:
    """The text of the file with the edits made. Raises `EditError` where it is not the text of `source`.

    The paths of all `Edit` are those of the file; those of `Put` and `Remove` follow, each by what the ones
    before it have made.
    """
    texts = [one for one in edits if isinstance(one, Edit)]
    try:
        text = text_edit.replace_texts(text, source.data, [(one.path, one.text, one.at_key) for one in texts])
        data = _with_texts(source.data, texts, ())
        for one in edits:
            if isinstance(one, Put):
                text, data = text_edit.put(text, data, one.path, one.value, one.lines), _with(data, one)
            elif isinstance(one, Remove):
                text, data = text_edit.remove(text, data, one.path), _with(data, one)
    except LayoutError as error:
        raise _refused(str(error)) from None
    return text


def _refused(message: str) -> EditError:
    return EditError(later("{problem}; nothing was written", problem=message))


def _with_texts(data: Any, edits: Sequence[Edit], path: KeyPath) -> Any:
    for one in edits:
        if one.path == path and not one.at_key:
            return one.text
    if isinstance(data, Mapping):
        names = {one.path: one.text for one in edits if one.at_key}
        return {
            names.get((*path, key), key): _with_texts(value, edits, (*path, key))
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [_with_texts(value, edits, (*path, index)) for index, value in enumerate(data)]
    return data


def _with(data: Any, change: Put | Remove, depth: int = 0) -> Any:
    """What the file says after a change."""
    if depth == len(change.path):
        return change.value if isinstance(change, Put) else data
    step, last = change.path[depth], depth == len(change.path) - 1
    if isinstance(step, int):
        items = list(data)
        if isinstance(change, Remove) and last:
            del items[step]
        elif step == len(items):
            items.append(_with({}, change, depth + 1))
        else:
            items[step] = _with(items[step], change, depth + 1)
        return items
    if isinstance(change, Remove) and last:
        return {key: value for key, value in data.items() if key != step}
    return {**data, step: _with(data.get(step, {}), change, depth + 1)}


def _expected(data: Any, edits: Sequence[AnyEdit]) -> Any:
    data = _with_texts(data, [one for one in edits if isinstance(one, Edit)], ())
    for one in edits:
        if not isinstance(one, Edit):
            data = _with(data, one)
    return data


def masked_text(source: Source, text: str) -> str:
    """The text of a file with signs in the place of secrets."""
    if not source.exists:
        return text
    texts = [(path, shown, False) for path, shown in hidden_in(source.data)]
    return text_edit.replace_texts(text, source.data, texts)


def _range(sign: str, begin: int, end: int) -> str:
    """Lines as a diff counts them: `-6`, `+7,2`; for none, the line before."""
    count = end - begin
    return f"{sign}{begin + 1 if count else begin}" + ("" if count == 1 else f",{count}")


def _write_like(file: Path, scratch: Path, content: bytes) -> None:
    """Write a new file with the mode of an old one, and sync it."""
    _write(scratch, content, file.stat().st_mode & 0o777)


def _create(file: Path, content: bytes) -> None:
    """Make a private file, and the private folders that it needs. One that is there meanwhile stays."""
    for folder in reversed([one for one in (file.parent, *file.parent.parents) if not one.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    scratch = scratch_of(file)
    try:
        _write(scratch, content, 0o600)
        os.link(scratch, file)
    except FileExistsError:
        raise _refused(later("{file} was made by something else in the meantime", file=file)) from None
    finally:
        scratch.unlink(missing_ok=True)


def _write(scratch: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
