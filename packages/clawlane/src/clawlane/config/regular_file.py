"""Reads a file whose path others may have prepared: never blocks, and reads a bounded part."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from clawlane.texts import later


def read_regular(path: Path, longest: int) -> bytes:
    """The first `longest` + 1 bytes of a file: one byte more shows that it is longer.

    Raises `OSError`, and `ValueError` for what is not a regular file.
    """
    # Opened without blocking so that a named pipe is refused instead of waited for.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError(later("it is not a regular file"))
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(longest + 1)
    finally:
        os.close(handle)
