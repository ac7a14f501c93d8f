"""A store that is put back, from a backup or from before an upgrade: nothing in it goes on by itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW
from packages.clawlane.tests.test_store_pauses import ADMIT, Lane, dm, lane_in

from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Text, Thread, ThreadKind
from clawlane.store import catch_up, drafts, due, inbox, turns, unknown_sends
from clawlane.store.draft_listing import Staleness
from clawlane.store.errors import StoreOwned, StoreUnusable
from clawlane.store.models import History, NewMessage
from clawlane.store.reader import reading
from clawlane.store.sqlite import copies, restored, rollback
from clawlane.store.states import ChunkState, DraftState
from clawlane.store.told import Pause, PauseLevel

HOUR = 3_600_000
OTHER = "zalouser/other"


async def a_day(lane: Lane) -> None:
    """A reply of two parts that waits, one that was begun, a turn that waits, and what nobody decided yet."""
    await lane.reply(await lane.hear("m1"), "một", "hai")
    await lane.reply(await lane.hear("m2", "12"), "ba", sender="12")
    await lane.send_one()
    await lane.hear("m3", "13")
    undecided = Inbound("default", "m4", Thread(ThreadKind.DM, "14"), "14", "", "bốn", lane.clock.ms)
    await lane.account_store.run(
        inbox.admit_all, [NewMessage(undecided, None, PairingReply.CODE, lane.clock.ms)]
    )


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """The store of a gateway that is gone, as it was an hour ago."""
    async with lane_in(tmp_path) as lane:
        await a_day(lane)
    return tmp_path / "store.sqlite"


def listed(store: Path) -> list[tuple[str, str]]:
    with reading(store) as reader:
        return [(row.state, row.reason) for row in reader.outbox()]


async def test_what_had_not_left_waits_for_the_operator_part_by_part(store: Path) -> None:
    assert restored.put_in_order(store, NOW, NOW + HOUR, []) == 2
    for state, reason in listed(store):
        assert state == ChunkState.UNKNOWN
        assert reason.startswith("nobody knows whether it left since the copy of 20")
    async with lane_in(store.parent) as lane:
        lane.clock.ms = NOW + HOUR
        await lane.account_store.run(unknown_sends.recover, 60_000)
        assert await lane.to_send() == []
        assert await lane.resume() == ["m3"], "nobody is answered who may have been"
        assert await lane.to_send() == []
        with lane.store.read() as reader:
            first, second = reader.outbox()
        await lane.account_store.run(unknown_sends.resend, second.id)
        assert await lane.to_send() == ["ba"]
        await lane.send_one()
        assert lane.ended("m2")[0] == "done"
        await lane.account_store.run(unknown_sends.drop, first.id)
        assert lane.ended("m1")[0] == "failed"


async def test_a_turn_that_waited_is_answered_if_the_operator_says_so(store: Path) -> None:
    restored.put_in_order(store, NOW, NOW + 1000, [])
    async with lane_in(store.parent) as lane:
        lane.clock.ms = NOW + 2000
        assert await lane.resume() == ["m3"]
        assert await lane.resume(flush=True) == []
        assert "m3" in await lane.waiting()


async def test_a_message_without_its_decision_counts_as_too_old_and_its_text_goes(store: Path) -> None:
    restored.put_in_order(store, NOW, NOW + 1000, [])
    with reading(store) as reader:
        [found] = reader.decided("m4")
    assert (found.made[0].decision.reason, found.text, found.waiting) == ("too_old", None, False)


async def test_what_was_sent_before_the_first_connection_is_not_answered(store: Path) -> None:
    restored.put_in_order(store, NOW, NOW + 1000, [])
    async with lane_in(store.parent) as lane:
        await lane.resume()
        with lane.store.read() as reader:
            assert reader.restored_ms(LANE) == NOW + 1000
        connects = lane.clock.ms = NOW + 60_000
        await lane.account_store.run(catch_up.cursor, ThreadKind.DM, 900_000, 500)
        with lane.store.read() as reader:
            assert reader.restored_ms(LANE) is None
        await lane.account_store.run(catch_up.cursor, ThreadKind.GROUP, 900_000, 500)
        for id_, sent_ms in (("before", connects + 499), ("after", connects + 500)):
            lane.clock.ms = sent_ms
            message = Inbound("default", id_, Thread(ThreadKind.DM, "15"), "15", "", "hi", sent_ms)
            await lane.account_store.run(
                inbox.admit_all, [NewMessage(message, ADMIT, PairingReply.CODE, sent_ms)]
            )
        assert await lane.waiting() == ["after"]


async def test_every_account_is_paused_and_stays_offline_if_it_was(store: Path) -> None:
    async with lane_in(store.parent) as lane:
        await lane.pause(level=PauseLevel.OFFLINE)
    restored.put_in_order(store, NOW, NOW + HOUR, [OTHER])
    with reading(store) as reader:
        assert reader.pauses() == [
            Pause(LANE, None, PauseLevel.OFFLINE, NOW + HOUR),
            Pause(OTHER, None, PauseLevel.MUTE, NOW + HOUR),
        ]


async def test_a_draft_may_have_been_approved_since_so_approving_it_asks(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    async with lane_in(tmp_path) as lane:
        turn = await lane.hear("m1")
        await lane.account_store.run(turns.start, turn, History.INCLUDE)
        new = drafts.NewDraft("channels.zalouser.outbound", HOUR)
        await lane.account_store.run(drafts.reply, turn, [Text(dm("11"), "một")], new)
    assert restored.put_in_order(store, NOW, NOW + 1000, []) == 0
    with reading(store) as reader:
        [draft] = reader.drafts(NOW)
    assert (draft.state, draft.stale) == (DraftState.WAITING, Staleness.OWN_MESSAGE)


async def test_positions_in_the_feed_of_the_other_store_are_none_of_this_one(store: Path) -> None:
    with reading(store) as reader:
        cursor = reader.events("", None, 10).cursor
    restored.put_in_order(store, NOW, NOW + HOUR, [])
    with reading(store) as reader:
        reader.check_marker()
        assert reader.events("", None, 10).cursor != cursor


async def test_a_snapshot_is_of_one_moment_and_leaves_no_file(tmp_path: Path) -> None:
    async with lane_in(tmp_path) as lane:
        await a_day(lane)
        with copies.snapshot(tmp_path / "store.sqlite") as found:
            await lane.hear("later", "19")
            (tmp_path / "elsewhere").mkdir()
            copy = tmp_path / "elsewhere" / "store.sqlite"
            copy.write_bytes(found.file.read())
            assert found.accounts == (LANE,)
            assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []
    with reading(copy) as reader:
        assert (reader.decided("later"), len(reader.decided("m3"))) == ([], 1)


def test_a_damaged_store_is_not_copied(store: Path) -> None:
    raw = bytearray(store.read_bytes())
    raw[8192:60_000] = bytes(60_000 - 8192)
    store.write_bytes(bytes(raw))
    with pytest.raises(StoreUnusable), copies.snapshot(store):
        pass


async def test_a_rollback_keeps_the_newer_store_and_can_be_repeated(store: Path) -> None:
    old = store.with_name(f"store.sqlite.schema-12-{NOW}")
    shutil.copy(store, old)
    async with lane_in(store.parent) as lane:
        await lane.hear("newer", "16")
        [copy] = copies.kept(store)
        with pytest.raises(StoreOwned):
            rollback.roll_back(store, store.with_name("lock"), copy, NOW + HOUR)
    restored.put_back(copy.path, NOW, NOW + HOUR)  # as before a crash
    done = rollback.roll_back(store, store.with_name("lock"), copy, NOW + HOUR)
    assert (done.undecided, copies.kept(store)) == (2, [])
    assert done.newer is not None
    with reading(done.newer) as reader:
        assert len(reader.decided("newer")) == 1
    with reading(store) as reader:
        reader.check_marker()
        assert reader.decided("newer") == []
        assert [one.account for one in reader.pauses()] == [LANE]
    async with lane_in(store.parent) as lane:
        assert lane.ended("m3")[0] == "expired"
        assert [chunk.out for chunk in (await lane.account_store.run(due.waiting)).chunks] == []


def test_copies_go_after_a_fortnight(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    for migration, made_ms in ((10, NOW - copies.KEPT_MS - 1), (11, NOW - copies.KEPT_MS)):
        (tmp_path / f"store.sqlite.schema-{migration}-{made_ms}").write_bytes(b"")
    (tmp_path / "store.sqlite.schema-x-1").write_bytes(b"")
    assert [one.name for one in copies.prune(store, NOW)] == [
        f"store.sqlite.schema-10-{NOW - copies.KEPT_MS - 1}"
    ]
    assert [one.migration for one in copies.kept(store)] == [11]
