"""The detectors of alarms: threshold, hysteresis, end, and what each knows after a restart."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from clawlane.alarm_kinds import AlarmKind
from clawlane.gateway.detectors import (
    ASK_AGAIN_MS,
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SILENT_MS,
    FriendList,
    Inbound,
    Kicks,
    Logins,
    Outbound,
    Refusals,
)
from clawlane.store.alarm_told import Alarm, Change, Cleared, Ended, Noticed, Raised, Sign

NOW = 1_700_000_000_000


def raised(changes: Sequence[Change]) -> list[AlarmKind]:
    return [one.kind for one in changes if isinstance(one, Raised)]


def ended(changes: Sequence[Change]) -> list[AlarmKind]:
    return [one.kind for one in changes if isinstance(one, Ended)]


def signs(changes: Sequence[Change]) -> list[Noticed]:
    return [one for one in changes if isinstance(one, Noticed)]


def going_on(kind: AlarmKind) -> Alarm:
    return Alarm(1, "zalouser/default", kind, "", NOW, NOW, 1, {}, None, None, kind.pauses)


def test_one_kick_is_none_and_two_within_an_hour_are() -> None:
    kicks = Kicks()
    assert raised(kicks.kicked(NOW)) == []
    assert raised(kicks.kicked(NOW + HOUR_MS + 1)) == []
    assert raised(kicks.kicked(NOW + 2 * HOUR_MS)) == [AlarmKind.KICKED]


def test_kicks_are_over_once_a_connection_has_held_for_an_hour() -> None:
    kicks = Kicks()
    kicks.kicked(NOW)
    kicks.kicked(NOW + 1)
    kicks.connected(NOW + 10)
    assert kicks.pass_time(NOW + HOUR_MS) == []
    kicks.lost()
    assert kicks.pass_time(NOW + 2 * HOUR_MS) == []
    kicks.connected(NOW + 2 * HOUR_MS)
    assert ended(kicks.pass_time(NOW + 3 * HOUR_MS)) == [AlarmKind.KICKED]
    assert kicks.pass_time(NOW + 4 * HOUR_MS) == []


def test_a_restart_between_two_kicks_forgets_none_and_repeats_nothing() -> None:
    stored = signs(Kicks().kicked(NOW))
    kicks = Kicks()
    kicks.recall(stored, [])
    assert raised(kicks.kicked(NOW + MINUTE_MS)) == [AlarmKind.KICKED]

    again = Kicks()
    again.recall([*stored, Noticed(Sign.KICK, NOW + MINUTE_MS)], [going_on(AlarmKind.KICKED)])
    again.connected(NOW + 2 * MINUTE_MS)
    assert again.pass_time(NOW + 3 * MINUTE_MS) == []
    assert ended(again.pass_time(NOW + 2 * HOUR_MS)) == [AlarmKind.KICKED]


def test_refusals_count_by_thread_and_a_thread_that_is_reached_after_all_does_not_count() -> None:
    refusals = Refusals()
    for _ in range(5):
        assert raised(refusals.refused(NOW, "dm:1", 123)) == []
    assert raised(refusals.refused(NOW + 1, "dm:2", 123)) == []
    assert refusals.arrived("dm:9") == []
    assert refusals.arrived("dm:2") == [Cleared(Sign.REFUSAL, "dm:2")]
    assert raised(refusals.refused(NOW + 2, "dm:3", 221)) == []
    found = refusals.refused(NOW + 3, "dm:4", 123)
    assert raised(found) == [AlarmKind.REFUSALS]
    assert [one.evidence["threads"] for one in found if isinstance(one, Raised)] == [3]


def test_refusals_that_are_an_hour_apart_are_none_and_a_day_without_ends_them() -> None:
    refusals = Refusals()
    for place in range(4):
        assert raised(refusals.refused(NOW + place * 40 * MINUTE_MS, f"dm:{place}", 123)) == []
    at_ms = NOW + 4 * 40 * MINUTE_MS
    refusals.refused(at_ms, "dm:5", 123)
    assert raised(refusals.refused(at_ms, "dm:6", 123)) == [AlarmKind.REFUSALS]
    assert refusals.pass_time(at_ms + DAY_MS - 1) == []
    assert ended(refusals.pass_time(at_ms + DAY_MS)) == [AlarmKind.REFUSALS]


def test_refusals_are_known_after_a_restart() -> None:
    first = Refusals()
    stored = [*signs(first.refused(NOW, "dm:1", 123)), *signs(first.refused(NOW, "dm:2", 123))]
    refusals = Refusals()
    refusals.recall(stored, [])
    assert raised(refusals.refused(NOW + 1, "dm:3", 123)) == [AlarmKind.REFUSALS]


def test_a_refused_login_is_over_once_one_works() -> None:
    logins = Logins()
    assert logins.worked() == []
    assert raised(logins.refused(NOW)) == [AlarmKind.LOGIN_REFUSED]
    assert ended(logins.worked()) == [AlarmKind.LOGIN_REFUSED]
    assert logins.worked() == []
    logins.recall([going_on(AlarmKind.LOGIN_REFUSED)])
    assert ended(logins.worked()) == [AlarmKind.LOGIN_REFUSED]


def test_a_friend_list_that_is_short_once_is_no_alarm() -> None:
    friends = FriendList()
    friends.listed(NOW, 100)
    assert raised(friends.listed(NOW + 1, 0)) == []
    assert friends.ask_at_ms == NOW + 1 + ASK_AGAIN_MS
    assert raised(friends.listed(NOW + 2, 0)) == []
    assert raised(friends.listed(NOW + 1 + ASK_AGAIN_MS, 100)) == []
    assert friends.ask_at_ms is None


def test_a_friend_list_that_still_is_short_ten_minutes_later_is_one_until_most_are_back() -> None:
    friends = FriendList()
    friends.listed(NOW, 100)
    friends.listed(NOW + 1, 60)
    later = NOW + 1 + ASK_AGAIN_MS
    found = friends.listed(later, 55)
    assert raised(found) == [AlarmKind.FRIENDS_FELL]
    assert friends.ask_at_ms is None
    assert friends.listed(later + 1, 50) == []
    assert friends.listed(later + 2, 80) == []
    assert ended(friends.listed(later + 3, 90)) == [AlarmKind.FRIENDS_FELL]


@pytest.mark.parametrize(("before", "now"), [(2, 0), (10, 8), (100, 67), (3, 1)])
def test_a_few_friends_less_are_no_alarm(before: int, now: int) -> None:
    friends = FriendList()
    friends.listed(NOW, before)
    friends.listed(NOW + 1, now)
    assert friends.ask_at_ms is None


def test_a_restart_within_the_ten_minutes_asks_once_and_one_before_the_fall_knows_the_former_number() -> None:
    first = FriendList()
    first.listed(NOW, 100)
    stored = signs(first.listed(NOW + 1, 0))
    friends = FriendList()
    friends.recall(stored, [])
    assert friends.ask_at_ms == NOW + 1 + ASK_AGAIN_MS
    assert raised(friends.listed(NOW + ASK_AGAIN_MS + 1, 0)) == [AlarmKind.FRIENDS_FELL]
    again = FriendList()
    again.recall(stored, [going_on(AlarmKind.FRIENDS_FELL)])
    assert again.listed(NOW + DAY_MS, 0) == []
    fresh = FriendList()
    fresh.listed(NOW, 0, known=100)
    assert fresh.ask_at_ms == NOW + ASK_AGAIN_MS


def test_an_accepted_list_is_the_new_measure() -> None:
    friends = FriendList()
    friends.listed(NOW, 100)
    friends.listed(NOW + 1, 10)
    friends.listed(NOW + 1 + ASK_AGAIN_MS, 10)
    friends.accepted(NOW + 2 * ASK_AGAIN_MS)
    assert friends.listed(NOW + DAY_MS, 10) == []
    assert friends.ask_at_ms is None


def test_sends_that_fail_are_an_alarm_only_while_work_waits() -> None:
    outbound = Outbound()
    for _ in range(3):
        outbound.failed(NOW)
    assert outbound.weigh(NOW, 0, 0) == []
    assert raised(outbound.weigh(NOW, 2, NOW)) == [AlarmKind.OUTBOUND_FAILS]
    assert outbound.weigh(NOW + 1, 2, NOW) == []
    assert ended(outbound.arrived()) == [AlarmKind.OUTBOUND_FAILS]
    assert not outbound.is_asking


def test_one_send_that_fails_is_an_alarm_after_five_minutes_and_over_once_nothing_waits() -> None:
    outbound = Outbound()
    outbound.failed(NOW)
    assert outbound.weigh(NOW + 4 * MINUTE_MS, 1, NOW) == []
    assert raised(outbound.weigh(NOW + 5 * MINUTE_MS, 1, NOW)) == [AlarmKind.OUTBOUND_FAILS]
    assert ended(outbound.weigh(NOW + 6 * MINUTE_MS, 0, 0)) == [AlarmKind.OUTBOUND_FAILS]


def silent_since(now_ms: int, *found: tuple[int, str]) -> list[Change]:
    inbound = Inbound()
    inbound.connected(NOW)
    inbound.asked(now_ms, "dm")
    for sent_ms, message_id in found:
        inbound.fetched("dm", sent_ms, message_id)
    return inbound.read("dm")


def test_an_account_to_which_nobody_writes_is_well() -> None:
    inbound = Inbound()
    inbound.connected(NOW)
    assert not inbound.is_due(NOW + SILENT_MS - 1)
    assert inbound.is_due(NOW + SILENT_MS)
    inbound.asked(NOW + SILENT_MS, "dm")
    assert inbound.read("dm") == []
    assert not inbound.is_due(NOW + SILENT_MS + 1)


@pytest.mark.parametrize(
    ("sent_ms", "expected"),
    [
        (NOW - MINUTE_MS, []),  # before the connection: missed while there was none
        (NOW + 10_000, []),  # just then: pushed as part of a backlog, or fetched first
        (NOW + 10 * MINUTE_MS, [AlarmKind.INBOUND_SILENT]),
        (NOW + SILENT_MS - 10_000, []),  # may still come
    ],
)
def test_what_the_history_has_and_the_connection_never_brought_is_an_alarm(
    sent_ms: int, expected: list[AlarmKind]
) -> None:
    assert raised(silent_since(NOW + SILENT_MS, (sent_ms, "m1"))) == expected


def test_a_lost_push_with_another_behind_it_is_no_alarm_and_the_next_push_ends_one() -> None:
    inbound = Inbound()
    inbound.connected(NOW)
    assert inbound.pushed(NOW + 10 * MINUTE_MS) == []
    inbound.asked(NOW + SILENT_MS, "dm")
    inbound.fetched("dm", NOW + 5 * MINUTE_MS, "m1")
    assert inbound.read("dm") == []

    inbound.asked(NOW + 2 * SILENT_MS, "dm")
    inbound.fetched("dm", NOW + 40 * MINUTE_MS, "m2")
    assert raised(inbound.read("dm")) == [AlarmKind.INBOUND_SILENT]
    assert ended(inbound.pushed(NOW + 2 * SILENT_MS)) == [AlarmKind.INBOUND_SILENT]


def test_what_a_reconnect_finds_counts_up_to_the_time_at_which_the_loss_was_noticed() -> None:
    inbound = Inbound()
    inbound.connected(NOW)
    inbound.lost(NOW + 20 * MINUTE_MS, noticed_ms=2 * MINUTE_MS)
    inbound.connected(NOW + 21 * MINUTE_MS)
    for kind in ("dm", "group"):
        inbound.asked(NOW + 21 * MINUTE_MS, kind)
    inbound.fetched("dm", NOW + 19 * MINUTE_MS, "m1")
    assert inbound.read("dm") == []
    inbound.fetched("group", NOW + 10 * MINUTE_MS, "m2")
    assert raised(inbound.read("group")) == [AlarmKind.INBOUND_SILENT]
