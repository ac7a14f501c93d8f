"""The way out: replies cut to fit, and what Zalo's answers mean for the outbox."""

from __future__ import annotations

from clawlane.channel import NeedsLogin, NotSent, Refused, SendFailed, Unknown
from clawlane.messages import Outgoing, Receipt, Reply, Text, Thread, ThreadKind
from zaloweb import errors, events
from zaloweb.client import Zalo
from zaloweb.wire.text import split

_KINDS = {ThreadKind.DM: events.ThreadKind.USER, ThreadKind.GROUP: events.ThreadKind.GROUP}
_RATE_LIMIT_PAUSE = 60.0
"""Seconds. Zalo does not say how long; users of other clients report minutes to hours."""


def plan(thread: Thread, reply: Reply) -> list[Outgoing]:
    """A reply as texts of at most 2000 UTF-16 units, cut where a reader pauses."""
    return [Text(thread, piece.text) for piece in split(reply.text)]


def zalo_thread(thread: Thread) -> events.Thread:
    """A thread as zaloweb names it."""
    return events.Thread(_KINDS[thread.kind], thread.id)


async def send(zalo: Zalo, out: Outgoing) -> Receipt:
    """Send one chunk. Raises a `SendFailed`."""
    try:
        sent = await zalo.send_text(zalo_thread(out.thread), out.text, client_id=int(out.client_id))
    except errors.ZaloError as error:
        raise failure_of(error) from error
    if not sent.msg_id:
        reason = "Zalo took the message but named no id for it; such messages sometimes do not arrive"
        raise Unknown(reason, taken=True)
    return Receipt((sent.msg_id,))


def failure_of(error: errors.ZaloError) -> SendFailed:
    """What an error of zaloweb means: try later, log in, give up, or do not know."""
    match error:
        case errors.SessionExpired():
            return NeedsLogin(str(error))
        case errors.RateLimited():
            return NotSent(str(error), _RATE_LIMIT_PAUSE)
        case errors.TryLater():
            return NotSent(str(error), error.retry_in_s)
        case errors.NotPrepared() if isinstance(error.__cause__, errors.TryLater):
            return NotSent(str(error), error.__cause__.retry_in_s)
        case errors.BeforeSending():
            return NotSent(str(error))
        case errors.NoService():
            return Refused(str(error))
        case errors.HttpStatusError() if error.status < 500:
            return Refused(str(error))
        case errors.ProtocolError() | errors.CipherError():
            return Unknown(str(error), taken=True)
        case errors.NoAnswer() | errors.HttpStatusError():
            return Unknown(str(error))
        case _:
            return Refused(str(error))
