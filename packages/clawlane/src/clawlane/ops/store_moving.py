"""Moves the store from its file into a database, and back, or copies it into a file."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, Stream, operation
from clawlane.store.place import StoreDatabase, StoreFile, StorePlace
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.store.moving.move import Report, Step
    from clawlane.store.moving.places import Source, Target

SQLITE = "sqlite"
"""What stands for the file in the state directory."""


@dataclass(frozen=True, slots=True)
class MoveStep:
    """How far it is: `copy` or `check`, the table, and how many of how many rows."""

    stage: str
    table: str
    rows: int
    of: int


@dataclass(frozen=True, slots=True)
class TableSum:
    """What was copied of one table: how many rows, and a digest of all of them, in whatever order."""

    table: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class MovedStore:
    """A store that was moved: from where, to where, what each table holds, and what the config says now.

    `changed` texts had a NUL, for which U+FFFD stands. `again`: it had been moved before, and nothing was
    done. `settings` is what belongs under `store` in the config; empty for the file.
    """

    source: str
    target: str
    tables: list[TableSum]
    rows: int
    changed: int
    again: bool
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Migrate(Stream["MoveStep | MovedStore"]):
    """Move the store to a database (`to` is its address) or to the file in the state directory (`sqlite`).

    The password of the database is in a file, or in a variable of the environment. With `replace` the target
    may hold this store as it was before it was moved away.
    """

    to: str
    password_file: str = ""
    password_env: str = ""
    replace: bool = False

    def settings(self) -> dict[str, Any]:
        """What belongs under `store` in the config then; empty for the file."""
        if self.to == SQLITE:
            return {}
        if self.password_file:
            return {"url": self.to, "password": {"file": os.path.abspath(self.password_file)}}
        if self.password_env:
            return {"url": self.to, "password": {"env": self.password_env}}
        return {"url": self.to}


@dataclass(frozen=True, slots=True)
class UndoMove(Request["Undone"]):
    """Let the store that the config leads to be in force again, although it was moved away."""


@dataclass(frozen=True, slots=True)
class Undone:
    """Where the store was moved; None where it was not. `where` is the store that is in force again."""

    where: str
    moved_to: str | None


@dataclass(frozen=True, slots=True)
class CopyStore(Request["StoreCopied"]):
    """Write a copy of the store into a file that must not exist, as a store of SQLite. A gateway may run."""

    file: str


@dataclass(frozen=True, slots=True)
class StoreCopied:
    """The file, its size in bytes, and how many rows it has; `changed` as in `MovedStore`."""

    file: str
    size: int
    rows: int
    changed: int


@operation
async def migrate(ctx: OpContext, request: Migrate) -> AsyncIterator[MoveStep | MovedStore]:
    """Raises `StoreOwned` while a gateway runs, `OpError` for no place for a store, and `StoreError`."""
    source, settings = ctx.place, request.settings()
    target = _target(ctx, settings)
    if str(source) == str(target):
        raise OpError(later("the store is at {where} already", where=source))
    steps: asyncio.Queue[MoveStep | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def told(step: Step) -> None:
        shown = MoveStep(step.stage, step.table, step.rows, step.of)
        loop.call_soon_threadsafe(steps.put_nowait, shown)

    moving = asyncio.ensure_future(asyncio.to_thread(_moved, ctx, source, target, request, told))
    moving.add_done_callback(lambda _: steps.put_nowait(None))
    while (step := await steps.get()) is not None:
        yield step
    report = await moving
    yield MovedStore(
        str(source),
        str(target),
        [TableSum(name, one.rows, one.digest) for name, one in report.tables.items()],
        report.rows,
        report.changed,
        report.again,
        settings,
    )


@operation
async def undo_move(ctx: OpContext, _request: UndoMove) -> Undone:
    """Raises `StoreOwned` while a gateway runs, and `StoreError`."""

    def undone() -> str | None:
        from clawlane.store.moving.move import undo
        from clawlane.store.process_lock import ProcessLock

        with ProcessLock(ctx.paths.lock_file), _leaving(ctx, ctx.place) as source:
            gone = undo(source)
        if gone is not None and ctx.place.file is not None:
            from clawlane.store.sqlite.replaced import explain

            explain(ctx.place.file, "rolled_back")
        return gone.to if gone else None

    return Undone(str(ctx.place), await asyncio.to_thread(undone))


@operation
async def copy_store(ctx: OpContext, request: CopyStore) -> StoreCopied:
    """Raises `OpError` where nothing is stored or the file cannot be written, and `StoreError`."""
    return await asyncio.to_thread(_checked_copy, ctx, request.file)


def _target(ctx: OpContext, settings: Mapping[str, Any]) -> StorePlace:
    from pydantic import ValidationError

    from clawlane.config.store import INSTALL, LIBRARY, StoreSettings
    from clawlane.ops.place import place_of

    if settings:
        from importlib.util import find_spec

        if find_spec(LIBRARY) is None:
            raise OpError(later("the library for PostgreSQL is not installed"), INSTALL)
    try:
        read = StoreSettings.model_validate(dict(settings))
    except ValidationError as error:
        told = later("the store cannot move there: its address {reason}", reason=_plain(error))
        raise OpError(told, "openclaw store migrate --to postgresql://USER@HOST/DATABASE") from None
    return place_of(read, ctx.paths, ctx.environ, ctx.sealing_key)


def _plain(error: Any) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")


def _moved(
    ctx: OpContext,
    source: StorePlace,
    target: StorePlace,
    request: Migrate,
    told: Callable[[Step], None],
) -> Report:
    from clawlane.store.moving.move import Move, id_of
    from clawlane.store.process_lock import ProcessLock

    if not source.exists():
        raise OpError(later("there is no store at {where}", where=source))
    with ExitStack() as stack:
        stack.enter_context(ProcessLock(ctx.paths.lock_file))
        left = stack.enter_context(_leaving(ctx, source))
        made = stack.enter_context(_arriving(ctx, target, id_of(left.db)))
        move = Move(left, made, ctx.now_ms(), told, replace=request.replace)
        return move.run(partial(_copy_sessions, ctx, target))


def _copy_sessions(ctx: OpContext, target: StorePlace) -> None:
    """Sealed sessions, accepted risks, marks of takeovers. They stay sealed with the same key."""
    from clawlane.credentials.profiles import Profiles, copy
    from clawlane.credentials.record_files import RecordFiles

    copy(ctx.profiles, Profiles(target.records(RecordFiles.of(ctx.paths)), ctx.sealing_key))


def _leaving(ctx: OpContext, place: StorePlace) -> AbstractContextManager[Source]:
    if isinstance(place, StoreDatabase):
        from clawlane.store.postgres.moving import leaving

        return leaving(place.address, ctx.now_ms())
    from clawlane.store.sqlite.moving import leaving as leaving_file

    assert place.file is not None
    return leaving_file(place.file, ctx.now_ms())


def _arriving(ctx: OpContext, place: StorePlace, of: str) -> AbstractContextManager[Target]:
    if isinstance(place, StoreDatabase):
        from clawlane.store.postgres.moving import arriving

        return arriving(place.address, ctx.now_ms())
    from clawlane.store.sqlite.moving import arriving as arriving_file

    assert isinstance(place, StoreFile)
    return arriving_file(place.file, of, ctx.now_ms())


def _checked_copy(ctx: OpContext, name: str) -> StoreCopied:
    file = Path(os.path.abspath(name))
    if os.path.lexists(file):
        raise OpError(later("{file} exists already", file=file), later("name another file"))
    if not file.parent.is_dir():
        raise OpError(later("there is no folder {folder}", folder=file.parent))
    if not ctx.place.exists():
        raise OpError(later("there is no store at {where}", where=ctx.place))
    rows, changed = _copied(ctx, file)
    return StoreCopied(str(file), file.stat().st_size, rows, changed)


def _copied(ctx: OpContext, file: Path) -> tuple[int, int]:
    """Copy the store, and give how many rows and changed texts it has."""
    from clawlane.store.moving.move import Move, id_of
    from clawlane.store.sqlite.moving import copied_to

    if ctx.place.file is not None:
        return _copied_file(ctx.place.file, file), 0
    with _leaving(ctx, ctx.place) as left, copied_to(file, id_of(left.db), ctx.now_ms()) as made:
        report = Move(left, made, ctx.now_ms(), lambda _: None).backed_up()
    return report.rows, report.changed


def _copied_file(store: Path, file: Path) -> int:
    from clawlane.credentials.files import replacing
    from clawlane.store.sqlite.copies import snapshot
    from clawlane.store.sqlite.inspection import facts_of

    try:
        with snapshot(store) as made, replacing(file) as written:
            shutil.copyfileobj(made.file, written)
    except OSError as error:
        told = later("{file} cannot be written: {reason}", file=file, reason=error.strerror or error)
        raise OpError(told, later("check free space and permissions; no backup was left there")) from error
    return sum(facts_of(file).rows.values())
