"""State directories of earlier versions, as real gateways left them, work with this one: for ever.

`tests/kept_states/make.py` made each of them. None is made again or removed.
"""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from packages.clawlane.tests.ops_alone import LANE
from packages.clawlane.tests.profiles_in import profiles_in
from packages.clawlane.tests.test_ops_pause import Installed

from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.ops import store
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller
from clawlane.store.database import open_store
from clawlane.store.reader import reading
from clawlane.store.sqlite import copies

KEPT = Path(__file__).parents[3] / "tests" / "kept_states"


@dataclass(frozen=True)
class Kept:
    """What is known of a kept state, whatever its version."""

    messages: int
    sent: int
    unknown: int
    waiting: int
    history: int
    approved: tuple[str, ...]
    requests: tuple[str, ...]
    rejected: tuple[str, ...]
    pinned: tuple[str, ...]
    paused: tuple[str, ...]
    user: str


LIVES = {
    "schema-11.tar.gz": Kept(
        messages=9,
        sent=6,
        unknown=1,
        waiting=1,
        history=1,
        approved=("Trần Lan",),
        requests=("Vũ Mai",),
        rejected=("Phạm Hùng",),
        pinned=("Nhóm việc",),
        paused=("dm:8200000000000000005",),
        user="Nguyễn Minh Anh",
    )
}


@pytest.fixture(params=sorted(LIVES))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Paths, Kept, int]:
    """A copy of a kept state, what it has to hold, and the migration it is of."""
    name = request.param
    with tarfile.open(KEPT / name) as archive:
        archive.extractall(tmp_path / "state", filter="data")
    paths = Paths(tmp_path / "state", tmp_path / "state" / "config.json5")
    paths.state.chmod(0o700)
    return paths, LIVES[name], int(name.removeprefix("schema-").partition(".")[0])


def holds(paths: Paths, now_ms: int) -> Kept:
    """What the store of a state knows."""
    with reading(paths.store) as reader:
        pins = reader.pins(LANE).all
        identity = profiles_in(paths, {}).vault("zalouser", "default").identity()
        return Kept(
            messages=reader.message_count(),
            sent=count(paths, "outbox WHERE state = 'sent'"),
            unknown=reader.undecided_sends(LANE),
            waiting=reader.waiting_turns(LANE),
            history=count(paths, "history"),
            approved=tuple(one.sender_name for one in reader.approved()),
            requests=tuple(one.sender_name for one in reader.requests(now_ms)),
            rejected=tuple(one.sender_name for one in reader.rejected(now_ms)),
            pinned=tuple(pin.name.entry for pin in pins if pin.id),
            paused=tuple(str(one.thread) for one in reader.pauses()),
            user=identity[1] if identity else "",
        )


def count(paths: Paths, rows: str) -> int:
    with closing(sqlite3.connect(paths.store)) as db:
        return int(db.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])


def made_ms(paths: Paths) -> int:
    """A time soon after the state was kept."""
    consent = profiles_in(paths).consent("zalouser", "default")
    assert consent is not None
    return consent.accepted_ms + 60_000


async def test_a_kept_state_is_brought_up_to_date_with_all_it_holds(
    kept: tuple[Paths, Kept, int],
) -> None:
    paths, life, migration = kept
    now_ms = made_ms(paths)
    config = load(paths, Installed(paths), {})
    assert [str(one) for one in config.accounts] == [LANE]
    async with open_store(paths.store, paths.lock_file, lambda: now_ms) as opened, opened.own(LANE):
        assert holds(paths, now_ms) == life
    [copy] = copies.kept(paths.store)
    assert (copy.migration, copy.made_ms) == (migration, now_ms)


async def test_a_kept_state_can_go_back_to_its_own_version(kept: tuple[Paths, Kept, int]) -> None:
    paths, life, migration = kept
    now_ms = made_ms(paths)
    before = paths.store.read_bytes()
    async with open_store(paths.store, paths.lock_file, lambda: now_ms):
        pass
    ctx = OpContext(paths, {}, lambda: now_ms + 1000, Caller.CLI, plugins=Installed(paths))
    done = await store.rollback(ctx, store.Rollback())
    assert (done.copy.migration, done.undecided) == (migration, life.unknown)
    assert done.newer is not None
    with copies.snapshot(paths.store) as found:
        assert found.migration == migration
    assert paths.store.stat().st_size == len(before)
    async with open_store(paths.store, paths.lock_file, lambda: now_ms + 2000):
        with reading(paths.store) as reader:
            assert [str(one.thread) for one in reader.pauses()] == ["None", *life.paused]
            assert tuple(one.sender_name for one in reader.approved()) == life.approved


def test_every_kept_state_is_known() -> None:
    assert sorted(path.name for path in KEPT.glob("*.tar.gz")) == sorted(LIVES)
