"""Conducts the ritual: its steps in order, each only if what it needs holds, and the report that is kept.

It runs in the process of whoever asks, because a gateway cannot restart inside an operation of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from clawlane.channel import VaultError
from clawlane.clock import now_ms as this_machine
from clawlane.config.errors import ConfigError
from clawlane.ops.client import ControlError
from clawlane.ops.operation import OpError
from clawlane.ops.ritual import direct, groups, life, proofs
from clawlane.ops.ritual.run import Asks, Run, Steps, failed, skipped
from clawlane.ops.ritual.steps import (
    NEEDS,
    Question,
    Report,
    RitualEvent,
    Skip,
    StepBegan,
    StepEnded,
    StepName,
    StepResult,
    StepState,
)
from clawlane.ops.verification import GetFacts, LaneFacts, Record
from clawlane.store.errors import StoreError
from clawlane.texts import t, told

PATIENCE_MS = 300_000
REHEARSED_MS = 60_000
"""How long something may take that a person has to do, and in a rehearsal."""

STEPS: dict[StepName, Callable[[Run], Steps]] = {
    StepName.PROBE: direct.probe,
    StepName.STRANGER: direct.stranger,
    StepName.PAIRING: direct.pairing,
    StepName.APPROVED: direct.approved,
    StepName.REPLY: direct.reply,
    StepName.RESTART: life.restart,
    StepName.RECONNECT: life.reconnect,
    StepName.GROUP_ANSWERED: groups.group_answered,
    StepName.GROUP_SKIPPED: groups.group_skipped,
    StepName.FETCHED_BACK: proofs.fetched_back,
    StepName.REACTION: proofs.reaction,
    StepName.ACKS: proofs.acks,
}

_PROBLEMS = (ConfigError, ControlError, OpError, StoreError, VaultError)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which account, and which steps: those that are named, else all, but for those to `skip`.

    Without `patience_ms` a person has five minutes for each step, a rehearsal one. `cannot` has steps that
    cannot run from where the ritual is asked for, with the sentence that says why.
    """

    channel: str | None = None
    account: str | None = None
    only: Sequence[StepName] = ()
    skip: Sequence[StepName] = ()
    patience_ms: int | None = None
    cannot: Mapping[StepName, str] = field(default_factory=dict)

    @property
    def steps(self) -> list[StepName]:
        """The steps in their order."""
        return [name for name in StepName if not self.only or name in self.only]


class Conductor:
    """One run. Iterate `events`, then `keep` the report; a run that was left early counts as stopped."""

    def __init__(
        self,
        asks: Asks,
        plan: Plan,
        agreed: Callable[[Question], bool],
        now_ms: Callable[[], int] = this_machine,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises `OpError` and `ControlError` where no gateway runs the account.

        `agreed` asks the operator before something is done that others notice.
        """
        self.facts: LaneFacts = asks.call(GetFacts(plan.channel, plan.account))
        self._plan = plan
        patience_ms = plan.patience_ms or (REHEARSED_MS if self.facts.cast else PATIENCE_MS)
        self._run = Run(asks, self.facts, patience_ms, agreed, now_ms, sleep)
        self.results = self._run.results
        self._now_ms = now_ms
        self._began_ms = now_ms()
        self._over = False

    def events(self) -> Iterator[RitualEvent]:
        """Run the steps. Leaving early loses the step that runs, not the ones before."""
        self._run.pull()
        steps = self._plan.steps
        for number, name in enumerate(steps, 1):
            yield StepBegan(name, number, len(steps))
            result = yield from self._timed(name)
            self.results.append(result)
            yield StepEnded(result)
        self._over = True

    def keep(self) -> Report:
        """Keep the report, if there is anything to keep, and give it."""
        report = Report(
            account=str(self.facts),
            at_ms=self._began_ms,
            policy=self.facts.policy,
            rehearsal=self.facts.rehearsal,
            stopped=not self._over,
            steps=tuple(self.results),
        )
        if report.steps:
            self._run.asks.call(Record(*self._run.account, report=report))
        return report

    def _timed(self, name: StepName) -> Steps:
        began_ms = self._now_ms()
        result = self._prevented(name)
        if result is None:
            try:
                result = yield from self._if_ready(name)
            except _PROBLEMS as error:
                help = str(getattr(error, "help", ""))
                what = told(error)
                run = t("{problem}; run: {command}", problem=what, command=help)
                result = failed(run if help and help not in what else what)
        return replace(result, name=name, ms=max(0, self._now_ms() - began_ms))

    def _if_ready(self, name: StepName) -> Steps:
        """A step, or why the account cannot do it. The first looks itself, the last only back."""
        if name not in (StepName.PROBE, StepName.ACKS):
            not_ready = yield from direct.connected(self._run, name)
            if not_ready:
                return not_ready
        return (yield from STEPS[name](self._run))

    def _prevented(self, name: StepName) -> StepResult | None:
        """Why a step does not run; None if it does."""
        if name in self._plan.skip:
            return skipped(t("left out with --skip"), Skip.LEFT_OUT)
        if name in self._plan.cannot:
            return skipped(t(self._plan.cannot[name]), Skip.LEFT_OUT)
        needed = [one for one in self.results if one.name in NEEDS[name] and not one.holds]
        if needed:
            name = needed[0].name
            lacking = t("{step} failed", step=name), t("{step} was not proven", step=name)
            return skipped(lacking[needed[0].state is not StepState.FAILED], Skip.UNPROVEN)
        return None
