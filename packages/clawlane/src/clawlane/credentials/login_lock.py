"""One login of an account at a time: the second would scan a code that the first one's scan makes void."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clawlane.credentials.files import make_private_dir

_LONGEST = 100


class LoginRuns(Exception):
    """Somebody else logs the account in. `where` is what they said of it, empty if nothing yet."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


@contextmanager
def only_login(file: Path, where: str) -> Iterator[None]:
    """The only login of an account while entered, over all processes. Raises `LoginRuns`."""
    make_private_dir(file.parent)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LoginRuns(os.pread(handle, _LONGEST, 0).decode(errors="replace").strip()) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, where.encode(), 0)
        yield
    finally:
        os.close(handle)
