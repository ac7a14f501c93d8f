"""Small files that are either the old ones or the new ones, never half of one, and private to their owner."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import quote


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
