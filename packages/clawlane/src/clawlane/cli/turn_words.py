"""Where a turn stands, in one sentence, for `why`."""

from __future__ import annotations

from clawlane.cli.output import local, sanitize
from clawlane.ops.why import Hold, Standing, TurnStage
from clawlane.store.draft_told import EXPIRED
from clawlane.store.told import Turn

_OUTBOX = "see: openclaw outbox list"
_LETTERS = "see: openclaw channels dead-letters list"
_REASON = 240


def sentence(turn: Turn, standing: Standing) -> str:
    """Where the turn stands, and why; then what was left out of its reply."""
    note = f"; {sanitize(turn.note, _REASON)}" if turn.note else ""
    return _sentence(turn, standing) + note


def _sentence(turn: Turn, standing: Standing) -> str:
    if turn.settled_ms is not None:
        return _over(turn, standing.stage)
    match standing.stage:
        case TurnStage.WITH_AGENT if standing.running:
            return "with the agent"
        case TurnStage.WITH_AGENT:
            return "was with the agent when the gateway ended; it continues at the next start"
        case TurnStage.NEEDS_DECISION:
            return f"needs a decision: {_reply(turn)}; {_OUTBOX}"
    return _leaving(turn, standing) if turn.state == "replied" else _waiting(turn, standing)


def _hold(hold: Hold) -> str:
    until = local(hold.until_ms) if hold.until_ms is not None else "somebody runs: openclaw resume"
    return f"held: {sanitize(hold.rule, 120)} until {until}"


def _waiting(turn: Turn, standing: Standing) -> str:
    if standing.hold is not None:
        return f"waiting for the agent, {_hold(standing.hold)}"
    words = "waiting for the agent" if standing.running else "waiting: the gateway is not running"
    if turn.attempts:
        words += "; tried once" if turn.attempts == 1 else f"; tried {turn.attempts} times"
        words += f", last: {sanitize(turn.reason, _REASON)}" if turn.reason else ""
    return words


def _leaving(turn: Turn, standing: Standing) -> str:
    """There is a reply, and not all of it has left."""
    sent = "sent" in turn.chunks
    parts = _partly(turn)
    if standing.stage is TurnStage.SENDING:
        return f"{parts}the reply is on its way"
    if standing.hold is not None:
        return parts + _hold(standing.hold)
    where = "the rest of the reply" if sent else "the reply"
    waits = "waits to be sent" if standing.running else "waits: the gateway is not running"
    return f"{parts}{where} {waits}"


def _over(turn: Turn, stage: TurnStage) -> str:
    reason = sanitize(turn.reason, _REASON)
    because = f": {reason}" if reason else ""
    match stage:
        case TurnStage.NO_REPLY:
            return "the agent had no reply" + ("" if reason == "no reply" else because)
        case TurnStage.SENT:
            parts = f" in {len(turn.chunks)} parts" if len(turn.chunks) > 1 else ""
            return f"sent{parts}" + (f" at {local(turn.settled_ms)}" if turn.settled_ms is not None else "")
        case TurnStage.SET_ASIDE:
            return f"set aside after {_tries(turn)}{because}; {_LETTERS}"
        case TurnStage.PARTLY_SENT:
            return f"partly sent{because}"
        case TurnStage.NOT_SENT:
            return f"not sent{because}"
        case TurnStage.TAKEN_OVER:
            left = f"; of the reply {_reply(turn)}" if turn.told else ""
            return f"left to the owner, who wrote there by hand{left}"
        case TurnStage.DRAFTED:
            return f"{_partly(turn)}{_drafted(turn, reason)}"
        case TurnStage.DROPPED:
            return f"not answered{because}"
        case TurnStage.REVOKED:
            return "not answered: the sender was no longer admitted when its turn came"
    in_part = "sent" in turn.chunks and turn.told and turn.told not in turn.reason
    left = f"; of the reply {_reply(turn)}" if in_part else ""
    because = because.removeprefix(f": {turn.state}")
    return f"{turn.state}{because}{left}"


def _drafted(turn: Turn, reason: str) -> str:
    show = f"openclaw drafts show {turn.drafts[-1]}" if turn.drafts else "openclaw drafts list"
    if reason == EXPIRED:
        return f"{reason} before it was approved; see: {show}"
    return f"the reply waits for your approval, as {reason} says; see: {show}"


def _partly(turn: Turn) -> str:
    return f"partly sent: {_reply(turn)}; " if "sent" in turn.chunks else ""


def _tries(turn: Turn) -> str:
    return "one try" if turn.attempts == 1 else f"{turn.attempts} tries"


def _reply(turn: Turn) -> str:
    return sanitize(turn.told or turn.reason, _REASON)
