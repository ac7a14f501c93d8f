"""The throw-away folder: removed at the end, and after a death by the next rehearsal."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clawlane.rehearsal.folder import throw_away


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_it_is_private_and_gone_afterwards_whatever_happened(temporary: Path) -> None:
    def fail() -> None:
        with throw_away() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            (folder / "state").mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(temporary.iterdir()) == []


def test_one_that_is_kept_stays_over_later_rehearsals(temporary: Path) -> None:
    with throw_away(keep=True) as kept:
        (kept / "log").write_text("x")
    with throw_away() as folder:
        assert folder != kept
    assert [one.name for one in kept.iterdir()] == ["log"]


def test_that_of_a_killed_rehearsal_goes_and_that_of_a_running_one_stays(temporary: Path) -> None:
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal\n"
            "from clawlane.rehearsal.folder import throw_away\n"
            "with throw_away() as folder:\n"
            "    print(folder, flush=True)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    with throw_away() as running, throw_away() as mine:
        assert not left.exists()
        assert running.is_dir()
        assert mine.is_dir()
