"""What a transition and a question may use of a database: the same on SQLite and on PostgreSQL.

Statements are written once, with `?` or `:name` where values go. `tests/test_store_sql.py` holds them to what
both engines read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeAlias

Values: TypeAlias = Sequence[Any] | Mapping[str, Any]
"""What goes into a statement: by place, or by name."""


OWNERS = (
    "SELECT account, epoch, coalesce(last_seen_ms, 0) AS last_seen_ms FROM owners"
    " LEFT JOIN accounts USING (account) WHERE account "
)
"""Who owns an account, and when it changed last; engines add which, and how the rows are held."""


class Row(Protocol):
    """A row of a result. Columns are found by name or by place."""

    def __getitem__(self, column: Any, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...

    def keys(self) -> Any:
        """The names of the columns."""


class Rows(Protocol):
    """What a statement gave. `rowcount` is how many rows it changed.

    Some engines wait with a statement until somebody asks for that: what was wrong with it is raised then.
    """

    @property
    def rowcount(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Database(Protocol):
    """A connection inside a transaction that somebody else begins and ends."""

    careful: bool
    """Whether a savepoint says at its end what was wrong inside it, where that would show later."""

    @property
    def total_changes(self) -> int:
        """How many rows were changed since the connection was opened."""

    @property
    def asked_changes(self) -> int:
        """A number that grows where a change is asked for. Unlike `total_changes` it waits for nothing."""

    def execute(self, statement: str, values: Values = ..., /) -> Rows: ...

    def executemany(self, statement: str, values: Iterable[Values], /) -> object: ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; false where the database has undone it by itself."""

    def settle(self) -> None:
        """Raises what was wrong with the statements so far, where that is not known yet."""

    def expect_numbers(self, name: str, count: int, /) -> None:
        """So many numbers of this name will be wanted: an engine may fetch them ahead."""

    def next_number(self, name: str, /) -> int:
        """The next number of a `message`, `chunk`, `alarm` or `event`, over all accounts.

        Those of events rise in the order of commits.
        """

    def last_number(self, name: str, /) -> int:
        """The one that was given out last of this name; 0 where none was."""

    def owner(self, account: str, /) -> Any:
        """The row of who owns an account, with `epoch` and `last_seen_ms`; None where nobody ever did.

        It stays as it is until the transaction ends.
        """

    def owners(self, accounts: Iterable[str], /) -> Mapping[str, tuple[int, int]]:
        """The same of several accounts: `epoch` and `last_seen_ms` of each that was ever owned."""

    def hold_owner(self, account: str, /) -> bool:
        """Keep everybody else from the row of who owns an account, until the transaction ends.

        False where there is none, or somebody else holds it.
        """

    def clock_ms(self) -> int:
        """When the transaction began, by the clock of the database: milliseconds since 1970."""

    def moment(self) -> AbstractContextManager[None]:
        """What is asked inside is answered as of one moment. For readers."""

    def guarded(self) -> bool:
        """Whether the triggers are there that keep the record from being changed."""

    def failed_below(self, error: Exception, /) -> bool:
        """Whether the database failed below a statement: its disk, its memory, the way to it."""


@contextmanager
def savepoint(db: Database) -> Iterator[None]:
    """Undo what happens inside if it raises, and nothing else.

    What is wrong with the last statements inside may show later, and spoil the transaction, unless the
    database is `careful`.
    """
    db.settle()
    db.execute("SAVEPOINT transition")
    try:
        yield
        db.execute("RELEASE SAVEPOINT transition")
        if db.careful:
            db.settle()
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK TO SAVEPOINT transition")
            db.execute("RELEASE SAVEPOINT transition")
        raise
