"""A move from its first row to its last: copied in parts, compared, and only then in force.

What was copied is committed together with how far it is, so that a move that was cut off goes on from there.
The store that is left is marked before the new one is put in force: never are both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from clawlane.credentials.profile_records import Kind
from clawlane.store import moved, nodes, profile_records
from clawlane.store.errors import StoreFailed, StoreOwned, StoreUnusable
from clawlane.store.moved import ARRIVING, MOVED, Arriving, Moved
from clawlane.store.moving.places import NUMBERS, Source, Target
from clawlane.store.moving.rows import Row, Summary, held, pages, summary
from clawlane.store.moving.tables import Table, tables
from clawlane.store.sql import Database
from clawlane.texts import later

_KEPT = "SELECT name, value FROM properties WHERE name NOT IN (?, ?) ORDER BY name"


class Step(msgspec.Struct, frozen=True):
    """How far a move is: `copy` or `check`, the table, and how many of how many rows."""

    stage: str
    table: str
    rows: int
    of: int


class Report(msgspec.Struct, frozen=True):
    """What was moved, by table. `again`: all of it had been moved before, and nothing was done."""

    tables: dict[str, Summary]
    again: bool = False

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(one.rows for one in self.tables.values())

    @property
    def changed(self) -> int:
        """Texts with a NUL, for which U+FFFD stands now."""
        return sum(one.changed for one in self.tables.values())


def id_of(db: Database) -> str:
    """The id of a store; empty for one that is not complete."""
    row = db.execute("SELECT value FROM properties WHERE name = 'id'").fetchone()
    return str(row[0]) if row else ""


class Move:
    """One move. `told` is called with each step; with `replace` an older state of the same store may go."""

    def __init__(
        self,
        source: Source,
        target: Target,
        now_ms: int,
        told: Callable[[Step], None],
        *,
        replace: bool = False,
    ) -> None:
        self._source, self._target = source, target
        self._now_ms, self._told, self._replace = now_ms, told, replace
        self._of = id_of(source.db)
        self._began = _began(source.db)
        self._mark = Arriving(self._of, self._began)
        self._all = 0

    def run(self, besides: Callable[[], None] = lambda: None) -> Report:
        """Move the store, and `besides` what is kept with it; it is called before the store is left.

        Raises `StoreUnusable`, `StoreOwned` while a gateway works with it, and `StoreFailed` for what goes on
        when it is run again.
        """
        gone = moved.moved(self._source.db)
        if gone is not None:
            return self._finished(gone)
        _check_free(self._source.db, self._source.where)
        report = self.copy()
        besides()
        self._note(msgspec.structs.replace(self._mark, checked=True), safe=True)
        self._source.change(self._leave)
        self._put_in_force()
        return report

    def copy(self) -> Report:
        """Copy what is not copied yet, and compare all of it. Neither store is in force or left by that."""
        self._prepare()
        for table in self._left():
            self._copy(table)
        with self._target.transaction():
            for name in NUMBERS:
                self._target.set_number(name, self._source.db.last_number(name))
        return Report(self._compared())

    def backed_up(self) -> Report:
        """A copy that is in force elsewhere, while the store itself goes on."""
        report = self.copy()
        with self._target.transaction():
            _copy_sessions(self._source.db, self._target.db, self._now_ms)
        self._put_in_force()
        return report

    def _finished(self, gone: Moved) -> Report:
        """The rest of a move that was cut off after the store was left, or all was done before."""
        mark = moved.arriving(self._target.db)
        if gone.to != self._target.where or (mark is None and id_of(self._target.db) != self._of):
            raise _gone(self._source.where, gone)
        if mark is None:
            self._target.settle()
            return Report({}, again=True)
        if mark.of != self._of or not mark.checked:
            raise _gone(self._source.where, gone)
        report = Report({one.name: self._checked_before(one) for one in tables()})
        self._put_in_force()
        return report

    def _checked_before(self, table: Table) -> Summary:
        """What was copied: the two were compared before the store was left, which has changed it."""
        left, made = (summary(one.db, table, lambda _: None) for one in (self._source, self._target))
        return msgspec.structs.replace(made, changed=left.changed)

    def _prepare(self) -> None:
        """Go on with what is there of this move, or begin in an empty store."""
        target, mark = self._target, moved.arriving(self._target.db)
        if mark is not None and mark.of != self._of:
            told = later("{where} holds a part of another store; give this one a place of its own")
            raise StoreUnusable(later(told, where=target.where))
        if mark is None and not _empty(target.db):
            self._check_replaced()
        elif mark is not None and mark.began == self._began:
            self._mark = msgspec.structs.replace(mark, checked=False)
            self._note(self._mark, before=mark)
            return
        if mark is not None or not _empty(target.db):
            target.clear()
        with target.transaction(safe=True):
            target.db.execute("DELETE FROM properties")
            self._add_property(ARRIVING, moved.written(self._mark))

    def _check_replaced(self) -> None:
        where = self._target.where
        if id_of(self._target.db) != self._of or moved.moved(self._target.db) is None:
            told = later("{where} holds a store already; move into an empty place", where=where)
            raise StoreUnusable(told)
        if not self._replace:
            told = later(
                "{where} holds this store as it was before it was moved away; empty it first, or let it be"
                " replaced: --replace",
                where=where,
            )
            raise StoreUnusable(told)

    def _left(self) -> tuple[Table, ...]:
        """The tables that are not copied yet, with the one that was begun."""
        names = [one.name for one in tables()]
        first = names.index(self._mark.table) if self._mark.table else 0
        count = "SELECT count(*) FROM "
        self._all = sum(int(self._source.db.execute(count + name).fetchone()[0]) for name in names)
        return tables()[first:]

    def _copy(self, table: Table) -> None:
        after = self._mark.after if self._mark.table == table.name else []
        for page in pages(self._source.db, table, after):
            mark = msgspec.structs.replace(
                self._mark, table=table.name, after=table.key_of(page[-1]), rows=self._mark.rows + len(page)
            )
            self._add(table, page, mark)
            self._told(Step("copy", table.name, mark.rows, self._all))

    def _add(self, table: Table, page: list[Row], mark: Arriving) -> None:
        with self._target.transaction():
            self._target.insert(table, [held(row) for row in page])
            self._change_mark(mark, self._mark)
        self._mark = mark

    def _note(self, mark: Arriving, *, before: Arriving | None = None, safe: bool = False) -> None:
        with self._target.transaction(safe=safe):
            self._change_mark(mark, before or self._mark)
        self._mark = mark

    def _change_mark(self, mark: Arriving, before: Arriving) -> None:
        """Only where it is as this move left it: nobody else moves into the same place."""
        written = self._target.db.execute(
            "UPDATE properties SET value = ? WHERE name = ? AND value = ?",
            (moved.written(mark), ARRIVING, moved.written(before)),
        )
        if written.rowcount != 1:
            told = later("another move into {where} is under way", where=self._target.where)
            raise StoreUnusable(told)

    def _compared(self) -> dict[str, Summary]:
        """What each table holds. Raises `StoreFailed` where the two differ: then it begins anew."""
        found: dict[str, Summary] = {}
        done = 0

        def told(rows: int) -> None:
            nonlocal done
            done += rows
            self._told(Step("check", table.name, done // 2, self._all))

        for table in tables():
            found[table.name] = ours = summary(self._source.db, table, told)
            theirs = summary(self._target.db, table, told)
            if (ours.rows, ours.digest) != (theirs.rows, theirs.digest):
                self._target.clear()
                raise StoreFailed(
                    later(
                        "the copy of {table} differs ({ours} rows, copied {theirs}); nothing was moved:"
                        " run it again",
                        table=table.name,
                        ours=ours.rows,
                        theirs=theirs.rows,
                    )
                )
        return found

    def _leave(self, db: Database) -> None:
        """Mark the store that is left. Whoever still runs an account of it may not write any more."""
        _check_free(db, self._source.where)
        if _began(db) != self._began or moved.moved(db) is not None:
            where = self._source.where
            raise StoreFailed(later("{where} has changed meanwhile; run the move again", where=where))
        mark = Moved(self._target.where, self._now_ms)
        db.execute("INSERT INTO properties (name, value) VALUES (?, ?)", (MOVED, moved.written(mark)))
        db.execute("UPDATE owners SET epoch = epoch + 1")

    def _put_in_force(self) -> None:
        kept = self._source.db.execute(_KEPT, (MOVED, ARRIVING)).fetchall()
        with self._target.transaction(safe=True):
            self._target.db.execute("DELETE FROM properties")
            for name, value in kept:
                self._add_property(name, value)
        self._target.settle()

    def _add_property(self, name: str, value: str) -> None:
        query = "INSERT INTO properties (name, value) VALUES (?, ?)"
        self._target.db.execute(query, (name, value))


def _copy_sessions(source: Database, target: Database, now_ms: int) -> None:
    """Copy what is kept of profiles, sealed as it is."""
    for record in (one for kind in Kind for one in profile_records.names(source, kind)):
        if (content := profile_records.load(source, record)) is not None:
            profile_records.put(target, record, content, now_ms)


def undo(source: Source) -> Moved | None:
    """Let a store that was moved away be in force again. Gives where it went; None where it did not."""
    gone = moved.moved(source.db)
    if gone is not None:
        source.change(_unmark)
    return gone


def _unmark(db: Database) -> None:
    db.execute("DELETE FROM properties WHERE name = ?", (MOVED,))


def _began(db: Database) -> str:
    """What a store is like when it is moved. It changes with every gateway or command that writes to it."""
    owned = db.execute(
        "SELECT count(*), coalesce(sum(epoch), 0), (SELECT coalesce(sum(entered_ms), 0) FROM nodes)"
        " FROM owners"
    ).fetchone()
    numbers = [db.last_number(name) for name in NUMBERS]
    names = [(one.name, one.columns) for one in tables()]
    return hashlib.sha256(msgspec.json.encode([list(owned), numbers, names])).hexdigest()[:32]


def _empty(db: Database) -> bool:
    """Whether a store is as it was made."""
    filled = " UNION ALL ".join(f"SELECT 1 FROM (SELECT 1 FROM {one.name} LIMIT 1) AS t" for one in tables())  # noqa: S608
    return db.execute(f"SELECT 1 FROM ({filled}) AS filled LIMIT 1").fetchone() is None  # noqa: S608


def _check_free(db: Database, where: str) -> None:
    """Check that no gateway works with a store. Raises `StoreOwned`."""
    if alive := ", ".join(one.name for one in nodes.listed(db) if one.alive):
        told = later("{where} is in use by the gateways {names}; stop them first", where=where, names=alive)
        raise StoreOwned(told, 0)


def _gone(where: str, gone: Moved) -> StoreUnusable:
    told = later(
        "{where} was moved to {to} already; go on there, or with this one as it was then: openclaw store"
        " migrate --undo",
        where=where,
        to=gone.to,
    )
    return StoreUnusable(told)
