"""The throw-away folder of a rehearsal. One whose rehearsal was killed is removed by the next rehearsal."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "clawlane-rehearsal-"
_LOCK = "in-use"


@contextmanager
def throw_away(*, keep: bool = False) -> Iterator[Path]:
    """A private folder that is removed when this is left, unless it is to be kept."""
    _remove_leftovers(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with open(folder / _LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            if keep:
                (folder / _LOCK).unlink()
            else:
                shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(above: Path) -> None:
    for folder in above.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            # Nobody holds the lock of a rehearsal that has died; a folder that is kept has none.
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(handle).st_uid == os.getuid():
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
