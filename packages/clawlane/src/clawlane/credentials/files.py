"""Private files: written atomically, for their owner alone, in a state directory of the user's own.

CredentialsError
└── StateUnusable   the state directory or the config file belongs to, or can be changed by, other users
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from clawlane.config.paths import Paths
from clawlane.config.scratch import scratch_of
from clawlane.texts import later

_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ELSEWHERE = later("set CLAWLANE_STATE_DIR to a folder of your own")


class CredentialsError(Exception):
    """A private file or the state directory cannot be used; the text is one line for the operator."""


class StateUnusable(CredentialsError):
    """The state directory or the config file cannot be trusted or used. `help` says what to do."""

    def __init__(self, text: str, help: str) -> None:
        super().__init__(text)
        self.help = help


def write_private(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably, readable by its owner alone (0600). Makes missing folders.

    A symbolic link at `path` is replaced itself, not the file it points to.
    """
    make_private_dir(path.parent)
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """The same for what is written piece by piece. What raises inside leaves the old file as it was."""
    scratch = scratch_of(path)
    try:
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException as error:
        scratch.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = os.fspath(path)  # a full disk does not say what it was that did not fit
        raise
    sync_dir(path.parent)


def make_private_dir(path: Path) -> None:
    """Make a folder and its missing parents for their owner alone (0700); existing ones stay as they are."""
    if not path.is_dir():
        make_private_dir(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def sync_dir(path: Path) -> None:
    """Make renames and removals in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_name(channel: str, profile: str) -> str:
    """A file name for any pair of names: never a path, and different for different pairs."""
    return f"{quote(channel, safe='')}+{quote(profile, safe='')}"


def secure(paths: Paths) -> list[str]:
    """Make the state directory if it is missing, and it and the config file private.

    Returns a line for each that other users could read. Raises `StateUnusable` for one that belongs to, or
    can be written by, other users.
    """
    return [*_secure_state(paths.state), *_secure_config(paths.config_file)]


def owner_name(uid: int) -> str:
    """The user's name, or `uid N` for a user without one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _secure_state(folder: Path) -> list[str]:
    what = later("the state directory {folder}", folder=folder)
    try:
        make_private_dir(folder)
        info = folder.stat()
    except OSError as error:
        raise StateUnusable(
            later("{what} cannot be used: {strerror}", what=what, strerror=error.strerror), _ELSEWHERE
        ) from error
    make_private = f"chmod 700 '{folder}'"
    _refuse_others(what, info, (os.geteuid(),), _ELSEWHERE, make_private)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StateUnusable(
            later("{what} cannot be written", what=what),
            later("run: {command}", command=make_private),
        )
    if not info.st_mode & _OTHERS:
        return []
    what = later("{what} ({mode})", what=what, mode=stat.filemode(info.st_mode))
    if not _made_private(folder, 0o700):
        raise StateUnusable(
            later("other users can read {what}, and it cannot be made private", what=what), _ELSEWHERE
        )
    return [later("other users could read {what}; it is private now", what=what)]


def _secure_config(file: Path) -> list[str]:
    what = later("the config file {file}", file=file)
    try:
        info = file.stat()
    except OSError:
        return []  # reading it reports what is wrong
    elsewhere = later("put your own in its place, or set CLAWLANE_CONFIG")
    _refuse_others(what, info, (os.geteuid(), 0), elsewhere, f"chmod 600 '{file}'")
    if info.st_uid != os.geteuid() or not info.st_mode & _OTHERS or not stat.S_ISREG(info.st_mode):
        return []  # left alone: private already, or the administrator's own
    what = later("{what} ({mode})", what=what, mode=stat.filemode(info.st_mode))
    if not _made_private(file, stat.S_IMODE(info.st_mode) & stat.S_IRWXU):
        return [later("other users can read {what}, and it cannot be made private", what=what)]
    return [later("other users could read {what}; it is private now", what=what)]


def _refuse_others(
    what: str, info: os.stat_result, owners: tuple[int, ...], elsewhere: str, make_private: str
) -> None:
    """Raises `StateUnusable` for what others own or can write to."""
    if info.st_uid not in owners:
        raise StateUnusable(
            later(
                "{what} belongs to {owner_name}, not to you", what=what, owner_name=owner_name(info.st_uid)
            ),
            elsewhere,
        )
    if info.st_mode & _WRITE:
        raise StateUnusable(
            later(
                "other users can write to {what} ({filemode})",
                what=what,
                filemode=stat.filemode(info.st_mode),
            ),
            later("look at what is in it, then run: {command}", command=make_private),
        )


def _made_private(path: Path, mode: int) -> bool:
    """Whether a file is private now. File systems without permissions refuse the change, or ignore it."""
    try:
        path.chmod(mode)
    except OSError:
        return False
    return not path.stat().st_mode & _OTHERS
