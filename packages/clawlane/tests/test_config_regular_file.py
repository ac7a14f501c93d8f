"""A file whose path others may have prepared: what is refused, and how much is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clawlane.config.regular_file import read_regular


def test_one_byte_more_than_allowed_shows_that_a_file_is_longer(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_regular(file, 5) == b"12345"
    assert read_regular(file, 3) == b"1234"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_is_refused_at_once(tmp_path: Path, make) -> None:
    make(tmp_path / "odd")
    with pytest.raises(ValueError, match="not a regular file"):
        read_regular(tmp_path / "odd", 10)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 10)
