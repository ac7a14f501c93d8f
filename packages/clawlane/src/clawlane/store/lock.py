"""One owner of the store over all processes: a lock that the system drops when its process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from clawlane.store.atomic import make_private_dir
from clawlane.store.errors import StoreOwned


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
            pid = _written_pid(handle)
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


def _written_pid(handle: int) -> int:
    text = os.pread(handle, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _owned(pid: int) -> str:
    who = f"pid {pid}" if pid else "it did not say its pid"
    return f"another gateway runs with this state directory ({who}); stop it first"
