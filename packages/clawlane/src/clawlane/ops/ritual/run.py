"""One run of the ritual: the running gateway as its steps see it, and what they have found so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from clawlane.access.decision import Decision, Outcome
from clawlane.clock import length
from clawlane.condition import Phase, waits_for_operator
from clawlane.lane.evidence import SignalOutcome
from clawlane.messages import ThreadKind
from clawlane.ops.client import ControlError
from clawlane.ops.events import Events, Reached, Told
from clawlane.ops.operation import OpError, Request, Stream
from clawlane.ops.ritual.steps import (
    Noticed,
    Question,
    RitualEvent,
    Skip,
    StepName,
    StepResult,
    StepState,
    Waiting,
)
from clawlane.ops.verification import GetFacts, LaneFacts, rule_place
from clawlane.ops.why import Story, Why
from clawlane.store.events import NEWEST, Decided, StateChanged
from clawlane.store.send_evidence import SendProof
from clawlane.texts import later, t
from clawlane.zone import shown

R = TypeVar("R")
Steps: TypeAlias = Generator[RitualEvent, None, StepResult]
Found = TypeVar("Found")

POLL_S = 0.3
_RECENT = 50
_GONE_MS = 20_000
"""How long nothing may listen before the gateway counts as gone, and not as one that restarts."""

SYSTEM_MS = 60_000
"""The longest that something takes which no person has to do: a restart, a reconnect, an answer of Zalo."""


class Asks(Protocol):
    """Runs operations; `clawlane.ops.client.Client` does."""

    def call(self, request: Request[R], /) -> R: ...
    def follow(self, request: Stream[R], show: Callable[[R], None], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A message of this run that was admitted and answered, and that in one sentence."""

    event: Decided
    sends: tuple[SendProof, ...]
    signals: tuple[SignalOutcome, ...]
    sentence: str

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The ids under which others see the reply."""
        return tuple(one for send in self.sends for one in send.message_ids)


@dataclass
class Run:
    """What the steps share. `patience_ms` is how long somebody may take to do something.

    `agreed` asks the operator something, and is only called outside a rehearsal.
    """

    asks: Asks
    facts: LaneFacts
    patience_ms: int
    agreed: Callable[[Question], bool]
    now_ms: Callable[[], int]
    sleep: Callable[[float], None]
    stranger: Decided | None = None
    results: list[StepResult] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    place: tuple[str, str] | None = None
    """The group of a rehearsal, and who writes in it."""
    events: list[Told] = field(default_factory=list)
    cursor: str = NEWEST
    silent_since_ms: int | None = None
    """Since when the gateway does not answer."""

    @property
    def system_ms(self) -> int:
        """How long something may take that nobody has to do."""
        return min(self.patience_ms, SYSTEM_MS)

    @property
    def account(self) -> tuple[str, str]:
        """Channel and account, as requests take them."""
        return self.facts.channel, self.facts.account

    def refresh(self) -> LaneFacts:
        """The facts as they are now. Raises `ControlError` and `OpError` where no gateway runs."""
        self.facts = self.asks.call(GetFacts(*self.account))
        return self.facts

    def pull(self) -> None:
        """Read what the feed has grown by. A gateway that restarts tells nothing.

        Raises `ControlError` for one that has been gone for longer than a restart takes.
        """
        new: list[Told] = []

        def take(event: Told) -> None:
            self.cursor = event.cursor or self.cursor
            if not isinstance(event, Reached):
                new.append(event)

        try:
            self.asks.follow(Events(self.cursor, str(self.facts)), take)
            self.silent_since_ms = None
        except ControlError:
            since_ms = self.silent_since_ms = self.silent_since_ms or self.now_ms()
            if self.now_ms() - since_ms > _GONE_MS:
                raise
        self.events += new

    def watch(
        self, step: StepName, found: Callable[[], Found | None], limit_ms: int | None = None
    ) -> Generator[RitualEvent, None, Found | None]:
        """What `found` gives, asked again and again; None once the time is over."""
        end_ms = self.now_ms() + (self.patience_ms if limit_ms is None else limit_ms)
        while (it := found()) is None:
            left_ms = end_ms - self.now_ms()
            if left_ms <= 0:
                return None
            yield Waiting(step, left_ms)
            self.sleep(min(POLL_S, left_ms / 1000))
        return it

    def decided(
        self, step: StepName, after: int, wanted: Callable[[Decided], bool], kind: ThreadKind
    ) -> Generator[RitualEvent, None, Decided | None]:
        """The first decision at admission that is `wanted`, from the event of number `after` on.

        What is decided otherwise meanwhile in such a thread is told, because it may be what was meant.
        """
        told: set[int] = set()
        notices: list[Noticed] = []

        def found() -> Decided | None:
            self.pull()
            self._raise_if_stuck(after)
            for event in self.decisions(after):
                if wanted(event):
                    return event
                if event.thread.kind is kind and event.message not in told:
                    told.add(event.message)
                    notices.append(Noticed(step, f"{self.whom(event)}: {self.verdict(event)}"))
            return None

        watching = self.watch(step, found)
        while True:
            try:
                waiting = next(watching)
            except StopIteration as done:
                yield from notices
                return done.value if isinstance(done.value, Decided) else None
            yield from notices
            notices.clear()
            yield waiting

    def _raise_if_stuck(self, after: int) -> None:
        """Raises `OpError` once the account has come into a state in which nothing comes in any more."""
        states = [one for one in self.events[after:] if isinstance(one, StateChanged)]
        if states and waits_for_operator(states[-1].phase, states[-1].code) and self.refresh().stuck:
            raise OpError(unready(self.facts))

    def decisions(self, after: int = 0) -> Iterator[Decided]:
        """The decisions at admission that were read, from the event of number `after` on."""
        for event in self.events[after:]:
            if isinstance(event, Decided) and event.stage == "admission":
                yield event

    def story(self, event: Decided) -> Story | None:
        """What the store tells of the message of a decision."""
        told = self.asks.call(Why(event.message_id, last=_RECENT))
        stories = (item.message for item in told.items if item.message is not None)
        mine = (event.account, event.message)
        return next((one for one in stories if (one.recorded.account, one.recorded.seq) == mine), None)

    def nothing_answered(self) -> StepResult | None:
        """Why there is nothing to look at, if this run was to have a message answered and has none."""
        tried = [one for one in self.results if one.name in (StepName.REPLY, StepName.GROUP_ANSWERED)]
        if self.answered or not tried:
            return None
        if all(one.skip is Skip.NOT_APPLICABLE for one in tried):
            return skipped(t("the config lets in nobody, so nothing is answered"))
        return skipped(t("no message of this run was answered"), Skip.UNPROVEN)

    def newest_admitted(self) -> Decided | None:
        """The newest message that the store knows as admitted, for a step that runs alone."""
        for item in self.asks.call(Why(last=_RECENT)).items:
            one = item.message.recorded if item.message else None
            made = one.made[0].decision if one and one.made and one.account == str(self.facts) else None
            if one and made and made.outcome is Outcome.ADMIT:
                where = (one.seq, one.message_id, one.thread, one.sender_id)
                return Decided("", one.account, one.read_ms, *where, "admission", made.outcome, made.reason)
        return None

    def whom(self, event: Decided) -> str:
        """The sender by name and id, with the group: `Lan (123…) in Work (900…)`."""
        story = self.story(event)
        name = tidy(story.recorded.sender_name) if story else ""
        sender = f"{name} ({event.sender_id})" if name else event.sender_id
        if event.thread.kind is ThreadKind.DM:
            return sender
        group = tidy(story.recorded.group_name) if story else ""
        where = f"{group} ({event.thread.id})" if group else event.thread.id
        return t("{sender} in {group}", sender=sender, group=where)

    def verdict(self, event: Decided) -> str:
        """What was decided, and by which rule: `the message was dropped: dm_disabled; line 5 …`."""
        decision = self.decision(event)
        rule = f"; {t(rule_place(decision.rule))}" if decision else ""
        return t(_VERDICTS[event.outcome], reason=f"{event.reason}{rule}")

    def decision(self, event: Decided) -> Decision | None:
        """The decision at admission with its rule and trail."""
        story = self.story(event)
        return story.recorded.made[0].decision if story and story.recorded.made else None

    def nothing_came(self, what: str, after: int, last_inbound_ms: int | None) -> str:
        """That something did not come, and what came instead."""
        missing = t("no {what} came within {time}", what=what, time=length(self.patience_ms))
        came = Counter(event.reason for event in self.decisions(after))
        if came:
            told = ", ".join(f"{count} × {reason}" for reason, count in came.items())
            return t("{missing}; what came: {reasons}", missing=missing, reasons=told)
        if not last_inbound_ms:
            return t("{missing}; nothing at all arrived ever", missing=missing)
        nothing = later("{missing}; nothing at all arrived since {time}")
        return t(nothing, missing=missing, time=shown().minute(last_inbound_ms))


_VERDICTS = {
    "admit": later("the message was admitted: {reason}"),
    "drop": later("the message was dropped: {reason}"),
    "pend": later("the message was kept as history: {reason}"),
    "challenge": later("the message was challenged: {reason}"),
}


def unready(facts: LaneFacts, what: str = later("the account is not connected")) -> str:
    """Why an account cannot do anything now, and the command that helps."""
    if facts.resume and facts.phase in (Phase.READY, Phase.PAUSED):
        return t("the account is paused, so nothing is sent; run: {command}", command=facts.resume)
    reason = facts.reason or str(facts.phase).replace("_", " ")
    lost = facts.login if not facts.session else ""
    otherwise = "openclaw gateway restart" if facts.phase is Phase.STOPPED else "openclaw doctor"
    command = facts.help or lost or otherwise
    return t("{what}: {reason}; run: {command}", what=t(what), reason=t(reason), command=command)


def took(ms: int) -> str:
    """How long something took: `0.4 s`, `3 min`."""
    return f"{ms / 1000:.1f} s" if ms < 60_000 else length(ms)


def passed(evidence: str) -> StepResult:
    """A step that passed. The conductor adds its name and time."""
    return StepResult(StepName.PROBE, StepState.PASSED, evidence)


def failed(missing: str, evidence: str = "") -> StepResult:
    """A step that failed, with what was missing."""
    return StepResult(StepName.PROBE, StepState.FAILED, evidence, missing)


def skipped(why: str, skip: Skip = Skip.NOT_APPLICABLE) -> StepResult:
    """A step that was skipped, by default because there is nothing to prove."""
    return StepResult(StepName.PROBE, StepState.SKIPPED, missing=why, skip=skip)


def tidy(text: str, longest: int = 40) -> str:
    """A name of somebody else on one line."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def listed(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))
