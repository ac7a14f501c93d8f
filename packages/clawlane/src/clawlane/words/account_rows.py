"""An account's status as rows: what a row is about, and its text."""

from __future__ import annotations

from collections.abc import Iterator

from clawlane.clock import length, now_ms
from clawlane.condition import Health, ProbeResult
from clawlane.credentials.profile import Consent
from clawlane.ops.account_status import (
    AccountStatus,
    PairingCounts,
    PolicyStatus,
    ProblemCode,
    RetentionStatus,
    WarmUpStatus,
)
from clawlane.ops.alarm_text import status_line
from clawlane.ops.finding_text import one_line, problem_text, severity_word
from clawlane.ops.speakers import speakers_text
from clawlane.ops.upgrade import UpgradeInfo
from clawlane.ops.verification_state import VerificationState, verification_text
from clawlane.store.draft_told import DraftCount
from clawlane.store.states import ChunkState
from clawlane.texts import later, t, tn
from clawlane.words.gaps import gap_words
from clawlane.words.pacing import held_words, quiet_words
from clawlane.words.pauses import pause_words, resume_command, takeover_words
from clawlane.words.send_states import STATES
from clawlane.words.strangers import sanitize
from clawlane.words.times import ago, day_words, local, when

_RESTORED = later(
    "from a backup, {since}; log the gateway out that it is of. What people write before this one connects"
    " is not answered."
)


_TAKEOVERS_OFF = later(
    "takeovers are off: what the account sends comes back under ids that match nothing; they are tried again"
    " after the next login"
)


_NAMES = {"pinned": later("pinned"), "unresolved": later("unresolved"), "ambiguous": later("ambiguous")}


_ANSWERS = (later("yes"), later("no"), later("not asked"), later("accepted"))
"""What was answered about the risk, as its record has it."""


_GAPS = 3


_GROUPS = 5
"""Groups that are listed with who may speak there."""


_HEALTH = {Health.UNKNOWN: later("not seen yet"), Health.OK: later("ok"), Health.BROKEN: later("broken")}


_PARTS = {
    "auth": later("auth {health}"),
    "inbound": later("inbound {health}"),
    "outbound": later("outbound {health}"),
    "storing": later("storing {health}"),
}
"""What has a health of its own."""


def account_rows(one: AccountStatus, words: str, now: int) -> Iterator[tuple[str, str]]:
    """What a row is about, for `t`, and its text. `words` name the account in a command."""
    yield from _working_rows(one, words, now)
    yield from _waiting_rows(one, words)
    yield from _known_rows(one, now)


def _working_rows(one: AccountStatus, words: str, now: int) -> Iterator[tuple[str, str]]:
    """Who is linked, the health of the connection, the policies and the decisions."""
    user = one.identity
    yield later("linked"), t("as {name} ({id})", name=sanitize(user.name), id=user.id) if user else t("no")
    yield later("verified"), _verified(one, words, now)
    if one.linked:
        parts = (t(part, health=t(_HEALTH[getattr(one, name)])) for name, part in _PARTS.items())
        yield later("health"), " · ".join(parts)
    for alarm in one.alarms:
        yield later("alarm"), sanitize(status_line(alarm, now), 400)
        yield "", t("run: {command}; read: openclaw help {page}", command=alarm.command, page=alarm.page)
    for problem in (it for it in one.problems if it.code is not ProblemCode.ALARM):
        what = sanitize(problem_text(problem), 300)
        yield later("problem"), t("{what}; run: {command}", what=what, command=problem.command)
    if one.noticed_ms:
        within = length(one.noticed_ms)
        yield later("silence"), t("a dead connection is noticed within {time}", time=within)
    last_in, last_out = when(one.last_inbound_ms, now), when(one.last_outbound_ms, now)
    yield later("last"), t("inbound {received} · outbound {sent}", received=last_in, sent=last_out)
    yield later("DMs"), _policy(one.dm_policy)
    yield later("groups"), _policy(one.group_policy)
    if one.own_modes or any(policy.value != "auto" for policy in one.modes):
        yield later("outbound"), " · ".join(dict.fromkeys(map(_policy, one.modes)))
    for policy in one.own_modes:
        yield "", sanitize(_policy(policy), 200)
    yield from _speakers(one)
    if one.counters:
        counted = " · ".join(f"{reason} {count}" for reason, count in one.counters.items())
        yield later("decisions"), counted


def _waiting_rows(one: AccountStatus, words: str) -> Iterator[tuple[str, str]]:
    """What is not sent now, until when, and which command sends it."""
    if states := {state: count for state, count in one.outbox.items() if count}:
        yield (
            later("outbox"),
            " · ".join(f"{t(STATES[ChunkState(state)])} {count}" for state, count in states.items()),
        )
    if one.upgrade:
        yield later("upgrade"), _upgrade(one.upgrade)
    if one.restored_ms is not None:
        since = when(one.restored_ms, now_ms())
        yield later("restored"), t(_RESTORED, since=since)
    for pause in one.pauses:
        ends = resume_command(pause)
        if one.upgrade and pause.thread is None:
            ends = "openclaw upgrade accept"
        waiting = t(" · turns that wait: {n}", n=one.waiting) if one.waiting else ""
        paused = f"{pause_words(pause)}{waiting}"
        yield later("paused"), t("{what}; resume with: {command}", what=paused, command=ends)
    for taken in one.takeovers:
        end = f"openclaw resume {words} --thread {taken.thread}"
        what = takeover_words(taken)
        yield later("taken over"), t("{what}; end it: {command}", what=what, command=end)
    if one.takeovers_off:
        yield later("taken over"), t(_TAKEOVERS_OFF)
    if one.quiet:
        yield later("quiet"), quiet_words(one.quiet)
    if warm_up := one.warm_up:
        yield later("warm-up"), _warming_up(warm_up)
    for reply in one.held:
        yield later("held"), held_words(reply)
    yield from _drafts_rows(one.drafts)
    yield from _decision_rows(one)
    if one.expired:
        answer = later("{n} at the last resume; answer them after all: openclaw resume --flush")
        yield later("expired"), t(answer, n=one.expired)


def _upgrade(upgrade: UpgradeInfo) -> str:
    return tn(
        "{n} change of version {version} waits for your word; see: openclaw upgrade show",
        "{n} changes of version {version} wait for your word; see: openclaw upgrade show",
        len(upgrade.changes),
        version=upgrade.version,
    )


def _warming_up(warm_up: WarmUpStatus) -> str:
    return t(
        "day {day} of {days}: {replies} of {limit} replies in 24 h",
        day=warm_up.day,
        days=warm_up.days,
        replies=warm_up.replies,
        limit=warm_up.limit,
    )


def _drafts_rows(drafts: DraftCount) -> Iterator[tuple[str, str]]:
    if count := drafts.waiting:
        since = when(drafts.oldest_ms, now_ms())
        told = tn(
            "1 waits for your approval since {since}; see: openclaw drafts list",
            "{n} wait for your approval, the oldest since {since}; see: openclaw drafts list",
            count,
            since=since,
        )
        yield later("drafts"), told
    if count := drafts.expired:
        yield later("drafts"), t("{n} expired; see: openclaw drafts list --expired", n=count)


def _decision_rows(one: AccountStatus) -> Iterator[tuple[str, str]]:
    """What the operator has to decide, and what can settle it without."""
    decisions = one.decisions
    if count := decisions.sends:
        unknown = tn(
            "it is unknown whether {n} message arrived; decide: openclaw outbox list",
            "it is unknown whether {n} messages arrived; decide: openclaw outbox list",
            count,
        )
        yield later("to decide"), unknown
    if count := decisions.dead_letters:
        letters = tn(
            "{n} message could not be answered; decide: openclaw channels dead-letters list",
            "{n} messages could not be answered; decide: openclaw channels dead-letters list",
            count,
        )
        yield later("to decide"), letters
    if count := decisions.forgotten:
        dropped = tn(
            "{n} message was dropped unanswered: too many were waiting for a decision",
            "{n} messages were dropped unanswered: too many were waiting for a decision",
            count,
        )
        yield later("forgotten"), dropped
    if one.look_ups:
        yield later("look-ups"), t("find what was sent in: {kinds}", kinds=", ".join(one.look_ups))
    elif decisions.sends:
        yield later("look-ups"), t("off: nothing that was sent has come back in fetched history yet")


def _known_rows(one: AccountStatus, now: int) -> Iterator[tuple[str, str]]:
    """Gaps, pairing requests, names, the accepted risk, the probe and the findings."""
    for gap in one.gaps[-_GAPS:]:
        yield later("gap"), gap_words(gap)
    if one.pairing.pending:
        yield later("pairing"), _pairing(one.pairing)
    for name in one.names:
        pinned = later("{list} {entry!r} is {state}: {ids} ({time})")
        ids = ", ".join(name.ids) or t("nobody")
        entry, time = sanitize(name.entry), ago(name.at_ms, now)
        yield (
            later("name"),
            t(pinned, list=name.list, entry=entry, state=t(_NAMES[name.state]), ids=ids, time=time),
        )
    if one.address_book_ms is not None:
        copied = later("copied {when}; see: openclaw directory export --help")
        yield later("contacts"), t(copied, when=when(one.address_book_ms, now))
    nobody_told = t("not set, so nobody is told that a program answers")
    yield later("disclosure"), one.disclosure or nobody_told
    yield from _retention_rows(one.retention, now)
    yield later("risk"), risk_words(one.consent)
    if one.probe:
        yield later("probe"), _probe(one.probe)
    for finding in one.findings:
        yield severity_word(finding), sanitize(one_line(finding), 400)


def _pairing(pairing: PairingCounts) -> str:
    if not pairing.silent:
        return t("{n} waiting; see: openclaw pairing list", n=pairing.pending)
    some_silent = later("{n} waiting ({silent} of them silent); see: openclaw pairing list")
    return t(some_silent, n=pairing.pending, silent=pairing.silent)


def _retention_rows(retention: RetentionStatus, now: int) -> Iterator[tuple[str, str]]:
    """What is forgotten next by its age, and what is being forgotten."""
    if retention.next_ms is not None and retention.texts is not None:
        taken = t("now") if retention.next_ms <= now else day_words(retention.next_ms, now)
        texts = tn("takes 1 text {when}", "takes {n} texts {when}", retention.texts, when=taken)
        yield later("retention"), texts
    for asked in retention.forgetting:
        whom, _, id_ = asked.partition(" ")
        run = f"openclaw forget --{whom} {id_}"
        yield later("forgetting"), t("{what} is not done; run: {command}", what=asked, command=run)


def _speakers(one: AccountStatus) -> Iterator[tuple[str, str]]:
    """Who may speak in which group; the first groups only."""
    head = later("may speak")
    for told in one.speakers[:_GROUPS]:
        yield head, sanitize(speakers_text(told), 300)
        head = ""
    if more := len(one.speakers[_GROUPS:]):
        yield "", t("and {n} more: openclaw security audit", n=more)


def _verified(one: AccountStatus, words: str, now: int) -> str:
    """What the ritual has proven; a login alone proves nothing of it."""
    text = verification_text(one.verification, now)
    if one.verification.state is VerificationState.VERIFIED:
        return text
    return t("{text}; prove it: {command}", text=text, command=f"openclaw verify {words}")


def _policy(policy: PolicyStatus) -> str:
    if policy.origin == "built-in":
        return t("{value} (built-in; set it with {path})", value=policy.value, path=policy.path)
    return t("{value} (from {path}, line {line})", value=policy.value, path=policy.path, line=policy.line)


def risk_words(consent: Consent | None) -> str:
    """When the risk was accepted, and whether the account is expendable."""
    if consent is None:
        return t("not accepted yet")
    time = local(consent.accepted_ms)
    accepted = t("accepted {time}", time=time)
    if consent.user_id:
        accepted = t("accepted {time} for user {id}", time=time, id=consent.user_id)
    told = t("expendable: {answer}", answer=t(consent.expendable))
    return f"{accepted} · {told} · {t('words of others: {answer}', answer=t(consent.others))}"


def _probe(probe: ProbeResult) -> str:
    if probe.ok:
        name = sanitize(probe.user_name)
        return t("ok: {name} ({id}), {ms} ms", name=name, id=probe.user_id, ms=probe.elapsed_ms)
    error = sanitize(probe.error, 200)
    return t("session expired: {error}", error=error) if probe.expired else t("failed: {error}", error=error)
