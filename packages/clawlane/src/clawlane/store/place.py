"""Where a store is: in a file of this machine, or in a database that several gateways share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from clawlane.store.errors import StoreUnusable
from clawlane.store.sqlite.marker import check_before
from clawlane.texts import told

if TYPE_CHECKING:
    from clawlane.credentials.profile_records import ProfileRecords
    from clawlane.credentials.sealing_key import KeyLocation
    from clawlane.store.account_store import Clock
    from clawlane.store.database import Store
    from clawlane.store.inspection import Identities, StoreFacts
    from clawlane.store.postgres.opening import Address
    from clawlane.store.reader import Reader


class StorePlace(Protocol):
    """Where a store is. Nothing is opened before it is asked for."""

    @property
    def file(self) -> Path | None:
        """The file that it is; None for a database."""

    def exists(self) -> bool:
        """Whether there is one to read. A database is only asked when it is opened."""

    def check(self) -> None:
        """Check that it is the one that was made here, as far as that is told without opening it.

        Raises `StoreUnusable`.
        """

    def is_older(self) -> bool:
        """Whether an older clawlane wrote it, and whoever opens it to write brings it up to date."""

    def reading(self) -> AbstractContextManager[Reader]:
        """A reader for the time of a few questions. Raises `StoreUnusable`; an empty one finds nothing."""

    def facts(self) -> StoreFacts:
        """How it is, and how much it holds. Raises `OSError` for a file that is not there."""

    def identities(self) -> Identities:
        """Whom it knows, as far as it can be read."""

    def record_key(self) -> bytes:
        """The key of the digests in its record; empty where none was made. Raises `StoreUnusable`."""

    def records(self, files: ProfileRecords, store: Store | None = None) -> ProfileRecords:
        """Where sessions, accepted risks and marks of takeovers are: `files`, or the database.

        An open `store` is asked over the sessions that it has.
        """

    def opened(self, now_ms: Clock, *, checked: bool = True) -> AbstractAsyncContextManager[Store]:
        """The store, for the one process of this state directory that may write.

        Without `checked`, damage is found only when it is read: for a command that touches a few rows.
        Raises `StoreOwned` and `StoreUnusable`.
        """


@dataclass(frozen=True, slots=True)
class StoreFile:
    """A file, for one gateway."""

    file: Path
    lock_file: Path

    def __str__(self) -> str:
        return str(self.file)

    def exists(self) -> bool:
        return self.file.exists()

    def check(self) -> None:
        check_before(self.file)

    def is_older(self) -> bool:
        from clawlane.store.sqlite.connection import is_older

        return is_older(self.file)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        from clawlane.store.reader import reading, reading_nothing

        self.check()
        with reading(self.file) if self.exists() else reading_nothing() as reader:
            yield reader

    def facts(self) -> StoreFacts:
        from clawlane.store.sqlite.inspection import facts_of

        return facts_of(self.file)

    def identities(self) -> Identities:
        from clawlane.store.sqlite.inspection import identities_of

        return identities_of(self.file)

    def record_key(self) -> bytes:
        from clawlane.store.audit_heads import folder_of, read_key

        return read_key(folder_of(self.file))

    def records(self, files: ProfileRecords, store: Store | None = None) -> ProfileRecords:
        del store
        return files

    @asynccontextmanager
    async def opened(self, now_ms: Clock, *, checked: bool = True) -> AsyncIterator[Store]:
        from clawlane.store.database import open_store

        async with open_store(self.file, self.lock_file, now_ms, checked=checked) as store:
            yield store


@dataclass(frozen=True, slots=True)
class StoreDatabase:
    """A PostgreSQL database. `folder` keeps what belongs beside it on this machine.

    `key` seals the sessions in it, and is the same on all machines.
    """

    address: Address
    key: KeyLocation
    folder: Path
    lock_file: Path

    @property
    def file(self) -> None:
        return None

    def __str__(self) -> str:
        return str(self.address)

    def exists(self) -> bool:
        return True

    def check(self) -> None:
        """Nothing on this machine says which it is."""

    def is_older(self) -> bool:
        """No command changes tables that other gateways work with: the first new gateway does."""
        return False

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        from clawlane.store.postgres.opening import read_once

        with read_once(self.address, key=self._key_if_there) as reader:
            yield reader

    def facts(self) -> StoreFacts:
        from clawlane.store.postgres.inspection import facts_of

        return facts_of(self.address)

    def identities(self) -> Identities:
        from clawlane.store.postgres.inspection import identities_of

        return identities_of(self.address)

    def record_key(self) -> bytes:
        from clawlane.credentials.sealing_key import key_of_record

        return key_of_record(self._key_bytes())

    def records(self, files: ProfileRecords, store: Store | None = None) -> ProfileRecords:
        from clawlane.store.postgres.record_table import RecordTable

        del files
        return RecordTable(store.read if store else self.reading, self.address.connect, str(self))

    @asynccontextmanager
    async def opened(self, now_ms: Clock, *, checked: bool = True) -> AsyncIterator[Store]:  # noqa: ARG002
        from clawlane.store.postgres.opening import open_database
        from clawlane.store.process_lock import ProcessLock

        with ProcessLock(self.lock_file):
            key = self._key_bytes()
            async with open_database(self.address, self.folder, now_ms, key=key) as store:
                yield store

    def _key_if_there(self) -> bytes:
        try:
            return self._key_bytes()
        except StoreUnusable:  # which is told where it is needed
            return b""

    def _key_bytes(self) -> bytes:
        """Raises `StoreUnusable`: without the key no session can be opened."""
        from clawlane.channel import VaultError

        try:
            return self.key.read()
        except (VaultError, OSError) as error:
            raise StoreUnusable(told(error)) from error
