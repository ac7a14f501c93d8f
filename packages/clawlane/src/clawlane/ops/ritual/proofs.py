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
from clawlane.zone import shown

_ICON = "👍"
_NOBODY_YET = "no message was let in yet; the step reply waits for one"
_ASK_AGAIN = "delivered and seen are not stored; run the steps reply and acks together"
_KINDS = {ThreadKind.DM: "direct messages", ThreadKind.GROUP: "group messages"}


def fetched_back(run: Run) -> Steps:
    """The platform returns what this login sent: only then can unknown sends be settled by look-ups."""
    step = StepName.FETCHED_BACK
    if not run.facts.can_look_up:
        return skipped(f"{run.facts.label} cannot fetch past messages")
    if nothing := run.nothing_answered():
        return nothing
    sent = {one.event.thread.kind: one.message_ids for one in reversed(run.answered)}
    missing = []
    kinds = list(sent) or run.refresh().sent_in
    if not kinds:
        return skipped("nothing was sent yet that could come back", Skip.UNPROVEN)
    for kind in kinds:
        fetched = yield from _fetch(run, step, kind)
        if fetched is None:
            missing.append(f"the platform did not return {_KINDS[kind]} within {length(run.system_ms)}")
            continue
        wanted = set(sent.get(kind, fetched.sent_by_us))
        if back := sorted(wanted.intersection(fetched.sent_by_us)):
            return passed(f"message {back[-1]}, which this gateway sent, came back in fetched {_KINDS[kind]}")
        ours = f"{len(fetched.sent_by_us)} of them from this gateway, none from this run"
        missing.append(f"fetched {_KINDS[kind]} hold {fetched.own} own messages, {ours}")
    return failed("; ".join(missing) + "; sends of unknown fate will wait for your decision")


def reaction(run: Run) -> Steps:
    """A reaction was put on a message of somebody who wrote, and taken back."""
    step = StepName.REACTION
    if not run.facts.can_react:
        return skipped(f"{run.facts.label} cannot react to messages")
    if nothing := run.nothing_answered():
        return nothing
    message = run.answered[-1].event if run.answered else run.newest_admitted()
    if message is None:
        return skipped(_NOBODY_YET, Skip.UNPROVEN)
    for emoji, what in ((_ICON, "a reaction"), ("", "its taking back")):
        outcome = yield from _react(run, step, message, emoji)
        if outcome is None:
            return failed(f"{what} was queued, but did not leave within {length(run.system_ms)}")
        if outcome.state is not ChunkState.SENT:
            return failed(f"{what} is {outcome.state}: {outcome.reason}")
    return passed(
        f"a reaction was put on message {message.message_id} and taken back; the platform took both"
    )


def acks(run: Run) -> Steps:
    """The platform took delivered and seen for an admitted message."""
    if run.facts.acks.value == "off":
        return skipped(f"{setting(run.facts.acks)}: none are sent")
    if nothing := run.nothing_answered():
        return nothing
    subjects = [(one.event.message_id, one.signals) for one in run.answered]
    if not subjects:
        newest = run.newest_admitted()
        if newest is None:
            return skipped(_NOBODY_YET, Skip.UNPROVEN)
        signals = tuple(evidence_of(run, newest).signals)
        if not signals and newest.at_ms < run.refresh().started_ms:
            since = f"not known since the restart at {shown().minute(run.facts.started_ms)}"
            return skipped(f"{since}: {_ASK_AGAIN}", Skip.UNPROVEN)
        subjects = [(newest.message_id, signals)]
    yield from ()
    problems = [f"message {id_}: {problem}" for id_, signals in subjects if (problem := _problem(signals))]
    told = f"delivered and seen of {len(subjects)} messages" if len(subjects) > 1 else "delivered and seen"
    return failed("; ".join(problems)) if problems else passed(f"the platform took {told}")


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
    wrong = [f"{one.kind} was not shown ({one.error})" for one in refused(signals)]
    sent = {one.kind for one in signals}
    wrong += [f"{kind} was not sent" for kind in SignalKind if kind not in sent]
    return " and ".join(wrong)
