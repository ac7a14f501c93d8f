"""Backup and restore as operations: what is in a backup, what is refused, and that nothing is half done."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from packages.clawlane.tests.profiles_in import profiles_in
from packages.clawlane.tests.test_ops_pause import LANE, House

from clawlane.config.paths import Paths
from clawlane.credentials.files import write_private
from clawlane.credentials.profile import Consent
from clawlane.credentials.sealed_file import (
    Cost,
    SealedFileDamaged,
    SealedFileTooNew,
    SealedWriter,
    WrongPassphrase,
)
from clawlane.ops import address_book, restore
from clawlane.ops.address_book import AddressBook
from clawlane.ops.archive import ArchiveWriter, Manifest
from clawlane.ops.backup import BackedUp, BackUp, back_up
from clawlane.ops.operation import OpError
from clawlane.ops.restore import ReadBackup, Restore, Restored
from clawlane.people import Person
from clawlane.store.errors import StoreOwned, StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.reader import reading

WORDS = "mật khẩu sao lưu"
CHEAP = Cost(n=2, r=1, p=1)
BOOK = AddressBook(LANE, 0, None, None, (Person("11", "Lan"),), ())
SECRET = b"cookies of the account"
OPENCLAW = Path(sys.executable).with_name("openclaw")
MANIFEST = Manifest(0, "9.9", 999, "host", "/state", (LANE,), with_session=False, with_media=False)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """A state with a message, a login, an accepted risk and a picture."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    house = House(Paths(state, state / "config.json5"))
    async with house.alone() as ctx, ctx.own(LANE) as account_store:
        await house.hear(account_store)
    profiles_in(house.paths).vault("zalouser", "default").replace(SECRET, ("1", "Lan"))
    profiles_in(house.paths).accept(Consent("zalouser", "default", 1, "1", "yes", "terminal"))
    address_book.save(house.paths, BOOK)
    write_private(house.paths.inbound_media_dir / "zalouser+default+1.jpg", b"picture")
    write_private(house.paths.inbound_media_dir / ".unfinished", b"half")
    return house


def other(house: House, name: str) -> House:
    """Another machine, whose state directory is not there yet."""
    there = object.__new__(House)
    state = house.paths.state.with_name(name)
    there.paths, there.ms = Paths(state, state / "config.json5"), house.ms
    return there


async def backed_up(house: House, **more: bool) -> BackedUp:
    return await back_up(
        house.alone(), BackUp(str(house.paths.state.with_name("a.backup")), WORDS, cost=CHEAP, **more)
    )


async def put(house: House, file: str, words: str = WORDS, *, aside: bool = False) -> Restored:
    return await restore.restore(house.alone(), Restore(file, words, aside=aside))


async def test_a_backup_holds_everything_but_logins_and_media(house: House) -> None:
    done = await backed_up(house)
    names = [one.name for one in done.entries]
    assert names[:3] == ["store.sqlite", "config", "consent/zalouser+default.json"]
    assert {one.partition("/")[0] for one in names[3:]} == {"audit", "address-book"}
    assert os.stat(done.file).st_mode & 0o777 == 0o600
    found = await restore.read(house.alone(), ReadBackup(done.file, WORDS))
    assert (found.manifest, found.entries) == (done.manifest, done.entries)
    assert (found.manifest.concerns, found.manifest.with_session) == ((LANE,), False)
    there = other(house, "there")
    restored = await put(there, done.file)
    assert (restored.moved, restored.undecided) == ([], 0)
    names = [one for one in os.listdir(there.paths.state) if not one.startswith("store.sqlite-")]
    assert address_book.load(there.paths, LANE, "latest") == BOOK
    assert sorted(names) == [
        "address-book",
        "audit",
        "config.json5",
        "consent",
        "gateway.lock",
        "store.id",
        "store.sqlite",
    ]
    assert profiles_in(there.paths).consent("zalouser", "default") is not None
    assert profiles_in(there.paths).vault("zalouser", "default").identity() is None
    with reading(there.paths.store) as reader:
        assert (len(reader.decided("m0")), len(reader.pauses())) == (1, 1)
    with pytest.raises(OpError, match="is not empty"):
        await put(there, done.file)


async def test_logins_and_media_come_back_if_they_were_asked_for(house: House) -> None:
    done = await backed_up(house, session=True, media=True)
    assert SECRET not in Path(done.file).read_bytes()  # noqa: ASYNC240
    there = other(house, "there")
    await put(there, done.file)
    assert await profiles_in(there.paths).vault("zalouser", "default").read() == SECRET
    assert sorted(os.listdir(there.paths.inbound_media_dir)) == ["zalouser+default+1.jpg"]
    key = there.paths.vault_dir / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    elsewhere = house.paths.state.with_name("key")
    write_private(elsewhere, bytes(32))
    third = other(house, "third")
    ctx = replace(third.alone(), environ={"CLAWLANE_KEY_FILE": str(elsewhere)})
    with pytest.raises(OpError, match="names another key"):
        await restore.restore(ctx, Restore(done.file, WORDS))
    assert os.listdir(third.paths.state) == ["gateway.lock"]
    write_private(elsewhere, key.read_bytes())
    await restore.restore(ctx, Restore(done.file, WORDS))
    assert not (third.paths.vault_dir / "key").exists()


async def test_a_state_that_is_there_is_moved_aside_only_if_told(house: House) -> None:
    done = await backed_up(house)
    house.configure("{ channels: {} }")
    with ProcessLock(house.paths.lock_file), pytest.raises(StoreOwned):
        await put(house, done.file, aside=True)
    restored = await put(house, done.file, aside=True)
    [moved] = map(Path, restored.moved)
    assert (moved / "config.json5").read_text() == "{ channels: {} }"
    assert "dmPolicy" in house.paths.config_file.read_text()
    assert {"store.sqlite", "vault", "media", "consent"} < set(os.listdir(moved))


async def test_a_config_elsewhere_is_put_there_and_the_former_one_is_kept(house: House) -> None:
    done = await backed_up(house)
    there = other(house, "there")
    config = house.paths.state.with_name("lane.json5")
    config.write_text("{}")
    there.paths = replace(there.paths, config_file=config)
    with pytest.raises(OpError, match=r"lane\.json5 exists"):
        await put(there, done.file)
    restored = await put(there, done.file, aside=True)
    assert "dmPolicy" in config.read_text()
    assert [Path(one).read_text() for one in restored.moved] == ["{}"]  # noqa: ASYNC240
    assert not (there.paths.state / "config.json5").exists()


async def test_what_cannot_be_restored_leaves_nothing(house: House) -> None:
    done = await backed_up(house)
    there = other(house, "there")
    with pytest.raises(WrongPassphrase):
        await put(there, done.file, "another passphrase")
    raw = Path(done.file).read_bytes()  # noqa: ASYNC240
    damaged = house.paths.state.with_name("damaged")
    damaged.write_bytes(raw[:-1])
    with pytest.raises(SealedFileDamaged):
        await put(there, str(damaged))
    newer = house.paths.state.with_name("newer")
    with newer.open("wb") as file:
        sealed = SealedWriter(file, WORDS, CHEAP)
        ArchiveWriter(sealed, MANIFEST).finish()
    with pytest.raises(SealedFileTooNew, match="schema 999"):
        await put(there, str(newer))
    with pytest.raises(OpError, match="cannot be read"):
        await put(there, str(newer) + "x")
    assert not there.paths.state.exists() or os.listdir(there.paths.state) == ["gateway.lock"]


@pytest.mark.parametrize("name", ["../x", "vault/../x", "/etc/x", "vault/a/b", "unit", "consent/..", "media"])
async def test_a_backup_puts_files_only_where_they_belong(house: House, name: str) -> None:
    crafted = house.paths.state.with_name("crafted")
    crafted.write_bytes(b"x")
    with crafted.open("rb") as content, house.paths.state.with_name("b").open("wb") as file:
        sealed = SealedWriter(file, WORDS, CHEAP)
        archive = ArchiveWriter(sealed, replace(MANIFEST, migration=1))
        archive.add(name, content)
        archive.finish()
    with pytest.raises(SealedFileDamaged, match="holds a file"):
        await put(other(house, "there"), str(house.paths.state.with_name("b")))


async def test_a_restore_that_was_cut_off_lets_nothing_start_until_it_is_done_again(house: House) -> None:
    done = await backed_up(house)
    there = other(house, "there")
    (there.paths.state / ".restoring").mkdir(parents=True)
    with pytest.raises(StoreUnusable, match="a restore was cut off"):
        async with there.alone() as ctx, ctx.own(LANE):
            pass
    await put(there, done.file, aside=True)
    async with there.alone() as ctx, ctx.own(LANE):
        pass


async def test_what_cannot_be_a_backup_is_refused(house: House) -> None:
    there = house.paths.state.with_name("a.backup")
    there.write_bytes(b"old")
    state = house.paths.state
    for file, words, told in (
        (there, WORDS, "exists already"),
        (state / "b", WORDS, "is in the state directory"),
        (state / "media" / "b", WORDS, "is in the state directory"),
        (state.parent, WORDS, "is a folder"),
        (state.parent / "no" / "b", WORDS, "there is no folder"),
        (state.parent / "b", "short", "too short"),
    ):
        with pytest.raises(OpError, match=told):
            await back_up(house.alone(), BackUp(str(file), words, cost=CHEAP))
    await back_up(house.alone(), BackUp(str(there), WORDS, replace=True, cost=CHEAP))
    assert there.read_bytes().startswith(b"clawlane backup 1\n")
    with pytest.raises(OpError, match="nothing to back up"):
        await backed_up(other(house, "there"))


@pytest.mark.parametrize(
    ("fits", "told"),
    [
        (64_000, "the store {}/state/store.sqlite could not be copied"),
        (600_000, "{}/full cannot be written: "),
    ],
)
def test_a_full_disk_leaves_no_backup(house: House, tmp_path: Path, fits: int, told: str) -> None:
    write_private(house.paths.inbound_media_dir / "zalouser+default+2.mp4", bytes(1_000_000))
    done = run_full(fits, house.paths, "backup", "--with-media", str(tmp_path / "full"))
    assert done.stderr.startswith(f"error: {told.format(tmp_path)}")
    assert "check free space and permissions" in done.stderr
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert os.listdir(tmp_path) == ["state"]
    assert [one for one in os.listdir(house.paths.state) if one.startswith(".")] == []


async def test_a_full_disk_leaves_no_state(house: House, tmp_path: Path) -> None:
    file = (await backed_up(house)).file
    there = other(house, "there")
    done = run_full(64_000, there.paths, "restore", file)
    assert done.stderr.startswith(f"error: {file} cannot be restored: ")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert os.listdir(tmp_path / "there") == ["gateway.lock"]


def run_full(fits: int, paths: Paths, *words: str) -> subprocess.CompletedProcess[str]:
    """A command on a disk that holds no larger file."""
    return subprocess.run(
        [OPENCLAW, *words],
        env={
            "HOME": str(paths.state.parent),
            "CLAWLANE_STATE_DIR": str(paths.state),
            "CLAWLANE_BACKUP_PASSPHRASE": WORDS,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (fits, resource.RLIM_INFINITY)),
    )
