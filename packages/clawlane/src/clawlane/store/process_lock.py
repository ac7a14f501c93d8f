"""The lock file of a state directory: one process writes, and the file says which."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from clawlane.credentials.files import make_private_dir
from clawlane.store.errors import StoreOwned
from clawlane.texts import later


class ProcessLock:
    """Holds a lock file while entered; the file says whose it is.

    Raises `StoreOwned` when somebody else holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> ProcessLock:
        make_private_dir(self._path.parent)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = _pid_in(handle)
            os.close(handle)
            raise StoreOwned(_owned(pid), pid) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def is_held(path: Path) -> bool:
    """Whether a process holds the lock file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def written_pid(path: Path) -> int:
    """The process that the lock file names; 0 if it names none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    try:
        return _pid_in(handle)
    finally:
        os.close(handle)


def _pid_in(handle: int) -> int:
    text = os.pread(handle, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _owned(pid: int) -> str:
    who = f"pid {pid}" if pid else later("it did not say its pid")
    return later("another gateway runs with this state directory ({who}); stop it first", who=who)
