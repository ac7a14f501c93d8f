"""The lock of a state directory while somebody else takes it, or only looks whether it is held."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from clawlane.store.errors import StoreOwned
from clawlane.store.process_lock import ProcessLock

SOON_S = 0.05
NOBODY = 2**22 + 1
"""No process has such a pid."""


@contextmanager
def held(path: Path, how: int, says: str = "") -> Iterator[int]:
    """The file with a lock of somebody else's, and what it says."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(handle, says.encode(), 0)
    fcntl.flock(handle, how)
    try:
        yield handle
    finally:
        os.close(handle)


@pytest.mark.of_file
def test_who_has_just_taken_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path, fcntl.LOCK_EX) as handle:
        naming = Timer(SOON_S, os.pwrite, (handle, f"{os.getppid()}\n".encode(), 0))
        naming.start()
        with pytest.raises(StoreOwned, match=f"pid {os.getppid()}"), ProcessLock(path):
            pass
        naming.join()


@pytest.mark.of_file
@pytest.mark.parametrize("says", ["", f"{NOBODY}\n"], ids=["nobody", "who was killed"])
def test_who_only_looks_keeps_nobody_out(tmp_path: Path, says: str) -> None:
    path = tmp_path / "lock"
    with held(path, fcntl.LOCK_SH, says) as handle:
        going = Timer(SOON_S, fcntl.flock, (handle, fcntl.LOCK_UN))
        going.start()
        with ProcessLock(path):
            assert path.read_text() == f"{os.getpid()}\n"
        going.join()


@pytest.mark.of_file
def test_an_owner_that_cannot_be_seen_from_here_is_named_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        held(path, fcntl.LOCK_EX, f"{NOBODY}\n"),
        pytest.raises(StoreOwned, match=f"pid {NOBODY}"),
        ProcessLock(path),
    ):
        pass
