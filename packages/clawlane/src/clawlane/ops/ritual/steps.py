"""The ritual that proves a lane, as data: its steps in order, what each needs, its results and its report."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from clawlane.abilities import Ability


class StepName(StrEnum):
    """The steps, in the order in which they run. The names are stable."""

    PROBE = "probe"
    STRANGER = "stranger"
    PAIRING = "pairing"
    APPROVED = "approved"
    REPLY = "reply"
    RESTART = "restart"
    RECONNECT = "reconnect"
    GROUP_ANSWERED = "group-answered"
    GROUP_SKIPPED = "group-skipped"
    FETCHED_BACK = "fetched-back"
    REACTION = "reaction"
    ACKS = "acks"


class StepState(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Skip(StrEnum):
    """Why a step was skipped."""

    NOT_APPLICABLE = "not_applicable"  # the config leaves nothing to prove
    LEFT_OUT = "left_out"  # by the operator
    UNPROVEN = "unproven"  # what it needs did not pass


NEEDS: Final[dict[StepName, tuple[StepName, ...]]] = {
    StepName.PROBE: (),
    StepName.STRANGER: (StepName.PROBE,),
    StepName.PAIRING: (StepName.STRANGER,),
    StepName.APPROVED: (StepName.PAIRING,),
    StepName.REPLY: (StepName.APPROVED,),
    StepName.RESTART: (StepName.PROBE,),
    StepName.RECONNECT: (StepName.RESTART,),
    StepName.GROUP_ANSWERED: (StepName.RECONNECT,),
    StepName.GROUP_SKIPPED: (StepName.RECONNECT,),
    StepName.FETCHED_BACK: (StepName.RECONNECT,),
    StepName.REACTION: (StepName.RECONNECT,),
    StepName.ACKS: (StepName.PROBE,),
}
"""What has to hold before a step. One that was skipped because there was nothing to prove holds."""


PROVES: Final[dict[StepName, tuple[Ability, ...]]] = {
    StepName.PROBE: (Ability.LOGIN,),
    StepName.STRANGER: (Ability.READ_DIRECT,),
    StepName.REPLY: (Ability.READ_DIRECT, Ability.TEXT),
    StepName.RECONNECT: (Ability.RECONNECT,),
    StepName.GROUP_ANSWERED: (Ability.READ_GROUP, Ability.TEXT),
    StepName.FETCHED_BACK: (Ability.LOOK_UP,),
    StepName.REACTION: (Ability.REACTION,),
    StepName.ACKS: (Ability.DELIVERED, Ability.SEEN),
}
"""The abilities that were seen to work once a step has passed."""


class StepResult(Struct, frozen=True):
    """How one step ended, and how long it took.

    `evidence` is what was seen, `missing` what was not, or why the step was skipped; each a sentence for
    people without their texts. `skip` says for programs why it was skipped.
    """

    name: StepName
    state: StepState
    evidence: str = ""
    missing: str = ""
    ms: int = 0
    skip: Skip | None = None

    @property
    def holds(self) -> bool:
        """Whether steps that need this one can go on: it passed, or there was nothing to prove."""
        return self.state is StepState.PASSED or self.skip in (Skip.NOT_APPLICABLE, Skip.LEFT_OUT)

    @property
    def proven(self) -> bool:
        """Whether the lane needs no further proof of this."""
        return self.state is StepState.PASSED or self.skip is Skip.NOT_APPLICABLE


class Report(Struct, frozen=True):
    """One run of the ritual on an account (`channel/id`).

    `policy` is the digest of who could write when it began. `rehearsal` is where a simulator stood in for the
    platform, else empty. One that was `stopped` has the results up to then.
    """

    account: str
    at_ms: int
    policy: str
    rehearsal: str
    stopped: bool
    steps: tuple[StepResult, ...]

    @property
    def proven(self) -> tuple[Ability, ...]:
        """The abilities that were seen to work."""
        passed = (one.name for one in self.steps if one.state is StepState.PASSED)
        return tuple(dict.fromkeys(ability for name in passed for ability in PROVES.get(name, ())))

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and nothing failed."""
        return not self.stopped and not any(one.state is StepState.FAILED for one in self.steps)


class StepBegan(Struct, frozen=True):
    """A step begins, the `number`-th of `total`."""

    name: StepName
    number: int
    total: int


class Instruction(Struct, frozen=True):
    """What somebody has to do now. `command` does it from another terminal, empty if there is none."""

    name: StepName
    text: str
    command: str = ""


class Waiting(Struct, frozen=True):
    """It is not there yet; `left_ms` remain."""

    name: StepName
    left_ms: int


class Noticed(Struct, frozen=True):
    """Something that is not what the step waits for, but may explain why that does not come."""

    name: StepName
    text: str


class StepEnded(Struct, frozen=True):
    """A step has ended."""

    result: StepResult


RitualEvent: TypeAlias = StepBegan | Instruction | Waiting | Noticed | StepEnded


class QuestionKind(StrEnum):
    """What the operator is asked."""

    APPROVE = "approve"
    DRAFT = "draft"
    RESTART = "restart"
    RECONNECT = "reconnect"


class Question(Struct, frozen=True):
    """Something that is done only if the operator agrees. `text` says what happens then."""

    kind: QuestionKind
    text: str
