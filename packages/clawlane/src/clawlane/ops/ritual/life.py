"""Steps about the life of the connection: a restart of the gateway, and a lost connection."""

from __future__ import annotations

from contextlib import suppress

from clawlane.channel import Phase
from clawlane.clock import length
from clawlane.config.errors import ConfigError
from clawlane.messages import ThreadKind
from clawlane.ops.client import ControlError
from clawlane.ops.operation import OpError
from clawlane.ops.process import GetProcess, Process, Restart
from clawlane.ops.ritual.answer import evidence_of
from clawlane.ops.ritual.run import Run, Steps, failed, passed, skipped, took, unready
from clawlane.ops.ritual.steps import Question, QuestionKind, Skip, StepName
from clawlane.ops.verification import GetFetched, LaneFacts, Reconnect
from clawlane.store.events import StateChanged
from clawlane.texts import later, t

_FETCH_MS = 10_000
DECLINED = later("you did not agree to it; --yes agrees beforehand")


def restart(run: Run) -> Steps:
    """The gateway restarts, and the account is connected again with the session that was stored."""
    step, before = StepName.RESTART, run.refresh()
    here = _gateway(run)
    if here is None or not _runs(here, before):
        return skipped(t("a gateway elsewhere runs the account; take this step beside it"), Skip.UNPROVEN)
    question = Question(
        QuestionKind.RESTART,
        t(
            "Restart the gateway? All its accounts go offline for a few seconds;"
            " messages that come meanwhile are fetched afterwards."
        ),
    )
    if not run.facts.cast and not run.agreed(question):
        return skipped(t(DECLINED), Skip.LEFT_OUT)
    began_ms = run.now_ms()
    run.asks.call(Restart())

    def again() -> Process | None:
        found = _gateway(run)
        return found if found and found.started_ms != before.started_ms else None

    def connected() -> LaneFacts | None:
        with suppress(ControlError, OpError):
            found = run.refresh()
            return found if found.phase is Phase.READY or found.stuck else None
        return None

    process = yield from run.watch(step, again, run.system_ms)
    if process is None:
        gone = later("the gateway did not come back within {time}; see: openclaw logs")
        return failed(t(gone, time=length(run.system_ms)))
    after = yield from run.watch(step, connected, run.system_ms)
    if after is None or after.phase is not Phase.READY:
        return failed(_not_ready(run, t("the gateway is back, but the account is not")))
    if after.session != before.session:
        return failed(t("the account is back, but with another login than before"))
    began = later(
        "the gateway began again (pid {pid}); the account was ready after {time} with the stored session,"
        " no code"
    )
    if not _runs(process, after):
        began = later(
            "the gateway began again (pid {pid}); another one had taken the account over, and had it ready"
            " after {time} with the stored session, no code"
        )
    return passed(t(began, pid=process.pid, time=took(run.now_ms() - began_ms)))


def _gateway(run: Run) -> Process | None:
    """The gateway of this machine, as long as it answers."""
    with suppress(ControlError, OpError, ConfigError):
        return run.asks.call(GetProcess())
    return None


def _runs(process: Process, facts: LaneFacts) -> bool:
    """Whether this gateway is the one that runs the account."""
    return (process.pid, process.started_ms) == (facts.pid, facts.started_ms)


def reconnect(run: Run) -> Steps:
    """The connection is lost and comes back, and nothing is answered twice."""
    step = StepName.RECONNECT
    if not run.facts.can_reconnect:
        return skipped(t("{channel} cannot close its connection on purpose", channel=run.facts.label))
    question = Question(
        QuestionKind.RECONNECT,
        t("Close the account's connection? It reconnects automatically within seconds; nothing is lost."),
    )
    if not run.facts.cast and not run.agreed(question):
        return skipped(t(DECLINED), Skip.LEFT_OUT)
    run.pull()
    after, began_ms = len(run.events), run.now_ms()
    if not run.asks.call(Reconnect(*run.account)):
        return failed(_not_ready(run, t("there was no connection to lose")))
    seen: list[StateChanged] = []

    def back() -> bool | None:
        run.pull()
        seen[:] = [one for one in run.events[after:] if isinstance(one, StateChanged)]
        lost = [at for at, one in enumerate(seen) if one.phase is not Phase.READY]
        return True if lost and any(one.phase is Phase.READY for one in seen[lost[0] :]) else None

    if (yield from run.watch(step, back, run.system_ms)) is None:
        run.refresh()
        if not seen:
            return failed(t("the connection was closed, but no state of the account tells of it"))
        gone = t("the connection did not come back within {time}", time=length(run.system_ms))
        return failed(_not_ready(run, gone))
    back_ms = run.now_ms() - began_ms
    caught_up = yield from run.watch(step, lambda: _caught_up(run, began_ms), min(run.system_ms, _FETCH_MS))
    if twice := _answered_twice(run):
        return failed(twice)
    phases = " → ".join(dict.fromkeys(one.code or one.phase for one in seen))
    told = [t("{phases} within {time}", phases=phases, time=took(back_ms))]
    if caught_up is None:
        told.append(t("the platform did not say what was missed meanwhile"))
    if run.answered:
        told.append(t("what was answered before was not answered again"))
    return passed("; ".join(told))


def _caught_up(run: Run, since_ms: int) -> bool | None:
    """Whether everything missed has been fetched, so that what comes twice has come."""
    if not run.facts.can_look_up:
        return True
    found = [run.asks.call(GetFetched(*run.account, kind=kind)) for kind in ThreadKind]
    return True if all(one is not None and one.asked_ms >= since_ms for one in found) else None


def _answered_twice(run: Run) -> str:
    """Which message of this run was answered again; empty if none was."""
    known = [one.event.message for one in run.answered]
    for answered in run.answered:
        story = run.story(answered.event)
        turn = story.recorded.standing if story else None
        sends = evidence_of(run, answered.event, turn.id if turn else None).sends
        if len(sends) > len(answered.sends):
            return t("the message {id} was answered once more", id=answered.event.message_id)
    again = [one for one in run.decisions() if known.count(one.message) and _count(run, one.message) > 1]
    return t("the message {id} was decided once more", id=again[0].message_id) if again else ""


def _count(run: Run, message: int) -> int:
    return sum(one.message == message for one in run.decisions())


def _not_ready(run: Run, what: str) -> str:
    return unready(run.facts, t("{what}: it is {phase}", what=what, phase=run.facts.phase))
