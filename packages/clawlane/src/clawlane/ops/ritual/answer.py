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
from clawlane.texts import later, t
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
        stands = _stands(last[0]) if last else t("its turn has not begun")
        late = later("{who} was admitted, but not answered within {time}: {stands}")
        return failed(t(late, who=whom, time=length(run.patience_ms), stands=stands))
    turn = story.recorded.standing
    if turn is None or story.standing is None or story.standing.stage is not TurnStage.SENT:
        return failed(t("{who} was admitted, but {stands}", who=whom, stands=_stands(story)))
    found = yield from _proof(run, step, event, turn)
    ids = ", ".join(one for send in found.sends for one in send.message_ids)
    spent = took(max(0, (turn.settled_ms or 0) - story.recorded.read_ms))
    sentence = t(
        "{who} wrote at {time}, was admitted ({reason}) and answered in {spent}: message {ids} arrived",
        who=whom,
        time=shown().minute(story.recorded.read_ms),
        reason=event.reason,
        spent=spent,
        ids=ids or t("without an id"),
    )
    if found.agent in run.facts.echoes:
        sentence = t("{sentence}; agent {agent} is an echo", sentence=sentence, agent=found.agent)
    answered = Answered(event, tuple(found.sends), tuple(found.signals), sentence)
    run.answered.append(answered)
    return answered


def operator_needed(standing: Standing) -> str:
    """What the operator has to do before an answer leaves; empty where it leaves by itself."""
    if standing.hold is None:
        return ""
    if standing.hold.rule == PAUSED:
        return t("the answer is held by a pause; resume with: openclaw resume")
    rule = standing.hold.rule
    if not standing.hold.until_ms:
        return t("the answer is held by {rule}", rule=rule)
    time = shown().minute(standing.hold.until_ms)
    return t("the answer is held by {rule} until {time}", rule=rule, time=time)


def _approved(run: Run, story: Story, whom: str, asked: set[int]) -> list[str]:
    """Approve the answers that wait for the operator, each once they agree. Says what became of them."""
    turn = story.recorded.standing
    told = []
    for number in turn.drafts if turn else ():
        if number in asked:
            continue
        asked.add(number)
        see = f"openclaw drafts show {number}"
        ask = later(
            "The answer to {who} waits for your approval. Send it? To read it in another terminal: {command}"
        )
        text = t(ask, who=whom, command=see)
        if run.facts.cast or run.agreed(Question(QuestionKind.DRAFT, text)):
            run.asks.call(Approve(number, stale_ok=True))
            sent = later("the answer waited for approval as draft {number}; verify has approved it")
            told.append(t(sent, number=number))
        else:
            approve = f"openclaw drafts approve {number}"
            told.append(t("the answer waits for your approval: {see}; {approve}", see=see, approve=approve))
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
        return t("it has no turn")
    tries = later(" (tried {n} times; last: {reason})")
    tried = t(tries, n=turn.attempts, reason=turn.reason) if turn.reason else ""
    match standing.stage:
        case TurnStage.NO_REPLY:
            return t("the agent chose to say nothing")
        case TurnStage.SET_ASIDE:
            letters = later("the agent could not answer: {reason}; see: openclaw channels dead-letters list")
            return t(letters, reason=turn.reason)
        case TurnStage.NEEDS_DECISION:
            unknown = later("nobody knows whether the answer arrived ({told}); see: openclaw outbox list")
            return t(unknown, told=turn.told)
        case TurnStage.NOT_SENT | TurnStage.PARTLY_SENT:
            return t("the answer did not get out: {reason}", reason=turn.told or turn.reason)
        case TurnStage.DRAFTED:
            return t("the answer waits for your approval; see: openclaw drafts list")
        case TurnStage.WITH_AGENT:
            return t("the agent is still at it") + tried
        case TurnStage.WAITING:
            if turn.chunks:
                return t("the answer waits: {told}", told=turn.told)
            return t("it waits for the agent") + tried
        case TurnStage.HELD:
            return operator_needed(standing)
    return t("its turn is {state}: {reason}", state=turn.state, reason=turn.told or turn.reason)
