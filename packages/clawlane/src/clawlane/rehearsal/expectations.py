"""What happened at a step of a scenario, compared with what it expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clawlane.rehearsal.fates import Fate, Left
from clawlane.rehearsal.scenario import Step
from clawlane.texts import later


@dataclass(slots=True)
class StepResult:
    """What happened at a step. `left` went to the step's thread, `elsewhere` to any other.

    `number` counts from 1, `line` is that of the scenario's file. `saw` are the kinds of what was seen there
    by the platform, None for a step without a thread. `failed` holds what was not as expected.
    """

    number: int
    line: int
    step: Step
    says: str
    skipped: str = ""
    fates: list[Fate] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    elsewhere: list[Left] = field(default_factory=list)
    saw: list[str] | None = None
    failed: list[str] = field(default_factory=list)


def mistakes(result: StepResult) -> list[str]:
    """Where a step went otherwise than expected."""
    step, wrong = result.step, []
    outcomes = {fate.outcome for fate in result.fates}
    if step.expect and result.fates and not outcomes <= set(step.expect):
        was = ", ".join(sorted(outcomes))
        wrong.append(later("expected {wanted}, but it was {found}", wanted=_any_of(step.expect), found=was))
    reasons = {reason for fate in result.fates for reason in _reason(fate)}
    if step.reason and not (reasons and reasons <= set(step.reason)):
        reason = later("expected the reason {wanted}, but it was {found}")
        found = ", ".join(sorted(reasons)) or later("not decided")
        wrong.append(later(reason, wanted=_any_of(step.reason), found=found))
    texts = [one.text for one in result.left]
    for wanted in step.sent or ():
        if not any(wanted in text for text in texts):
            wrong.append(later("expected that {text!r} is sent, but {left}", text=wanted, left=shown(texts)))
    if step.messages is not None and len(texts) != step.messages:
        wrong.append(later("expected {n} messages, but {left}", n=step.messages, left=shown(texts)))
    wrong += [
        later("expected that {text!r} is not sent, but {left}", text=unwanted, left=shown(texts))
        for unwanted in step.unsent
        if any(unwanted in text for text in texts)
    ]
    seen = set(step.unseen).intersection(result.saw or ())
    wrong += [
        later("expected that the platform sees no '{kind}', but it did", kind=kind) for kind in sorted(seen)
    ]
    return wrong


def _reason(fate: Fate) -> list[str]:
    """The reason of the last decision; none for a message that was not decided."""
    made = fate.story.recorded.made if fate.story else ()
    return [str(one.decision.reason) for one in made[-1:]]


def shown(texts: list[str]) -> str:
    """What left, in words."""
    if not texts:
        return later("nothing left")
    return later("this left: {texts}", texts=" | ".join(text[:200] for text in texts))


def _any_of(words: Sequence[str]) -> str:
    """The words in the order in which they were written: `answered or dropped`."""
    found = str(words[0])
    for word in words[1:]:
        found = later("{these} or {word}", these=found, word=str(word))
    return found
