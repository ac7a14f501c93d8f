"""Where the control socket is: in the state directory, or nearby when that path is too long for a socket."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from clawlane.config.places import Places
from clawlane.store.atomic import make_private_dir, write_private
from clawlane.store.errors import StoreUnusable

_LONGEST = 100
"""Bytes. The system's limit for a socket's path is 108 on Linux and 104 elsewhere, with the closing zero."""


def find_socket(places: Places) -> Path | None:
    """Where the running gateway would listen; None where no gateway can have chosen a place yet."""
    try:
        return Path(_pointer(places).read_text().strip())
    except FileNotFoundError:
        return None if _too_long(places.control_socket) else places.control_socket


def choose_socket(places: Places, environ: Mapping[str, str]) -> Path:
    """Where to listen, written down for `find_socket` if it is not in the state directory.

    Old sockets are removed.
    """
    path = places.control_socket
    if _too_long(path):
        path = _runtime_dir(environ) / f"{hashlib.sha256(os.fsencode(places.state)).hexdigest()[:16]}.sock"
        write_private(_pointer(places), os.fsencode(path))
    else:
        _pointer(places).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return path


def _too_long(path: Path) -> bool:
    return len(os.fsencode(path)) > _LONGEST


def _pointer(places: Places) -> Path:
    return places.control_socket.with_suffix(".path")


def _runtime_dir(environ: Mapping[str, str]) -> Path:
    """A short folder that belongs to this user alone. Raises `StoreUnusable` if somebody else made it."""
    above = environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(above) / f"clawlane-{os.getuid()}"
    make_private_dir(folder)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreUnusable(
            f"{folder} is not private to this user; remove it, or use a shorter state directory"
        )
    return folder
