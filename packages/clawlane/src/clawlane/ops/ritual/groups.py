"""Steps of groups: one message is answered under the mention rule, one is only kept as history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from clawlane.access.decision import MENTION_GATE, Outcome, Reason
from clawlane.config.choices import GroupPolicy
from clawlane.messages import ThreadKind
from clawlane.ops.cast import Gather, Introduce, WriteAs
from clawlane.ops.client import ControlError
from clawlane.ops.directory import GroupMembers
from clawlane.ops.operation import OpError
from clawlane.ops.policy import Explain
from clawlane.ops.ritual.answer import answer_to, evidence_of
from clawlane.ops.ritual.direct import last_inbound, play, setting
from clawlane.ops.ritual.run import Run, Steps, failed, listed, passed, skipped, tidy
from clawlane.ops.ritual.steps import Instruction, StepName, StepResult
from clawlane.ops.verification import GroupDoor, rule_place
from clawlane.store.events import Decided

_PLAYED, _GROUP = "Thành Viên Thử", "Nhóm Thử Nghiệm"
_ASKED, _SAID = "cho hỏi chút", "ăn trưa chưa mọi người?"
"""What the people of a rehearsal are called, and write."""

_MOST_TRIED = 20
_ANY = "*"


def group_answered(run: Run) -> Steps:
    """A message of a group was admitted under the mention rule, and answered."""
    step, after = StepName.GROUP_ANSWERED, len(run.events)
    if closed := _closed(run):
        return closed
    if run.facts.cast:
        place = _stage(run)
        if isinstance(place, str):
            return failed(place)
        group, sender = place
        run.asks.call(WriteAs(*run.account, sender=sender, text=_ASKED, group=group, mention=True))
    else:
        mention = ", and mention " + _us(run) if run.facts.mention_needed else ""
        yield Instruction(step, f"{_where(run)} write any text{mention}.")

    def admitted(event: Decided) -> bool:
        return event.reason is Reason.GROUP_ADMITTED

    found = yield from run.decided(step, after, admitted, ThreadKind.GROUP)
    if found is None:
        return failed(run.nothing_came("group message that is admitted", after, last_inbound(run)))
    answer = yield from answer_to(run, step, found)
    if isinstance(answer, StepResult):
        return answer
    return passed(f"{answer.sentence}; {_how(run, found)}")


def group_skipped(run: Run) -> Steps:
    """A message of a group without a mention was kept as history, and not answered."""
    step, after = StepName.GROUP_SKIPPED, len(run.events)
    if closed := _closed(run):
        return closed
    if not run.facts.mention_needed:
        off = f"requireMention is off in every group that is let in ({', '.join(run.facts.mention_off)})"
        return skipped(f"{off}, so each message is answered")
    if run.facts.cast:
        place = _stage(run, needs_mention=True)
        if isinstance(place, str):
            return failed(place)
        group, sender = place
        run.asks.call(WriteAs(*run.account, sender=sender, text=_SAID, group=group))
    else:
        yield Instruction(step, f"{_where(run)} write any text that does not mention {_us(run)}.")

    def pended(event: Decided) -> bool:
        return event.outcome is Outcome.PEND

    found = yield from run.decided(step, after, pended, ThreadKind.GROUP)
    if found is None:
        return failed(run.nothing_came("group message that is kept as history", after, last_inbound(run)))
    what = f"{run.whom(found)}: {run.verdict(found)}"
    if evidence_of(run, found).in_history:
        return passed(f"{what}; it waits in the history of its group")
    if run.facts.history.value == "0":
        return passed(f"{what}; {setting(run.facts.history)}, so nothing is kept")
    return failed("it does not wait in the history of its group", what)


def _closed(run: Run) -> StepResult | None:
    group = run.facts.group
    if group.value == GroupPolicy.DISABLED:
        return skipped(f"{setting(group)}: no group is heard")
    if group.value == GroupPolicy.ALLOWLIST and not run.facts.doors:
        return skipped(f"{setting(group)}, and `groups` lets none in")
    return None


def _how(run: Run, found: Decided) -> str:
    """Under which rule it was admitted: `mention: explicit; line 7 …`."""
    decision = run.decision(found)
    if decision is None:
        return str(found.reason)
    sign = next((gate for gate in decision.trail if gate.startswith(MENTION_GATE)), "")
    return f"{sign.replace(':', ': ').replace('_', ' ')}; {rule_place(decision.rule)}"


def _where(run: Run) -> str:
    names = [f"{tidy(one.name)} ({one.id})" for one in run.facts.groups]
    return f"In {listed(names[:3])}" if names else "In a group that is let in"


def _us(run: Run) -> str:
    return tidy(run.facts.user_name) or run.facts.user_id


def _stage(run: Run, *, needs_mention: bool = False) -> tuple[str, str] | str:
    """A group of the simulator and somebody in it whom the config lets in; or why there is none."""
    none = why = "the simulator has no group in which that could happen"
    for group, sender in _places(run):
        asked = Explain(sender, *run.account, group=group, mention=not needs_mention)
        told = run.asks.call(asked)
        decision = told.running or told.decision
        if decision.outcome is (Outcome.PEND if needs_mention else Outcome.ADMIT):
            run.place = group, sender
            return run.place
        why = f"{none}: {decision.reason}; {rule_place(decision.rule)}"
    return why


def _places(run: Run) -> Iterator[tuple[str, str]]:
    """Groups with a member: those that are there, then new ones with the ids of the config."""
    if run.place is not None:
        yield run.place
    for group in run.facts.groups:
        with suppress(ControlError, OpError):
            for one in run.asks.call(GroupMembers(group.id, *run.account)).found[:_MOST_TRIED]:
                if one.id != run.facts.user_id:
                    yield group.id, one.id
    for door in [*run.facts.doors[:_MOST_TRIED], GroupDoor("", [])]:
        person = play(run, door.senders) or run.asks.call(Introduce(*run.account, name=_PLAYED, friend=True))
        id_ = door.key.rpartition(":")[2]
        asked = id_ if id_.isdecimal() else ""
        with suppress(ControlError, OpError):
            gathered = run.asks.call(Gather(*run.account, name=_GROUP, members=(person,), id=asked))
            yield gathered, person
