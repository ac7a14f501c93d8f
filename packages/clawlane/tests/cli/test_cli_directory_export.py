"""`openclaw directory export`: from the store, or from the copy of a day."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from packages.clawlane.tests.cli.conftest import Perch

from clawlane.clock import now_ms
from clawlane.ops import address_book
from clawlane.people import Group, Person
from clawlane.store.database import open_store
from clawlane.store.directory import keep_groups, keep_members, keep_peers
from clawlane.zone import MACHINE

LANE = "parrot/default"
LAN = Person("11", "Lan Nguyễn", (), True)
MINH = Person("12", "Minh")


async def _known(perch: Perch) -> None:
    async with (
        open_store(perch.paths.store, perch.paths.lock_file, now_ms) as store,
        store.own(LANE) as account_store,
    ):
        await account_store.run(keep_peers, [LAN])
        await account_store.run(keep_groups, [Group("77", "Nhà", 9)])
        await account_store.run(keep_members, "77", [LAN, MINH])


def known(perch: Perch) -> None:
    asyncio.run(_known(perch))


def test_what_the_store_knows_is_printed_and_written_for_its_owner_alone(
    perch: Perch, tmp_path: Path
) -> None:
    known(perch)
    assert "friend,11,Lan Nguyễn,,yes,,,\r\n" in perch("directory export").out
    file = tmp_path / "contacts.vcf"
    told = perch(f"directory export --format vcard --out {file}")
    assert told.code == 0
    assert told.out.startswith(f"{file} has 1 friend, 1 group and 2 members of them. Friends as of 20")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes().startswith(b"BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:individual\r\nUID:urn:uuid:")
    [book] = perch("directory export --format json").json
    assert (book["ok"], book["account"], book["groups"][0]["member_count"]) == (True, LANE, 9)


def test_a_copy_needs_neither_the_store_nor_the_account(perch: Perch) -> None:
    known(perch)
    before = perch("directory export").out
    with_store = perch("directory export --format json").json[0]
    del with_store["ok"]
    book = address_book.decode(json.dumps(with_store).encode(), address_book.AddressBook)
    address_book.save(perch.paths, book)
    perch("store reset --forget")
    told = perch("directory export")
    day = MACHINE.day(now_ms())
    assert told.code == 1
    assert told.err == (
        f"error: nothing is stored of the friends and groups of {LANE}; run: openclaw directory export"
        f" --channel parrot --snapshot {day}\n"
    )
    assert perch("directory export --snapshot latest").out == before
    assert perch(f"directory export --snapshot {day}").out == before
    assert perch("directory export --snapshot 2020-01-01").err == (
        f"error: there is no copy of '2020-01-01'; the days are: {day}\n"
    )
    assert "leave out --refresh" in perch("directory export --snapshot latest --refresh").err


def test_the_status_names_the_last_copy(perch: Perch) -> None:
    known(perch)
    assert "contacts" not in perch("channels status").out
    [book] = perch("directory export --format json").json
    del book["ok"]
    address_book.save(perch.paths, address_book.decode(json.dumps(book).encode(), address_book.AddressBook))
    assert "    contacts   copied 20" in perch("channels status").out


def test_nothing_known_and_no_copy_is_one_line_that_says_what_helps(perch: Perch) -> None:
    assert perch("directory export").err == (
        f"error: nothing is stored of the friends and groups of {LANE}; run: openclaw directory export"
        " --channel parrot --refresh\n"
    )
    told = perch("directory export --snapshot latest")
    assert (told.code, told.err.startswith(f"error: there is no copy of the address book of {LANE} in")) == (
        1,
        True,
    )
