"""Whom an account knows as one value, and its daily copies in private files that outlive the account.

A copy is `address-book/ACCOUNT/DAY.json` in the state directory: the friends, the groups, and those of their
members that were ever looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from clawlane.ops.operation import OpError, decode, encode
from clawlane.people import Person
from clawlane.texts import later
from clawlane.zone import shown

if TYPE_CHECKING:
    from clawlane.config.paths import Paths
    from clawlane.store.reader import Reader

KEPT_DAYS = 30
LATEST = "latest"
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class BookGroup:
    """A group, with the members that were looked up; `member_count` is the platform's, None if unknown."""

    id: str
    name: str
    member_count: int | None
    members: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressBook:
    """What was known of an account's friends and groups at `taken_ms`.

    `friends_ms` and `groups_ms` say when the platform was asked for them, None for never.
    """

    account: str
    taken_ms: int
    friends_ms: int | None
    groups_ms: int | None
    friends: tuple[Person, ...]
    groups: tuple[BookGroup, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.friends or self.groups)


def of_store(reader: Reader, account: str, now_ms: int) -> AddressBook:
    """What the store knows of an account (`channel/id`)."""
    known = reader.known(account)
    groups = tuple(
        BookGroup(one.id, one.name, one.member_count, reader.members(account, one.id)) for one in known.groups
    )
    return AddressBook(account, now_ms, known.peers_ms, known.groups_ms, known.peers, groups)


def days(paths: Paths, account: str) -> list[str]:
    """The days of an account's copies, the latest last."""
    found = (file.stem for file in _folder(paths, account).glob("*.json"))
    return sorted(day for day in found if _DAY.match(day))


def taken_ms(paths: Paths, account: str) -> int | None:
    """When the latest copy was written; None where there is none."""
    kept = days(paths, account)
    try:
        return _file(paths, account, kept[-1]).stat().st_mtime_ns // 1_000_000 if kept else None
    except OSError:
        return None


def save(paths: Paths, book: AddressBook) -> Path:
    """Write the copy of the day, and remove those that had their time. Raises `OSError`."""
    from clawlane.credentials.files import write_private

    file = _file(paths, book.account, shown().day(book.taken_ms))
    write_private(file, encode(book))
    for day in days(paths, book.account)[:-KEPT_DAYS]:
        _file(paths, book.account, day).unlink(missing_ok=True)
    return file


def load(paths: Paths, account: str, day: str) -> AddressBook:
    """The copy of a day (`2026-11-28`), or the `latest`. Raises `OpError`."""
    kept = days(paths, account)
    where = _folder(paths, account)
    if not kept:
        raise OpError(
            later(
                "there is no copy of the address book of {account} in {where}", account=account, where=where
            )
        )
    wanted = kept[-1] if day == LATEST else day
    if wanted not in kept:
        raise OpError(
            later("there is no copy of '{day}'", day=day[:20]),
            later("the days are: {names}", names=", ".join(kept)),
        )
    file = _file(paths, account, wanted)
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES)
        book: AddressBook = decode(content, AddressBook)
    except OSError as error:
        raise OpError(
            later("{file} cannot be read ({strerror})", file=file, strerror=error.strerror)
        ) from error
    except OpError:
        raise OpError(
            later("{file} is damaged", file=file), later("take another day: {names}", names=", ".join(kept))
        ) from None
    return book


def _folder(paths: Paths, account: str) -> Path:
    return paths.address_book_root / quote(account, safe="")


def _file(paths: Paths, account: str, day: str) -> Path:
    return _folder(paths, account) / f"{day}.json"
