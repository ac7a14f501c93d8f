"""Whether a lane is proven: what the kept reports of its ritual say about it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from clawlane.clock import length
from clawlane.ops.operation import OpError, decode
from clawlane.ops.ritual.steps import Report, StepName, StepResult, StepState
from clawlane.texts import later, t

if TYPE_CHECKING:
    from clawlane.store.verifications import KeptVerification


class VerificationState(StrEnum):
    """How far a lane is proven."""

    NEVER = "never"
    VERIFIED = "verified"
    PARTLY = "partly"
    POLICY_CHANGED = "policy_changed"


class Verification(Struct, frozen=True):
    """How far a lane is proven, and since when: the oldest of the results that count.

    `failed` are the steps that failed when they last ran, `unproven` those that never passed. Each step
    counts as it last ended; a run against a simulator proves nothing about the platform, and the other way.
    `rehearsed` says that a simulator stands in now, so that all this is about it. Where none does,
    `rehearsed_ms` is the newest rehearsal.
    """

    state: VerificationState
    at_ms: int | None = None
    failed: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    rehearsed: bool = False
    rehearsed_ms: int | None = None


NEVER = Verification(VerificationState.NEVER)


def verification_of(kept: Iterable[KeptVerification], policy: str, *, rehearsed: bool) -> Verification:
    """What kept reports say, given the digest of who may write now.

    `rehearsed` says that a simulator stands in for the platform now.
    """
    reports = sorted(filter(None, map(report_of, kept)), key=lambda one: one.at_ms, reverse=True)
    newest: dict[StepName, tuple[StepResult, Report]] = {}
    for report in reports:
        if bool(report.rehearsal) is rehearsed:
            for result in report.steps:
                if result.proven or result.state is StepState.FAILED:
                    newest.setdefault(result.name, (result, report))
    rehearsals = () if rehearsed else (one.at_ms for one in reports if one.rehearsal)
    return replace(
        _of_results(newest, policy), rehearsed=rehearsed, rehearsed_ms=max(rehearsals, default=None)
    )


def _of_results(newest: Mapping[StepName, tuple[StepResult, Report]], policy: str) -> Verification:
    """What the newest result of each step says."""
    if not newest:
        return NEVER
    at_ms = min(report.at_ms for _, report in newest.values())
    failed = tuple(name for name in StepName if name in newest and not newest[name][0].proven)
    unproven = tuple(name for name in StepName if name not in newest)
    if failed or unproven:
        return Verification(VerificationState.PARTLY, at_ms, failed, unproven)
    same = all(report.policy == policy for _, report in newest.values())
    return Verification(VerificationState.VERIFIED if same else VerificationState.POLICY_CHANGED, at_ms)


def report_of(kept: KeptVerification) -> Report | None:
    """The report as it was kept; None for one that cannot be read."""
    try:
        report: Report = decode(kept.report.encode(), Report)
    except OpError:
        return None
    return report


def verification_text(found: Verification, now_ms: int) -> str:
    """`verified 3 days ago, policy unchanged since`, `never verified`, `only rehearsed 3 days ago …` …"""
    if found.at_ms is None:
        if found.rehearsed_ms:
            return t("never verified, only rehearsed {ago}", ago=_ago(found.rehearsed_ms, now_ms))
        return t("never verified")
    ago = _ago(found.at_ms, now_ms)
    if found.state is not VerificationState.PARTLY:
        return t(_WHOLLY[found.state, found.rehearsed], ago=ago)
    failed = t("{steps} failed", steps=", ".join(found.failed)) if found.failed else ""
    unproven = t("{steps} not proven", steps=", ".join(found.unproven)) if found.unproven else ""
    parts = "; ".join(filter(None, (failed, unproven)))
    if found.rehearsed:
        return t("only rehearsed, and partly, {ago} ({parts})", ago=ago, parts=parts)
    return t("partly verified {ago} ({parts})", ago=ago, parts=parts)


_WHOLLY = {
    (VerificationState.VERIFIED, False): later("verified {ago}, policy unchanged since"),
    (VerificationState.VERIFIED, True): later("only rehearsed {ago}, policy unchanged since"),
    (VerificationState.POLICY_CHANGED, False): later("verified {ago}, policy changed since"),
    (VerificationState.POLICY_CHANGED, True): later("only rehearsed {ago}, policy changed since"),
}


def _ago(ms: int, now_ms: int) -> str:
    return t("{time} ago", time=length(max(0, now_ms - ms)))
