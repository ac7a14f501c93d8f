"""Where a turn really stands, for `why`: from what is stored, and from the gateway while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from clawlane.cli.output import local, sanitize

if TYPE_CHECKING:
    from clawlane.messages import Thread
    from clawlane.store.decisions import Recorded, Turn

Fields = Mapping[str, Any]
_OUTBOX = "see: openclaw outbox list"
_LETTERS = "see: openclaw channels dead-letters list"
_REASON = 240


class TurnStage(StrEnum):
    """Where a turn stands, as people ask for it."""

    WAITING = "waiting"
    WITH_AGENT = "with_agent"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    PARTLY_SENT = "partly_sent"
    NOT_SENT = "not_sent"
    NO_REPLY = "no_reply"
    NEEDS_DECISION = "needs_decision"
    SET_ASIDE = "set_aside"
    STOPPED = "stopped"
    REVOKED = "revoked"
    RECALLED = "recalled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps a reply from leaving, or the next text of a thread; `until_ms` None: until somebody resumes.

    `turn` is whose reply it holds, None where that was not said. Others pass one that steps `aside`.
    """

    rule: str
    until_ms: int | None
    thread: str = ""
    account: str = ""
    turn: int | None = None
    aside: bool = False

    def __str__(self) -> str:
        until = local(self.until_ms) if self.until_ms is not None else "somebody runs: openclaw resume"
        return f"held: {sanitize(self.rule, 120)} until {until}"


@dataclass(frozen=True, slots=True)
class Live:
    """What is true right now: whether the gateway runs, what holds which reply, what is paused."""

    running: bool = False
    holds: Sequence[Hold] = ()
    pauses: Sequence[Fields] = ()

    @classmethod
    def of_status(cls, status: Fields) -> Live:
        """From the status of the gateway."""
        accounts = [
            (f"{channel}/{id_}", one)
            for channel, block in status["channels"].items()
            for id_, one in block["accounts"].items()
        ]
        holds = [_hold_of(held, account) for account, one in accounts for held in one["held"]]
        pauses = [pause for _, one in accounts for pause in one["pauses"]]
        return cls(status["gateway"] is not None, holds, pauses)

    def hold(self, account: str, thread: Thread, turn: int) -> Hold | None:
        """What holds a reply: a pause, a hold of its own, or one of what has to leave before it."""
        for pause in self.pauses:
            if pause["account"] == account and pause["thread"] in (None, str(thread)):
                return Hold("paused", pause["until_ms"])
        here = [one for one in self.holds if (one.account, one.thread) == (account, str(thread))]
        own = (one for one in here if one.turn == turn)
        return next(own, None) or next((one for one in here if not one.aside), None)


def _hold_of(held: Fields, account: str) -> Hold:
    return Hold(
        held["reason"],
        held["until_ms"],
        held["thread"],
        account,
        held.get("turn"),
        bool(held.get("aside")),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A standing with its sentence, and what holds it."""

    standing: TurnStage
    sentence: str
    hold: Hold | None = None


def tell(one: Recorded, live: Live) -> Told | None:
    """Where the turn of a message stands; None without a turn."""
    turn = one.standing
    if turn is None:
        return None
    if turn.settled_ms is not None:
        return _over(turn)
    hold = live.hold(one.account, one.thread, turn.id)
    match turn.state:
        case "running":
            return _with_agent(live)
        case "needs_decision":
            return Told(TurnStage.NEEDS_DECISION, f"needs a decision: {_reply(turn)}; {_OUTBOX}")
        case "replied":
            return _leaving(turn, hold, live)
    return _waiting(turn, hold, live)


def _with_agent(live: Live) -> Told:
    words = (
        "with the agent"
        if live.running
        else "was with the agent when the gateway ended; it goes on at the next start"
    )
    return Told(TurnStage.WITH_AGENT, words)


def _waiting(turn: Turn, hold: Hold | None, live: Live) -> Told:
    if hold is not None and hold.rule == "paused":
        return Told(TurnStage.HELD, f"waiting for the agent, {hold}", hold)
    words = "waiting for the agent" if live.running else "waiting: the gateway is not running"
    if turn.attempts:
        words += f"; tried {turn.attempts} times" + (
            f", last: {sanitize(turn.reason, _REASON)}" if turn.reason else ""
        )
    return Told(TurnStage.WAITING, words)


def _leaving(turn: Turn, hold: Hold | None, live: Live) -> Told:
    """There is a reply, and not all of it has left."""
    sent = "sent" in turn.chunks
    parts = f"partly sent: {_reply(turn)}; " if sent else ""
    if "unknown" in turn.chunks:
        return Told(TurnStage.NEEDS_DECISION, f"needs a decision: {_reply(turn)}; {_OUTBOX}")
    if "sending" in turn.chunks and live.running:
        return Told(TurnStage.SENDING, f"{parts}the reply is on its way")
    if hold is not None:
        return Told(TurnStage.HELD, f"{parts}{hold}", hold)
    where = "the rest of the reply" if sent else "the reply"
    words = f"{where} waits to be sent" if live.running else f"{where} waits: the gateway is not running"
    return Told(TurnStage.PARTLY_SENT if sent else TurnStage.WAITING, parts + words)


def _over(turn: Turn) -> Told:
    sent = "sent" in turn.chunks
    reason = sanitize(turn.reason, _REASON)
    because = f": {reason}" if reason else ""
    match turn.state:
        case "done" if not turn.chunks:
            return Told(TurnStage.NO_REPLY, "the agent had no reply")
        case "done":
            return Told(TurnStage.SENT, f"sent{_at(turn)}")
        case "dead":
            return Told(TurnStage.SET_ASIDE, f"set aside after {turn.attempts} tries{because}; {_LETTERS}")
        case "failed":
            standing = TurnStage.PARTLY_SENT if sent else TurnStage.NOT_SENT
            return Told(standing, f"{'partly sent' if sent else 'not sent'}{because}")
        case "revoked":
            return Told(
                TurnStage.REVOKED, "not answered: the sender was not admitted any more when its turn came"
            )
    standing = TurnStage(turn.state)
    left = f"; of the reply {_reply(turn)}" if sent and turn.told and turn.told not in turn.reason else ""
    return Told(standing, f"{turn.state}{because}{left}")


def _reply(turn: Turn) -> str:
    return sanitize(turn.told or turn.reason, _REASON)


def _at(turn: Turn) -> str:
    parts = f" in {len(turn.chunks)} parts" if len(turn.chunks) > 1 else ""
    return f"{parts} at {local(turn.settled_ms)}" if turn.settled_ms is not None else parts
