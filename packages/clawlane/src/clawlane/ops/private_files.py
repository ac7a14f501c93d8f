"""Every file of the state directory, the config, the sealing key: whose they are, and who can reach them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from clawlane.config.paths import Paths
from clawlane.credentials.files import owner_name
from clawlane.ops.findings import Finding, Severity

_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SCRATCH = re.compile(r"\..+\.[0-9a-f]{12}\Z")
_MOST = 20
"""Findings about files: whoever has more of them reads the first ones and runs one command."""


def private_files(paths: Paths, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What of our files others could read or write: sessions, messages and the config are private."""
    found = list(_of_state(paths))
    yield from found[:_MOST]
    if len(found) > _MOST:
        text = f"{len(found) - _MOST} more files like these"
        mend = f"run: chmod -R go-rwx '{paths.state}'"
        yield Finding(Severity.ERROR, "permissions", str(paths.state), text, mend)
    yield from _of_config(paths.config_file)
    yield from _of_key(paths, environ)


def _of_state(paths: Paths) -> Iterator[Finding]:
    if not paths.state.is_dir():
        return
    yield from _of_folder(paths.state)
    for path in _below(paths.state):
        if path != paths.config_file:
            yield from _of_file(path)


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted((*folders, *files)))


def _of_folder(folder: Path) -> Iterator[Finding]:
    """The directory itself: what keeps everybody out of all the rest."""
    info = folder.stat()
    yield from _foreign(folder, info)
    if info.st_mode & _WRITE:
        text = f"others may write into it ({stat.filemode(info.st_mode)}), so nothing starts on it"
        mend = f"look at what is in it, then run: chmod 700 '{folder}'"
        yield Finding(Severity.ERROR, "state_writable", str(folder), text, mend)
    elif info.st_mode & _OTHERS:
        yield _readable(folder, info)


def _of_file(path: Path) -> Iterator[Finding]:
    try:
        info = path.lstat()
    except OSError:
        return  # gone meanwhile
    yield from _foreign(path, info)
    if stat.S_ISLNK(info.st_mode):
        text = f"is a link to {os.readlink(path)}: what is kept there is not as private as this directory"
        mend = "put the file or folder itself here"
        yield Finding(Severity.WARNING, "link_in_state", str(path), text, mend)
    elif stat.S_ISFIFO(info.st_mode) or stat.S_ISBLK(info.st_mode) or stat.S_ISCHR(info.st_mode):
        text = "is neither a file nor a folder, and nothing of clawlane's"
        yield Finding(Severity.WARNING, "odd_file", str(path), text, f"look at it, then run: rm '{path}'")
    elif not stat.S_ISSOCK(info.st_mode) and info.st_mode & _OTHERS:
        yield _readable(path, info)
    if stat.S_ISREG(info.st_mode) and _SCRATCH.match(path.name):
        text = "is left from a write that was cut off"
        yield Finding(Severity.NOTE, "scratch_left", str(path), text, f"run: rm '{path}'")


def _of_config(file: Path) -> Iterator[Finding]:
    try:
        info = file.stat()
    except OSError:
        return
    shown = stat.filemode(info.st_mode)
    if info.st_uid != 0:
        yield from _foreign(file, info)
    if info.st_mode & _WRITE:
        text = f"others may write the config ({shown}), so nothing starts with it"
        mend = f"look at what is in it, then run: chmod 600 '{file}'"
        yield Finding(Severity.ERROR, "config_writable", str(file), text, mend)
    elif info.st_mode & _OTHERS and info.st_uid == os.geteuid():
        text = f"others can read the config ({shown}); the next start makes it private"
        yield Finding(Severity.WARNING, "config_readable", str(file), text, f"run: chmod go-rwx '{file}'")


def _of_key(paths: Paths, environ: Mapping[str, str]) -> Iterator[Finding]:
    """A key elsewhere is the operator's to keep private, and the one beside the sessions is in the way."""
    from clawlane.credentials.vault import KeyLocation

    key = KeyLocation.of(paths.vault_dir, environ)
    if not key.set_by:
        return
    try:
        info = key.path.stat()
    except OSError as error:
        text = f"the sealing key ({key.set_by}) cannot be read: {error.strerror}"
        mend = "put it there; without it no session can be opened"
        yield Finding(Severity.ERROR, "key_missing", str(key.path), text, mend)
        return
    if info.st_mode & _OTHERS:
        text = f"others can get at the sealing key ({stat.filemode(info.st_mode)})"
        mend = f"run: chmod go-rwx '{key.path}'"
        yield Finding(Severity.ERROR, "key_permissions", str(key.path), text, mend)
    if (beside := paths.vault_dir / "key").exists():
        text = f"is not used: the sealing key is {key.path} ({key.set_by})"
        yield Finding(Severity.NOTE, "key_unused", str(beside), text, f"run: rm '{beside}'")


def _foreign(path: Path, info: os.stat_result) -> Iterator[Finding]:
    if info.st_uid != os.geteuid():
        text = f"belongs to {owner_name(info.st_uid)}, not to you"
        mend = f"look at it, then remove it or run: chown {os.geteuid()} '{path}'"
        yield Finding(Severity.ERROR, "foreign_owner", str(path), text, mend)


def _readable(path: Path, info: os.stat_result) -> Finding:
    text = f"others can get at it ({stat.filemode(info.st_mode)})"
    return Finding(Severity.ERROR, "permissions", str(path), text, f"run: chmod go-rwx '{path}'")
