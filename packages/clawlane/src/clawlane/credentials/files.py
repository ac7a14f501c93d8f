"""Small files that are either the old ones or the new ones, never half of one, and private to their owner."""

from __future__ import annotations

import os
import pwd
import secrets
import stat
from pathlib import Path
from urllib.parse import quote

from clawlane.config.paths import Paths


def write_private(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably, readable by its owner alone. A missing folder is made, 0700.

    Where a link stands in its place the link is replaced, not the file that it leads to.
    """
    make_private_dir(path.parent)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        _write_synced(scratch, content)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def make_private_dir(path: Path) -> None:
    """Make a folder and its missing parents, enterable by its owner alone.

    An existing one is left as it is.
    """
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
    """A file name for any pair of names: never a path, never two pairs with one name."""
    return f"{quote(channel, safe='')}+{quote(profile, safe='')}"


def _write_synced(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class CredentialsError(Exception):
    """A private file or the state directory cannot be used; the text is one line for the operator."""


class StateUnusable(CredentialsError):
    """The state directory or the config file cannot be trusted or used. `help` says what to do."""

    def __init__(self, text: str, help: str) -> None:
        super().__init__(text)
        self.help = help


_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ELSEWHERE = "set CLAWLANE_STATE_DIR to a folder of your own"


def secure(places: Paths) -> list[str]:
    """Make the state directory if it is missing, and both private. Gives a line for each that was not.

    Raises `StateUnusable` for one that is not this user's, or that others may write.
    """
    return [*_secure_state(places.state), *_secure_config(places.config_file)]


def owner_name(uid: int) -> str:
    """The user's name, or the number of one that has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _secure_state(folder: Path) -> list[str]:
    try:
        make_private_dir(folder)
        info = folder.stat()
    except OSError as error:
        raise StateUnusable(
            f"the state directory {folder} cannot be used: {error.strerror}", _ELSEWHERE
        ) from error
    shown = stat.filemode(info.st_mode)
    if info.st_uid != os.geteuid():
        raise StateUnusable(
            f"the state directory {folder} belongs to {owner_name(info.st_uid)}, not to you", _ELSEWHERE
        )
    if info.st_mode & _WRITE:
        raise StateUnusable(
            f"others may write into the state directory {folder} ({shown})",
            f"look at what is in it, then run: chmod 700 '{folder}'",
        )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StateUnusable(f"the state directory {folder} cannot be written", f"run: chmod 700 '{folder}'")
    if not info.st_mode & _OTHERS:
        return []
    if not _made_private(folder, 0o700):
        raise StateUnusable(
            f"others may read the state directory {folder} ({shown}), and it cannot be made private",
            _ELSEWHERE,
        )
    return [f"others could read the state directory {folder} ({shown}); it is private now"]


def _secure_config(file: Path) -> list[str]:
    try:
        info = file.stat()
    except OSError:
        return []  # what is wrong with it as a file is told when it is read
    shown = stat.filemode(info.st_mode)
    if info.st_uid not in (os.geteuid(), 0):
        raise StateUnusable(
            f"the config file {file} belongs to {owner_name(info.st_uid)}, not to you",
            "put your own in its place, or set CLAWLANE_CONFIG",
        )
    if info.st_mode & _WRITE:
        raise StateUnusable(
            f"others may write the config file {file} ({shown})",
            f"look at what is in it, then run: chmod 600 '{file}'",
        )
    if info.st_uid != os.geteuid() or not info.st_mode & _OTHERS or not stat.S_ISREG(info.st_mode):
        return []  # the administrator's own file stays as it is
    if not _made_private(file, stat.S_IMODE(info.st_mode) & stat.S_IRWXU):
        return [f"others can read the config file {file} ({shown}), and it cannot be made private"]
    return [f"others could read the config file {file} ({shown}); it is private now"]


def _made_private(path: Path, mode: int) -> bool:
    """File systems without permissions refuse this, or do nothing."""
    try:
        path.chmod(mode)
    except OSError:
        return False
    return not path.stat().st_mode & _OTHERS
