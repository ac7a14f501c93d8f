"""Steps about what others see: a send in fetched history, a reaction, delivered and seen."""

from __future__ import annotations

from collections.abc import Generator

from clawlane.clock import length
from clawlane.lane.evidence import SignalKind, SignalOutcome
from clawlane.messages import ThreadKind
from clawlane.ops.message import Outcome, React
from clawlane.ops.ritual.answer import evidence_of, refused
from clawlane.ops.ritual.direct import setting
from clawlane.ops.ritual.run import Run, Steps, failed, passed, skipped
from clawlane.ops.ritual.steps import RitualEvent, Skip, StepName
from clawlane.ops.verification import Fetched, GetFetched, LookUp
from clawlane.store.events import Decided
from clawlane.store.operator_sends import ChunkStatus
from clawlane.store.states import ChunkState
from clawlane.texts import later, t, tn
from clawlane.zone import shown

_ICON = "👍"
_NOBODY_YET = later("no message was let in yet; the step reply waits for one")
_ASK_AGAIN = later(
    "not known since the restart at {time}: delivered and seen are not stored; run the steps reply and acks"
    " together"
)
_NOT_RETURNED = {
    ThreadKind.DM: later("the platform did not return direct messages within {time}"),
    ThreadKind.GROUP: later("the platform did not return group messages within {time}"),
}
_CAME_BACK = {
    ThreadKind.DM: later("message {id}, which this gateway sent, came back in fetched direct messages"),
    ThreadKind.GROUP: later("message {id}, which this gateway sent, came back in fetched group messages"),
}
_NONE_OF_THIS_RUN = {
    ThreadKind.DM: later(
        "fetched direct messages hold {own} own messages, {n} of them from this gateway, none from this run"
    ),
    ThreadKind.GROUP: later(
        "fetched group messages hold {own} own messages, {n} of them from this gateway, none from this run"
    ),
}
_REACTION = (
    later("a reaction was queued, but did not leave within {time}"),
    later("a reaction is {state}: {reason}"),
)
_TAKING_BACK = (
    later("its taking back was queued, but did not leave within {time}"),
    later("its taking back is {state}: {reason}"),
)


def fetched_back(run: Run) -> Steps:
    """The platform returns what this login sent: only then can unknown sends be settled by look-ups."""
    step = StepName.FETCHED_BACK
    if not run.facts.can_look_up:
        return skipped(t("{channel} cannot fetch past messages", channel=run.facts.label))
    if nothing := run.nothing_answered():
        return nothing
    sent = {one.event.thread.kind: one.message_ids for one in reversed(run.answered)}
    missing = []
    kinds = list(sent) or run.refresh().sent_in
    if not kinds:
        return skipped(t("nothing was sent yet that could come back"), Skip.UNPROVEN)
    for kind in kinds:
        fetched = yield from _fetch(run, step, kind)
        if fetched is None:
            missing.append(t(_NOT_RETURNED[kind], time=length(run.system_ms)))
            continue
        wanted = set(sent.get(kind, fetched.sent_by_us))
        if back := sorted(wanted.intersection(fetched.sent_by_us)):
            return passed(t(_CAME_BACK[kind], id=back[-1]))
        missing.append(t(_NONE_OF_THIS_RUN[kind], own=fetched.own, n=len(fetched.sent_by_us)))
    wait = later("{what}; sends of unknown fate will wait for your decision")
    return failed(t(wait, what="; ".join(missing)))


def reaction(run: Run) -> Steps:
    """A reaction was put on a message of somebody who wrote, and taken back."""
    step = StepName.REACTION
    if not run.facts.can_react:
        return skipped(t("{channel} cannot react to messages", channel=run.facts.label))
    if nothing := run.nothing_answered():
        return nothing
    message = run.answered[-1].event if run.answered else run.newest_admitted()
    if message is None:
        return skipped(t(_NOBODY_YET), Skip.UNPROVEN)
    for emoji, (stuck, not_sent) in ((_ICON, _REACTION), ("", _TAKING_BACK)):
        outcome = yield from _react(run, step, message, emoji)
        if outcome is None:
            return failed(t(stuck, time=length(run.system_ms)))
        if outcome.state is not ChunkState.SENT:
            return failed(t(not_sent, state=outcome.state, reason=outcome.reason))
    both = later("a reaction was put on message {id} and taken back; the platform took both")
    return passed(t(both, id=message.message_id))


def acks(run: Run) -> Steps:
    """The platform took delivered and seen for an admitted message."""
    if run.facts.acks.value == "off":
        return skipped(t("{setting}: none are sent", setting=setting(run.facts.acks)))
    if nothing := run.nothing_answered():
        return nothing
    subjects = [(one.event.message_id, one.signals) for one in run.answered]
    if not subjects:
        newest = run.newest_admitted()
        if newest is None:
            return skipped(t(_NOBODY_YET), Skip.UNPROVEN)
        signals = tuple(evidence_of(run, newest).signals)
        if not signals and newest.at_ms < run.refresh().started_ms:
            time = shown().minute(run.facts.started_ms)
            return skipped(t(_ASK_AGAIN, time=time), Skip.UNPROVEN)
        subjects = [(newest.message_id, signals)]
    yield from ()
    problems = [
        t("message {id}: {problem}", id=id_, problem=problem)
        for id_, signals in subjects
        if (problem := _problem(signals))
    ]
    took = tn(
        "the platform took delivered and seen",
        "the platform took delivered and seen of {n} messages",
        len(subjects),
    )
    return failed("; ".join(problems)) if problems else passed(took)


def _fetch(run: Run, step: StepName, kind: ThreadKind) -> Generator[RitualEvent, None, Fetched | None]:
    asked_ms = run.asks.call(LookUp(*run.account, kind=kind))

    def returned() -> Fetched | None:
        found = run.asks.call(GetFetched(*run.account, kind=kind))
        return found if found is not None and found.asked_ms >= asked_ms else None

    return (yield from run.watch(step, returned, run.system_ms))


def _react(
    run: Run, step: StepName, message: Decided, emoji: str
) -> Generator[RitualEvent, None, ChunkStatus | None]:
    """Where the reaction stands once nothing more becomes of it; None if it has not left in time."""
    kind = "user" if message.thread.kind is ThreadKind.DM else "group"
    target = f"{kind}:{message.thread.id}"
    queued = run.asks.call(React(*run.account, target=target, message_id=message.message_id, emoji=emoji))
    numbers = tuple(part.number for part in queued.parts)

    def settled() -> ChunkStatus | None:
        found = run.asks.call(Outcome(str(run.facts), numbers)).parts
        return found[0] if found and found[0].settled else None

    return (yield from run.watch(step, settled, run.system_ms))


def _problem(signals: tuple[SignalOutcome, ...]) -> str:
    """What is wrong with the signals of one message; empty if nothing is."""
    not_shown = later("{kind} was not shown ({error})")
    wrong = [t(not_shown, kind=one.kind, error=one.error) for one in refused(signals)]
    sent = {one.kind for one in signals}
    wrong += [t("{kind} was not sent", kind=kind) for kind in SignalKind if kind not in sent]
    return t(" and ").join(wrong)
