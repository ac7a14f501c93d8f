"""The record of a process that is killed again and again: whole each time, and nothing told is missing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from packages.clawlane.tests.opened_store import LANE

from clawlane.store.audit_heads import read_head
from clawlane.store.reader import reading

KILLS = 25
SENDER = """
import asyncio, sys
from pathlib import Path
from clawlane.clock import now_ms
from clawlane.messages import Receipt, Text, Thread, ThreadKind
from clawlane.store import outbox, sending
from clawlane.store.database import open_store
from clawlane.store.models import Purpose

async def main(folder):
    opened = open_store(folder / "store.sqlite", folder / "lock", now_ms, checked=False)
    async with opened as store, store.own("zalouser/default") as account_store:
        while True:
            text = Text(Thread(ThreadKind.DM, "11"), "chào")
            [chunk] = await account_store.run(outbox.queue, None, [text], Purpose.OPERATOR)
            await account_store.run(sending.begin, [chunk])
            await account_store.run(sending.sent, chunk, Receipt((f"m{chunk}",)))
            print(chunk, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def sends_until_killed(folder: Path, after: int) -> int:
    """Let a process send, and kill it once it has told of so many. Gives the last that it told of."""
    command = [sys.executable, "-c", SENDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        return int((lines + rest)[-1])


@pytest.mark.long
def test_a_process_that_is_killed_leaves_a_whole_record(tmp_path: Path) -> None:
    random = Random(12)
    for _ in range(KILLS):
        told = sends_until_killed(tmp_path, random.randrange(1, 12))
        with reading(tmp_path / "store.sqlite") as reader:
            checked = reader.record_checked(LANE, tmp_path / "audit")
            entries = reader.recorded_after(LANE, 0, 100_000)
        assert checked.faults == ()
        assert checked.notes == ()
        assert f'"chunk":{told},' in "".join(one.details for one in entries)
        head = read_head(tmp_path / "audit", LANE)
        assert head is not None
        assert head.number >= checked.entries - 1  # the last one may not have been safe yet
