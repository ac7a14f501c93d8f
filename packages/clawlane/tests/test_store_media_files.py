"""The folder of the files that people send."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from clawlane.store.media_files import FilePlace, MediaFiles

ACCOUNT = "zalouser/default"


@pytest.fixture
def files(tmp_path: Path) -> MediaFiles:
    return MediaFiles(tmp_path / "state" / "media" / "inbound")


def kept(
    files: MediaFiles, message: int, number: int | None = 0, account: str = ACCOUNT, size: int = 10
) -> Path:
    place = FilePlace(account, message, number, "https://zdn.vn/../../etc/passwd")
    scratch = files.scratch(place)
    scratch.write_bytes(b"x" * size)
    return files.keep(place, scratch, "jpg")


def test_a_file_and_its_folder_are_private_and_its_name_is_ours(files: MediaFiles, tmp_path: Path) -> None:
    path = kept(files, 7)
    assert path.name.startswith("zalouser+default+7+0+")
    assert path.suffix == ".jpg"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(tmp_path.rglob("*.jpg")) == [path]


def test_a_file_is_found_again_by_where_it_came_from(files: MediaFiles) -> None:
    place = FilePlace(ACCOUNT, 7, 0, "https://zdn.vn/../../etc/passwd")
    assert files.find(place) is None
    path = kept(files, 7)
    assert files.find(place) == path
    assert files.find(FilePlace(ACCOUNT, 7, 0, "https://zdn.vn/another")) is None
    assert files.find(FilePlace(ACCOUNT, 7, 1, place.source)) is None
    path.write_bytes(b"")
    assert files.find(place) is None, "what a power cut left"


def test_the_files_of_a_message_are_removed_and_no_others(files: MediaFiles) -> None:
    mine = [kept(files, 7), kept(files, 7, 1), kept(files, 7, None)]
    others = [kept(files, 77), kept(files, 7, 0, "zalouser/default2"), kept(files, 1)]
    unfinished = files.scratch(FilePlace(ACCOUNT, 7, 2, "x"))
    unfinished.write_bytes(b"x")
    files.remove(ACCOUNT, [7])
    assert not any(path.exists() for path in (*mine, unfinished))
    assert all(path.exists() for path in others)
    assert files.messages(ACCOUNT) == {77, 1}


def test_what_an_end_in_mid_work_left_is_removed(files: MediaFiles) -> None:
    whole, quoted = kept(files, 7), kept(files, 8, None)
    unfinished = files.scratch(FilePlace(ACCOUNT, 9, 0, "x"))
    unfinished.write_bytes(b"x")
    files.tidy()
    assert whole.exists()
    assert not quoted.exists()
    assert not unfinished.exists()


def test_old_files_go_and_then_the_oldest_of_too_many(files: MediaFiles) -> None:
    paths = [kept(files, number) for number in range(5)]
    other = kept(files, 1, 0, "zalouser/work")
    for age, path in enumerate((*paths, other)):
        os.utime(path, (1000 + age, 1000 + age))
    files.prune(1001, ACCOUNT, 1000)
    assert [path.exists() for path in paths] == [False, True, True, True, True]
    files.prune(0, ACCOUNT, 25)
    assert [path.exists() for path in paths] == [False, False, False, True, True]
    assert other.exists(), "each account has its own limit"


def test_without_a_folder_there_is_nothing_to_do(files: MediaFiles, tmp_path: Path) -> None:
    files.tidy()
    files.remove(ACCOUNT, [7])
    files.prune(0, ACCOUNT, 0)
    assert files.messages(ACCOUNT) == set()
    assert list(tmp_path.iterdir()) == []
