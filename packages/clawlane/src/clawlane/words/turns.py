"""Where a turn stands, in one sentence, for `why`."""

from __future__ import annotations

from clawlane.ops.why import Hold, Standing, TurnStage
from clawlane.store.draft_told import EXPIRED
from clawlane.store.told import Turn
from clawlane.texts import later, t, tn
from clawlane.words.holds import hold_words
from clawlane.words.strangers import sanitize
from clawlane.words.times import local

_OUTBOX = later("see: openclaw outbox list")
_LETTERS = later("see: openclaw channels dead-letters list")
_REASON = 240

REASONS = (later("its draft was dropped"), later("recalled by its author"))
"""Reasons that the store keeps, which `t` finds so."""


def sentence(turn: Turn, standing: Standing) -> str:
    """Where the turn stands, and why; then what was left out of its reply."""
    note = f"; {sanitize(t(turn.note), _REASON)}" if turn.note else ""
    return _sentence(turn, standing) + note


def _sentence(turn: Turn, standing: Standing) -> str:
    if turn.settled_ms is not None:
        return _over(turn, standing.stage)
    match standing.stage:
        case TurnStage.WITH_AGENT if standing.running:
            return t("with the agent")
        case TurnStage.WITH_AGENT:
            return t("was with the agent when the gateway ended; it continues at the next start")
        case TurnStage.NEEDS_DECISION:
            return t("needs a decision: {what}; {see}", what=_reply(turn), see=t(_OUTBOX))
    return _leaving(turn, standing) if turn.state == "replied" else _waiting(turn, standing)


def _hold(hold: Hold) -> str:
    rule = sanitize(hold_words(hold.rule), 120)
    if hold.until_ms is None:
        return t("held: {rule} until somebody runs: openclaw resume", rule=rule)
    return t("held: {rule} until {time}", rule=rule, time=local(hold.until_ms))


def _waiting(turn: Turn, standing: Standing) -> str:
    if standing.hold is not None:
        return t("waiting for the agent, {held}", held=_hold(standing.hold))
    words = t("waiting for the agent") if standing.running else t("waiting: the gateway is not running")
    if turn.attempts:
        words += tn("; tried once", "; tried {n} times", turn.attempts)
        words += t(", last: {reason}", reason=_reason(turn)) if turn.reason else ""
    return words


def _leaving(turn: Turn, standing: Standing) -> str:
    """There is a reply, and not all of it has left."""
    sent = "sent" in turn.chunks
    parts = _partly(turn)
    if standing.stage is TurnStage.SENDING:
        return parts + t("the reply is on its way")
    if standing.hold is not None:
        return parts + _hold(standing.hold)
    if standing.running:
        waits = t("the rest of the reply waits to be sent") if sent else t("the reply waits to be sent")
    elif sent:
        waits = t("the rest of the reply waits: the gateway is not running")
    else:
        waits = t("the reply waits: the gateway is not running")
    return parts + waits


def _over(turn: Turn, stage: TurnStage) -> str:
    reason = _reason(turn)
    because = f": {reason}" if reason else ""
    match stage:
        case TurnStage.NO_REPLY:
            return t("the agent had no reply") + ("" if turn.reason == "no reply" else because)
        case TurnStage.SENT:
            return _sent(turn)
        case TurnStage.SET_ASIDE:
            tries = tn("set aside after one try", "set aside after {n} tries", turn.attempts)
            return f"{tries}{because}; {t(_LETTERS)}"
        case TurnStage.PARTLY_SENT:
            return t("partly sent") + because
        case TurnStage.NOT_SENT:
            return t("not sent") + because
        case TurnStage.TAKEN_OVER:
            return t("left to the owner, who wrote there by hand") + (_of_reply(turn) if turn.told else "")
        case TurnStage.DRAFTED:
            return f"{_partly(turn)}{_drafted(turn, reason)}"
        case TurnStage.DROPPED:
            return t("not answered") + because
        case TurnStage.REVOKED:
            return t("not answered: the sender was no longer admitted when its turn came")
    in_part = "sent" in turn.chunks and turn.told and turn.told not in turn.reason
    left = _of_reply(turn) if in_part else ""
    if turn.reason.startswith(turn.state):  # "recalled by its author: not sent"
        return f"{sanitize(': '.join(map(t, turn.reason.split(': '))), _REASON)}{left}"
    return f"{t(turn.state)}{because}{left}"


def _sent(turn: Turn) -> str:
    parts = len(turn.chunks)
    if turn.settled_ms is None:
        return t("sent in {n} parts", n=parts) if parts > 1 else t("sent")
    time = local(turn.settled_ms)
    return (
        t("sent in {n} parts at {time}", n=parts, time=time) if parts > 1 else t("sent at {time}", time=time)
    )


def _drafted(turn: Turn, reason: str) -> str:
    show = f"openclaw drafts show {turn.drafts[-1]}" if turn.drafts else "openclaw drafts list"
    if turn.reason == EXPIRED:
        return t("its draft expired before it was approved; see: {command}", command=show)
    return t("the reply waits for your approval, as {rule} says; see: {command}", rule=reason, command=show)


def _partly(turn: Turn) -> str:
    return t("partly sent: {what}; ", what=_reply(turn)) if "sent" in turn.chunks else ""


def _of_reply(turn: Turn) -> str:
    return t("; of the reply {what}", what=_reply(turn))


def _reason(turn: Turn) -> str:
    return sanitize(t(turn.reason), _REASON)


def _reply(turn: Turn) -> str:
    return sanitize(t(turn.told or turn.reason), _REASON)
