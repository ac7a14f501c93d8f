"""Alarms in the store: one of a kind at a time, with the pause of those that look like a ban."""

from __future__ import annotations

import asyncio
from pathlib import Path

from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.alarm_kinds import KNOWLEDGE, AlarmKind
from clawlane.messages import Notice, Thread, ThreadKind
from clawlane.store import alarms, alerts, inbox, pauses
from clawlane.store.alarm_told import Cleared, Ended, Noticed, Raised, Sign
from clawlane.store.alerts import AlertKind
from clawlane.store.told import Pause, PauseLevel

KICKED = Raised(AlarmKind.KICKED, {"kicks": 2, "last_ms": NOW})
FAILS = Raised(AlarmKind.OUTBOUND_FAILS, {"failed": 3})
PLATFORM = Thread(ThreadKind.DM, "8299999999999999999")


def warning(message_id: str = "m1") -> Notice:
    return Notice(
        "default", PLATFORM, message_id, "platform warning", "Cảnh báo", NOW, PLATFORM.id, warning=True
    )


async def test_what_is_found_again_is_one_alarm_and_a_new_one_only_after_the_end(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (store, account):
        assert (await account.run(alarms.apply, [FAILS])).new == (AlarmKind.OUTBOUND_FAILS,)
        clock.ms += 1000
        assert (await account.run(alarms.apply, [FAILS])).new == ()
        with store.read() as reader:
            (one,) = reader.open_alarms(LANE)
        assert (one.times, one.first_ms, one.last_ms, one.paused) == (2, NOW, NOW + 1000, False)
        assert (await account.run(alarms.apply, [Ended(FAILS.kind)])).ended == (FAILS.kind,)
        assert (await account.run(alarms.apply, [Ended(FAILS.kind)])).ended == ()
        assert (await account.run(alarms.apply, [FAILS])).new == (FAILS.kind,)
        with store.read() as reader:
            assert [one.open for one in reader.alarms()] == [True, False]


async def test_a_sign_of_a_ban_mutes_the_account_until_it_is_resumed(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (store, account):
        alarmed = await account.run(alarms.apply, [KICKED])
        expected = Pause(LANE, None, PauseLevel.MUTE, NOW, None, "kicked")
        assert alarmed.pause == expected
        with store.read() as reader:
            assert reader.pauses() == [expected]
        told = await account.run(lambda tx: tx.db.execute("SELECT kind, what FROM audit_log").fetchall())
        assert ("pause", "alarm") in [tuple(row) for row in told]
        (seen,) = await account.run(alarms.acknowledge)
        assert seen.kind is AlarmKind.KICKED
        with store.read() as reader:
            assert reader.open_alarms(LANE) == []
            assert reader.pauses() == [expected]
        assert (await account.run(alarms.apply, [KICKED])).new == (AlarmKind.KICKED,)


async def test_an_alarm_neither_weakens_nor_shortens_a_pause_of_the_operator(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_store, account):
        before = Pause(LANE, None, PauseLevel.OFFLINE, NOW - 5, NOW + 1000)
        await account.run(pauses.pause, before)
        alarmed = await account.run(alarms.apply, [KICKED])
        assert alarmed.pause == Pause(LANE, None, PauseLevel.OFFLINE, NOW - 5, None, "kicked")


async def test_an_acknowledged_trouble_that_goes_on_is_not_told_again_before_it_has_ended(
    tmp_path: Path,
) -> None:
    async with opened_store(tmp_path) as (store, account):
        await account.run(alarms.apply, [FAILS])
        with store.read() as reader:
            (one,) = reader.open_alarms(LANE)
        assert [seen.id for seen in await account.run(alarms.acknowledge, {one.id})] == [one.id]
        assert (await account.run(alarms.apply, [FAILS])).new == ()
        with store.read() as reader:
            assert reader.open_alarms(LANE) == []
        assert (await account.run(alarms.memory)).going_on != ()
        await account.run(alarms.apply, [Ended(FAILS.kind)])
        assert (await account.run(alarms.apply, [FAILS])).new == (FAILS.kind,)


async def test_the_owner_hears_of_the_beginning_and_of_the_end_unless_both_came_at_once(
    tmp_path: Path,
) -> None:
    async with opened_store(tmp_path) as (_store, account):
        await account.run(alarms.apply, [FAILS])
        (told,) = await account.run(lambda tx: alerts.waiting(tx.db, tx.account))
        assert (told.kind, told.facts["alarm_kind"]) == (AlertKind.ALARM, "outbound_fails")
        await account.run(alarms.apply, [Ended(FAILS.kind)])
        assert await account.run(lambda tx: alerts.waiting(tx.db, tx.account)) == []

        await account.run(alarms.apply, [FAILS])
        heard = await account.run(lambda tx: alerts.waiting(tx.db, tx.account))
        await account.run(alerts.forget, heard)
        await account.run(alarms.apply, [Ended(FAILS.kind)])
        (over,) = await account.run(lambda tx: alerts.waiting(tx.db, tx.account))
        assert over.kind is AlertKind.ALARM_OVER


async def test_signs_are_kept_of_those_that_last_only_the_newest(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_store, account):
        found = [
            Noticed(Sign.KICK, NOW - 5),
            Noticed(Sign.KICK, NOW),
            Noticed(Sign.FRIENDS, NOW, "", 7),
            Noticed(Sign.FRIENDS, NOW + 1, "", 9),
            Noticed(Sign.REFUSAL, NOW, "dm:1", 123),
            Noticed(Sign.REFUSAL, NOW, "dm:2", 123),
            Cleared(Sign.REFUSAL, "dm:1"),
        ]
        await account.run(alarms.apply, found)
        known = {(one.sign, one.key, one.number) for one in (await account.run(alarms.memory)).signs}
    assert known == {
        (Sign.KICK, "", 0),
        (Sign.FRIENDS, "", 9),
        (Sign.REFUSAL, "dm:2", 123),
    }


async def test_a_warning_of_the_platform_is_stored_with_its_alarm_and_its_pause_once(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (store, account):
        (first,) = await account.run(inbox.admit_all, [warning()])
        (again,) = await account.run(inbox.admit_all, [warning()])
        assert first.alarmed.new == (AlarmKind.PLATFORM_WARNING,)  # type: ignore[union-attr]
        assert first.alarmed.pause.reason == "platform_warning"  # type: ignore[union-attr]
        assert again.alarmed is None  # type: ignore[union-attr]
        with store.read() as reader:
            (one,) = reader.open_alarms(LANE)
            assert one.evidence == {"sender": PLATFORM.id, "message": "m1", "sent_ms": NOW}
            assert "Cảnh báo" not in str(one)


def test_every_kind_says_where_it_is_known_from_and_none_is_proven_yet() -> None:
    assert KNOWLEDGE.keys() == set(AlarmKind)
    assert [kind for kind, known in KNOWLEDGE.items() if known.seen] == []


async def test_nothing_is_lost_when_the_store_closes_right_after(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_store, account):
        account.post(lambda tx: (alarms.apply(tx, [KICKED]), None)[1])
    async with opened_store(tmp_path) as (store, _account):
        await asyncio.sleep(0)
        with store.read() as reader:
            assert [one.kind for one in reader.alarms()] == [AlarmKind.KICKED]
