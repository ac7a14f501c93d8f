"""Private copies of files: removed once nothing sends them any more, and never before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from packages.clawlane.tests.opened_store import LANE, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.lane.outgoing_files import OutgoingFiles, located
from clawlane.messages import Inbound, Media, MediaKind, Photos, Receipt, Thread, ThreadKind
from clawlane.store import due, inbox, outbox, outgoing_files, pauses, sending, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.models import AdmittedMessage, History, NewMessage, Purpose
from clawlane.store.told import Pause, PauseLevel

LAN = Thread(ThreadKind.DM, "11")


def put(folder: Path, name: str) -> Media:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    return Media(LAN, MediaKind.FILE, str(folder / name), name)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@asynccontextmanager
async def removing(files: OutgoingFiles) -> AsyncIterator[None]:
    task = asyncio.create_task(files.run())
    try:
        yield
    finally:
        task.cancel()


async def test_what_a_crash_left_is_swept_and_what_waits_stays(
    account_store: AccountStore, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    files = OutgoingFiles(folder, account_store)
    await files.sweep(())
    waits = put(folder, "waits.pdf")
    for left in ("left.pdf", ".unfinished"):
        put(folder, left)
    await account_store.run(outbox.queue, None, [waits], Purpose.NOTICE)
    await files.sweep(await account_store.run(outgoing_files.needed))
    assert names(folder) == {"waits.pdf"}


async def test_a_file_goes_when_its_chunk_is_settled(account_store: AccountStore, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    files = OutgoingFiles(folder, account_store)
    outs = [put(folder, "a.pdf"), put(folder, "b.pdf")]
    first, _ = await account_store.run(outbox.queue, None, outs, Purpose.NOTICE)
    put(folder, "not queued yet.pdf")
    await account_store.run(due.waiting)
    await account_store.run(sending.begin, [first])
    async with removing(files):
        await account_store.run(sending.sent, first, Receipt(("r1",)))
        files.sent.set()
        while "a.pdf" in names(folder):  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert names(folder) == {"b.pdf", "not queued yet.pdf"}


async def test_a_file_that_is_gone_already_is_no_problem(account_store: AccountStore, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    outs = [put(folder, "a.pdf"), put(folder, "b.pdf")]
    ids = await account_store.run(outbox.queue, None, outs, Purpose.NOTICE)
    await account_store.run(sending.begin, ids)
    for id_ in ids:
        await account_store.run(sending.refused, id_, "blocked")
    (folder / "a.pdf").unlink()
    async with removing(OutgoingFiles(folder, account_store)):
        while names(folder):  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_what_expired_in_a_pause_keeps_its_files_for_a_flush(
    account_store: AccountStore, clock: Clock, tmp_path: Path
) -> None:
    inbound = Inbound("default", "m1", LAN, LAN.id, "Lan", "chào", clock.ms)
    decision = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("dmPolicy", "channel"))
    new = NewMessage(inbound, decision, PairingReply.CODE, clock.ms)
    [admitted] = await account_store.run(inbox.admit_all, [new])
    assert isinstance(admitted, AdmittedMessage)
    await account_store.run(turns.start, admitted.seq, History.INCLUDE)
    await account_store.run(turns.reply, admitted.seq, [put(tmp_path / "out", "a.pdf")])
    await account_store.run(pauses.pause, Pause(LANE, None, PauseLevel.MUTE, clock.ms))
    clock.ms += 1000
    await account_store.run(pauses.resume, None, clock.ms, flush=False)
    assert await account_store.run(outgoing_files.done) == ()
    await account_store.run(pauses.resume, None, clock.ms, flush=True)
    assert len((await account_store.run(due.waiting)).chunks) == 1
    await account_store.run(pauses.pause, Pause(LANE, None, PauseLevel.MUTE, clock.ms))
    clock.ms += 1000
    await account_store.run(pauses.resume, None, clock.ms, flush=False)
    await account_store.run(pauses.pause, Pause(LANE, None, PauseLevel.MUTE, clock.ms))
    clock.ms += 1000
    await account_store.run(pauses.resume, None, clock.ms, flush=False)
    assert await account_store.run(outgoing_files.done) == ("a.pdf",), "no flush brings it back"


def test_files_are_found_where_the_state_directory_is_now(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    file, other = put(old, "a.pdf"), put(old, "b.pdf")
    old.rename(new)
    moved = located(file, new)
    assert isinstance(moved, Media)
    assert moved.path == str(new / "a.pdf")
    album = located(Photos(LAN, (file.path, other.path)), new)
    assert album == Photos(LAN, (str(new / "a.pdf"), str(new / "b.pdf")))
    elsewhere = put(tmp_path / "elsewhere", "c.pdf")
    assert located(elsewhere, new) == elsewhere
    assert located(file, None) == file
