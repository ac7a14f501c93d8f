"""Steps of direct messages: the session, a stranger, pairing, the approval, a reply."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress

from clawlane.access.decision import Outcome, Reason
from clawlane.channel import Phase
from clawlane.clock import length
from clawlane.config.choices import DmPolicy
from clawlane.messages import ThreadKind
from clawlane.ops.account_status import PolicyStatus
from clawlane.ops.cast import Introduce, WriteAs
from clawlane.ops.client import ControlError
from clawlane.ops.operation import OpError
from clawlane.ops.pairing import Approvals, Approve, Requests
from clawlane.ops.ritual.answer import answer_to
from clawlane.ops.ritual.run import Run, Steps, failed, passed, skipped, tidy, unready
from clawlane.ops.ritual.steps import (
    Instruction,
    Noticed,
    Question,
    QuestionKind,
    RitualEvent,
    Skip,
    StepName,
    StepResult,
)
from clawlane.ops.status import GetStatus
from clawlane.ops.verification import GetChallenges
from clawlane.store.events import Decided
from clawlane.store.people import PairingRequest
from clawlane.store.send_evidence import SendProof
from clawlane.store.states import ChunkState
from clawlane.texts import later, t
from clawlane.zone import shown

_PLAYED = "Người Thử Nghiệm"
"""The stranger of a rehearsal."""

_HELLO, _AGAIN = "xin chào", "bạn có đó không?"
_NOBODY_WRITES = later("{setting}: nobody may write directly")
_GONE = (ChunkState.REFUSED, ChunkState.CANCELLED, ChunkState.EXPIRED)


def probe(run: Run) -> Steps:
    """The platform accepts the stored session, and the account is connected."""
    step = StepName.PROBE

    if not_ready := (yield from connected(run, step)):
        return not_ready
    status = run.asks.call(GetStatus(*run.account, probe=True))
    one = status.channels[run.facts.channel].accounts[run.facts.account]
    login = t("; run: {command}", command=run.facts.login)
    if one.probe is None:
        return passed(t("the account is connected; its channel cannot be probed"))
    if not one.probe.ok:
        expired = t("the session has expired: {error}", error=one.probe.error)
        what = expired if one.probe.expired else t("the live probe failed: {error}", error=one.probe.error)
        return failed(f"{what}{login}")
    if not run.facts.session:
        return failed(t("the account is connected, but no session is stored any more") + login)
    took = f"{one.probe.elapsed_ms} ms"
    accepted = later("the session of {name} ({id}) is accepted, {time}")
    return passed(t(accepted, name=tidy(one.probe.user_name), id=one.probe.user_id, time=took))


def connected(run: Run, step: StepName) -> Generator[RitualEvent, None, StepResult | None]:
    """Wait until the account is connected and may send; what keeps it from that, at once if it stays so."""
    told = ""

    def settled() -> bool | None:
        facts = run.refresh()
        return True if facts.phase is Phase.READY or facts.stuck else None

    watching = run.watch(step, settled, run.system_ms)
    for waiting in watching:
        reason = run.facts.reason
        now = t("it is {phase}: {reason}", phase=run.facts.phase, reason=reason) if reason else ""
        if now != told:
            told = now
            yield Noticed(step, now)
        yield waiting
    facts = run.facts
    return None if facts.phase is Phase.READY and not facts.resume else failed(unready(facts))


def stranger(run: Run) -> Steps:
    """A direct message of somebody who is not let in was seen."""
    step, dm, after = StepName.STRANGER, run.facts.dm, len(run.events)
    us = tidy(run.facts.user_name) or run.facts.user_id
    if dm.value == DmPolicy.DISABLED:
        return skipped(t(_NOBODY_WRITES, setting=setting(dm)))
    if run.facts.cast:
        person = run.asks.call(Introduce(*run.account, name=_PLAYED))
        run.asks.call(WriteAs(*run.account, sender=person, text=_HELLO))
    else:
        anybody = later("From a phone that is not yours, write any text to {name} ({id}).")
        unknown = later(
            "From another account, whom you have not let in yet, write any text to {name} ({id})."
        )
        write = anybody if _lets_all_in(run) else unknown
        yield Instruction(step, t(write, name=us, id=run.facts.user_id))
    found = yield from run.decided(step, after, _is_stranger(run), ThreadKind.DM)
    if found is None:
        return failed(run.nothing_came(t("message of a stranger"), after, last_inbound(run)))
    run.stranger = found
    time, verdict = shown().minute(found.at_ms), run.verdict(found)
    return passed(t("{who} wrote at {time}; {verdict}", who=run.whom(found), time=time, verdict=verdict))


def pairing(run: Run) -> Steps:
    """The stranger's request was made, and the code reached them."""
    step, dm = StepName.PAIRING, run.facts.dm
    if dm.value != DmPolicy.PAIRING:
        return skipped(t("{setting}: strangers get no code", setting=setting(dm)))
    if run.facts.allow_anyone:
        return skipped(t("allowFrom has '*', which lets everybody in, so there are no strangers"))
    if run.stranger is not None and run.stranger.outcome is Outcome.DROP:
        return failed(run.verdict(run.stranger))
    request = _request(run)
    if request is None:
        return _no_request(run)
    who = _named(request)
    if request.reason == Reason.DM_PAIRING_SILENT:
        silent = later("the request of {who} waits; no text was sent, because pairing.reply is '{value}'")
        return passed(t(silent, who=who, value=run.facts.pairing_reply))
    limit_ms = run.system_ms
    if request.reason == Reason.DM_PAIRING_HELD:
        limit_ms = run.patience_ms
        late = later("The message came late, so its code is held. Let {who} write once more.")
        yield Instruction(step, t(late, who=who))
    last: list[SendProof] = []

    def challenge() -> SendProof | None:
        last[:] = run.asks.call(
            GetChallenges(*run.account, sender_id=request.sender_id, since_ms=request.created_ms)
        )[-1:]
        over = (ChunkState.SENT, ChunkState.UNKNOWN, *_GONE)
        return last[0] if last and last[0].state in over else None

    sent = yield from run.watch(step, challenge, limit_ms)
    if sent is None:
        if not last:
            return failed(t("no code was written for {who}", who=who))
        why = last[0].reason or last[0].state
        return failed(t("the code for {who} has not left: {reason}", who=who, reason=why))
    if sent.state is not ChunkState.SENT:
        not_sent = later("the code for {who} is {state}: {reason}")
        return failed(t(not_sent, who=who, state=sent.state, reason=sent.reason))
    ids = ", ".join(sent.message_ids) or t("without an id")
    return passed(t("the request of {who} waits, and the code arrived (message {ids})", who=who, ids=ids))


def approved(run: Run) -> Steps:
    """The operator let the stranger in."""
    step, dm = StepName.APPROVED, run.facts.dm
    if dm.value != DmPolicy.PAIRING:
        return skipped(t("{setting}: nobody has to be approved", setting=setting(dm)))
    if run.facts.allow_anyone:
        return skipped(t("allowFrom has '*', which lets everybody in, so nobody has to be approved"))
    request = _request(run)
    if request is None:
        return _no_request(run)
    command = f"openclaw pairing approve {run.facts.channel} {request.code} --account {run.facts.account}"
    who = _named(request)
    ask = later("Approve {who}? From then on they may write to {account} directly.")
    question = Question(QuestionKind.APPROVE, t(ask, who=who, account=str(run.facts)))
    if run.facts.cast or run.agreed(question):
        run.asks.call(Approve(run.facts.channel, request.code, run.facts.account))
    else:
        yield Instruction(step, t("Approve {who}.", who=who), command)

    def let_in() -> bool | None:
        ids = {one.sender_id for one in run.asks.call(Approvals(*run.account))}
        return True if request.sender_id in ids else None

    if (yield from run.watch(step, let_in)) is None:
        not_approved = later("{who} was not approved within {time}; run: {command}")
        return failed(t(not_approved, who=who, time=length(run.patience_ms), command=command))
    return passed(t("{who} is approved on {account}", who=who, account=str(run.facts)))


def reply(run: Run) -> Steps:
    """A direct message was admitted, the agent answered, and the answer arrived."""
    step, dm, after = StepName.REPLY, run.facts.dm, len(run.events)
    if dm.value == DmPolicy.DISABLED:
        return skipped(t(_NOBODY_WRITES, setting=setting(dm)))
    before = run.stranger
    if before is not None and before.outcome is Outcome.ADMIT:  # an open lane answers the first message
        return (yield from _answered(run, before))
    sender = before.sender_id if before is not None and dm.value == DmPolicy.PAIRING else ""
    if run.facts.cast:
        sender = sender or _let_in(run)
        if not sender and dm.value == DmPolicy.PAIRING:
            nobody = t("nobody is approved yet; the steps stranger to approved do that")
            return skipped(nobody, Skip.UNPROVEN)
        if not sender:
            return failed(t("the config lets in nobody whom the simulator could play"))
        run.asks.call(WriteAs(*run.account, sender=sender, text=_AGAIN))
    else:
        us = tidy(run.facts.user_name) or run.facts.user_id
        again = t("From the same phone, write once more to {name}.", name=us)
        any_text = t("From an account that you have let in, write any text to {name}.", name=us)
        yield Instruction(step, again if sender else any_text)

    def admitted(event: Decided) -> bool:
        theirs = sender in ("", event.sender_id)
        return theirs and event.outcome is Outcome.ADMIT and event.thread.kind is ThreadKind.DM

    found = yield from run.decided(step, after, admitted, ThreadKind.DM)
    if found is None:
        theirs = t("message of {sender} that is admitted", sender=sender)
        whose = theirs if sender else t("direct message that is admitted")
        return failed(run.nothing_came(whose, after, last_inbound(run)))
    return (yield from _answered(run, found))


def _answered(run: Run, event: Decided) -> Steps:
    answer = yield from answer_to(run, StepName.REPLY, event)
    return answer if isinstance(answer, StepResult) else passed(answer.sentence)


def _let_in(run: Run) -> str:
    """Somebody of the simulator who may write directly; empty if there is nobody."""
    if _lets_all_in(run):
        return run.asks.call(Introduce(*run.account, name=_PLAYED))
    approved = () if run.facts.dm.value != DmPolicy.PAIRING else run.asks.call(Approvals(*run.account))
    return play(run, [*run.facts.allow_from, *(one.sender_id for one in approved)])


def play(run: Run, ids: Sequence[str]) -> str:
    """The first of these people, introduced to the simulator if it does not know them; empty for none."""
    for id_ in ids:
        with suppress(ControlError, OpError):  # it may know somebody of this id
            run.asks.call(Introduce(*run.account, name=_PLAYED, friend=True, id=id_))
        return id_
    return ""


def _lets_all_in(run: Run) -> bool:
    """Whether everybody may write directly, so that nobody is a stranger."""
    return run.facts.dm.value == DmPolicy.OPEN or run.facts.allow_anyone


def _is_stranger(run: Run) -> Callable[[Decided], bool]:
    policy = DmPolicy.OPEN if _lets_all_in(run) else run.facts.dm.value

    def wanted(event: Decided) -> bool:
        if event.thread.kind is not ThreadKind.DM:
            return False
        if policy == DmPolicy.PAIRING:
            return event.reason.startswith("dm_pairing") or event.reason is Reason.DM_REJECTED
        if policy == DmPolicy.ALLOWLIST:
            return event.reason is Reason.DM_NOT_ALLOWLISTED
        return event.outcome is Outcome.ADMIT

    return wanted


def _no_request(run: Run) -> StepResult:
    """That nobody waits: a failure if this run has seen somebody who should."""
    see = f"openclaw pairing list {run.facts.channel}"
    if run.stranger is not None:
        sender = run.stranger.sender_id
        return failed(t("no request of {sender} waits; see: {command}", sender=sender, command=see))
    nobody = later("nobody waits for approval; the step stranger brings a request; see: {command}")
    return skipped(t(nobody, command=see), Skip.UNPROVEN)


def _request(run: Run) -> PairingRequest | None:
    """The request of this run's stranger, else the newest that waits."""
    waiting = run.asks.call(Requests(*run.account))
    if run.stranger is not None:
        return next((one for one in waiting if one.sender_id == run.stranger.sender_id), None)
    return max(waiting, key=lambda one: one.created_ms, default=None)


def _named(request: PairingRequest) -> str:
    name = tidy(request.sender_name)
    return f"{name} ({request.sender_id})" if name else request.sender_id


def setting(found: PolicyStatus) -> str:
    """A setting with its place: `dmPolicy is 'open' (line 5)`."""
    key = found.path.rpartition(".")[2]
    where = t("line {line}", line=found.line) if found.line is not None else found.origin
    return t("{key} is '{value}' ({where})", key=key, value=found.value, where=where)


def last_inbound(run: Run) -> int | None:
    """When anything came in last; None if nothing ever did."""
    status = run.asks.call(GetStatus(*run.account))
    return status.channels[run.facts.channel].accounts[run.facts.account].last_inbound_ms
