"""Sending: replies cut to fit, and what Zalo's errors mean for the outbox."""

from __future__ import annotations

import logging
from dataclasses import replace

from clawlane.channel import NeedsLogin, NotSent, Refused, SendFailed, Unknown
from clawlane.config.choices import Tables
from clawlane.messages import Outgoing, Reaction, Receipt, Reply, Style, Text, Thread
from clawlane_zalouser.markdown import render
from clawlane_zalouser.reactions import send_reaction
from clawlane_zalouser.threads import zalo_thread
from zaloweb import errors
from zaloweb.calls import messages
from zaloweb.client import Zalo
from zaloweb.transport.clock import Clock
from zaloweb.wire.text import Piece, Range, split

_RATE_LIMIT_PAUSE = 60.0
"""Seconds. Zalo does not say how long; users of other clients report minutes to hours."""

log = logging.getLogger(__name__)


_STYLES = {
    "bold": messages.TextStyle.BOLD,
    "italic": messages.TextStyle.ITALIC,
    "underline": messages.TextStyle.UNDERLINE,
    "strike": messages.TextStyle.STRIKE,
    "red": messages.TextStyle.RED,
    "orange": messages.TextStyle.ORANGE,
    "yellow": messages.TextStyle.YELLOW,
    "green": messages.TextStyle.GREEN,
    "big": messages.TextStyle.BIG,
    "bullet": messages.TextStyle.UNORDERED_LIST,
    "number": messages.TextStyle.ORDERED_LIST,
    "indent": messages.TextStyle.INDENT,
}


def plan(thread: Thread, reply: Reply, tables: Tables = Tables.CODE) -> list[Outgoing]:
    """A reply as styled texts of at most 2000 UTF-16 units, cut where a reader pauses.

    Blanks and line breaks around a cut are left out. Plain text is sent as it is.
    """
    if not reply.markdown:
        return [Text(thread, piece.text) for piece in split(reply.text)]
    styled = render(reply.text, tables)
    ranges = [Range(style.start, style.length, style) for style in styled.styles]
    return [_chunk(thread, piece) for piece in split(styled.text, ranges) if piece.text.strip()]


def _chunk(thread: Thread, piece: Piece[Style]) -> Text:
    text = piece.text.strip("\n ")
    skipped = len(piece.text) - len(piece.text.lstrip("\n "))
    styles = []
    for place in piece.ranges:
        start, end = max(place.start - skipped, 0), min(place.end - skipped, len(text))
        if start < end:
            styles.append(replace(place.value, start=start, length=end - start))
    return Text(thread, text, tuple(styles))


def zalo_styles(out: Text) -> list[messages.Style] | None:
    """The styles of a chunk as zaloweb names them; None if it has none."""
    styles = [messages.Style(one.start, one.length, _STYLES[one.name], one.depth) for one in out.styles]
    return styles or None


async def send(zalo: Zalo, out: Outgoing, clock: Clock) -> Receipt:
    """Send one chunk. Raises a `SendFailed`."""
    thread, started = zalo_thread(out.thread), clock.monotonic()
    try:
        if isinstance(out, Reaction):
            return Receipt(await send_reaction(zalo, thread, out))
        if not isinstance(out, Text):
            raise Refused("this version sends texts only")
        sent = await zalo.send_text(thread, out.text, styles=zalo_styles(out), client_id=int(out.client_id))
    except errors.ZaloError as error:
        failure = failure_of(error)
        kinds = (type(error).__name__, type(failure).__name__)
        log.debug("%s: chunk %s to %s: %s, which is %s", zalo.own_id, out.client_id, thread, *kinds)
        raise failure from error
    spent_ms = (clock.monotonic() - started) * 1000
    told = (zalo.own_id, out.client_id, thread, len(out.text), sent.msg_id or "no id", spent_ms)
    log.debug("%s: chunk %s to %s: %d characters, %s in %.0f ms", *told)
    if not sent.msg_id:
        reason = "Zalo took the message but returned no id for it; such messages sometimes do not arrive"
        raise Unknown(reason, taken=True)
    return Receipt((sent.msg_id,))


def failure_of(error: errors.ZaloError) -> SendFailed:
    """What an error of zaloweb means: try later, log in, give up, or unknown."""
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
