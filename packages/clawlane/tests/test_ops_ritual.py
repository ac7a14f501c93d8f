"""The conductor of the ritual: what a step takes for proof, what it names as missing, what needs what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from packages.clawlane.tests.fake_lane import DM, FACTS, GROUP, MEMBER, NOW, FakeLane, proof

from clawlane.access.decision import Outcome, Reason
from clawlane.capabilities import ProbeResult
from clawlane.channel import Phase
from clawlane.lane.evidence import SignalKind
from clawlane.ops.account_status import PolicyStatus
from clawlane.ops.drafts import Approve as ApproveDraft
from clawlane.ops.pairing import Approve
from clawlane.ops.process import Restart
from clawlane.ops.ritual.conductor import STEPS, Conductor, Plan
from clawlane.ops.ritual.steps import (
    Instruction,
    Noticed,
    QuestionKind,
    Report,
    RitualEvent,
    Skip,
    StepBegan,
    StepName,
    StepResult,
    StepState,
    Waiting,
)
from clawlane.ops.verification import LaneFacts, Record
from clawlane.ops.why import TurnStage
from clawlane.store.states import ChunkState

AGAIN = replace(FACTS, started_ms=NOW)
DISABLED = PolicyStatus("disabled", "channel", "channels.zalouser.dmPolicy", 5)


class Played:
    """A run to its end: the person does what each instruction asks, unless the test says otherwise."""

    def __init__(self, lane: FakeLane, *, idle: tuple[StepName, ...] = (), **plan: Any) -> None:
        self.lane = lane
        self.events: list[RitualEvent] = []
        self.conductor = Conductor(lane, Plan(**plan), lane.agreed, lane.now_ms, lane.sleep)
        for event in self.conductor.events():
            self.events.append(event)
            if isinstance(event, Instruction) and event.name not in idle:
                lane.after(2, lambda name=event.name: _does(lane, name))  # type: ignore[misc]
        self.report: Report = self.conductor.keep()

    def __getitem__(self, name: StepName) -> StepResult:
        return next(one for one in self.report.steps if one.name is name)

    def states(self) -> dict[str, str]:
        return {one.name: one.skip or one.state for one in self.report.steps}


def _does(lane: FakeLane, name: StepName) -> None:
    match name:
        case StepName.STRANGER:
            lane.writes(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED)
        case StepName.REPLY:
            lane.writes(Outcome.ADMIT, Reason.DM_PAIRED)
        case StepName.GROUP_ANSWERED:
            lane.writes(Outcome.ADMIT, Reason.GROUP_ADMITTED, GROUP, MEMBER)
        case StepName.GROUP_SKIPPED:
            lane.writes(Outcome.PEND, Reason.MENTION_REQUIRED, GROUP, MEMBER)


def test_a_lane_that_works_passes_every_step_in_order_and_the_report_is_kept() -> None:
    lane = FakeLane()
    played = Played(lane)
    assert [one.name for one in played.events if isinstance(one, StepBegan)] == [*StepName] == [*STEPS]
    assert set(played.states().values()) == {"passed"}, played.report
    assert played.report.ok
    kept = [one.report for one in lane.asked if isinstance(one, Record)]
    assert kept == [played.report]
    assert played.report.policy == FACTS.policy
    asked = [one.kind for one in lane.questions]
    assert asked == [QuestionKind.APPROVE, QuestionKind.RESTART, QuestionKind.RECONNECT]
    assert lane.reactions == [("group:900", "m3", "👍"), ("group:900", "m3", "")]
    told = played[StepName.STRANGER].evidence
    assert told.endswith(
        "; the message was challenged: dm_pairing_required; line 5 channels.zalouser.dmPolicy"
    )
    told = played[StepName.REPLY].evidence
    assert "Lan (41) wrote at" in told
    assert "answered in 1.2 s: message r102 arrived; agent main is an echo" in told


@pytest.mark.parametrize(("agrees", "state"), [(True, StepState.PASSED), (False, StepState.FAILED)])
def test_a_draft_leaves_only_if_the_operator_agrees(agrees: bool, state: StepState) -> None:
    lane = FakeLane(drafted=True, agrees=agrees)
    lane.after(1, lambda: lane.writes(Outcome.ADMIT, Reason.DM_PAIRED))
    played = Played(lane, only=(StepName.REPLY,))
    assert played[StepName.REPLY].state is state
    assert agrees or "the answer waits for your approval" in played[StepName.REPLY].missing
    [question] = [one for one in lane.questions if one.kind is QuestionKind.DRAFT]
    assert "To read it in another terminal: openclaw drafts show 1" in question.text
    sent = [one for one in lane.asked if isinstance(one, ApproveDraft)]
    assert len(sent) == (1 if agrees else 0)
    [told] = [one.text for one in played.events if isinstance(one, Noticed)]
    assert ("verify has approved it" in told) is agrees


def test_without_a_stranger_the_next_steps_name_what_they_lack() -> None:
    lane = FakeLane(last_inbound_ms=NOW - 60_000)
    played = Played(lane, idle=(StepName.STRANGER,))
    missing = played[StepName.STRANGER].missing
    assert missing.startswith("no message of a stranger came within 5 min; nothing at all arrived since ")
    assert played[StepName.PAIRING].missing == "stranger failed"
    assert played[StepName.REPLY].missing == "approved was not proven"
    states = played.states()
    assert (states["pairing"], states["approved"], states["reply"]) == (Skip.UNPROVEN,) * 3
    assert states["restart"] == "passed", "it needs no stranger"
    assert not played.report.ok
    left = [one.left_ms for one in played.events if isinstance(one, Waiting) and one.name == "stranger"]
    assert left == sorted(left, reverse=True)
    assert left[0] == 300_000


def test_what_comes_instead_is_told_at_once_with_its_rule() -> None:
    lane = FakeLane()
    lane.after(1, lambda: lane.writes(Outcome.DROP, Reason.TOO_OLD))
    played = Played(lane, idle=(StepName.STRANGER,), only=(StepName.STRANGER,))
    [noticed] = [one for one in played.events if isinstance(one, Noticed)]
    rule = "line 5 channels.zalouser.dmPolicy"
    assert noticed.text == f"Lan (41): the message was dropped: too_old; {rule}"
    assert played[StepName.STRANGER].missing.endswith("; what came: 1 × too_old")


def test_what_the_config_closes_is_skipped_with_its_line() -> None:
    groups = structs.replace(DISABLED, path="channels.zalouser.groupPolicy", line=6)
    closed = replace(FACTS, dm=DISABLED, group=groups)
    played = Played(FakeLane(closed))
    assert played.report.ok
    assert {name for name, state in played.states().items() if state == "passed"} == {
        "probe",
        "restart",
        "reconnect",
    }
    assert played[StepName.STRANGER].missing == "dmPolicy is 'disabled' (line 5): nobody may write directly"
    assert played[StepName.GROUP_ANSWERED].missing == "groupPolicy is 'disabled' (line 6): no group is heard"
    assert played[StepName.ACKS].missing == "the config lets in nobody, so nothing is answered"
    assert all(one.proven for one in played.report.steps)


def test_without_pairing_nobody_has_to_be_approved() -> None:
    lane = FakeLane(replace(FACTS, dm=structs.replace(DISABLED, value="open")))
    lane.after(1, lambda: lane.writes(Outcome.ADMIT, Reason.DM_OPEN))
    played = Played(lane, idle=(StepName.STRANGER,))
    assert (played.states()["pairing"], played.states()["approved"]) == (Skip.NOT_APPLICABLE,) * 2
    assert played[StepName.REPLY].state is StepState.PASSED, "the first message is answered already"


def test_with_mentions_switched_off_no_message_is_skipped_and_the_rule_is_named() -> None:
    off = "line 9 channels.zalouser.groups['900'].requireMention"
    played = Played(FakeLane(replace(FACTS, mention_needed=False, mention_off=[off])))
    told = played[StepName.GROUP_SKIPPED]
    assert (told.skip, off in told.missing) == (Skip.NOT_APPLICABLE, True)
    [asked] = [one for one in played.events if isinstance(one, Instruction) and one.name == "group-answered"]
    assert "mention" not in asked.text


BROKEN: list[tuple[dict[str, Any], StepName, str]] = [
    (
        {"probe": ProbeResult(False, error="no", expired=True)},
        StepName.PROBE,
        "the session has expired: no; run: openclaw channels login --channel zalouser --force",
    ),
    ({"facts": replace(FACTS, session="")}, StepName.PROBE, "no session is stored any more"),
    (
        {"facts": replace(FACTS, phase=Phase.NEEDS_LOGIN, reason="nobody is logged in", help="openclaw x")},
        StepName.PROBE,
        "the account is not connected: nobody is logged in; run: openclaw x",
    ),
    (
        {"challenge": proof(1, DM, ChunkState.REFUSED, "you are blocked")},
        StepName.PAIRING,
        "the code for Lan (41) is refused: you are blocked",
    ),
    (
        {"challenge": proof(1, DM, ChunkState.QUEUED, "held: pacing.strangers")},
        StepName.PAIRING,
        "the code for Lan (41) has not left: held: pacing.strangers",
    ),
    ({"begins_again": False}, StepName.RESTART, "the gateway did not come back within 60 s"),
    (
        {"after_restart": replace(AGAIN, phase=Phase.NEEDS_LOGIN, reason="refused", help="h")},
        StepName.RESTART,
        "the gateway is back, but the account is not: it is needs_login: refused; run: h",
    ),
    (
        {"after_restart": replace(AGAIN, session="login2")},
        StepName.RESTART,
        "with another login than before",
    ),
    ({"comes_back": False}, StepName.RECONNECT, "the connection did not come back within 60 s"),
    ({"in_history": False}, StepName.GROUP_SKIPPED, "it does not wait in the history of its group"),
    ({"returned": []}, StepName.FETCHED_BACK, "fetched group messages hold 0 own messages"),
    (
        {"reaction_state": ChunkState.REFUSED},
        StepName.REACTION,
        "a reaction is refused: not allowed",
    ),
    (
        {"reaction_state": ChunkState.QUEUED},
        StepName.REACTION,
        "a reaction was queued, but did not leave within 60 s",
    ),
    ({"signal_error": "code 114"}, StepName.ACKS, "seen was not shown (code 114)"),
    ({"shown": (SignalKind.DELIVERED,)}, StepName.ACKS, "message m2: seen was not sent"),
]


@pytest.mark.parametrize(("broken", "step", "missing"), BROKEN)
def test_what_breaks_says_what_is_missing(broken: dict[str, Any], step: StepName, missing: str) -> None:
    played = Played(FakeLane(**broken))
    assert played[step].state is StepState.FAILED
    assert missing in played[step].missing
    failed = [one.name for one in played.report.steps if one.state is StepState.FAILED]
    assert failed == [step], "what follows from it is skipped"


@pytest.mark.parametrize(
    ("stage", "told", "missing"),
    [
        (TurnStage.SET_ASIDE, "it ended with 1", "the agent could not answer: it ended with 1"),
        (TurnStage.NO_REPLY, "", "the agent chose to say nothing"),
        (TurnStage.NOT_SENT, "refused (you are blocked)", "did not get out: refused (you are blocked)"),
        (TurnStage.NEEDS_DECISION, "of unknown fate", "nobody knows whether the answer arrived"),
        (TurnStage.WITH_AGENT, "", "not answered within 5 min: the agent is still at it"),
        (TurnStage.WAITING, "no answer", "last: no answer"),
    ],
)
def test_a_reply_that_does_not_come_says_where_it_stands(stage: TurnStage, told: str, missing: str) -> None:
    lane = FakeLane()
    lane.after(1, lambda: lane.writes(Outcome.ADMIT, Reason.DM_PAIRED, stage=stage, told=told))
    played = Played(lane, idle=(StepName.REPLY,), only=(StepName.REPLY,))
    assert missing in played[StepName.REPLY].missing


def test_an_answer_that_comes_again_after_a_reconnect_fails_it() -> None:
    lane = FakeLane()
    plan = (StepName.REPLY, StepName.RECONNECT)
    conductor = Conductor(lane, Plan(only=plan), lane.agreed, lane.now_ms, lane.sleep)
    for event in conductor.events():
        if isinstance(event, Instruction):
            lane.after(1, lambda: lane.writes(Outcome.ADMIT, Reason.DM_PAIRED))
        if isinstance(event, StepBegan) and event.name is StepName.RECONNECT:
            lane.sends[1].append(proof(200, DM))
    assert conductor.results[-1].missing == "the message m1 was answered once more"


def test_nothing_is_done_that_the_operator_does_not_agree_to() -> None:
    lane = FakeLane(agrees=False)
    played = Played(lane, idle=(StepName.APPROVED,))
    assert (played.states()["restart"], played.states()["reconnect"]) == (Skip.LEFT_OUT,) * 2
    assert not [one for one in lane.asked if isinstance(one, Approve | Restart)]
    [asked] = [one for one in played.events if isinstance(one, Instruction) and one.name == "approved"]
    assert asked.command == "openclaw pairing approve zalouser ABCD2345 --account default"
    assert "Lan (41) was not approved within 5 min" in played[StepName.APPROVED].missing
    assert played.states()["group-answered"] == "passed", "what was left out stops nothing"


@pytest.mark.parametrize("here", [None, 8])
def test_a_restart_of_another_gateway_proves_nothing(here: int | None) -> None:
    lane = FakeLane(here=here)
    played = Played(lane)
    assert played.states()["restart"] == Skip.UNPROVEN
    assert "a gateway elsewhere runs the account" in played[StepName.RESTART].missing
    assert Restart() not in lane.asked


def test_an_account_that_another_gateway_took_over_during_the_restart_is_said_to_be_there() -> None:
    lane = FakeLane(after_restart=replace(AGAIN, pid=8))
    assert "another one had taken the account over" in Played(lane)[StepName.RESTART].evidence


def test_some_steps_alone_use_what_the_store_has() -> None:
    lane = FakeLane()
    lane.writes(Outcome.ADMIT, Reason.DM_PAIRED)
    played = Played(lane, only=(StepName.ACKS, StepName.FETCHED_BACK))
    assert played.states() == {"fetched-back": "passed", "acks": "passed"}
    left_out = Played(FakeLane(), skip=(StepName.RESTART,))
    assert left_out.states()["restart"] == Skip.LEFT_OUT
    assert left_out.states()["reconnect"] == "passed"


STUCK: list[tuple[LaneFacts, str]] = [
    (
        replace(FACTS, phase=Phase.STOPPED, code="stopped_by_operator", reason="stopped", session=""),
        "the account is not connected: stopped; run: openclaw channels login --channel zalouser --force",
    ),
    (
        replace(FACTS, phase=Phase.STOPPED, code="channel_ended", reason="ended"),
        "the account is not connected: ended; run: openclaw gateway restart",
    ),
    (
        replace(FACTS, phase=Phase.FAILED, reason="crashed repeatedly"),
        "the account is not connected: crashed repeatedly; run: openclaw doctor",
    ),
    (
        replace(FACTS, resume="openclaw resume --account default"),
        "the account is paused, so nothing is sent; run: openclaw resume --account default",
    ),
]


@pytest.mark.parametrize(("facts", "missing"), STUCK)
def test_an_account_that_waits_for_the_operator_fails_at_once(facts: LaneFacts, missing: str) -> None:
    whole = Played(FakeLane(facts))
    assert (whole[StepName.PROBE].missing, whole.lane.ms) == (missing, NOW)
    alone = Played(FakeLane(facts), only=(StepName.STRANGER,))
    assert (alone[StepName.STRANGER].missing, alone.lane.ms) == (missing, NOW)


def test_an_account_that_comes_up_is_waited_for_and_its_state_is_told() -> None:
    lane = FakeLane(replace(FACTS, phase=Phase.CONNECTING, reason="logging in"))
    lane.after(2, lambda: setattr(lane, "facts", FACTS))
    played = Played(lane, only=(StepName.PROBE,))
    assert played[StepName.PROBE].state is StepState.PASSED
    assert [one.text for one in played.events if isinstance(one, Noticed)] == ["it is connecting: logging in"]


def test_a_login_that_is_lost_while_somebody_is_waited_for_ends_the_wait() -> None:
    lane = FakeLane()

    def lose() -> None:
        lane.facts = replace(FACTS, phase=Phase.NEEDS_LOGIN, reason="expired", help="openclaw x")
        lane.state(Phase.NEEDS_LOGIN, "session_expired")

    lane.after(5, lose)
    played = Played(lane, idle=(StepName.STRANGER,), only=(StepName.STRANGER,))
    assert played[StepName.STRANGER].missing == "the account is not connected: expired; run: openclaw x"
    assert lane.ms < NOW + 10_000


def test_a_gateway_that_is_gone_ends_the_wait() -> None:
    lane = FakeLane()
    lane.after(5, lambda: setattr(lane, "gone", True))
    played = Played(lane, idle=(StepName.STRANGER,), only=(StepName.STRANGER,))
    missing = "the gateway is not running; run: openclaw gateway run"
    assert played[StepName.STRANGER].missing == missing
    assert lane.ms < NOW + 30_000


@pytest.mark.parametrize(
    ("step", "facts", "missing"),
    [
        (StepName.PAIRING, FACTS, "nobody waits for approval; the step stranger brings a request"),
        (StepName.APPROVED, FACTS, "nobody waits for approval; the step stranger brings a request"),
        (StepName.REPLY, replace(FACTS, cast=True), "nobody is approved yet"),
        (StepName.FETCHED_BACK, replace(FACTS, sent_in=[]), "nothing was sent yet"),
        (StepName.REACTION, FACTS, "no message was let in yet"),
        (StepName.ACKS, FACTS, "no message was let in yet"),
    ],
)
def test_a_step_alone_is_skipped_where_the_steps_before_left_nothing(
    step: StepName, facts: LaneFacts, missing: str
) -> None:
    played = Played(FakeLane(facts), only=(step,))
    assert (played[step].skip, missing in played[step].missing) == (Skip.UNPROVEN, True), played[step]


def test_acks_from_before_the_restart_are_not_known() -> None:
    lane = FakeLane(replace(FACTS, started_ms=NOW + 1), shown=())
    lane.writes(Outcome.ADMIT, Reason.DM_PAIRED)
    played = Played(lane, only=(StepName.ACKS,))
    assert played[StepName.ACKS].skip is Skip.UNPROVEN
    assert played[StepName.ACKS].missing.startswith("not known since the restart at ")
    lane.facts = FACTS
    again = Played(lane, only=(StepName.ACKS,))[StepName.ACKS]
    assert (again.state, "delivered was not sent" in again.missing) == (StepState.FAILED, True)


def test_where_allow_from_lets_everybody_in_nobody_is_a_stranger() -> None:
    lane = FakeLane(replace(FACTS, allow_anyone=True))
    lane.after(1, lambda: lane.writes(Outcome.ADMIT, Reason.DM_ALLOWLISTED))
    played = Played(lane, idle=(StepName.STRANGER,))
    states = played.states()
    assert (states["stranger"], states["reply"]) == ("passed", "passed")
    assert (states["pairing"], states["approved"]) == (Skip.NOT_APPLICABLE,) * 2
    assert "allowFrom has '*'" in played[StepName.PAIRING].missing


def test_a_run_that_is_left_keeps_what_was_proven() -> None:
    lane = FakeLane()
    conductor = Conductor(lane, Plan(), lane.agreed, lane.now_ms, lane.sleep)
    for event in conductor.events():
        if isinstance(event, Instruction):
            break
    report = conductor.keep()
    assert report.stopped
    assert not report.ok
    assert [one.name for one in report.steps] == ["probe"]
    assert isinstance(lane.asked[-1], Record)
