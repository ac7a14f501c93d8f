"""Takes this program off the machine: its service, and with `purge` everything it has stored.

Only what is known to be ours is removed from the state directory, so that a folder named by mistake survives.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clawlane.config.errors import ConfigError
from clawlane.config.scratch import is_scratch
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.service import is_mine, remove_unit, unit_path
from clawlane.store.errors import StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.sqlite.marker import IMPORTING, RESTORING, marker_of
from clawlane.texts import later

STAYS = ("foreign", "database")
_LOCK = "gateway.lock"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of this program on the machine, and its size in bytes.

    `what` is one of unit, logins, key, store, record, config, media, logs, rest; of a database,
    which stays; or foreign: not ours.
    """

    what: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class GetPieces(Request["list[Piece]"]):
    """Everything of this program on the machine, in the order in which it is removed."""


@dataclass(frozen=True, slots=True)
class Uninstall(Request["Uninstalled"]):
    """Remove the service; with `purge` also the state: logins, keys, messages, media, config and logs."""

    purge: bool = False


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What was removed, and what is left."""

    removed: list[Piece]
    left: list[Piece]


@operation
async def pieces(ctx: OpContext, request: GetPieces) -> list[Piece]:  # noqa: ARG001
    return await asyncio.to_thread(lambda: list(_pieces(ctx)))


@operation
async def uninstall(ctx: OpContext, request: Uninstall) -> Uninstalled:
    """Can be repeated after a crash. Raises `StoreOwned` while a gateway runs, and `OpError`."""
    return await asyncio.to_thread(_uninstall, ctx, purge=request.purge)


def _uninstall(ctx: OpContext, *, purge: bool) -> Uninstalled:
    state, removed = ctx.paths.state, []
    if not state.is_dir():
        removed = _remove(ctx, purge=purge)
    else:
        with ProcessLock(ctx.paths.lock_file):
            removed = _remove(ctx, purge=purge)
            if purge:
                ctx.paths.lock_file.unlink(missing_ok=True)
        if purge and not state.is_symlink():
            with suppress(OSError):  # what is not ours keeps it
                state.rmdir()
    return Uninstalled(removed, list(_pieces(ctx)))


def _remove(ctx: OpContext, *, purge: bool) -> list[Piece]:
    removed = []
    for one in list(_pieces(ctx)):
        path = Path(one.path)
        if one.what in STAYS or not (purge or one.what == "unit"):
            continue
        try:
            if one.what == "unit":
                remove_unit(path)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OpError(
                later(
                    "{what} cannot be removed: {strerror}",
                    what=error.filename or path,
                    strerror=error.strerror,
                )
            ) from error
        removed.append(one)
    return removed


def _pieces(ctx: OpContext) -> Iterator[Piece]:
    paths = ctx.paths
    unit = unit_path(ctx.environ)
    if os.path.lexists(unit):
        yield _piece("unit" if is_mine(unit) else "foreign", unit)
    database = list(_database(ctx))
    key = ctx.sealing_key
    if key.set_by and key.path.is_file() and not database:  # else it opens what stays there
        yield _piece("key", key.path)
    if config_elsewhere := paths.config_file.parent != paths.state and os.path.lexists(paths.config_file):
        yield _piece("config", paths.config_file)
    found = sorted(paths.state.iterdir()) if paths.state.is_dir() else []
    yield from database
    kinds = [(_kind(ctx, path, config_elsewhere=config_elsewhere), path) for path in found]
    for what in _ORDER:
        yield from (_piece(what, path) for kind, path in kinds if kind == what)


def _database(ctx: OpContext) -> Iterator[Piece]:
    """What is stored elsewhere, and stays there."""
    with suppress(ConfigError, StoreUnusable):
        if ctx.place.file is None:
            yield Piece("database", str(ctx.place), 0)


_ORDER = ("logins", "store", "record", "people", "media", "config", "logs", "rest", "foreign")
_NAMES = {
    "vault": "logins",
    "audit": "record",
    "address-book": "people",
    "media": "media",
    "outgoing": "media",
    "logs": "logs",
    "consent": "rest",
    "plugins.json": "rest",
    "control.sock": "rest",
    "control.path": "rest",
    "qr": "rest",
    "login": "rest",
    "console": "rest",
    "setup": "rest",
    RESTORING: "rest",
    IMPORTING: "rest",
    ".restore-staging": "rest",
}


def _kind(ctx: OpContext, path: Path, *, config_elsewhere: bool) -> str:
    """What a file or folder of the state directory is."""
    paths, name = ctx.paths, path.name
    if name == _LOCK:
        return ""
    if name in _NAMES:
        return _NAMES[name]
    if name.startswith(paths.store.name) or path == marker_of(paths.store):
        return "store"
    config = paths.state / "config.json5" if config_elsewhere else paths.config_file
    if name.startswith(config.name):
        return "config"
    return "rest" if is_scratch(name) else "foreign"


def _piece(what: str, path: Path) -> Piece:
    """With its size; what is gone meanwhile has none."""
    sizes = []
    for above, _, files in os.walk(path):
        sizes += [_size(Path(above, file)) for file in files]
    return Piece(what, str(path), sum(sizes) if path.is_dir() else _size(path))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
