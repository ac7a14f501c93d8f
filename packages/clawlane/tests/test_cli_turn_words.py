"""Where a turn stands, in words: every state of the store, alone and with what a running gateway says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from clawlane.messages import Thread, ThreadKind
from clawlane.ops.why import Hold, Live, Standing, TurnStage, standing
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.told import HeldThread, Pause, PauseLevel, Recorded, Turn
from clawlane.texts import in_locale
from clawlane.words.turns import sentence

ACCOUNT = "zalouser/default"
ALICE = Thread(ThreadKind.DM, "11")
QUEUED, SENDING, UNKNOWN = ChunkState.QUEUED, ChunkState.SENDING, ChunkState.UNKNOWN
SENT, CANCELLED = ChunkState.SENT, ChunkState.CANCELLED
RUNNING = Live(running=True)
PACED = Live(
    running=True, held=((ACCOUNT, HeldThread(ALICE, 1, "pacing.account.hour (200)", 0, None, False)),)
)
PAUSED = Live(pauses=(Pause(ACCOUNT, None, PauseLevel.MUTE, 0),))


@dataclass(frozen=True, slots=True)
class Case:
    state: TurnState
    standing: TurnStage
    words: str
    chunks: tuple[ChunkState, ...] = ()
    live: Live = RUNNING
    reason: str = ""
    attempts: int = 1
    told: str = ""

    @property
    def message(self) -> Recorded:
        is_open = self.state in (
            TurnState.WAITING,
            TurnState.RUNNING,
            TurnState.REPLIED,
            TurnState.NEEDS_DECISION,
        )
        settled_ms = None if is_open else 0
        turn = Turn(1, self.state, self.reason, self.attempts, 1, settled_ms, self.chunks, self.told)
        return Recorded(ACCOUNT, 1, "m1", ALICE, "11", 0, 0, (), standing=turn)


CASES = [
    Case(TurnState.WAITING, TurnStage.WAITING, "waiting for the agent", attempts=0),
    Case(TurnState.WAITING, TurnStage.WAITING, "the gateway is not running", live=Live(), attempts=0),
    Case(
        TurnState.WAITING,
        TurnStage.WAITING,
        "tried 2 times, last: it broke",
        attempts=2,
        reason="it broke",
    ),
    Case(TurnState.WAITING, TurnStage.HELD, "held: paused until somebody runs", live=PAUSED),
    Case(TurnState.RUNNING, TurnStage.WITH_AGENT, "with the agent"),
    Case(TurnState.RUNNING, TurnStage.WITH_AGENT, "was with the agent when the gateway ended", live=Live()),
    Case(TurnState.REPLIED, TurnStage.WAITING, "the reply waits to be sent", (QUEUED,)),
    Case(TurnState.REPLIED, TurnStage.SENDING, "the reply is on its way", (SENDING,)),
    Case(
        TurnState.REPLIED,
        TurnStage.HELD,
        "held: pacing.account.hour (200) until 1970-01-01",
        (QUEUED,),
        PACED,
    ),
    Case(
        TurnState.REPLIED,
        TurnStage.HELD,
        "partly sent: of 2; held: pacing",
        (SENT, QUEUED),
        PACED,
        told="of 2",
    ),
    Case(
        TurnState.REPLIED,
        TurnStage.PARTLY_SENT,
        "partly sent: of 2 parts",
        (SENT, QUEUED),
        told="of 2 parts",
    ),
    Case(TurnState.REPLIED, TurnStage.NEEDS_DECISION, "openclaw outbox list", (UNKNOWN, QUEUED)),
    Case(TurnState.NEEDS_DECISION, TurnStage.NEEDS_DECISION, "openclaw outbox list", (UNKNOWN,)),
    Case(TurnState.DONE, TurnStage.SENT, "sent in 2 parts at 1970-01-01", (SENT, SENT)),
    Case(TurnState.DONE, TurnStage.NO_REPLY, "the agent had no reply", reason="no reply"),
    Case(
        TurnState.FAILED,
        TurnStage.PARTLY_SENT,
        "partly sent: of 2 parts, 1 arrived",
        (SENT, CANCELLED),
        reason="of 2 parts, 1 arrived",
    ),
    Case(TurnState.FAILED, TurnStage.NOT_SENT, "not sent: refused", (ChunkState.REFUSED,), reason="refused"),
    Case(
        TurnState.DEAD,
        TurnStage.SET_ASIDE,
        "set aside after 4 tries: it broke; see: openclaw",
        attempts=4,
        reason="it broke",
    ),
    Case(TurnState.DEAD, TurnStage.SET_ASIDE, "set aside after one try: no key", reason="no key"),
    Case(TurnState.STOPPED, TurnStage.STOPPED, "stopped", reason="stopped"),
    Case(TurnState.TAKEN_OVER, TurnStage.TAKEN_OVER, "left to the owner", reason="owner_took_over"),
    Case(
        TurnState.DRAFTED,
        TurnStage.DRAFTED,
        "the reply waits for your approval, as outbound says; see: openclaw drafts list",
        reason="outbound",
    ),
    Case(TurnState.DRAFTED, TurnStage.DRAFTED, "its draft expired before", reason="its draft expired"),
    Case(TurnState.DROPPED, TurnStage.DROPPED, "not answered: dropped by you", reason="dropped by you"),
    Case(TurnState.REVOKED, TurnStage.REVOKED, "no longer admitted", reason="revoked_before_run"),
    Case(
        TurnState.RECALLED,
        TurnStage.RECALLED,
        "recalled: by its author; of the reply 1 arrived",
        (SENT,),
        reason="by its author",
        told="1 arrived",
    ),
    Case(
        TurnState.EXPIRED,
        TurnStage.EXPIRED,
        "expired: a pause made it older",
        reason="a pause made it older",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.state}-{case.standing}")
def test_a_turn_is_told_as_it_stands(case: Case) -> None:
    message = case.message
    found = standing(message, case.live)
    assert found is not None
    assert message.standing is not None
    assert found.stage is case.standing
    assert case.words in sentence(message.standing, found)


def test_a_reason_that_is_the_state_itself_is_told_once() -> None:
    told = Case(TurnState.STOPPED, TurnStage.STOPPED, "", reason="stopped: not sent").message.standing
    assert told is not None
    assert sentence(told, Standing(TurnStage.STOPPED, running=True)) == "stopped: not sent"


def test_a_reason_that_is_the_state_itself_is_told_in_vietnamese() -> None:
    told = Case(TurnState.RECALLED, TurnStage.RECALLED, "", reason="recalled by its author: not sent")
    assert told.message.standing is not None
    with in_locale("vi"):
        said = sentence(told.message.standing, Standing(TurnStage.RECALLED, running=True))
    assert said == "người viết đã thu hồi: chưa gửi"


def test_every_state_has_its_words() -> None:
    assert {case.state for case in CASES} == set(TurnState)


def test_a_hold_is_that_of_the_turn_or_else_of_what_stands_before_it() -> None:
    bob = Thread(ThreadKind.DM, "12")
    held = (HeldThread(ALICE, 1, "loop", 1, 9, True), HeldThread(ALICE, 1, "minute", 2, 4, False))
    live = Live(
        held=(*((ACCOUNT, one) for one in held), (ACCOUNT, HeldThread(bob, 1, "other", 3, None, False)))
    )
    assert [live.hold(ACCOUNT, ALICE, turn) for turn in (9, 4, 5)] == [
        Hold("loop", 1),
        Hold("minute", 2),
        Hold("minute", 2),
    ]
    assert live.hold("zalouser/other", ALICE, 4) is None
