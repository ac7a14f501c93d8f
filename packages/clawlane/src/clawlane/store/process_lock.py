"""The lock file of a state directory: one process writes, and the file says which."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from clawlane.credentials.files import make_private_dir
from clawlane.store.errors import StoreOwned
from clawlane.texts import later

_NAMED_S, _AGAIN_S = 1.0, 0.01
"""How long a lock is tried for that names no process, and between two tries."""


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
            _take(handle)
        except StoreOwned:
            os.close(handle)
            raise
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


def _take(handle: int) -> None:
    """Take the lock, or raise `StoreOwned`.

    Whoever has it and names no process that runs has just taken it, or only looks whether somebody has it:
    that is over in a moment.
    """
    ends = time.monotonic() + _NAMED_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            pid = _pid_in(handle)
            if _runs(pid) or time.monotonic() > ends:
                raise StoreOwned(_owned(pid), pid) from error
        time.sleep(_AGAIN_S)


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


def _runs(pid: int) -> bool:
    """Whether there is such a process here."""
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _owned(pid: int) -> str:
    who = f"pid {pid}" if pid else later("it did not say its pid")
    return later("another gateway runs with this state directory ({who}); stop it first", who=who)
