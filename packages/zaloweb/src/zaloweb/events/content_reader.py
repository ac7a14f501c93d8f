"""Reads what a person sent from the `content` of an item, by its `msgType` and its `action`.

The pairs that people send are known from an inventory of 27 576 stored messages of one public client, from
other public clients, and from the types that Zalo's own apps show as bubbles. Missing fields and those of
another type are empty.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from zaloweb.events.content import (
    BANK_CARD,
    Card,
    Contact,
    Content,
    File,
    Gif,
    Link,
    Location,
    Photo,
    Poll,
    Sticker,
    TextContent,
    Todo,
    Video,
    Voice,
)
from zaloweb.events.fields import Fields
from zaloweb.events.lenient import as_degrees, as_id, as_object, as_text, as_whole, is_prose

TYPED = frozenset(("", "webchat", "chat.text"))
"""Types whose plain text is always typed by a person, even if it is JSON; no type counts as one."""

_TYPED_NAMES = ("text", "msg", "message")
"""Fields that may hold typed words in an object of an unknown kind."""


def read_speech(msg_type: str, fields: Fields) -> Content | None:
    """What a person sent; None if people are not known to send this pair of type and action."""
    reader = _READERS.get(msg_type or _likely_type(fields))
    return None if reader is None else reader(fields)


def is_speech(msg_type: str) -> bool:
    """Whether people send things of this type."""
    return msg_type in _READERS


def typed_text(fields: Fields) -> str:
    """The words a person typed in an object of an unknown kind: never title, description or `customMsg`."""
    texts = (fields.all.get(name) for name in _TYPED_NAMES)
    return next((text for text in texts if isinstance(text, str) and is_prose(text)), "")


def _likely_type(fields: Fields) -> str:
    """The type of an object that came without one."""
    if "catId" in fields.all:
        return "chat.sticker"
    return "group.poll" if "pollId" in fields.params else "webchat"


def _webchat(fields: Fields) -> Content | None:
    action = fields.action
    if action == "rtf":
        return TextContent(fields.text("title") or typed_text(fields))
    if action.startswith("zinstant."):
        return _card(fields)
    if action:
        return _recommended(fields)
    # Unfurled links, and own messages as an object with only a title.
    title, description, url, _ = fields.media()
    lines = (title or fields.custom_text() or typed_text(fields), description, url)
    text = "\n".join(filter(None, lines))
    return TextContent(text) if text else None


def _photo(fields: Fields) -> Photo:
    title, description, url, thumb = fields.media()
    return Photo(
        title,
        description,
        url or fields.text("oriUrl") or fields.text("normalUrl") or fields.text("rawUrl"),
        thumb or fields.text("thumbUrl"),
        hd_url=fields.param("hd"),
        width=fields.number("width"),
        height=fields.number("height"),
        size=fields.number("fileSize"),
        album_id=as_id(fields.params.get("group_layout_id")),
    )


def _gif(fields: Fields) -> Gif:
    return Gif(*fields.media(), width=fields.number("width"), height=fields.number("height"))


def _video(fields: Fields) -> Video:
    return Video(
        *fields.media(),
        duration_ms=fields.number("duration"),
        width=fields.number("video_width", "video_original_width"),
        height=fields.number("video_height", "video_original_height"),
        size=fields.number("fileSize"),
    )


def _voice(fields: Fields) -> Voice:
    return Voice(
        *fields.media(),
        m4a_url=fields.param("m4a"),
        duration_ms=fields.number("duration"),
        size=fields.number("fileSize"),
    )


def _file(fields: Fields) -> File:
    return File(
        *fields.media(),
        size=fields.number("fileSize"),
        checksum=fields.param("checksum"),
        extension=fields.param("fileExt"),
    )


def _link(fields: Fields) -> Link:
    return Link(*fields.media(), media_title=fields.param("mediaTitle"), source=fields.param("src"))


def _card(fields: Fields) -> Card:
    title, description, url, thumb = fields.media()
    shown = fields.custom_text() or fields.text("title")
    if fields.action == BANK_CARD:
        item = as_object(fields.params.get("item"))
        numbers = " ".join(filter(None, map(as_text, map(item.get, ("numAccBank", "nameAccBank")))))
        shown = "\n".join(filter(None, (shown or ("[bank card]" if numbers else ""), numbers)))
        pages = (as_text(held.get("data_url")) for held in (as_object(fields.params.get("pcItem")), item))
        url = url or next(filter(None, pages), "")
    return Card(title, description, url, thumb, action=fields.action, shown=shown)


def _recommended(fields: Fields) -> Content | None:
    action = fields.action
    reader = _RECOMMENDED.get(action)
    if reader is not None:
        return reader(fields)
    if action not in ("", "show.profile"):
        return None
    if not action and fields.text("href"):
        return _link(fields)
    contact = _contact(fields)
    is_phone = contact.phone.strip().lstrip("+").replace(" ", "").isdecimal()
    return contact if is_phone or (contact.user_id and not action) else None


def _contact(fields: Fields) -> Contact:
    user_id = as_id(fields.all.get("params"))
    described = fields.all.get("description")
    card = as_object(described)
    title, _, url, thumb = fields.media()
    return Contact(
        title,
        as_text(described),
        url,
        thumb,
        user_id=user_id if user_id.isdecimal() else as_id(card.get("gUid")),
        phone=as_text(card.get("phone")) if card else fields.words("description"),
    )


def _location(fields: Fields, *, live: bool = False) -> Location:
    latitude, longitude = (
        as_degrees(fields.params.get("latitude")),
        as_degrees(fields.params.get("longitude")),
    )
    return Location(*fields.media(), latitude, longitude, live)


def _sticker(fields: Fields) -> Sticker:
    get = fields.all.get
    return Sticker(as_whole(get("id")), as_whole(get("catId")), as_whole(get("type")))


def _todo(fields: Fields) -> Todo:
    item = as_object(fields.params.get("item"))
    readable = as_text(item.get("content")) or fields.custom_text() or fields.text("title")
    return Todo(readable or fields.text("description") or "[task]")


def _poll(fields: Fields) -> Poll | None:
    # Votes, changes and closings, nine of ten items, are no questions.
    if fields.action != "create":
        return None
    question = fields.param("question") or fields.text("title")
    return Poll(as_id(fields.params.get("pollId")), question)


_RECOMMENDED: dict[str, Callable[[Fields], Content]] = {
    "recommened.link": _link,
    "recommened.user": _contact,
    "recommened.vip": _contact,
    "recommened.stickerset": _card,
}
_READERS: dict[str, Callable[[Fields], Content | None]] = {
    "webchat": _webchat,
    "chat.photo": _photo,
    "chat.photo.reply": _photo,
    "chat.doodle": _photo,
    "chat.gif": _gif,
    "chat.video.msg": _video,
    "chat.video.memo": _video,
    "chat.video.live.msg": _video,
    "chat.voice": _voice,
    "chat.sticker": _sticker,
    "share.file": _file,
    "chat.link": _link,
    "chat.zalo.me": _link,
    "chat.recommended": _recommended,
    "chat.location.new": _location,
    "chat.livelocation": partial(_location, live=True),
    "chat.todo": _todo,
    "group.poll": _poll,
    "chat.webcontent": _card,
    "chat.webcontent.v2": _card,
}
