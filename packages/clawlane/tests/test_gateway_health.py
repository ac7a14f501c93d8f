"""How an account is: what is kept of earlier reports, since when it is so, and phases that last too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from clawlane.channel import Health, Phase, State, StateCode
from clawlane.gateway.health import DEADLINES, OVER, AccountHealth, stopped
from clawlane.lane.send_record import SendTrouble

SOON = 0.01


class Told:
    """Everything that was told, and the clock by which it was."""

    def __init__(self) -> None:
        self.states: asyncio.Queue[State] = asyncio.Queue()
        self.now_ms = 1_000
        deadlines = {Phase.STARTING: 60.0, Phase.CONNECTING: SOON, Phase.DEGRADED: SOON}
        self.standing = AccountHealth("piped/default", self.states.put_nowait, lambda: self.now_ms, deadlines)

    def report(self, state: State) -> State:
        self.standing.report(state)
        return self.states.get_nowait()


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    made = Told()
    watching = asyncio.create_task(made.standing.watch())
    yield made
    watching.cancel()
    await asyncio.wait([watching])


async def test_health_and_identity_stay_as_they_were_known(told: Told) -> None:
    told.report(State(Phase.READY, auth=Health.OK, inbound=Health.OK, user_id="7", noticed_ms=2000))
    kept = told.report(State(Phase.DEGRADED, "the line is gone", inbound=Health.BROKEN))
    assert (kept.auth, kept.inbound, kept.user_id, kept.noticed_ms) == (Health.OK, Health.BROKEN, "7", 2000)


async def test_own_id_and_language_stay_until_the_channel_reports_others(told: Told) -> None:
    told.report(State(Phase.READY, user_id="7", language="vi"))
    stopped = told.report(State(Phase.STOPPED, "stopped by the operator"))
    assert (stopped.user_id, stopped.language) == ("7", "vi")
    other = told.report(State(Phase.READY, user_id="8", language="en"))
    assert (other.user_id, other.language) == ("8", "en")


async def test_since_counts_from_the_phase_and_not_from_its_reason(told: Told) -> None:
    told.report(State(Phase.STARTING, "one reason"))
    told.now_ms = 5_000
    told.report(State(Phase.STARTING, "another"))
    assert told.standing.since_ms == 1_000
    told.report(State(Phase.READY))
    assert told.standing.since_ms == 5_000


async def test_an_account_that_does_not_come_up_in_time_is_degraded_until_it_does(told: Told) -> None:
    told.report(State(Phase.CONNECTING, "no route"))
    late = await told.states.get()
    assert (late.phase, late.action) == (Phase.DEGRADED, "openclaw doctor")
    assert late.reason.startswith("no route; for ")

    assert told.report(State(Phase.CONNECTING, "still no route")).phase is Phase.DEGRADED

    assert told.report(State(Phase.READY)).phase is Phase.READY
    assert told.report(State(Phase.CONNECTING)).phase is Phase.CONNECTING


async def test_the_code_of_a_late_account_says_overdue_until_it_is_up(told: Told) -> None:
    told.report(State(Phase.CONNECTING, "no route", code=StateCode.LOGIN_FAILED))
    assert (await told.states.get()).code == StateCode.OVERDUE
    assert told.report(State(Phase.CONNECTING, code=StateCode.LOGGING_IN)).code == StateCode.OVERDUE
    assert told.report(State(Phase.READY, code=StateCode.READY)).code == StateCode.READY


async def test_a_connection_that_stays_lost_keeps_its_code(told: Told) -> None:
    told.report(State(Phase.DEGRADED, "the line is gone", code=StateCode.CONNECTION_LOST))
    late = await told.states.get()
    assert (late.code, late.action) == (StateCode.CONNECTION_LOST, "openclaw doctor")


async def test_sends_that_fail_have_a_code_only_while_the_connection_is_well(told: Told) -> None:
    told.report(State(Phase.READY, code=StateCode.READY))
    told.standing.sending(SendTrouble("none of the last 3 arrived"))
    assert told.states.get_nowait().code == StateCode.SENDING_FAILS
    lost = told.report(State(Phase.DEGRADED, "the line is gone", code=StateCode.CONNECTION_LOST))
    assert lost.code == StateCode.CONNECTION_LOST


def test_every_phase_waits_for_the_operator_is_well_or_has_a_deadline() -> None:
    assert {*OVER, *DEADLINES, Phase.READY} == set(Phase)
    assert not {*OVER, Phase.READY} & set(DEADLINES)


async def test_sends_that_fail_in_a_row_are_told_with_a_reason_and_healed_by_the_next(told: Told) -> None:
    told.report(State(Phase.READY, outbound=Health.OK))
    told.standing.sending(SendTrouble("none of the last 3 arrived", "openclaw outbox list"))
    broken = told.states.get_nowait()
    assert (broken.phase, broken.outbound) == (Phase.READY, Health.BROKEN)
    assert (broken.reason, broken.action) == ("none of the last 3 arrived", "openclaw outbox list")
    still = told.report(State(Phase.READY, auth=Health.OK, outbound=Health.OK))
    assert (still.outbound, still.reason) == (Health.BROKEN, "none of the last 3 arrived")
    told.standing.sending(None)
    healed = told.states.get_nowait()
    assert (healed.outbound, healed.reason, healed.action) == (Health.OK, "", "")


async def test_a_connection_that_is_lost_has_its_own_reason(told: Told) -> None:
    told.report(State(Phase.READY))
    told.standing.sending(SendTrouble("none of the last 3 arrived"))
    told.states.get_nowait()
    lost = told.report(State(Phase.DEGRADED, "the line is gone"))
    assert (lost.reason, lost.outbound) == ("the line is gone", Health.BROKEN)


async def test_after_a_stop_nothing_is_known_of_sends_that_failed_before(told: Told) -> None:
    told.report(State(Phase.READY))
    told.standing.sending(SendTrouble("none of the last 3 arrived"))
    told.states.get_nowait()
    told.report(stopped(StateCode.STOPPED_BY_OPERATOR, "stopped by the operator"))
    again = told.report(State(Phase.READY, outbound=Health.OK))
    assert (again.outbound, again.reason, again.action) == (Health.OK, "", "")


async def test_the_first_message_that_arrives_shows_that_sending_works(told: Told) -> None:
    told.report(State(Phase.READY))
    told.standing.sending(None)
    assert told.states.get_nowait().outbound is Health.OK
    told.standing.sending(None)
    assert told.states.empty()
