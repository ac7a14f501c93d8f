"""Another program of the name `openclaw`: told apart from ours, and which of the two would run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from clawlane.ops.finding_text import one_line
from clawlane.ops.path_findings import of_path

THEIRS = "#!/usr/bin/env node\nimport './dist/entry.js'\n"
OURS = "#!/usr/bin/python3\nimport sys\nfrom clawlane.cli.main import main\nsys.exit(main())\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str, str]:
    """Folders with the program of OpenClaw, with ours, and with a link to ours."""
    for name, text in (("theirs", THEIRS), ("ours", OURS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "openclaw").write_text(text)
        (tmp_path / name / "openclaw").chmod(0o755)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "openclaw").symlink_to(tmp_path / "ours" / "openclaw")
    return str(tmp_path / "theirs"), str(tmp_path / "ours"), str(tmp_path / "link")


def path(*folders: str) -> str:
    return os.pathsep.join(folders)


def test_two_of_ours_are_no_finding(folders: tuple[str, str, str]) -> None:
    _, ours, link = folders
    assert list(of_path(path(ours, link, "/nowhere", ""))) == []
    assert list(of_path("")) == []
    assert list(of_path(str(Path(sys.executable).parent))) == []


def test_the_one_that_would_run_is_named(folders: tuple[str, str, str]) -> None:
    theirs, ours, link = folders
    [found] = of_path(path(theirs, ours))
    assert (found.severity, found.path) == ("warning", f"{theirs}/openclaw")
    assert f"it is the one that the name runs ({theirs}/openclaw)" in one_line(found)
    [found] = of_path(path(link, theirs))
    assert (found.severity, found.path) == ("note", f"{theirs}/openclaw")
    assert f"the name runs this one ({link}/openclaw)" in one_line(found)


def test_what_cannot_be_run_is_no_program(folders: tuple[str, str, str]) -> None:
    theirs, ours, _ = folders
    Path(theirs, "openclaw").chmod(0o644)
    assert list(of_path(path(theirs, ours))) == []
    Path(theirs, "openclaw").unlink()
    Path(theirs, "openclaw").mkdir()
    assert list(of_path(path(theirs, ours))) == []
