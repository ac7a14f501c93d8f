"""Pinning: when a name is looked up, what is final, what is repeated, and when messages may be decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.access.names import ConfigName, Match, NameList, PinState
from clawlane.capabilities import DirectoryError
from clawlane.channel import Account, Phase, State
from clawlane.config.paths import Paths
from clawlane.config.settings import ChannelSettings
from clawlane.gateway.name_resolution import NameResolver
from clawlane.lookup import Lookup, search
from clawlane.messages import Group, Person
from clawlane.ops.directory import look_up
from clawlane.store.database import Store, open_store

ACCOUNT = Account("parrot", "default", "default", ChannelSettings())
LAN = ConfigName(NameList.ALLOW_FROM, "Lan")
WORK = ConfigName(NameList.GROUPS, "Work Chat")
UP = State(Phase.READY, user_id="1")


class AddressBook:
    """A channel's directory: answers from its lists, or fails while `failures` are left."""

    def __init__(self) -> None:
        self.people = [Person("21", "Lan", is_friend=True)]
        self.known = [Group("9001", "Work Chat")]
        self.failures = 0
        self.asked: list[str] = []

    async def self_(self, account, vault) -> Person:
        return Person("1", "Bot")

    async def peers(self, account, vault) -> list[Person]:
        self._ask("peers")
        return self.people

    async def groups(self, account, vault) -> list[Group]:
        self._ask("groups")
        return self.known

    async def members(self, account, vault, group_id) -> list[Person]:
        return []

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.failures:
            self.failures -= 1
            raise DirectoryError("the platform is away")


@pytest.fixture
def book() -> AddressBook:
    return AddressBook()


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator[Store]:
    async with open_store(folder / "store.sqlite", folder / "lock", lambda: 1000) as store:
        yield store


@asynccontextmanager
async def running(folder: Path, book: AddressBook, *names: ConfigName) -> AsyncIterator[NameResolver]:
    """The pinning of an account whose gateway has just started."""
    async with stored(folder) as store:
        account_stores = []

        def lookup() -> Lookup:
            vault = profiles_in(Paths(folder, folder / "config.json5")).vault("parrot", "default")
            return Lookup(ACCOUNT, book, vault, account_stores[0])  # type: ignore[arg-type]

        pinning = NameResolver(ACCOUNT, names, lookup, lambda: 1000)
        async with store.own(str(ACCOUNT)) as account_store, asyncio.TaskGroup() as group:
            with store.read() as reader:
                await pinning.load(reader.looked_up(str(ACCOUNT)), account_store)
            account_stores.append(account_store)
            task = group.create_task(pinning.run())
            yield pinning
            task.cancel()


async def test_each_name_is_looked_up_once_the_account_is_connected(
    tmp_path: Path, book: AddressBook
) -> None:
    async with running(tmp_path, book, LAN, WORK) as pinning:
        assert not pinning.ready
        pinning.note(UP)
        await pinning.opened()
        assert [one.pin.id for one in pinning.found] == ["21", "9001"]
        assert pinning.pins.on(NameList.GROUPS, "9001")[0].name == WORK
        assert pinning.pins.on(NameList.ALLOW_FROM, "9001") == ()


async def test_a_config_without_names_waits_for_nothing_but_the_own_id(
    tmp_path: Path, book: AddressBook
) -> None:
    async with running(tmp_path, book) as pinning:
        pinning.note(State(Phase.STARTING))
        assert not pinning.ready
        pinning.note(State(Phase.STARTING, user_id="1"))
        assert pinning.ready
    assert book.asked == []


async def test_an_error_is_no_look_up_and_is_repeated(tmp_path: Path, book: AddressBook) -> None:
    book.failures = 1
    async with running(tmp_path, book, LAN) as pinning:
        pinning.note(UP)
        await pinning.opened()
        assert pinning.pins.of_name(LAN) is not None
    assert book.asked == ["peers", "peers"]


async def test_what_was_found_is_final_over_restarts(tmp_path: Path, book: AddressBook) -> None:
    nobody = ConfigName(NameList.ALLOW_FROM, "Nobody")
    for _ in range(2):
        async with running(tmp_path, book, LAN, nobody) as pinning:
            pinning.note(UP)
            await pinning.opened()
            assert [one.pin.state for one in pinning.found] == [PinState.PINNED, PinState.UNRESOLVED]
            book.people = [Person("66", "Lan"), Person("67", "Nobody")]
    assert pinning.found[0].pin.id == "21"
    assert book.asked == ["peers"]


async def test_a_pin_goes_when_its_entry_leaves_and_belongs_to_its_list(
    tmp_path: Path, book: AddressBook
) -> None:
    of_groups = [ConfigName(NameList.GROUP_SENDERS, "Lan", group) for group in ("Work Chat", "*")]
    for names in ((LAN,), (ConfigName(NameList.GROUP_ALLOW_FROM, "Lan"),), (LAN,), of_groups, of_groups[:1]):
        async with running(tmp_path, book, *names) as pinning:
            pinning.note(UP)
            await pinning.opened()
            assert [one.pin.name for one in pinning.found] == list(names)
            assert {one.pin.id for one in pinning.found} == {"21"}
    assert book.asked == ["peers"] * 4, "the last list was looked up before"


async def test_look_ups_are_kept_as_the_directory_of_the_account(tmp_path: Path, book: AddressBook) -> None:
    async with running(tmp_path, book, LAN, WORK) as pinning:
        pinning.note(UP)
        await pinning.opened()
    async with stored(tmp_path) as store:
        with store.read() as reader:
            known = reader.known(str(ACCOUNT))
    assert known.peers == tuple(book.people)
    assert known.groups == tuple(book.known)
    assert known.peers_ms == known.groups_ms == 1000


@pytest.mark.parametrize(
    ("entry", "ids", "match"),
    [
        ("work chat", ("1",), Match.EXACT),
        ("nho\u0301m vie\u0323\u0302t", ("2",), Match.EXACT),
        ("nhom-viet", ("2", "3"), Match.SLUG),
        ("Đội  Bóng!", ("4",), Match.SLUG),
        ("Twice", ("5", "6"), Match.EXACT),
        ("🎉", ("7",), Match.EXACT),
        ("🎈", (), Match.SLUG),
    ],
)
def test_a_group_is_meant_by_its_name_and_only_else_by_its_slug(
    entry: str, ids: tuple[str, ...], match: Match
) -> None:
    called = ("Work Chat", "Nhóm Việt", "nhom viet", "doi bong", "Twice", "TWICE", "🎉")
    groups = [Group(str(number), name) for number, name in enumerate(called, start=1)]
    [found] = look_up([ConfigName(NameList.GROUPS, entry)], [], groups, 5)
    assert (found.pin.ids, found.pin.match, found.pin.at_ms) == (ids, match, 5)


def test_a_person_is_meant_by_the_name_the_owner_sees_and_only_else_by_their_own() -> None:
    people = [Person("1", "Mẹ", ("Lan",)), Person("2", "Lan", ("Hoa",)), Person("3", "Bố", ("Hoa",))]

    def ids(entry: str) -> tuple[str, ...]:
        return look_up([ConfigName(NameList.ALLOW_FROM, entry)], people, [], 0)[0].pin.ids

    assert ids("LAN") == ("2",)
    assert ids("hoa") == ("2", "3")
    assert ids("L") == ()


def test_a_search_finds_ids_and_names_without_accents_and_exact_ones_first() -> None:
    people = [Person("8210", "Đặng Văn"), Person("82", "An Nguyễn", ("Ân",)), Person("83", "an")]
    assert [one.id for one in search(people, "AN")] == ["82", "83", "8210"]
    assert [one.id for one in search(people, "nguyen")] == ["82"]
    assert [one.id for one in search(people, "dang")] == ["8210"]
    assert [one.id for one in search(people, "82")] == ["82", "8210"]
    assert search(people, "") == people
