"""Reads plugin folders and wheels of unknown origin: bounded in size, never blocking, one line per error."""

from __future__ import annotations

import configparser
import lzma
import os
import stat
import tomllib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from clawlane.config.regular_file import read_regular
from clawlane.plugins.errors import BadSpec
from clawlane.texts import Later, later

_TEXT_BYTES = 1024 * 1024
"""Larger than any real pyproject.toml, METADATA or entry_points.txt."""
_WHEEL_BYTES = 100 * 1024 * 1024
_UNPACKED_BYTES = 500 * 1024 * 1024
_MOST_FILES = 20_000
_SKIPPED = frozenset((".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"))
_NO_WHEEL = (
    OSError,
    ValueError,
    RuntimeError,  # encrypted members, unknown compression, and RecursionError
    EOFError,
    KeyError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    configparser.Error,
)


def project_table(spec: str, folder: Path) -> Mapping[str, Any]:
    """The table `[project]` of the folder's pyproject.toml. Raises `BadSpec`."""
    try:
        table = tomllib.loads(
            _bounded(read_regular(folder / "pyproject.toml", _TEXT_BYTES)).decode("utf-8-sig")
        )
    except FileNotFoundError:
        raise BadSpec(
            later("{spec} has no pyproject.toml", spec=spec),
            later("give the folder that holds the plugin's pyproject.toml"),
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadSpec(
            later("{spec}/pyproject.toml cannot be read: {reason}", spec=spec, reason=_first_line(error))
        ) from None
    project = table.get("project", {})
    if not isinstance(project, dict):
        raise BadSpec(
            later("{spec}/pyproject.toml: [project] is not a table", spec=spec),
            later("write [project] with its keys below"),
        )
    return project


def refuse_odd_files(spec: str, folder: Path) -> None:
    """Raises `BadSpec` for a folder with files on which a build would block or never finish."""
    for count, path in enumerate(_files_below(folder)):
        if count >= _MOST_FILES:
            raise BadSpec(
                later("{spec} has more than {most_files} files", spec=spec, most_files=_MOST_FILES),
                later("give the folder of the plugin alone, or its wheel"),
            )
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise BadSpec(
                later("{path} is neither a file nor a folder", path=path),
                later("remove it from the plugin's folder"),
            )
        if stat.S_ISLNK(mode) and path.exists() and not (path.is_file() or path.is_dir()):
            raise BadSpec(
                later("{path} leads to neither a file nor a folder", path=path),
                later("remove it from the plugin's folder"),
            )


def wheel_tables(spec: str, file: Path) -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """Headers of METADATA, and the groups of entry_points.txt. Raises `BadSpec`."""
    try:
        if file.stat().st_size > _WHEEL_BYTES:
            raise ValueError("too large")
        with zipfile.ZipFile(file) as archive:
            _refuse_bomb(spec, archive)
            headers = HeaderParser().parsestr(_member(archive, "METADATA"))
            points = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
            points.optionxform = str  # type: ignore[assignment,method-assign]
            points.read_string(_member(archive, "entry_points.txt"))
    except _NO_WHEEL:
        raise BadSpec(
            later("{spec} is not a wheel", spec=spec),
            later("give a folder with a pyproject.toml, or a .whl file"),
        ) from None
    return dict(headers.items()), {name: dict(points[name]) for name in points.sections()}


def _refuse_bomb(spec: str, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > _MOST_FILES or unpacked > _UNPACKED_BYTES:
        raise BadSpec(
            later(
                "{spec} is too large for a plugin: {files} files of {size:.0f} MB unpacked",
                spec=spec,
                files=len(members),
                size=unpacked / 2**20,
            ),
            later("it is not installed; look where it comes from"),
        )


def _member(archive: zipfile.ZipFile, name: str) -> str:
    for member in archive.infolist():
        if member.filename.endswith(f".dist-info/{name}") and member.filename.count("/") == 1:
            with archive.open(member) as stream:
                return _bounded(stream.read(_TEXT_BYTES + 1)).decode()
    if name == "METADATA":
        raise ValueError(name)
    return ""


def _bounded(content: bytes) -> bytes:
    if len(content) > _TEXT_BYTES:
        raise ValueError(later("it is larger than {size} kB", size=_TEXT_BYTES // 1024))
    return content


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (Path(place, name) for name in files)


def _first_line(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, RecursionError):
        return later("it is nested too deeply")
    if error.args and isinstance(error.args[0], Later):
        return error.args[0]
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
