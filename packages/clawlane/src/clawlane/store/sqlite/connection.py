"""Connections to the store's file: one that writes, and any number that only read."""

from __future__ import annotations

import glob
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from clawlane.credentials.files import make_private_dir
from clawlane.store import moved
from clawlane.store.errors import StoreUnusable
from clawlane.store.sql import OWNERS
from clawlane.store.sqlite import copies, marker, schema
from clawlane.texts import later

_OUT_OF_REACH = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
    )
)
"""What fails around the file: that says nothing against what stands in it."""

_BELOW = _OUT_OF_REACH | {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""What fails below a statement."""

_DAMAGED = ".damaged-"
_STATEMENTS = 256
"""How many prepared statements are kept: more than there are, so that none is prepared again and again."""


class Connection(sqlite3.Connection):
    """A connection as transitions use it; see `clawlane.store.sql`."""

    careful = True

    def settle(self) -> None:
        """Each statement has said at once what was wrong with it."""

    @property
    def asked_changes(self) -> int:
        """The rows that were changed."""
        return self.total_changes

    def expect_numbers(self, name: str, count: int) -> None:
        """They cost nothing."""

    def next_number(self, name: str) -> int:
        """The next number of this name, over all accounts."""
        query = "UPDATE numbers SET last = last + 1 WHERE name = ? RETURNING last"
        return int(self.execute(query, (name,)).fetchone()["last"])

    def last_number(self, name: str) -> int:
        """The one that was given out last."""
        query = "SELECT last FROM numbers WHERE name = ?"
        return int(self.execute(query, (name,)).fetchone()["last"])

    def owner(self, account: str) -> sqlite3.Row | None:
        """Who owns an account. Nobody else writes while a transaction is open."""
        found: sqlite3.Row | None = self.execute(f"{OWNERS} = ?", (account,)).fetchone()
        return found

    def owners(self, accounts: Iterable[str]) -> dict[str, tuple[int, int]]:
        """The same of several accounts."""
        rows = ((one, self.owner(one)) for one in accounts)
        return {one: (row["epoch"], row["last_seen_ms"]) for one, row in rows if row is not None}

    def hold_owner(self, account: str) -> bool:
        """Whether anybody owns or owned an account. Nobody else writes while a transaction is open."""
        return self.execute("SELECT 1 FROM owners WHERE account = ?", (account,)).fetchone() is not None

    def clock_ms(self) -> int:
        """The time of this machine."""
        query = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        return int(self.execute(query).fetchone()[0])

    @contextmanager
    def moment(self) -> Iterator[None]:
        """What is asked inside is answered as of one moment."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("COMMIT")

    def guarded(self) -> bool:
        """Whether the triggers of the record are those that it was made with."""
        query = (
            "SELECT sql FROM sqlite_schema WHERE type = 'trigger'"
            " AND tbl_name IN ('audit_log', 'audit_anchors')"
        )
        with closing(connect_nothing()) as made:
            wanted = {row[0] for row in made.execute(query)}
        return wanted <= {row[0] for row in self.execute(query)}

    def failed_below(self, error: Exception) -> bool:
        """Whether SQLite failed below the statement: locking, memory, disk, space, a damaged file."""
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _BELOW


def connect_writer(
    path: Path, now_ms: int, *, checked: bool = True, keep_old: bool = True, even_moved: bool = False
) -> Connection:
    """The one connection that writes, with its tables made. The file is private to its owner.

    With `checked` every page is looked at first, which takes a while in a large store. A store of an older
    version is copied before it is changed, unless `keep_old` is False. The connection may be used by another
    thread than the one that opened it. Raises `StoreUnusable`, also for a store that was made here and is not
    there any more, and for one that was moved away unless that is fine.
    """
    make_private_dir(path.parent)
    marker.check_before(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS, factory=Connection
    )
    try:
        _prepare(connection, path, now_ms, checked=checked, keep_old=keep_old)
        if not even_moved:
            moved.check(connection, str(path))
    except sqlite3.DatabaseError as error:
        if _out_of_reach(error):
            connection.close()
            told = later(
                "the store {path} cannot be written ({error}); check free space and permissions",
                path=path,
                error=str(error),
            )
            raise StoreUnusable(told) from error
        raise _kept(connection, path, now_ms, str(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def read_only(path: Path) -> Connection:
    """A connection that cannot write, to whatever the file holds. It must exist."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, factory=Connection)


def connect_reader(path: Path) -> Connection:
    """A connection that cannot write and never checkpoints. The store must exist. Raises `StoreUnusable`.

    `mode=ro`, because releases of SQLite before 3.51.3 can damage a WAL file that two connections checkpoint.
    """
    connection = read_only(path)
    try:
        if schema.outdated(connection, path):
            raise StoreUnusable(
                later(
                    "{path} was written by an older clawlane; start the gateway once: openclaw gateway run",
                    path=path,
                )
            )
        moved.check(connection, str(path))
    except sqlite3.DatabaseError as error:
        connection.close()
        help = later("start the gateway: it keeps a copy")
        if _out_of_reach(error):
            help = later("check free space and permissions")
        raise StoreUnusable(
            later("the store {path} cannot be used ({error}); {help}", path=path, error=str(error), help=help)
        ) from error
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def is_older(path: Path) -> bool:
    """Whether an older clawlane wrote the store. False for one that is not there, or cannot be read."""
    if not path.exists():
        return False
    connection = read_only(path)
    with closing(connection), suppress(StoreUnusable, sqlite3.DatabaseError):
        return schema.outdated(connection, path)
    return False


@contextmanager
def readable(path: Path) -> Iterator[Connection]:
    """The same for the time of a few questions. What fails meanwhile is a `StoreUnusable`, too."""
    try:
        with closing(connect_reader(path)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        told = later("the store {path} cannot be read ({error})", path=path, error=error)
        raise StoreUnusable(told) from error


def connect_nothing() -> Connection:
    """A connection to an empty store in memory."""
    connection = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, factory=Connection
    )
    schema.migrate(connection, Path(), 0)
    connection.row_factory = sqlite3.Row
    return connection


def _out_of_reach(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _OUT_OF_REACH


def _kept(connection: sqlite3.Connection, path: Path, now_ms: int, found: str) -> StoreUnusable:
    """The error for a damaged file. A copy is made first: closing the file may write into it once more."""
    copy, made = _copy_of(path), False
    try:
        if copy is None:
            copy, made = path.with_name(f"{path.name}{_DAMAGED}{now_ms}"), True
            _copy(path, copy)
        kept = later("a copy is kept as {name}", name=copy.name)
    except OSError as error:
        kept, made = later("no copy could be made ({reason})", reason=error.strerror), False
    finally:
        connection.close()
    if copy is not None and made:
        # The time of a copied file tells that it was copied, so that not every start makes a copy.
        changed_ns = path.stat().st_mtime_ns
        os.utime(copy, ns=(changed_ns, changed_ns))
    return StoreUnusable(
        later(
            "the store {path} is damaged ({found}); {kept}; put back a good one, or begin with an empty one"
            " ({reset}), which forgets {forgotten}",
            path=path,
            found=found,
            kept=kept,
            reset=marker.RESET,
            forgotten=marker.FORGOTTEN,
        )
    )


def _copy_of(path: Path) -> Path | None:
    """The copy that was made of the file as it is now."""
    changed_ns = path.stat().st_mtime_ns
    for copy in sorted(path.parent.glob(f"{glob.escape(path.name)}{_DAMAGED}*")):
        is_file = not copy.is_symlink() and not copy.name.endswith("-wal")
        if is_file and copy.stat().st_mtime_ns == changed_ns:
            return copy
    return None


def _copy(path: Path, copy: Path) -> None:
    for ending in ("", "-wal"):
        part, target = Path(f"{path}{ending}"), f"{copy}{ending}"
        if part.exists() and part.stat().st_size:
            # Only we can read it. A link in its place is not followed.
            os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            shutil.copyfile(part, target)


def _prepare(
    connection: sqlite3.Connection, path: Path, now_ms: int, *, checked: bool, keep_old: bool
) -> None:
    schema.check(connection, path)
    marker.check_opened(connection, path)
    outdated = schema.outdated(connection, path)
    if checked or outdated:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(" ".join(verdict.split()))
    if outdated and keep_old:
        copies.keep_before_upgrade(connection, path, now_ms)
    copies.prune(path, now_ms)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Savepoints keep copies of pages. A temporary file would hold texts, and take longer.
    connection.execute("PRAGMA temp_store = MEMORY")
    # A text that was taken back must not stay readable in the file.
    connection.execute("PRAGMA secure_delete = ON")
    schema.migrate(connection, path, now_ms)
    marker.mark(connection, path)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.row_factory = sqlite3.Row
