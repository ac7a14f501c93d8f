"""The address book: as CSV, as vCards, and as the copy of a day."""

from __future__ import annotations

import asyncio
import csv
import io
import resource
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, opened_store

from clawlane.capabilities import DirectoryError
from clawlane.channel import Account, Phase, State, Vault
from clawlane.cli.address_book_text import as_csv, as_vcards
from clawlane.config.paths import Paths
from clawlane.gateway.address_books import copy_if_due, keep_copies
from clawlane.lookup import Lookup
from clawlane.ops import address_book
from clawlane.ops.address_book import AddressBook, BookGroup
from clawlane.ops.operation import OpError
from clawlane.people import Group, Members, Person
from clawlane.store.directory import keep_groups, keep_members, keep_peers
from clawlane.store.told import Pause, PauseLevel
from clawlane.zone import MACHINE

NOW = 1_700_000_000_000
DAY = 86_400_000
LAN = Person("11", "Lan Nguyễn", ("Lan", "chị; Lan"), True)
MINH = Person("12", '=HYPERLINK("http://x","Minh")', (), None)
BOOK = AddressBook(
    LANE,
    NOW,
    NOW - 5,
    NOW - 5,
    (LAN,),
    (BookGroup("77", "Nhà, bếp\nvà vườn", 9, (LAN, MINH)), BookGroup("78", "", None)),
)


def rows(book: AddressBook) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(book).removeprefix("\ufeff"), newline="")))


def test_csv_has_a_row_for_each_friend_group_and_member() -> None:
    assert rows(BOOK) == [
        ["kind", "id", "name", "also", "friend", "group_id", "group_name", "members"],
        ["friend", "11", "Lan Nguyễn", "Lan; chị; Lan", "yes", "", "", ""],
        ["group", "77", "Nhà, bếp và vườn", "", "", "", "", "9"],
        ["member", "11", "Lan Nguyễn", "Lan; chị; Lan", "yes", "77", "Nhà, bếp và vườn", ""],
        ["member", "12", '\'=HYPERLINK("http://x","Minh")', "", "", "77", "Nhà, bếp và vườn", ""],
        ["group", "78", "", "", "", "", "", ""],
    ]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "\x00=1", "\u200b=1"]
)
def test_no_cell_is_a_formula(name: str) -> None:
    book = AddressBook(LANE, NOW, None, None, (Person("11", name, (name,)),), ())
    for cell in rows(book)[1]:
        assert not cell.lstrip("\u200b \t").startswith(("=", "+", "-", "@", "＝", "\t", "\r", "\n"))


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def test_vcards_are_as_rfc_6350_has_them() -> None:
    lines = unfolded(as_vcards(BOOK))
    assert lines.count("BEGIN:VCARD") == lines.count("VERSION:4.0") == lines.count("END:VCARD") == 4
    assert [lines[place + 1] for place, line in enumerate(lines) if line == "BEGIN:VCARD"] == [
        "VERSION:4.0"
    ] * 4
    assert "FN:Lan Nguyễn" in lines
    assert "NICKNAME:Lan,chị\\; Lan" in lines
    assert "FN:Nhà\\, bếp\\nvà vườn" in lines
    assert "FN:78" in lines  # a card has to have a name
    assert "CATEGORIES:Nhà\\, bếp\\nvà vườn" in lines
    assert "REV:20231114T221320Z" in lines
    uids = [line.removeprefix("UID:") for line in lines if line.startswith("UID:")]
    assert len(set(uids)) == 4
    members = [line.removeprefix("MEMBER:") for line in lines if line.startswith("MEMBER:")]
    assert members == uids[:2]
    assert as_vcards(BOOK) == as_vcards(BOOK)


def test_long_lines_are_folded_between_characters() -> None:
    name = "Nguyễn Thị Phương Thảo 🌸 " * 20
    text = as_vcards(AddressBook(LANE, NOW, None, None, (Person("11", name),), ()))
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert f"FN:{name.strip()}" in unfolded(text)


def test_a_name_cannot_add_lines_to_a_card() -> None:
    text = as_vcards(AddressBook(LANE, NOW, None, None, (Person("11", "x\r\nEND:VCARD\nTEL:1\r\x85"),), ()))
    assert [line for line in unfolded(text) if line.startswith("FN:")] == ["FN:x\\nEND:VCARD\\nTEL:1\\n"]
    assert "TEL:1" not in text.split("\r\n")


@dataclass
class Platform:
    """What an account asks, and how often it did."""

    asked: list[str] = field(default_factory=list)
    fails: bool = False

    async def self_(self, account: Account, vault: Vault) -> Person:
        raise NotImplementedError

    async def peers(self, account: Account, vault: Vault) -> list[Person]:
        self.asked.append("peers")
        if self.fails:
            raise DirectoryError("the platform does not answer")
        return [LAN]

    async def groups(self, account: Account, vault: Vault) -> list[Group]:
        self.asked.append("groups")
        return []

    async def members(self, account: Account, vault: Vault, group_id: str) -> Members:
        raise NotImplementedError


@dataclass
class Phone:
    """An account of a gateway."""

    phase: Phase = Phase.READY
    since_ms: int = NOW - DAY
    pauses: list[Pause] = field(default_factory=list)
    platform: Platform = field(default_factory=Platform)

    @property
    def state(self) -> State:
        return State(self.phase)

    @property
    def asked(self) -> list[str]:
        return self.platform.asked

    def lookup(self) -> Lookup:
        account = Account("zalouser", "default", "default", None)
        return Lookup(account, self.platform, None)  # type: ignore[arg-type]


def files(folder: Path, day: str = "*") -> list[Path]:
    return list(folder.glob(f"address-book/*/{day}.json*"))


def paths_of(folder: Path) -> Paths:
    return Paths(folder, folder / "config.json5")


async def test_a_copy_is_made_once_a_day_and_only_for_its_owner(tmp_path: Path) -> None:
    paths, phone = paths_of(tmp_path), Phone(Phase.STARTING)
    async with opened_store(tmp_path) as (store, account_store):
        assert not await copy_if_due(LANE, phone, store, paths, NOW)  # nothing is known yet
        await account_store.run(keep_peers, [LAN])
        await account_store.run(keep_groups, [Group("77", "Nhà", 9)])
        await account_store.run(keep_members, "77", [LAN, MINH])
        assert await copy_if_due(LANE, phone, store, paths, NOW)
        assert not await copy_if_due(LANE, phone, store, paths, NOW + 1000)
        assert await copy_if_due(LANE, phone, store, paths, NOW + DAY)
    day = MACHINE.day(NOW)
    assert address_book.days(paths, LANE) == [day, MACHINE.day(NOW + DAY)]
    [file] = files(tmp_path, day)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    book = address_book.load(paths, LANE, day)
    assert book.friends == (LAN,)
    assert book.groups == (BookGroup("77", "Nhà", 9, (LAN, MINH)),)
    assert phone.asked == []


async def test_the_platform_is_asked_only_when_the_lists_are_old_and_the_account_is_well(
    tmp_path: Path,
) -> None:
    paths, quiet = paths_of(tmp_path), Pause(LANE, None, PauseLevel.MUTE, NOW, None)
    async with opened_store(tmp_path) as (store, account_store):
        await account_store.run(keep_peers, [LAN])
        fresh, old = Phone(), NOW + 3 * DAY
        await copy_if_due(LANE, fresh, store, paths, NOW)
        assert fresh.asked == ["groups"]  # those were never looked up
        for phone in (Phone(Phase.DEGRADED), Phone(since_ms=old - 60_000), Phone(pauses=[quiet])):
            await copy_if_due(LANE, phone, store, paths, old)
            assert phone.asked == []
            for file in files(tmp_path, MACHINE.day(old)):
                file.unlink()
        well = Phone()
        assert await copy_if_due(LANE, well, store, paths, old)
        assert well.asked == ["peers", "groups"]
        silent = Phone(platform=Platform(fails=True))
        assert await copy_if_due(LANE, silent, store, paths, old + DAY)
        assert silent.asked == ["peers"]


async def test_a_full_disk_leaves_no_half_copy_and_the_next_look_makes_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths, phone, rounds = paths_of(tmp_path), Phone(Phase.STARTING), 0
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def look_again(_seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        if rounds == 2:
            raise asyncio.CancelledError
        assert files(tmp_path) == files(tmp_path, ".*") == []

    async with opened_store(tmp_path) as (store, account_store):
        await account_store.run(keep_peers, [LAN])
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, usual[1]))
        try:
            with pytest.raises(asyncio.CancelledError):
                await keep_copies({LANE: phone}, store, paths, lambda: NOW, look_again)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert [one.getMessage() for one in caplog.records if one.levelname == "WARNING"] == [
        f"{LANE}: the address book could not be copied (File too large); it is tried again"
    ]
    assert address_book.days(paths, LANE) == [MACHINE.day(NOW)]


def test_copies_of_thirty_days_are_kept(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    for day in range(40):
        address_book.save(paths, AddressBook(LANE, NOW + day * DAY, None, None, (LAN,), ()))
    kept = address_book.days(paths, LANE)
    assert len(kept) == address_book.KEPT_DAYS
    assert kept[-1] == MACHINE.day(NOW + 39 * DAY)
    assert address_book.load(paths, LANE, "latest").taken_ms == NOW + 39 * DAY


def test_what_cannot_be_read_is_named_and_other_days_are_offered(tmp_path: Path) -> None:
    paths = paths_of(tmp_path)
    with pytest.raises(OpError, match="there is no copy"):
        address_book.load(paths, LANE, "latest")
    file = address_book.save(paths, BOOK)
    with pytest.raises(OpError, match=r"no copy of '\.\./\.\./etc/passwd'"):
        address_book.load(paths, LANE, "../../etc/passwd")
    file.write_text("{")
    with pytest.raises(OpError, match="is damaged"):
        address_book.load(paths, LANE, "latest")
