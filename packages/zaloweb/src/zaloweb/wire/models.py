"""The shapes of pushed data, as far as this client uses them. All other fields are left unread.

Items of a list stay `msgspec.Raw`, so that a bad item does not affect the others. Ids are numbers or
texts on the wire; whole numbers stay exact whatever their length.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import NoReturn, TypeVar

import msgspec

Id = str | int
Items = list[msgspec.Raw]


class Malformed(Exception):
    """Pushed data has an unexpected shape. The text is a reason and holds no content."""


class Envelope(msgspec.Struct, gc=False):
    """The body of most pushed frames: the number in `encrypt` says how to open `data`."""

    data: str
    encrypt: int


class KeyBody(msgspec.Struct, gc=False):
    """The body of the first frame."""

    key: str


class Lists(msgspec.Struct):
    """All lists that a payload may hold; each command reads its own. An absent list is None."""

    msgs: Items | None = None
    groupMsgs: Items | None = None
    controls: Items | None = None
    actions: Items | None = None
    delivereds: Items | None = None
    seens: Items | None = None
    groupSeens: Items | None = None
    reacts: Items | None = None
    reactGroups: Items | None = None
    clearUnreads: Items | None = None


class Payload(msgspec.Struct):
    """The content of the encrypted `data` of a frame."""

    data: Lists


class LoosePayload(msgspec.Struct):
    """The same if one of the lists is malformed: each is read separately."""

    data: dict[str, msgspec.Raw]


class WireMessage(msgspec.Struct, gc=False):
    """A message, an undo, a deletion or a notice. Each field may be missing or of any type.

    That is checked where the field is used, so that a malformed optional field does not lose the message.
    """

    uidFrom: object = None
    idTo: object = None
    msgId: object = None
    cliMsgId: object = None
    msgType: object = None
    dName: object = None
    ts: object = None
    ttl: object = None
    content: object = None
    mentions: object = None
    quote: object = None
    extraData: object = None
    reference: object = None


class WireReaction(msgspec.Struct, gc=False):
    """A reaction. `content` is an object, or a JSON text of one."""

    content: object = None
    uidFrom: object = None
    idTo: object = None
    msgId: object = None
    msgType: object = None
    dName: object = None
    ts: object = None


class WireControl(msgspec.Struct):
    """An event of a group, a friend or an upload."""

    content: WireControlContent


class WireControlContent(msgspec.Struct):
    """The content of a control. `data` is an object or its JSON text."""

    act_type: str
    act: object = None
    data: object = None
    fileId: object = None


class WireAction(msgspec.Struct):
    """A current action of somebody. `data` is a JSON object without its braces."""

    act_type: str
    act: object = None
    data: object = None


class TypingData(msgspec.Struct, gc=False):
    """Who is typing where."""

    uid: Id
    gid: object = None
    ts: object = None
    isPC: object = None


class WireDelivered(msgspec.Struct):
    """A message that reached somebody."""

    msgId: object = None
    deliveredUids: object = None
    seenUids: object = None
    groupId: object = None
    mSTs: object = None


class WireSeen(msgspec.Struct):
    """A message that somebody saw: in a group `groupId` and `seenUids`, else `idTo`."""

    msgId: object = None
    idTo: object = None
    groupId: object = None
    seenUids: object = None


class WireUnread(msgspec.Struct, gc=False):
    """A thread that was read on another device of the account."""

    idTo: object = None
    lastMsgId: object = None
    isGroup: object = None


_T = TypeVar("_T")
_DEEPEST = 100
_MOST_VALUES = 500_000
"""Values of one event, counted by `{`, `[` and `,`: each takes many times the memory of its text."""
_OUT_OF_RANGE = "out of range"
_LONGEST_NUMBER = 300
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
_NUMBERS = re.compile(r'"(?:[^"\\]|\\.)*+"?|-?[0-9][0-9.eE+-]*+', re.DOTALL)


def read(decoder: msgspec.json.Decoder[_T], text: bytes | str | msgspec.Raw) -> _T:
    """A JSON text, decoded.

    Broken UTF-8 and halves of surrogate pairs become U+FFFD; values nested too deeply and numbers beyond the
    range of a float become null. Raises Malformed if it is no JSON, has another shape, or holds far more
    values than any event has.
    """
    # A raw item is a part of a text that was checked when it was read.
    if not isinstance(text, msgspec.Raw) and len(text) > _MOST_VALUES:
        _check_values(text)
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        if _OUT_OF_RANGE not in str(error).lower():
            raise Malformed(str(error)) from None
        return _decode(decoder, _NUMBERS.sub(_bounded, _as_text(text)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode(decoder, _mended(text))
    except RecursionError:
        return _decode(decoder, _pruned(_as_text(text)))
    except (ValueError, OverflowError):  # numbers of thousands of digits
        raise Malformed("a number that is none") from None


def _check_values(text: bytes | str) -> None:
    told = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if sum(told.count(sign) for sign in (b"{", b"[", b",")) > _MOST_VALUES:
        raise Malformed(f"more than {_MOST_VALUES} values")


def _decode(decoder: msgspec.json.Decoder[_T], text: str) -> _T:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        raise Malformed(str(error)) from None


def _bounded(token: re.Match[str]) -> str:
    written = token[0]
    if written.startswith('"'):
        return written
    try:
        fits = len(written) <= _LONGEST_NUMBER and isfinite(float(written))
    except ValueError:  # no number at all: the decoder says so
        fits = True
    return written if fits else "null"


def _mended(text: bytes | str | msgspec.Raw) -> str:
    # JavaScript accepts both, and texts cut in the middle of an emoji occur; msgspec is strict.
    try:
        value = json.loads(_as_text(text), parse_constant=_refuse)
        again = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    return again.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_text(text: bytes | str | msgspec.Raw) -> str:
    return text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")


def _pruned(text: str) -> str:
    # One item that is nested too deeply must not affect the others.
    kept, depth, resumed = [], 0, 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _DEEPEST:
                kept += [text[resumed : token.start()], "null"]
        elif token[0] in "]}":
            if depth == _DEEPEST:
                resumed = token.end()
            depth -= 1
    return "".join([*kept, text[resumed:]])


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
