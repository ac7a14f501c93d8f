"""What becomes of messages: outcomes in the words of scenarios, and what leaves for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clawlane.access.decision import Outcome as Decided
from clawlane.ops.why import Story, TurnStage
from clawlane.rehearsal.scenario import Outcome

_OPEN_STAGES = frozenset({TurnStage.WAITING, TurnStage.WITH_AGENT, TurnStage.SENDING})
_OUTCOMES: Mapping[TurnStage, Outcome] = {
    TurnStage.SENT: Outcome.ANSWERED,
    TurnStage.PARTLY_SENT: Outcome.REFUSED,
    TurnStage.NOT_SENT: Outcome.REFUSED,
    TurnStage.SET_ASIDE: Outcome.FAILED,
    TurnStage.NO_REPLY: Outcome.SILENT,
    TurnStage.NEEDS_DECISION: Outcome.UNCONFIRMED,
    TurnStage.STOPPED: Outcome.STOPPED,
    TurnStage.TAKEN_OVER: Outcome.TAKEN_OVER,
    TurnStage.REVOKED: Outcome.DROPPED,
    TurnStage.RECALLED: Outcome.RECALLED,
    TurnStage.EXPIRED: Outcome.EXPIRED,
    TurnStage.HELD: Outcome.HELD,
    TurnStage.DROPPED: Outcome.STOPPED,
    TurnStage.DRAFTED: Outcome.DRAFTED,
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message, and what the gateway knows of it; no story for one it has not read.

    `approved` are the numbers of drafts that the rehearsal approved on the way, in the operator's place.
    """

    outcome: Outcome
    story: Story | None = None
    approved: tuple[int, ...] = ()

    @property
    def drafts(self) -> tuple[int, ...]:
        """The numbers of the drafts that wait for the operator."""
        turn = self.story.recorded.standing if self.story else None
        return turn.drafts if turn and turn.settled_ms is not None else ()


@dataclass(frozen=True, slots=True)
class Left:
    """One message that left, as the platform got it: its number there, where to, and its text."""

    seq: int
    thread_id: str
    text: str


def outcome_of(story: Story) -> Outcome | None:
    """None while something may still happen."""
    one = story.recorded
    if one.standing is not None and story.standing is not None:
        stage = story.standing.stage
        # Until a turn is settled, "partly sent" says that the rest is on its way.
        more = stage is TurnStage.PARTLY_SENT and one.standing.settled_ms is None
        return None if more or stage in _OPEN_STAGES else _OUTCOMES[stage]
    if not one.made:
        return Outcome.RECALLED if one.recalled else None
    decision = one.made[-1].decision
    match decision.outcome:
        case Decided.ADMIT if decision.command:
            return Outcome.COMMAND
        case Decided.CHALLENGE:
            return Outcome.CHALLENGED
        case Decided.PEND:
            return Outcome.PENDED
        case Decided.DROP:
            return Outcome.DROPPED
    return Outcome.RECALLED if one.recalled else None
