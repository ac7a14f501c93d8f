"""Finding stickers and sending them."""

from __future__ import annotations

from typing import cast

import msgspec

from zaloweb.calls.account import LooseValue
from zaloweb.calls.call import Call, require_thread
from zaloweb.calls.messages import SENT, SentAnswer
from zaloweb.errors import InvalidRequest
from zaloweb.events import Sticker, Thread, ThreadKind


class Suggestion(msgspec.Struct, frozen=True):
    """A sticker found for a word."""

    sticker_id: int
    cate_id: int = 0
    type: int = 0

    @property
    def sticker(self) -> Sticker:
        """The sticker as it is sent."""
        return Sticker(self.sticker_id, self.cate_id, self.type)


class Suggestions(msgspec.Struct, frozen=True):
    """The stickers found for a word."""

    sugg_sticker: list[Suggestion] | None = None

    @property
    def stickers(self) -> tuple[Sticker, ...]:
        """The stickers, the best first."""
        return tuple(one.sticker for one in self.sugg_sticker or ())


class StickerDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Details of a sticker. `text` is the word it stands for, `duration` is in milliseconds."""

    id: int
    cate_id: int = 0
    type: int = 0
    text: str | None = ""
    sticker_url: str | None = ""
    sticker_sprite_url: str | None = ""
    sticker_webp_url: str | None = ""
    total_frames: LooseValue = None
    duration: LooseValue = None

    @property
    def sticker(self) -> Sticker:
        """The sticker as it is sent."""
        return Sticker(self.id, self.cate_id, self.type)


def suggest(keyword: str, *, imei: str) -> Call[Suggestions]:
    """Stickers for a word or an emoji."""
    params = {"keyword": keyword, "gif": 1, "guggy": 0, "imei": imei}
    path = "/api/message/sticker/suggest/stickers"
    return Call("find stickers", "GET", "sticker", path, Suggestions, params, safe_to_retry=True)


# `type[T]` does not take a union, msgspec does.
_DETAIL = cast("type[StickerDetail | None]", StickerDetail | None)


def detail(sticker_id: int) -> Call[StickerDetail | None]:
    """Details of one sticker; None if Zalo does not know it."""
    path = "/api/message/sticker/sticker_detail"
    params = {"sid": sticker_id}
    return Call("sticker", "GET", "sticker", path, _DETAIL, params, safe_to_retry=True)


def send_sticker(thread: Thread, sticker: Sticker, *, client_id: int, imei: str) -> Call[SentAnswer | None]:
    """Sends a sticker. Raises `InvalidRequest` for one without an id or a type; the category may be 0."""
    if not sticker.id or not sticker.type:
        raise InvalidRequest("a sticker needs an id and a type")
    core = {
        "stickerId": sticker.id,
        "cateId": sticker.category_id,
        "type": sticker.type,
        "clientId": client_id,
        "imei": imei,
        "zsource": 101,
    }
    group = thread.kind is ThreadKind.GROUP
    service, path = ("group", "/api/group/sticker") if group else ("chat", "/api/message/sticker")
    params = {**core, "grid" if group else "toid": require_thread(thread, "a sticker")}
    return Call("send sticker", "POST", service, path, SENT, params, "form", nretry=True)
