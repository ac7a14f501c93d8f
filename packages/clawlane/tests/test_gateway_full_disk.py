"""A gateway on a full disk: one clear line, and no advice to throw away what is stored."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from clawlane.config.paths import Paths
from clawlane.store.database import open_store

OPENCLAW = Path(sys.executable).with_name("openclaw")


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """A state directory whose store exists already."""
    (tmp_path / "config.json5").write_text("{}")
    paths = Paths.from_env({"CLAWLANE_STATE_DIR": str(tmp_path)})
    async with open_store(paths.store, paths.lock_file, lambda: 0):
        pass
    paths.log_dir.mkdir(mode=0o700)
    return tmp_path


def little_fits() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))


def test_a_disk_that_is_full_at_the_start_is_no_damage(state: Path) -> None:
    done = subprocess.run(
        [OPENCLAW, "gateway", "run"],
        # Or else compiled modules would be cut off in the source tree.
        env={"CLAWLANE_STATE_DIR": str(state), "HOME": str(state), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=little_fits,
    )
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("error: ")
    assert "check free space and permissions" in last
    assert "damaged" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(state.glob("*.damaged-*"))
