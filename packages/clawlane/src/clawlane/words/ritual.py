"""The ritual in words: how a step ended, and what a run has proven."""

from __future__ import annotations

from clawlane.clock import length
from clawlane.ops.ritual.steps import Report, StepName, StepResult, StepState
from clawlane.ops.verification import LaneFacts
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize

LONGEST = 500
"""Characters of a sentence that names people."""

STATES = {
    StepState.PASSED: later("passed"),
    StepState.FAILED: later("failed"),
    StepState.SKIPPED: later("skipped"),
}


def rehearsal_sentence(facts: LaneFacts) -> str:
    """That a simulator stands in for the platform; empty if none does."""
    if not facts.rehearsal:
        return ""
    rehearsal = later(
        "REHEARSAL: a simulator on {place} stands in for the real platform. This proves nothing about it."
    )
    return t(rehearsal, place=facts.rehearsal)


def waiting_edit_sentence(facts: LaneFacts) -> str:
    """That an edit of the config is not in force yet, which a run would not prove; empty if all is."""
    if not facts.waiting:
        return ""
    return t("An edit of the config waits: it would widen access, and is not in force: openclaw config apply")


def user_words(facts: LaneFacts) -> str:
    """Who is logged in: `Minh Anh (147…)`."""
    return f"{sanitize(facts.user_name)} ({facts.user_id})" if facts.user_id else t("nobody")


def result_sentence(result: StepResult) -> str:
    """How a step ended: `passed (2 s): …`."""
    took = f" ({length(result.ms)})" if result.ms >= 1000 else ""
    parts = (sanitize(result.missing, LONGEST), sanitize(result.evidence, LONGEST))
    return f"{t(STATES[result.state])}{took}: {'; '.join(filter(None, parts))}"


def waiting_sentence(left_ms: int) -> str:
    """That something is waited for, and how long."""
    minutes, seconds = divmod(left_ms // 1000, 60)
    return t("waiting … {time} left", time=f"{minutes}:{seconds:02}")


def report_name(report: Report) -> str:
    """The account of a report, and whether it was a rehearsal."""
    return t("{account} in a rehearsal", account=report.account) if report.rehearsal else report.account


def summary(report: Report) -> str:
    """What a run has proven, with the number of its steps by how they ended."""
    failed = [one.name for one in report.steps if one.state is StepState.FAILED]
    counts = [f"{sum(one.state is state for one in report.steps)} {t(STATES[state])}" for state in StepState]
    if report.stopped:
        kept = t("Stopped; what was proven until then is kept")
        head = kept if report.steps else t("Stopped; nothing is kept")
    else:
        whole = {one.name for one in report.steps if one.proven} == set(StepName)
        rehearsed = t("Every step has passed in the rehearsal")
        proven = rehearsed if report.rehearsal else t("The lane is proven")
        some = any(one.state is StepState.PASSED for one in report.steps)
        part = t("What ran has passed; not every step did") if some else t("Nothing was proven")
        unproven = t("Not proven: {steps}", steps=", ".join(failed))
        head = unproven if failed else proven if whole else part
    return f"{head} ({', '.join(counts)})."
