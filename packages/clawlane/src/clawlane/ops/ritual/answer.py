"""From an admitted message to the receipt of its answer, as the store tells it."""

from __future__ import annotations

from collections.abc import Generator

from clawlane.clock import length
from clawlane.lane.evidence import SignalOutcome
from clawlane.ops.drafts import Approve
from clawlane.ops.ritual.run import Answered, Run, failed, took
from clawlane.ops.ritual.steps import Noticed, Question, QuestionKind, RitualEvent, StepName, StepResult
from clawlane.ops.verification import GetEvidence, MessageEvidence
from clawlane.ops.why import PAUSED, Standing, Story, TurnStage
from clawlane.store.events import Decided
from clawlane.store.told import Turn
from clawlane.zone import shown

_SIGNALS_MS = 5_000
"""How long signals of a message may take after its answer."""

_MOVING = (TurnStage.WAITING, TurnStage.WITH_AGENT, TurnStage.HELD, TurnStage.SENDING)


def answer_to(
    run: Run, step: StepName, event: Decided
) -> Generator[RitualEvent, None, Answered | StepResult]:
    """The answer once it has arrived, kept for later steps; or the failed step that says what is missing."""
    whom, told, asked = run.whom(event), set[str](), set[int]()
    notices: list[Noticed] = []
    last: list[Story] = []

    def over() -> Story | None:
        story = run.story(event)
        if story is None or story.standing is None:
            return None
        last[:] = [story]
        if story.standing.stage is TurnStage.DRAFTED:
            notices.extend(Noticed(step, one) for one in _approved(run, story, whom, asked))
            return None
        need = operator_needed(story.standing)
        if need and need not in told:
            told.add(need)
            notices.append(Noticed(step, need))
        return None if story.standing.stage in _MOVING else story

    watching = run.watch(step, over)
    story = None
    while True:
        try:
            waiting = next(watching)
        except StopIteration as done:
            story = done.value
            break
        yield from notices
        notices.clear()
        yield waiting
    yield from notices
    if story is None:
        stands = _stands(last[0]) if last else "its turn has not begun"
        return failed(f"{whom} was admitted, but not answered within {length(run.patience_ms)}: {stands}")
    turn = story.recorded.standing
    if turn is None or story.standing is None or story.standing.stage is not TurnStage.SENT:
        return failed(f"{whom} was admitted, but {_stands(story)}")
    found = yield from _proof(run, step, event, turn)
    ids = ", ".join(one for send in found.sends for one in send.message_ids)
    spent = took(max(0, (turn.settled_ms or 0) - story.recorded.read_ms))
    echo = f"; agent {found.agent} is an echo" if found.agent in run.facts.echoes else ""
    sentence = (
        f"{whom} wrote at {shown().minute(story.recorded.read_ms)}, was admitted ({event.reason}) and"
        f" answered in {spent}: message {ids or 'without an id'} arrived{echo}"
    )
    answered = Answered(event, tuple(found.sends), tuple(found.signals), sentence)
    run.answered.append(answered)
    return answered


def operator_needed(standing: Standing) -> str:
    """What the operator has to do before an answer leaves; empty where it leaves by itself."""
    if standing.hold is None:
        return ""
    if standing.hold.rule == PAUSED:
        return "the answer is held by a pause; resume with: openclaw resume"
    until = f" until {shown().minute(standing.hold.until_ms)}" if standing.hold.until_ms else ""
    return f"the answer is held by {standing.hold.rule}{until}"


def _approved(run: Run, story: Story, whom: str, asked: set[int]) -> list[str]:
    """Approve the answers that wait for the operator, each once they agree. Says what became of them."""
    turn = story.recorded.standing
    told = []
    for number in turn.drafts if turn else ():
        if number in asked:
            continue
        asked.add(number)
        see = f"openclaw drafts show {number}"
        text = f"The answer to {whom} waits for your approval. Send it? To read it in another terminal: {see}"
        if run.facts.cast or run.agreed(Question(QuestionKind.DRAFT, text)):
            run.asks.call(Approve(number, stale_ok=True))
            told.append(f"the answer waited for approval as draft {number}; verify has approved it")
        else:
            told.append(f"the answer waits for your approval: {see}; openclaw drafts approve {number}")
    return told


def evidence_of(run: Run, event: Decided, turn: int | None = None) -> MessageEvidence:
    """The proof that there is now about the message of a decision."""
    return run.asks.call(
        GetEvidence(
            *run.account,
            message=event.message,
            turn=turn,
            message_id=event.message_id,
            thread_kind=event.thread.kind,
            thread_id=event.thread.id,
        )
    )


def refused(signals: tuple[SignalOutcome, ...]) -> list[SignalOutcome]:
    """The signals that were not shown."""
    return [one for one in signals if one.error]


def _proof(
    run: Run, step: StepName, event: Decided, turn: Turn
) -> Generator[RitualEvent, None, MessageEvidence]:
    """What was sent, and its delivered and seen: they are shown beside the answer, not before it."""
    found = evidence_of(run, event, turn.id)

    def both_shown() -> MessageEvidence | None:
        nonlocal found
        found = evidence_of(run, event, turn.id)
        return found if len(found.signals) >= 2 else None

    if run.facts.acks.value != "off":
        yield from run.watch(step, both_shown, min(run.patience_ms, _SIGNALS_MS))
    return found


def _stands(story: Story) -> str:
    """Where a turn stands, with what the store says about it."""
    turn, standing = story.recorded.standing, story.standing
    if turn is None or standing is None:
        return "it has no turn"
    tried = f" (tried {turn.attempts} times; last: {turn.reason})" if turn.reason else ""
    match standing.stage:
        case TurnStage.NO_REPLY:
            return "the agent chose to say nothing"
        case TurnStage.SET_ASIDE:
            return f"the agent could not answer: {turn.reason}; see: openclaw channels dead-letters list"
        case TurnStage.NEEDS_DECISION:
            return f"nobody knows whether the answer arrived ({turn.told}); see: openclaw outbox list"
        case TurnStage.NOT_SENT | TurnStage.PARTLY_SENT:
            return f"the answer did not get out: {turn.told or turn.reason}"
        case TurnStage.DRAFTED:
            return "the answer waits for your approval; see: openclaw drafts list"
        case TurnStage.WITH_AGENT:
            return f"the agent is still at it{tried}"
        case TurnStage.WAITING:
            return f"it waits for the agent{tried}" if not turn.chunks else f"the answer waits: {turn.told}"
        case TurnStage.HELD:
            return operator_needed(standing)
    return f"its turn is {turn.state}: {turn.told or turn.reason}"
