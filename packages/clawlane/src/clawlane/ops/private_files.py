"""Who owns and who can reach the files of the state directory, the config and the sealing key."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.config.paths import Paths
from clawlane.config.scratch import is_scratch
from clawlane.credentials.files import owner_name
from clawlane.ops.findings import Finding, Severity
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.credentials.sealing_key import KeyLocation

_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_CUT_OFF_MS = 60_000
"""A younger scratch file may still be written."""

_MOST = 20
"""Findings about files that are listed; one command mends the rest."""


def private_files(paths: Paths, key: KeyLocation) -> Iterator[Finding]:
    """Our files that others could read or write: sessions, messages and the config are private."""
    found = list(_of_state(paths))
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield _finding("permissions", paths.state, case="of more", count=str(len(found) - _MOST))
    yield from _of_config(paths.config_file)
    yield from _of_key(paths, key)


def mend_files(paths: Paths, now_ms: int, dry_run: bool) -> tuple[list[str], list[str]]:
    """Make our own files private, and remove what cut-off writes left.

    Returns what was done, and what failed. Only files of this user are touched, links are not followed. What
    others could have written stays for the operator to look at.
    """
    done: list[str] = []
    failed: list[str] = []
    for one in [*_of_state(paths), *_of_config(paths.config_file)]:
        path = Path(one.path)
        try:
            if one.code in ("permissions", "config_readable"):
                told = _make_private(path, dry_run)
            elif one.code == "scratch_left" and now_ms - path.lstat().st_mtime_ns // 1_000_000 > _CUT_OFF_MS:
                told = later("remove {path}", path=path)
                if not dry_run:
                    path.unlink()
            else:
                continue
            done.append(told)
        except OSError as error:
            failed.append(later("{path}: {reason}", path=path, reason=error.strerror))
    return done, failed


def _make_private(path: Path, dry_run: bool) -> str:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _opened(path, flags) as handle:
        before = os.fstat(handle)
        if before.st_uid != os.geteuid():
            raise PermissionError(0, later("belongs to somebody else"))
        mode = stat.S_IMODE(before.st_mode) & ~_OTHERS
        if not dry_run:
            os.fchmod(handle, mode)
    return f"chmod {mode:o} {path}"


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    handle = os.open(path, flags)
    try:
        yield handle
    finally:
        os.close(handle)


def _finding(code: str, path: Path, severity: Severity = Severity.ERROR, **data: str) -> Finding:
    return Finding(severity, code, str(path), data)


def _of_state(paths: Paths) -> Iterator[Finding]:
    if not paths.state.is_dir():
        return
    info = paths.state.stat()
    yield from _foreign(paths.state, info)
    if info.st_mode & _WRITE:
        yield _finding("state_writable", paths.state, mode=stat.filemode(info.st_mode))
    elif info.st_mode & _OTHERS:
        yield _finding("permissions", paths.state, mode=stat.filemode(info.st_mode))
    for folder, folders, files in os.walk(paths.state):
        folders.sort()
        for path in (Path(folder, name) for name in sorted((*folders, *files))):
            if path != paths.config_file:
                yield from _of_file(path)


def _of_file(path: Path) -> Iterator[Finding]:
    try:
        info = path.lstat()
    except OSError:
        return  # gone meanwhile
    yield from _foreign(path, info)
    if stat.S_ISLNK(info.st_mode):
        yield _finding("link_in_state", path, Severity.WARNING, target=os.readlink(path))
    elif stat.S_ISFIFO(info.st_mode) or stat.S_ISBLK(info.st_mode) or stat.S_ISCHR(info.st_mode):
        yield _finding("odd_file", path, Severity.WARNING)
    elif not stat.S_ISSOCK(info.st_mode) and info.st_mode & _OTHERS:
        yield _finding("permissions", path, mode=stat.filemode(info.st_mode))
    if stat.S_ISREG(info.st_mode) and is_scratch(path.name):
        yield _finding("scratch_left", path, Severity.NOTE)


def _of_config(file: Path) -> Iterator[Finding]:
    try:
        info = file.stat()
    except OSError:
        return
    if info.st_uid != 0:
        yield from _foreign(file, info)
    if info.st_mode & _WRITE:
        yield _finding("config_writable", file, mode=stat.filemode(info.st_mode))
    elif info.st_mode & _OTHERS and info.st_uid == os.geteuid():
        yield _finding("config_readable", file, Severity.WARNING, mode=stat.filemode(info.st_mode))


def _of_key(paths: Paths, key: KeyLocation) -> Iterator[Finding]:
    """A key elsewhere has to be private, and makes the one beside the sessions useless."""
    if not key.set_by:
        return
    try:
        info = key.path.stat()
    except OSError as error:
        yield _finding("key_missing", key.path, set_by=key.set_by, reason=str(error.strerror))
        return
    if info.st_mode & _OTHERS:
        yield _finding("key_permissions", key.path, mode=stat.filemode(info.st_mode))
    if (beside := paths.vault_dir / "key").exists():
        yield _finding("key_unused", beside, Severity.NOTE, key=str(key.path), set_by=key.set_by)


def _foreign(path: Path, info: os.stat_result) -> Iterator[Finding]:
    if info.st_uid != os.geteuid():
        yield _finding("foreign_owner", path, owner=owner_name(info.st_uid), uid=str(os.geteuid()))
