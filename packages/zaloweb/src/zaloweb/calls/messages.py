"""Sending text to a person or a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import cast

import msgspec

from zaloweb.calls.call import Call
from zaloweb.calls.quotes import Quoted
from zaloweb.errors import InvalidRequest
from zaloweb.events import Mention, Thread, ThreadKind
from zaloweb.wire.envelope import compact
from zaloweb.wire.text import LIMIT, Piece, Range, split, to_utf16

EVERYONE = "-1"
"""The user id that stands for all members of a group in a mention."""


class Urgency(IntEnum):
    """The urgency of a message."""

    NORMAL = 0
    IMPORTANT = 1
    URGENT = 2


class TextStyle(StrEnum):
    """The look of a range of text; the values are Zalo's."""

    BOLD = "b"
    ITALIC = "i"
    UNDERLINE = "u"
    STRIKE = "s"
    RED = "c_db342e"
    ORANGE = "c_f27806"
    YELLOW = "c_f7b503"
    GREEN = "c_15a85f"
    SMALL = "f_13"
    BIG = "f_18"
    UNORDERED_LIST = "lst_1"
    ORDERED_LIST = "lst_2"
    INDENT = "ind_"


@dataclass(frozen=True, slots=True)
class Style:
    """A styled range of text.

    `start` and `length` are Python indices; `depth` counts for INDENT only.
    """

    start: int
    length: int
    look: TextStyle
    depth: int = 1

    @property
    def code(self) -> str:
        """Zalo's name of the look."""
        return f"{self.look}{self.depth}0" if self.look is TextStyle.INDENT else self.look.value


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that Zalo accepted.

    `msg_id` is "" if the answer named none; such a message may not have arrived. `cli_msg_id` is the sender's
    own id for it. Recalls and reactions need both.
    """

    msg_id: str
    cli_msg_id: str = ""


class SentAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to everything that is sent: the message's id as a number, as a text, or not at all."""

    msg_id: int | str | None = None

    @staticmethod
    def sent(answer: SentAnswer | None, client_id: int | str = "") -> Sent:
        """The same with ids as texts. The answer may be null."""
        msg_id = "" if answer is None or answer.msg_id is None else str(answer.msg_id)
        return Sent(msg_id, str(client_id))


# `type[T]` does not take a union, msgspec does.
SENT = cast("type[SentAnswer | None]", SentAnswer | None)
"""The answer type of every call that sends a message."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text message before it has a destination.

    Mentions that start before the text, are empty or name nobody are left out, as in Zalo's own client; in a
    message to one person all are. Styles may be an empty list, which Zalo tells apart from none. `ttl_ms` 0
    keeps the message. Raises `InvalidRequest` for an empty text and for a range outside of it.
    """

    text: str
    mentions: Sequence[Mention] = ()
    styles: Sequence[Style] | None = None
    quote: Quoted | None = None
    urgency: Urgency = Urgency.NORMAL
    ttl_ms: int = 0

    def __post_init__(self) -> None:
        if not self.text:
            raise InvalidRequest("a text message needs a text")
        stretches = [(one.start, one.length, "mention") for one in self._naming()]
        stretches += [(one.start, one.length, "style") for one in self.styles or ()]
        for start, length, what in stretches:
            if start < 0 or length < 0 or start + length > len(self.text):
                raise InvalidRequest(f"a {what} at {start}+{length} lies outside a text of {len(self.text)}")

    def pieces(self, limit: int = LIMIT) -> list[Text]:
        """The same as messages of at most `limit` UTF-16 units, cut where a reader pauses (`wire.text`).

        Mentions stay whole, styles continue after a cut, and only the first piece has the quote.
        """
        marks: list[Mention | Style] = [*self._naming(), *(self.styles or ())]
        places = [Range(mark.start, mark.length, mark) for mark in marks]
        cut = split(self.text, places, limit, intact=lambda mark: isinstance(mark, Mention))
        return [self._part(piece, first=not number) for number, piece in enumerate(cut)]

    def mention_info(self) -> dict[str, object]:
        """The parameter for mentions in a group; empty without any."""
        named = [Range(one.start, one.length, one.user_id) for one in self._naming()]
        listed = [
            {"pos": one.start, "uid": one.value, "len": one.length, "type": int(one.value == EVERYONE)}
            for one in to_utf16(self.text, named)
        ]
        return {"mentionInfo": compact(listed)} if listed else {}

    def extras(self) -> dict[str, object]:
        """The parameters for styles and urgency, as far as there are any."""
        extras: dict[str, object] = {}
        if self.styles is not None:
            looks = [Range(style.start, style.length, style.code) for style in self.styles]
            styles = [
                {"start": look.start, "len": look.length, "st": look.value}
                for look in to_utf16(self.text, looks)
            ]
            extras["textProperties"] = compact({"styles": styles, "ver": 0})
        if self.urgency:
            extras["metaData"] = {"urgency": int(self.urgency)}
        return extras

    def _part(self, piece: Piece[Mention | Style], *, first: bool) -> Text:
        marks = [_moved(place) for place in piece.ranges]
        styles = [mark for mark in marks if isinstance(mark, Style)]
        return replace(
            self,
            text=piece.text,
            mentions=[mark for mark in marks if isinstance(mark, Mention)],
            styles=(styles or None) if self.styles else self.styles,
            quote=self.quote if first else None,
        )

    def _naming(self) -> list[Mention]:
        return [one for one in self.mentions if one.start >= 0 and one.length > 0 and one.user_id]


def _moved(place: Range[Mention | Style]) -> Mention | Style:
    mark = place.value
    if isinstance(mark, Mention):
        return Mention(mark.user_id, place.start, place.length, mark.everyone)
    return Style(place.start, place.length, mark.look, mark.depth)


def send_text(thread: Thread, text: Text, *, client_id: int, imei: str) -> Call[SentAnswer | None]:
    """Sends a text.

    `client_id` is the sender's own id for it, in milliseconds: everybody sees it as `cliMsgId`.
    """
    if not thread.id:
        raise InvalidRequest("a text message needs a thread to go to")
    if thread.kind is ThreadKind.GROUP:
        return _to_group(thread.id, text, client_id)
    return _to_user(thread.id, text, client_id, imei)


def _to_user(user_id: str, text: Text, client_id: int, imei: str) -> Call[SentAnswer | None]:
    core = {"message": text.text, "clientId": client_id}
    if text.quote is None:
        params = {**core, "imei": imei, "ttl": text.ttl_ms, "toid": user_id, **text.extras()}
        return _sending("chat", "/api/message/sms", params)
    quoted = {**text.quote.params(), "imei": imei, "qmsgTTL": text.quote.ttl_ms, "ttl": text.ttl_ms}
    return _sending("chat", "/api/message/quote", {"toid": user_id, **core, **quoted, **text.extras()})


def _to_group(group_id: str, text: Text, client_id: int) -> Call[SentAnswer | None]:
    mentions = text.mention_info()
    core = {"message": text.text, "clientId": client_id, **mentions}
    if text.quote is None:
        path = "/api/group/mention" if mentions else "/api/group/sendmsg"
        params = {**core, "ttl": text.ttl_ms, "visibility": 0, "grid": group_id, **text.extras()}
        return _sending("group", path, params)
    attachment = text.quote.attachment()
    quoted = {**text.quote.params(), "visibility": 0}
    if attachment is not None:
        quoted["qmsgAttach"] = attachment
    ages = {"qmsgTTL": text.quote.ttl_ms, "ttl": text.ttl_ms}
    params = {"grid": group_id, **core, **quoted, **ages, **text.extras()}
    return _sending("group", "/api/group/quote", params)


def _sending(service: str, path: str, params: dict[str, object]) -> Call[SentAnswer | None]:
    return Call("send text", "POST", service, path, SENT, params, "form", nretry=True)
