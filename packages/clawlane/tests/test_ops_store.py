"""Starting over: what is forgotten, and that no file of anybody is left behind."""

from __future__ import annotations

from packages.clawlane.tests.ops_alone import LANE, context, owned

from clawlane.config.paths import Paths
from clawlane.ops import store


async def test_a_reset_removes_the_files_that_came_and_those_that_wait_to_leave(paths: Paths) -> None:
    async with owned(paths):
        pass
    files = [paths.inbound_media_dir / "a.jpg", paths.outgoing_dir(LANE) / "b.pdf"]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
    done = await store.reset(context(paths), store.Reset())
    assert done.moved_to is not None
    assert [file for file in files if file.exists()] == []
    assert not paths.store.exists()
