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
from clawlane.texts import later, t

_PLAYED, _GROUP = "Thành Viên Thử", "Nhóm Thử Nghiệm"
_ASKED, _SAID = "cho hỏi chút", "ăn trưa chưa mọi người?"
"""What the people of a rehearsal are called, and write."""

_MOST_TRIED = 20
_ANY = "*"

_ANY_TEXT = later("{where} write any text.")
_MENTIONING = later("{where} write any text, and mention {name}.")
_NOT_MENTIONING = later("{where} write any text that does not mention {name}.")


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
        write = _ANY_TEXT if not run.facts.mention_needed else _MENTIONING
        yield Instruction(step, t(write, where=_where(run), name=_us(run)))

    def admitted(event: Decided) -> bool:
        return event.reason is Reason.GROUP_ADMITTED

    found = yield from run.decided(step, after, admitted, ThreadKind.GROUP)
    if found is None:
        return failed(run.nothing_came(t("group message that is admitted"), after, last_inbound(run)))
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
        off = later(
            "requireMention is off in every group that is let in ({groups}), so each message is answered"
        )
        return skipped(t(off, groups=", ".join(run.facts.mention_off)))
    if run.facts.cast:
        place = _stage(run, needs_mention=True)
        if isinstance(place, str):
            return failed(place)
        group, sender = place
        run.asks.call(WriteAs(*run.account, sender=sender, text=_SAID, group=group))
    else:
        yield Instruction(step, t(_NOT_MENTIONING, where=_where(run), name=_us(run)))

    def pended(event: Decided) -> bool:
        return event.outcome is Outcome.PEND

    found = yield from run.decided(step, after, pended, ThreadKind.GROUP)
    if found is None:
        kept = t("group message that is kept as history")
        return failed(run.nothing_came(kept, after, last_inbound(run)))
    what = f"{run.whom(found)}: {run.verdict(found)}"
    if evidence_of(run, found).in_history:
        return passed(t("{what}; it waits in the history of its group", what=what))
    if run.facts.history.value == "0":
        nothing = later("{what}; {setting}, so nothing is kept")
        return passed(t(nothing, what=what, setting=setting(run.facts.history)))
    return failed(t("it does not wait in the history of its group"), what)


def _closed(run: Run) -> StepResult | None:
    group = run.facts.group
    if group.value == GroupPolicy.DISABLED:
        return skipped(t("{setting}: no group is heard", setting=setting(group)))
    if group.value == GroupPolicy.ALLOWLIST and not run.facts.doors:
        return skipped(t("{setting}, and `groups` lets none in", setting=setting(group)))
    return None


def _how(run: Run, found: Decided) -> str:
    """Under which rule it was admitted: `mention: explicit; line 7 …`."""
    decision = run.decision(found)
    if decision is None:
        return str(found.reason)
    sign = next((gate for gate in decision.trail if gate.startswith(MENTION_GATE)), "")
    return f"{sign.replace(':', ': ').replace('_', ' ')}; {t(rule_place(decision.rule))}"


def _where(run: Run) -> str:
    names = [f"{tidy(one.name)} ({one.id})" for one in run.facts.groups]
    return t("In {groups}", groups=listed(names[:3])) if names else t("In a group that is let in")


def _us(run: Run) -> str:
    return tidy(run.facts.user_name) or run.facts.user_id


def _stage(run: Run, *, needs_mention: bool = False) -> tuple[str, str] | str:
    """A group of the simulator and somebody in it whom the config lets in; or why there is none."""
    none = why = t("the simulator has no group in which that could happen")
    for group, sender in _places(run):
        asked = Explain(sender, *run.account, group=group, mention=not needs_mention)
        told = run.asks.call(asked)
        decision = told.running or told.decision
        if decision.outcome is (Outcome.PEND if needs_mention else Outcome.ADMIT):
            run.place = group, sender
            return run.place
        why = f"{none}: {decision.reason}; {t(rule_place(decision.rule))}"
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
