"""The marker beside the store: a store that is gone is not replaced by an empty one in silence."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clawlane.store import pairing
from clawlane.store.database import open_store
from clawlane.store.errors import StoreOwned, StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.reader import reading
from clawlane.store.sqlite.marker import marker_of
from clawlane.store.sqlite.reset import forget, holdings
from clawlane.store.sqlite.schema import APPLICATION_ID, MIGRATIONS

NOW = 1_700_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.sqlite"


async def start(path: Path, now_ms: int = NOW) -> None:
    async with (
        open_store(path, path.with_name("gateway.lock"), lambda: now_ms) as store,
        store.own("zalouser/default") as account_store,
    ):
        await account_store.run(pairing.reject, "11", block=True)


async def refused(path: Path, now_ms: int = NOW) -> str:
    with pytest.raises(StoreUnusable) as error:
        await start(path, now_ms)
    assert "\n" not in str(error.value)
    return str(error.value)


def stored_id(path: Path) -> str:
    connection = sqlite3.connect(path)
    [(found,)] = connection.execute("SELECT value FROM properties WHERE name = 'id'").fetchall()
    connection.close()
    return str(found)


async def test_the_first_store_leaves_a_marker_that_only_we_can_read(path) -> None:
    await start(path)
    assert marker_of(path).read_text() == f"{stored_id(path)}\n"
    assert marker_of(path).name == "store.id"
    assert marker_of(path).stat().st_mode & 0o777 == 0o600
    await start(path)


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def without_tables(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("VACUUM")
    connection.close()


def of_another_id(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE properties SET value = lower(hex(randomblob(16))) WHERE name = 'id'")
    connection.commit()
    connection.close()


def from_before_the_marker(path: Path) -> None:
    path.unlink()
    make_old(path)


def dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("elsewhere.sqlite"))


def make_old(path: Path) -> None:
    """A store as the version before the marker left it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL)")
    for number, migration in enumerate(MIGRATIONS[:-1], start=1):
        connection.executescript(migration)
        connection.execute("INSERT INTO migrations VALUES (?, 0)", (number,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (missing, "is missing"),
        (empty, "is empty"),
        (without_tables, "is empty"),
        (of_another_id, "is not the one that was made here"),
        (from_before_the_marker, "is not the one that was made here"),
    ],
)
async def test_a_store_that_is_gone_is_told_with_what_it_knew_and_the_way_on(
    path, spoil: Callable[[Path], None], words: str
) -> None:
    await start(path)
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    for _ in range(2):
        told = await refused(path)
        assert words in told
        assert "approved by pairing" in told
        assert "openclaw store reset --forget" in told
    assert (path.read_bytes() if path.exists() else None) == before, "nothing was made or changed"


async def test_a_link_to_nothing_makes_no_file_elsewhere(path) -> None:
    await start(path)
    dangling_link(path)
    assert "link to a file that is not there" in await refused(path)
    assert not path.with_name("elsewhere.sqlite").exists()


async def test_a_link_to_the_store_itself_is_the_store(path) -> None:
    await start(path)
    path.rename(path.with_name("elsewhere.sqlite"))
    path.symlink_to(path.with_name("elsewhere.sqlite"))
    await start(path)


def garbage(marker: Path) -> None:
    marker.write_bytes(b"\xff" * 5000)


def emptied(marker: Path) -> None:
    marker.write_bytes(b"")


def linked(marker: Path) -> None:
    marker.rename(marker.with_name("other"))
    marker.symlink_to(marker.with_name("other"))


def a_folder(marker: Path) -> None:
    marker.unlink()
    marker.mkdir()


@pytest.mark.parametrize("spoil", [garbage, emptied, linked, a_folder])
async def test_an_odd_marker_is_refused_and_left_alone(path, spoil: Callable[[Path], None]) -> None:
    await start(path)
    spoil(marker_of(path))
    told = await refused(path)
    assert str(marker_of(path)) in told
    assert "remove store.id" in told


@pytest.mark.parametrize("prepare", [lambda _path: None, empty])
async def test_without_a_marker_a_new_store_is_made(path, prepare: Callable[[Path], None]) -> None:
    path.parent.mkdir(mode=0o700)
    prepare(path)
    await start(path)
    assert marker_of(path).read_text().strip() == stored_id(path)


async def test_a_crash_between_store_and_marker_is_mended_by_the_next_start(path) -> None:
    await start(path)
    before = marker_of(path).read_text()
    marker_of(path).unlink()
    await start(path)
    assert marker_of(path).read_text() == before


async def test_an_old_store_gets_its_marker(path) -> None:
    make_old(path)
    await start(path)
    assert marker_of(path).read_text().strip() == stored_id(path)


async def test_a_damaged_store_is_copied_once_and_again_only_after_a_change(path) -> None:
    await start(path)
    path.write_bytes(b"not a database at all" * 500)
    for later in range(3):
        told = await refused(path, NOW + later)
        assert f"store.sqlite.damaged-{NOW}" in told
        assert "openclaw store reset --forget" in told
    path.write_bytes(b"something else altogether" * 500)
    assert f"store.sqlite.damaged-{NOW + 9}" in await refused(path, NOW + 9)
    assert len(list(path.parent.glob("store.sqlite.damaged-*"))) == 2


async def test_a_damaged_page_with_a_log_beside_it_is_copied_once(path, tmp_path: Path) -> None:
    """As after a crash: closing the damaged file may write the log into it."""
    await start(path)
    async with (
        open_store(path, path.with_name("gateway.lock"), lambda: NOW) as store,
        store.own("zalouser/default") as account_store,
    ):
        await account_store.run(pairing.reject, "12")
        shutil.copytree(path.parent, tmp_path / "crashed")
    crashed = tmp_path / "crashed" / path.name
    raw = bytearray(crashed.read_bytes())
    raw[4096 * 3 : 4096 * 6] = bytes(range(256)) * 48
    crashed.write_bytes(raw)
    for later in range(3):
        await refused(crashed, NOW + later)
    copies = [one.name for one in crashed.parent.glob("store.sqlite.damaged-*") if "-wal" not in one.name]
    assert len(copies) == 1


async def test_a_copy_does_not_follow_a_link(path, tmp_path: Path) -> None:
    await start(path)
    path.write_bytes(b"not a database at all" * 500)
    path.with_name(f"store.sqlite.damaged-{NOW}").symlink_to(tmp_path / "victim")
    assert "no copy could be made" in await refused(path)
    assert not (tmp_path / "victim").exists()


async def test_a_reset_moves_the_store_aside_and_a_new_one_is_made(path) -> None:
    await start(path)
    first = stored_id(path)
    held = holdings(path, NOW)
    assert held is not None
    assert (held.rejected, held.messages) == (1, 0)
    aside = forget(path, path.with_name("gateway.lock"), NOW)
    assert aside is not None
    assert stored_id(aside) == first
    await start(path)
    assert marker_of(path).read_text().strip() == stored_id(path) != first


@pytest.mark.parametrize("spoil", [missing, empty, of_another_id])
async def test_a_reset_helps_where_a_start_was_refused(path, spoil: Callable[[Path], None]) -> None:
    await start(path)
    spoil(path)
    await refused(path)
    forget(path, path.with_name("gateway.lock"), NOW)
    await start(path)


async def test_a_reset_is_refused_while_a_gateway_runs(path) -> None:
    await start(path)
    lock = path.with_name("gateway.lock")
    with ProcessLock(lock), pytest.raises(StoreOwned):
        forget(path, lock, NOW)
    with reading(path) as reader:
        assert len(reader.rejected(NOW)) == 1
