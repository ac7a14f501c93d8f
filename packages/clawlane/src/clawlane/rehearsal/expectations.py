"""What happened at a step of a scenario, compared with what it expects."""

from __future__ import annotations

from dataclasses import dataclass, field

from clawlane.rehearsal.fates import Fate, Left
from clawlane.rehearsal.scenario import Step


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
        wrong.append(f"expected {' or '.join(step.expect)}, but it was {', '.join(sorted(outcomes))}")
    reasons = {reason for fate in result.fates for reason in _reason(fate)}
    if step.reason and not (reasons and reasons <= set(step.reason)):
        found = ", ".join(sorted(reasons)) or "not decided"
        wrong.append(f"expected the reason {' or '.join(step.reason)}, but it was {found}")
    texts = [one.text for one in result.left]
    for wanted in step.sent or ():
        if not any(wanted in text for text in texts):
            wrong.append(f"expected that {wanted!r} is sent, but {shown(texts)}")
    if step.messages is not None and len(texts) != step.messages:
        wrong.append(f"expected {step.messages} messages, but {shown(texts)}")
    wrong += [
        f"expected that {unwanted!r} is not sent, but {shown(texts)}"
        for unwanted in step.unsent
        if any(unwanted in text for text in texts)
    ]
    seen = set(step.unseen).intersection(result.saw or ())
    wrong += [f"expected that the platform sees no '{kind}', but it did" for kind in sorted(seen)]
    return wrong


def _reason(fate: Fate) -> list[str]:
    """The reason of the last decision; none for a message that was not decided."""
    made = fate.story.recorded.made if fate.story else ()
    return [str(one.decision.reason) for one in made[-1:]]


def shown(texts: list[str]) -> str:
    """What left, in words."""
    return f"this left: {' | '.join(text[:200] for text in texts)}" if texts else "nothing left"
