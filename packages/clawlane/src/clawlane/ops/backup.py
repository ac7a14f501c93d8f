"""Backs up the state, sealed with a passphrase, also beside a running gateway."""

from __future__ import annotations

import asyncio
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from clawlane import __version__
from clawlane.config.errors import ConfigError
from clawlane.credentials.files import replacing
from clawlane.credentials.sealed_file import SHORTEST_PASSPHRASE, USUAL, Cost, SealedWriter
from clawlane.ops.archive import CONFIG, KEY, PLUGINS, STORE, ArchiveWriter, Entry, Manifest
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.place import file_of
from clawlane.plugins.errors import PluginError
from clawlane.store.sqlite.copies import Snapshot, snapshot
from clawlane.texts import later

_SESSIONS = (".session", ".replaced")


@dataclass(frozen=True, slots=True)
class BackUp(Request["BackedUp"]):
    """Write a backup to a file, which must not exist unless it may be replaced.

    With `session` it holds the logins and their key: whoever opens it can act as the account. `cost` is what
    it takes to try one passphrase.
    """

    file: str
    passphrase: str = field(repr=False)
    session: bool = False
    media: bool = False
    replace: bool = False
    cost: Cost = USUAL


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What was written: the file, its size, and what is in it."""

    file: str
    size: int
    manifest: Manifest
    entries: list[Entry]


@operation
async def back_up(ctx: OpContext, request: BackUp) -> BackedUp:
    """Raises `OpError` where nothing is stored or the file cannot be written, and `StoreError`."""
    return await asyncio.to_thread(_back_up, ctx, request)


def _back_up(ctx: OpContext, request: BackUp) -> BackedUp:
    if len(request.passphrase) < SHORTEST_PASSPHRASE:
        least = SHORTEST_PASSPHRASE
        raise OpError(later("the passphrase is too short: it needs at least {n} characters", n=least))
    target = Path(os.path.abspath(request.file))
    _check_target(ctx, target, may_replace=request.replace)
    with ExitStack() as stack:
        stored = file_of(ctx.place, "openclaw store backup FILE")
        store = stack.enter_context(snapshot(stored)) if stored.exists() else None
        manifest = _manifest(ctx, request, store)
        files = _files(ctx, request)
        try:
            with replacing(target) as file:
                entries = _write(file, request, manifest, store, files)
        except OSError as error:
            told = later("{file} cannot be written: {reason}", file=target, reason=error.strerror or error)
            help = later("check free space and permissions; no backup was left there")
            raise OpError(told, help) from error
    return BackedUp(str(target), target.stat().st_size, manifest, entries)


def _check_target(ctx: OpContext, target: Path, *, may_replace: bool) -> None:
    state = ctx.paths.state
    if not state.is_dir():
        told = later("there is no state directory {state}, so there is nothing to back up", state=state)
        raise OpError(told)
    if target.is_dir():
        raise OpError(later("{file} is a folder; name a file", file=target))
    if not target.parent.is_dir():
        raise OpError(later("there is no folder {folder}", folder=target.parent))
    if state.resolve() in target.parent.resolve().joinpath(target.name).parents:
        inside = later("{file} is in the state directory, and would be lost with it", file=target)
        raise OpError(inside, later("name another folder"))
    if os.path.lexists(target) and not may_replace:
        exists = later("{file} exists already", file=target)
        raise OpError(exists, later("name another file, or replace it with --force"))


def _manifest(ctx: OpContext, request: BackUp, store: Snapshot | None) -> Manifest:
    accounts = set(store.accounts) if store else set()
    with suppress(ConfigError, PluginError):  # a broken config is backed up, too
        accounts |= {str(one) for one in ctx.written_config().accounts}
    return Manifest(
        made_ms=ctx.now_ms(),
        version=__version__,
        migration=store.migration if store else 0,
        host=platform.node(),
        state_dir=str(ctx.paths.state),
        concerns=tuple(sorted(accounts)),
        with_session=request.session,
        with_media=request.media,
    )


def _write(
    file: BinaryIO,
    request: BackUp,
    manifest: Manifest,
    store: Snapshot | None,
    files: Iterator[tuple[str, Path]],
) -> list[Entry]:
    sealed = SealedWriter(file, request.passphrase, request.cost)
    archive = ArchiveWriter(sealed, manifest)
    entries = [archive.add(STORE, store.file)] if store else []
    for name, path in files:
        if (opened := _opened(path)) is not None:
            with opened:
                entries.append(archive.add(name, opened))
    archive.finish()
    return entries


def _files(ctx: OpContext, request: BackUp) -> Iterator[tuple[str, Path]]:
    """All files but the store, with their names in the backup."""
    paths = ctx.paths
    yield CONFIG, paths.config_file
    yield PLUGINS, paths.plugins_file
    yield from _in_folder(paths.consent_dir, "consent")
    yield from _in_folder(paths.audit_dir, "audit")
    yield from _in_folder(paths.address_book_root, "address-book")
    if request.session:
        yield KEY, ctx.sealing_key.path
        yield from ((n, path) for n, path in _in_folder(paths.vault_dir, "vault") if path.suffix in _SESSIONS)
    if request.media:
        yield from _in_folder(paths.inbound_media_dir.parent, "media")
        yield from _in_folder(paths.outgoing_root, "outgoing")


def _in_folder(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The files in a folder and below. What begins with a dot is not complete yet."""
    for above, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(one for one in files if not one.startswith(".")):
            path = Path(above, file)
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _opened(path: Path) -> BinaryIO | None:
    """A regular file to read from; None if it is gone, or is something else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return open(handle, "rb")
