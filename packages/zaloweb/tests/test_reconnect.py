"""When to connect again: what the server's table says, and what we make of it."""

from __future__ import annotations

from random import Random

import pytest

from zaloweb.errors import Kicked, Replaced
from zaloweb.wire.reconnect import STEADY_S, Reconnect, ReconnectPolicy, RetryRule, RetryTable, Stop
from zaloweb.wire.settings import Settings

TABLE = RetryTable(
    codes=frozenset({1000, 1006, 3000, 3003}),
    rotating=frozenset({1006, 3003}),
    rules={1000: RetryRule(1, (4000,)), 1006: RetryRule(4, (1500, 2500, 3500)), 3000: RetryRule(0, (6000,))},
)


def settings(**socket: object) -> Settings:
    return Settings({"features": {"socket": socket}})


def policy(table: RetryTable = TABLE, endpoints: int = 3) -> ReconnectPolicy:
    return ReconnectPolicy(table, endpoints, Random(7))


def waits(one: ReconnectPolicy, code: int, times: int) -> list[int]:
    decisions = [one.closed(code) for _ in range(times)]
    return [decision.wait_ms for decision in decisions if isinstance(decision, Reconnect)]


def test_the_waits_of_a_code_come_one_after_the_other_and_the_last_one_stays() -> None:
    assert [TABLE.delay_ms(1006, already) for already in range(5)] == [1500, 2500, 3500, 3500, None]


def test_a_code_without_a_maximum_is_never_answered() -> None:
    assert TABLE.delay_ms(3000) is None


def test_a_code_that_is_not_listed_is_never_answered_even_with_a_rule() -> None:
    table = RetryTable(codes=frozenset({1000}), rules={1006: RetryRule(9, (1,))})
    assert table.delay_ms(1006) is None
    assert table.delay_ms(1000) is None


def test_the_reference_never_goes_back_to_the_first_endpoint() -> None:
    assert [TABLE.rotates(1006, already, endpoints=3) for already in range(4)] == [True, True, False, False]
    assert not TABLE.rotates(1000, 0, endpoints=3)


def test_the_table_is_read_from_the_settings_as_the_server_sends_them() -> None:
    table = RetryTable.from_settings(
        settings(
            close_and_retry_codes=[1000, 1006],
            rotate_error_codes=[1006],
            retries={"1000": {"max": 1, "times": 4000}, "1006": {"max": 2, "times": [10, 20]}},
        )
    )
    assert table.rules == {1000: RetryRule(1, (4000,)), 1006: RetryRule(2, (10, 20))}
    assert table.codes == {1000, 1006}
    assert table.rotating == {1006}


@pytest.mark.parametrize(
    "entry", [None, 5, "x", {"max": "3", "times": [1]}, {"max": 1, "times": ["a"]}, {"max": -1, "times": 1}]
)
def test_a_damaged_rule_is_left_out(entry: object) -> None:
    retries = {"1006": entry, "1000": {"max": 1, "times": 5}, "soon": {"max": 1, "times": 1}}
    table = RetryTable.from_settings(settings(retries=retries))
    assert table.rules == {1000: RetryRule(1, (5,))}


def test_settings_without_a_table_give_an_empty_one() -> None:
    assert RetryTable.from_settings(Settings({})) == RetryTable()


def test_an_account_that_is_open_somewhere_else_is_given_back() -> None:
    decision = policy().closed(3000)
    assert isinstance(decision, Stop)
    assert isinstance(decision.error, Replaced)


def test_a_session_that_was_ended_is_given_back_although_the_table_would_retry() -> None:
    decision = policy().closed(3003)
    assert isinstance(decision, Stop)
    assert isinstance(decision.error, Kicked)


def test_a_lost_line_is_always_taken_up_again_however_often() -> None:
    assert len(waits(policy(RetryTable()), 1006, 50)) == 50


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1011, 1012, 4001])
def test_every_other_code_is_answered_by_a_new_connection_too(code: int) -> None:
    assert isinstance(policy().closed(code), Reconnect)


def test_the_waits_double_from_the_servers_own_figure_and_are_never_below_it() -> None:
    first, second, third, *_ = waits(policy(), 1006, 5)
    assert 1500 <= first <= 3000 <= second <= 6000 <= third <= 12_000


def test_the_waits_stay_below_two_minutes_and_stay_spread() -> None:
    late = waits(policy(), 1006, 60)[20:]
    assert max(late) <= 120_000
    assert min(late) >= 60_000
    assert len(set(late)) > 20


@pytest.mark.parametrize("figure", [0, 10**9])
def test_an_unreasonable_figure_of_the_server_is_bounded(figure: int) -> None:
    table = RetryTable(rules={1006: RetryRule(1, (figure,))})
    assert all(250 <= wait <= 120_000 for wait in waits(policy(table), 1006, 5))


def test_accounts_that_are_dropped_together_do_not_come_back_together() -> None:
    waited = {waits(ReconnectPolicy(TABLE, 1, Random(seed)), 1006, 1)[0] for seed in range(20)}
    assert len(waited) > 10


def test_endpoints_take_turns_and_after_the_last_comes_the_first() -> None:
    one = policy(endpoints=3)
    seen = [one.endpoint]
    for _ in range(4):
        one.closed(1006)
        seen.append(one.endpoint)
    assert seen == [0, 1, 2, 0, 1]


def test_a_code_that_does_not_rotate_stays_at_its_endpoint() -> None:
    decision = policy().closed(1000)
    assert isinstance(decision, Reconnect)
    assert decision.endpoint == 0


def test_an_endpoint_that_cannot_be_reached_is_left_for_the_next() -> None:
    assert policy(RetryTable(), endpoints=2).unreachable().endpoint == 1
    assert policy(RetryTable(), endpoints=1).unreachable().endpoint == 0


def test_a_connection_that_lived_makes_earlier_failures_forgotten() -> None:
    one = policy()
    waits(one, 1006, 6)
    one.lived(STEADY_S)
    assert waits(one, 1006, 1)[0] <= 3000


def test_a_connection_that_broke_soon_does_not() -> None:
    one = policy()
    waits(one, 1006, 6)
    one.lived(STEADY_S - 1)
    assert waits(one, 1006, 1)[0] > 3000
