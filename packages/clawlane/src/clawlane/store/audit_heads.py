"""What the record of an account keeps outside the database: the head of its chain, and the key of digests.

The folder `audit` beside the store has a `key` and, for each account, a file that names the last entry. A
chain alone cannot show that its end was cut off; the head can. It is written after each commit that waited
for the disk, so it never knows of an entry that a power cut could still take. It may know less than the
database, never more.

Where machines share a database, each has the heads of accounts that it ran. One of a machine that ran an
account before knows less, and one that never did has none.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from clawlane.credentials.files import make_private_dir, write_private
from clawlane.store.errors import StoreUnusable
from clawlane.store.sql import Database, Rows
from clawlane.texts import later

GENESIS = bytes(32)
"""What the first entry has in place of the hash of the one before it."""

_KEY_BYTES = 32
_LONGEST = 512
"""A head is written in one piece, smaller than the sector of a disk."""

_ENDING = ".head"
_TIP = "SELECT number, hash FROM audit_log WHERE account = ? ORDER BY number DESC LIMIT 1"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain. `why` says that the store was put in place of another one on purpose."""

    number: int = 0
    hash: bytes = GENESIS
    why: str = ""

    def __str__(self) -> str:
        """`412:3fa9…`, for a note that is kept elsewhere."""
        return f"{self.number}:{self.hash.hex()}"


class HeadDamaged(Exception):
    """A head file that does not name an entry. The text is one line and names the file."""


def noted(text: str) -> Head:
    """A head that was noted elsewhere, as it was printed. Raises `ValueError`."""
    number, colon, written = text.strip().partition(":")
    if not (colon and number.isascii() and number.isdecimal() and int(number)):
        raise ValueError(later("a head is NUMBER:HASH, as `openclaw audit verify` prints it"))
    try:
        return Head(int(number), _digest(written))
    except ValueError:
        raise ValueError(later("the hash of a head has 64 hexadecimal digits")) from None


def read_key(folder: Path) -> bytes:
    """The key of digests; empty where none was made. Raises `StoreUnusable`."""
    return _key(folder / "key") if os.path.lexists(folder / "key") else b""


def folder_of(store: Path) -> Path:
    """Where the heads and the key of a store are."""
    return store.with_name("audit")


def tip(db: Database, account: str) -> Head:
    """The last entry of a chain as the database has it."""
    return head_of(last_entry(db, account))


def last_entry(db: Database, account: str) -> Rows:
    """The row of the last entry of a chain, for `head_of`."""
    return db.execute(_TIP, (account,))


def head_of(rows: Rows) -> Head:
    """The entry of a row; what a chain begins with, where it is empty."""
    row = rows.fetchone()
    return Head(row[0], bytes(row[1])) if row else Head()


def read_head(folder: Path, account: str) -> Head | None:
    """The head of an account; None where there is no file. Raises `HeadDamaged`."""
    file = file_of(folder, account)
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with closing(open(handle, "rb")) as opened:
            text = opened.read(_LONGEST)
        told = json.loads(text)
        return Head(int(told["number"]), _digest(told["hash"]), str(told["why"])[:40])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HeadDamaged(
            later("{file} cannot be read ({reason})", file=file, reason=error.strerror)
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise HeadDamaged(later("{file} does not name an entry of the record", file=file)) from error


def accounts_with_heads(folder: Path) -> Iterator[str]:
    """The accounts that have a head file."""
    for file in sorted(folder.glob(f"*{_ENDING}")):
        yield unquote(file.name.removesuffix(_ENDING))


class Heads:
    """The heads of all accounts, for the thread that writes. Without a folder none is kept, as in tests."""

    def __init__(self, folder: Path | None = None, key: bytes = b"", *, shared: bool = False) -> None:
        """`key` is that of digests, where it is shared; else the folder has one.

        `shared` says that other machines have heads of the same records, so one may never have been here.
        """
        self.folder = folder
        self.shared = shared
        self.key = key if key or folder is None else _key(folder / "key")
        self._committed: dict[str, Head] = {}
        self._grown: set[str] = set()
        self._ahead: set[str] = set()
        self._failed: set[str] = set()

    @property
    def behind(self) -> bool:
        """Whether entries are committed that no head knows yet."""
        return bool(self._ahead)

    def expected(self, account: str) -> Head:
        """The last entry that this process committed."""
        return self._committed.get(account, Head())

    def grew(self, account: str) -> None:
        """An entry was added in the open transaction, or the head has to be written anew."""
        self._grown.add(account)

    def asked(self, db: Database) -> dict[str, Rows]:
        """Before a commit: ask for the last entry of each chain that has grown."""
        return {account: last_entry(db, account) for account in self._grown}

    def committed(self, asked: Mapping[str, Rows], *, synced: bool) -> None:
        """After it: learn what was added, and write the heads once that is safe from a power cut.

        Raises where the database did not say; before the next commit it is asked again.
        """
        for account, rows in asked.items():
            self._committed[account] = head_of(rows)
            self._grown.discard(account)
            self._ahead.add(account)
        if synced:
            due, self._ahead, self._failed = self._ahead | self._failed, set(), set()
            for account in due:
                self._write(account)

    def _write(self, account: str) -> None:
        """In place and without waiting for the disk: a head that is too old only knows less."""
        if self.folder is None:
            return
        try:
            make_private_dir(self.folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(file_of(self.folder, account), flags, 0o600)
            try:
                os.pwrite(handle, text_of(self._committed[account]), 0)
            finally:
                os.close(handle)
        except OSError as error:
            self._failed.add(account)  # with the next commit, then
            log.warning("the head of the record of %s cannot be written (%s)", account, error.strerror)


def file_of(folder: Path, account: str) -> Path:
    return folder / f"{quote(account, safe='')}{_ENDING}"


def text_of(head: Head) -> bytes:
    told = {"number": head.number, "hash": head.hash.hex(), "why": head.why}
    return json.dumps(told).ljust(_LONGEST // 2).encode() + b"\n"


def _digest(written: str) -> bytes:
    found = bytes.fromhex(written)
    if len(found) != len(GENESIS):
        raise ValueError
    return found


def _key(file: Path) -> bytes:
    """The key of digests, made at the first use. Raises `StoreUnusable`."""
    try:
        if not os.path.lexists(file):
            write_private(file, secrets.token_bytes(_KEY_BYTES))
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with closing(open(handle, "rb")) as opened:
            key = opened.read(_KEY_BYTES + 1)
    except OSError as error:
        raise StoreUnusable(
            later(
                "{file}, the key of the record, cannot be used ({reason}); check free space and permissions",
                file=file,
                reason=error.strerror,
            )
        ) from error
    if len(key) != _KEY_BYTES:
        raise StoreUnusable(
            later(
                "{file}, the key of the record, has not {n} bytes; put it back, or remove it: what was said"
                " before can then no longer be compared with the record",
                file=file,
                n=_KEY_BYTES,
            )
        )
    return key
