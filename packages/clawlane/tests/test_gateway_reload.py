"""Watching the config file: which saves are noticed, when they count, and what is left alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clawlane.config.source import revision_of
from clawlane.gateway.reload import ConfigWatch, Look
from clawlane.ops.context import GONE, UNREADABLE

ONE, TWO = "{ channels: {} }", "{ commands: {} }"


@dataclass
class Watched:
    """A watch whose looks a test makes one by one."""

    file: Path
    watch: ConfigWatch = field(init=False)
    noticed: asyncio.Queue[Look] = field(default_factory=asyncio.Queue)
    rests: asyncio.Queue[asyncio.Event] = field(default_factory=asyncio.Queue)
    resting: asyncio.Event | None = None
    seconds: float = 0.0

    async def sleep(self, _seconds: float) -> None:
        over = asyncio.Event()
        self.rests.put_nowait(over)
        await over.wait()

    async def looks(self, count: int = 1) -> None:
        """Returns once so many further looks were made."""
        for _ in range(count):
            if self.resting is not None:
                self.resting.set()
            self.resting = await self.rests.get()

    async def follow(self) -> None:
        async for look in self.watch.changes():
            self.noticed.put_nowait(look)

    def told(self) -> list[str]:
        return [self.noticed.get_nowait().revision for _ in range(self.noticed.qsize())]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    (tmp_path / "config.json5").write_text(ONE)
    async with watching(tmp_path / "config.json5") as made:
        yield made


@asynccontextmanager
async def watching(file: Path) -> AsyncIterator[Watched]:
    made = Watched(file)
    made.watch = ConfigWatch(file, revision_of(file), made.sleep, lambda: made.seconds)
    task = asyncio.create_task(made.follow())
    await made.looks()
    yield made
    task.cancel()


def renamed_over(file: Path) -> None:
    beside = file.with_name("beside")
    beside.write_text(TWO)
    os.replace(beside, file)


def same_size_and_times(file: Path) -> None:
    before = file.stat()
    file.write_text(TWO)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(ONE) == len(TWO)


def linked(file: Path) -> None:
    elsewhere = file.with_name("elsewhere")
    elsewhere.write_text(TWO)
    file.unlink()
    file.symlink_to(elsewhere)


@pytest.mark.parametrize(
    "save", [lambda file: file.write_text(TWO), renamed_over, same_size_and_times, linked]
)
async def test_every_kind_of_save_is_noticed_once_two_looks_agree(
    watched: Watched, save: Callable[[Path], object]
) -> None:
    save(watched.file)
    await watched.looks()
    assert watched.told() == []
    await watched.looks(3)
    assert watched.told() == [revision_of(watched.file)]


async def test_the_target_of_a_link_counts(tmp_path: Path) -> None:
    target, other, file = tmp_path / "target", tmp_path / "other", tmp_path / "config.json5"
    target.write_text(ONE)
    other.write_text(TWO)
    file.symlink_to(target)
    async with watching(file) as watched:
        target.write_text(TWO + " ")
        await watched.looks(2)
        file.unlink()
        file.symlink_to(other)
        await watched.looks(2)
        assert watched.told() == [revision_of(target), revision_of(other)]


async def test_a_save_that_goes_on_is_left_alone_until_it_rests(watched: Watched) -> None:
    for length in range(1, len(TWO)):
        watched.file.write_text(TWO[:length])
        await watched.looks()
    watched.file.write_text(TWO)
    await watched.looks(2)
    assert watched.told() == [revision_of(watched.file)]


async def test_what_is_saved_without_a_change_is_not_noticed(watched: Watched) -> None:
    watched.file.write_text(TWO)
    await watched.looks()
    watched.file.write_text(ONE)
    await watched.looks(2)
    os.utime(watched.file)
    await watched.looks(3)
    assert watched.told() == []


async def test_a_file_that_goes_comes_or_cannot_be_read_is_noticed(watched: Watched) -> None:
    watched.file.unlink()
    await watched.looks(2)
    watched.file.mkdir()
    await watched.looks(2)
    watched.file.rmdir()
    watched.file.write_text(ONE)
    await watched.looks(2)
    assert watched.told() == [GONE, UNREADABLE, revision_of(watched.file)]


async def test_a_hurried_look_counts_by_itself_even_without_a_change(watched: Watched) -> None:
    watched.file.write_text(TWO)
    watched.watch.hurry()
    assert (await watched.noticed.get()).revision == revision_of(watched.file)
    watched.watch.hurry()
    assert (await watched.noticed.get()).revision == revision_of(watched.file)


async def test_a_file_that_is_to_be_tried_again_is_given_once_more_when_its_time_has_come(
    watched: Watched,
) -> None:
    watched.watch.again(5.0)
    await watched.looks(3)
    assert watched.told() == []
    watched.seconds = 5.0
    await watched.looks(3)
    assert watched.told() == [revision_of(watched.file)]
    watched.watch.again(5.0)
    watched.file.write_text(TWO)
    await watched.looks(2)
    watched.seconds = 99.0
    await watched.looks(3)
    assert watched.told() == [revision_of(watched.file)], "another file takes its place"


@pytest.mark.parametrize("steps", range(30))
async def test_a_watch_ends_at_whatever_moment_it_is_cancelled(tmp_path: Path, steps: int) -> None:
    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def follow() -> None:
        async for _ in ConfigWatch(tmp_path / "config.json5", "", at_once).changes():
            pass

    following = asyncio.create_task(follow())
    for _ in range(steps):
        await asyncio.sleep(0)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await following
