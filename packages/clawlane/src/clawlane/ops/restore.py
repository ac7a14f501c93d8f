"""Puts a backup into an empty state directory, where the gateway starts paused.

Everything is written into a folder beside first, and read to its authentic end. Then the files move up one by
one; until the last one has, the folder is called `.restoring`, and no gateway starts there.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from clawlane.channel import VaultError
from clawlane.config.paths import Paths
from clawlane.credentials.files import make_private_dir, sync_dir, write_private
from clawlane.credentials.sealed_file import SealedFileTooNew, SealedReader
from clawlane.ops.archive import CONFIG, KEY, STORE, ArchiveReader, Entry, Manifest
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.errors import StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.sqlite import restored
from clawlane.store.sqlite.marker import RESTORING
from clawlane.store.sqlite.replaced import explain
from clawlane.store.sqlite.schema import MIGRATIONS
from clawlane.texts import later

_STAGING, _LOCK = ".restore-staging", "gateway.lock"
_FREE = 32 << 20
_FULL = later("check free space and permissions; the state directory is as it was")


@dataclass(frozen=True, slots=True)
class ReadBackup(Request["BackupContent"]):
    """Read a backup to its end, so that it is known to be whole."""

    file: str
    passphrase: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What a backup is of, and the files in it."""

    manifest: Manifest
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Restore(Request["Restored"]):
    """Put a backup into the state directory, which has to be empty unless `aside` moves it away."""

    file: str
    passphrase: str = field(repr=False)
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put where. `moved` are the paths that were moved aside, `undecided` counts unsettled sends."""

    manifest: Manifest
    entries: list[Entry]
    state_dir: str
    config_file: str
    moved: list[str]
    undecided: int


@operation
async def read(ctx: OpContext, request: ReadBackup) -> BackupContent:  # noqa: ARG001
    """Raises `SealedFileUnusable` and `OpError`."""
    return await asyncio.to_thread(_read, request)


@operation
async def restore(ctx: OpContext, request: Restore) -> Restored:
    """Nothing has changed if it raises: `SealedFileUnusable`, `OpError`, `StoreOwned`, `StoreUnusable`."""
    return await asyncio.to_thread(_restore, ctx, request)


def _read(request: ReadBackup) -> BackupContent:
    with _opened(request.file) as file:
        archive = ArchiveReader(SealedReader(file, request.passphrase))
        return BackupContent(archive.manifest, list(archive.entries(lambda _: nullcontext(lambda _: None))))


def _restore(ctx: OpContext, request: Restore) -> Restored:
    paths = ctx.paths
    with _opened(request.file) as file:
        archive = ArchiveReader(SealedReader(file, request.passphrase))
        manifest = archive.manifest
        if manifest.migration > len(MIGRATIONS):
            told = later(
                "clawlane {version} wrote it, with schema {schema}; this one knows {known}",
                version=manifest.version,
                schema=manifest.migration,
                known=len(MIGRATIONS),
            )
            raise SealedFileTooNew(told, later("upgrade clawlane first"))
        _check_empty(paths, aside=request.aside)
        try:
            with ProcessLock(paths.lock_file), _staging(paths.state / _STAGING) as staging:
                entries = list(archive.entries(lambda entry: _written(staging / entry.name, entry.size)))
                _check_key(staging, ctx)
                undecided = _put_in_order(staging / STORE, manifest, ctx.now_ms())
                moved = _take_place(paths, staging, ctx.now_ms())
        except OSError as error:
            reason = error.strerror or error
            told = later("{file} cannot be restored: {reason}", file=request.file, reason=reason)
            raise OpError(told, _FULL) from error
    return Restored(manifest, entries, str(paths.state), str(paths.config_file), moved, undecided)


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        file = open(handle, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise OpError(later("{file} cannot be read: {reason}", file=path, reason=error.strerror)) from error
    with file:
        yield file


def _check_empty(paths: Paths, *, aside: bool) -> None:
    """Raises `OpError` for a state directory or a config file that would have to be replaced."""
    config = paths.config_file
    outside = [config] if config.parent != paths.state and os.path.lexists(config) else []
    if aside or not (found := [*outside, *_others(paths.state)]):
        return
    name = found[0].name
    what = later("the state directory {state} is not empty ({name})", state=paths.state, name=name)
    if outside:
        what = later("{file} exists", file=config)
    raise OpError(what, later("restore into an empty one, or move this one aside with --force"))


def _others(state: Path) -> list[Path]:
    """What is in a state directory besides what this command makes itself."""
    found = state.iterdir() if state.is_dir() else ()
    return sorted(one for one in found if one.name not in (_LOCK, _STAGING))


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """An empty folder, which is gone afterwards unless it has become the state directory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _written(path: Path, size: int) -> Iterator[Callable[[bytes], object]]:
    """A new private file."""
    make_private_dir(path.parent)
    if shutil.disk_usage(path.parent).free < size + _FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file.write
        file.flush()
        os.fsync(file.fileno())


def _check_key(staging: Path, ctx: OpContext) -> None:
    """Sessions are opened with the key that the config or the environment names, if one does.

    One that the config names and that is not there yet is left for the operator to put there. Raises
    `OpError`.
    """
    from clawlane.config.sealing import written_key
    from clawlane.credentials.sealing_key import CONFIG_KEY, KeyLocation

    restored_key = staging / KEY
    location = KeyLocation.of(ctx.paths.vault_dir, ctx.environ, written_key(staging / CONFIG))
    in_config = location.set_by == CONFIG_KEY
    if not location.set_by or not restored_key.exists() or (in_config and not location.path.exists()):
        return
    try:
        same = location.read() == KeyLocation(restored_key).read()
    except VaultError:
        same = False
    if not same:
        name = location.set_by
        told = later("{name} names another key than the one in the backup", name=name)
        help = later("unset {name}, restore, and put the key of vault/key where it belongs", name=name)
        if in_config:
            help = later("move {path} aside, restore, and put the key of vault/key there", path=location.path)
        raise OpError(told, help)
    restored_key.unlink()


def _put_in_order(store: Path, manifest: Manifest, now_ms: int) -> int:
    if not store.exists():
        return 0
    try:
        undecided = restored.put_in_order(store, manifest.made_ms, now_ms, manifest.concerns)
        explain(store, "restored")
    except (StoreUnusable, sqlite3.Error) as error:
        reason = error.args[0] if isinstance(error, StoreUnusable) else str(error)
        told = later("the store in the backup cannot be used: {reason}", reason=reason)
        raise OpError(told, _FULL) from error
    return undecided


def _take_place(paths: Paths, staging: Path, now_ms: int) -> list[str]:
    """Let what was restored become the state. Gives what was moved aside."""
    moved, ending = [], f".before-restore-{now_ms}"
    if _others(paths.state):
        away, new = (paths.state.with_name(f"{paths.state.name}{one}") for one in (ending, ".restored"))
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        staging.rename(new / RESTORING)
        paths.state.rename(away)
        new.rename(paths.state)
        moved.append(str(away))
    else:
        staging.rename(paths.state / RESTORING)
    whole = paths.state / RESTORING
    config, placed = whole / CONFIG, paths.config_file
    if os.path.lexists(placed) and config.exists():
        placed.rename(f"{placed}{ending}")
        moved.append(f"{placed}{ending}")
    for one in sorted(whole.iterdir()):
        if one != config:
            one.rename(paths.state / one.name)
    if config.exists():
        write_private(placed, config.read_bytes())
        config.unlink()
    whole.rmdir()
    sync_dir(paths.state)
    return moved
