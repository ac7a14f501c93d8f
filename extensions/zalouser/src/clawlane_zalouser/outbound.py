"""Sending: replies cut to fit, their files, and what Zalo's errors mean for the outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from clawlane.channel import NeedsLogin, NotSent, Refused, SendFailed, Unknown
from clawlane.config.choices import Tables
from clawlane.invisible import says_nothing
from clawlane.messages import (
    Link,
    Media,
    MediaKind,
    Mention,
    Outgoing,
    Photos,
    Reaction,
    Receipt,
    Reply,
    ReplyFile,
    Style,
    Text,
    Thread,
    Undo,
)
from clawlane_zalouser.files import moves, send_media, send_photos
from clawlane_zalouser.markdown import StyledText, render
from clawlane_zalouser.quotes import quoted
from clawlane_zalouser.reactions import send_reaction
from clawlane_zalouser.threads import zalo_thread
from zaloweb import errors, events
from zaloweb.calls import messages
from zaloweb.client import Zalo
from zaloweb.transport.clock import Clock
from zaloweb.wire.text import LIMIT, Piece, Range, split

_RATE_LIMIT_PAUSE = 60.0
"""Seconds. Zalo does not say how long; users of other clients report minutes to hours."""

_ABOUT_THE_MESSAGE = frozenset({114, 122, 165, 166, 170, 178, 185, 212, 215, 216, 222, 225, 240, 821})
"""Zalo's codes for what is wrong with a message, its recipient or a group. Others may be about the account.

123 is told for too much, for the same text again, and for who takes no messages (zca-js#94, #229, #336).
"""

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


def plan(
    thread: Thread, reply: Reply, tables: Tables = Tables.CODE, *, numbered: bool = False
) -> list[Outgoing]:
    """A reply as styled texts of at most 2000 UTF-16 units, cut where a reader pauses, and then its files.

    Blanks and line breaks around a cut are left out, and no cut goes through a mention. Plain text is sent as
    it is. Several texts are `numbered` if asked for. Several pictures are an album. A text without styles,
    mentions and a quote is the caption of a picture that is the only file. The first text has the quote.
    """
    texts = _texts(thread, reply, tables)
    whole = texts(LIMIT)
    parts = _numbered(texts) if numbered and len(whole) > 1 else whole
    if parts and reply.quote:
        parts = [replace(parts[0], quote=reply.quote), *parts[1:]]
    files = _files(thread, reply.files)
    match parts, files:
        case [Text(styles=(), mentions=(), quote=None) as text], [Media(kind=MediaKind.PHOTO) as photo]:
            if not moves(photo.name):
                return [replace(photo, caption=text.text)]
    return [*parts, *files]


def _texts(thread: Thread, reply: Reply, tables: Tables) -> Callable[[int], list[Text]]:
    """A function that gives the reply as texts of at most so many UTF-16 units."""
    styled = render(reply.text, tables, reply.people) if reply.markdown else StyledText(reply.text)
    marks: tuple[Style | Mention, ...] = (*styled.styles, *styled.mentions)
    ranges = [Range(mark.start, mark.length, mark) for mark in marks]

    def cut(limit: int) -> list[Text]:
        pieces = split(styled.text, ranges, limit, intact=lambda mark: isinstance(mark, Mention))
        chunk = _chunk if reply.markdown else _as_it_is
        return [chunk(thread, piece) for piece in pieces if not says_nothing(piece.text)]

    return cut


def _numbered(texts: Callable[[int], list[Text]]) -> list[Text]:
    """Texts that end with their number in a line of its own, such as `(1/3)`."""
    for digits in count(1):
        parts = texts(LIMIT - len(f"\n({'9' * digits}/{'9' * digits})"))
        if len(parts) < 10**digits:
            break
    total = len(parts)
    return [replace(part, text=f"{part.text}\n({number}/{total})") for number, part in enumerate(parts, 1)]


def _as_it_is(thread: Thread, piece: Piece[Style | Mention]) -> Text:
    return Text(thread, piece.text)


def _chunk(thread: Thread, piece: Piece[Style | Mention]) -> Text:
    text = piece.text.strip("\n ")
    skipped = len(piece.text) - len(piece.text.lstrip("\n "))
    marks = []
    for place in piece.ranges:
        start, end = max(place.start - skipped, 0), min(place.end - skipped, len(text))
        if start < end:
            marks.append(replace(place.value, start=start, length=end - start))
    styles = tuple(mark for mark in marks if isinstance(mark, Style))
    mentions = tuple(mark for mark in marks if isinstance(mark, Mention))
    return Text(thread, text, styles, mentions=mentions)


def _files(thread: Thread, files: Sequence[ReplyFile]) -> list[Outgoing]:
    """Files in order; all pictures that stand still are one album, in the place of the first."""
    pictures = [file for file in files if file.kind is MediaKind.PHOTO and not moves(file.name)]
    outs: list[Outgoing] = []
    for file in files:
        if len(pictures) < 2 or file not in pictures:
            outs.append(Media(thread, file.kind, file.path, file.name))
        elif file == pictures[0]:
            outs.append(Photos(thread, tuple(picture.path for picture in pictures)))
    return outs


def zalo_styles(out: Text) -> list[messages.Style] | None:
    """The styles of a chunk as zaloweb names them; None if it has none."""
    styles = [messages.Style(one.start, one.length, _STYLES[one.name], one.depth) for one in out.styles]
    return styles or None


async def send(zalo: Zalo, out: Outgoing, clock: Clock) -> Receipt:
    """Send one chunk. Raises a `SendFailed`."""
    thread, started = zalo_thread(out.thread), clock.monotonic()
    try:
        shown = await _shown(zalo, thread, out)
    except errors.ZaloError as error:
        failure = failure_of(error)
        kinds = (type(error).__name__, type(failure).__name__)
        log.debug("%s: chunk %s to %s: %s, which is %s", zalo.own_id, out.client_id, thread, *kinds)
        raise failure from error
    ids = tuple(sent.msg_id for sent in shown)
    spent_ms = (clock.monotonic() - started) * 1000
    what = f"{len(out.text)} characters" if isinstance(out, Text) else type(out).__name__
    told = (zalo.own_id, out.client_id, thread, what, ", ".join(filter(None, ids)) or "no id", spent_ms)
    log.debug("%s: chunk %s to %s: %s, %s in %.0f ms", *told)
    if not all(ids):
        reason = "Zalo took the message but returned no id for it; such messages sometimes do not arrive"
        raise Unknown(reason, taken=True, arrived=ids)
    return Receipt(ids, tuple(sent.cli_msg_id for sent in shown))


async def _shown(zalo: Zalo, thread: events.Thread, out: Outgoing) -> tuple[messages.Sent, ...]:
    """Show a chunk to others, or take back what they see. Gives the messages that it became."""
    client_id = int(out.client_id)
    match out:
        case Text():
            mentions = [events.Mention(one.user_id, one.start, one.length) for one in out.mentions]
            styles = zalo_styles(out)
            quote = quoted(out.quote) if out.quote else None
            return (
                await zalo.send_text(
                    thread, out.text, styles=styles, mentions=mentions, quote=quote, client_id=client_id
                ),
            )
        case Media():
            return (await send_media(zalo, thread, out),)
        case Photos():
            return await send_photos(zalo, thread, out)
        case Link():
            return (await zalo.send_link(thread, out.url, text=out.text, client_id=client_id),)
        case Reaction():
            await send_reaction(zalo, thread, out)
        case Undo():
            await zalo.undo(thread, messages.Sent(out.message_id, out.message_client_id))
    return ()


def failure_of(error: errors.ZaloError) -> SendFailed:
    """What an error of zaloweb means: try later, log in, give up, or unknown."""
    match error:
        case errors.PartlySent():
            return Unknown(str(error), taken="" in error.msg_ids, arrived=error.msg_ids)
        case errors.SessionExpired():
            return NeedsLogin(str(error))
        case errors.RateLimited():
            return NotSent(str(error), _RATE_LIMIT_PAUSE, limit_code=error.code or 0)
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
        case errors.ApiError() if error.code not in _ABOUT_THE_MESSAGE:
            return Refused(str(error), limit_code=error.code or 0)
        case _:
            return Refused(str(error))
