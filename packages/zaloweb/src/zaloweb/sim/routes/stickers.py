"""Stickers: search, details, and sending one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import sticker
from zaloweb.sim.errors import Refusal
from zaloweb.sim.routes.sending import Outgoing, send, thread

_NO_STICKER = 404


@dataclass(frozen=True, slots=True)
class Sticker:
    """One sticker of the shop and the words it is found by."""

    id: int
    category: int
    kind: int
    text: str


SHOP = {
    one.id: one
    for one in (
        Sticker(23299, 10425, 7, "xin chào"),
        Sticker(23300, 10425, 7, "chào tạm biệt"),
        Sticker(23301, 10425, 7, "cảm ơn"),
        Sticker(7, 1, 3, "haha"),
        Sticker(99, 5, 7, "❤️ yêu"),
    )
}


def suggest(call: ApiCall) -> object:
    """Stickers that match a word."""
    return {"sugg_sticker": _found(call), "sugg_guggy": None, "sugg_gif": None}


def search(call: ApiCall) -> object:
    """Stickers that match a word, as a plain list."""
    return _found(call)[: call.number("limit", 50)]


def detail(call: ApiCall) -> object:
    """One sticker."""
    one = SHOP.get(call.number("sid"))
    if one is None:
        raise Refusal(_NO_STICKER, "No sticker")
    return _shown(one)


def category(call: ApiCall) -> object:
    """All stickers of a category."""
    wanted = call.number("cid")
    return [_shown(one) for one in SHOP.values() if one.category == wanted]


def send_sticker(call: ApiCall) -> object:
    """A sticker to somebody or into a group."""
    sticker_id, kind = call.number("stickerId"), call.number("type")
    if not sticker_id or not kind:
        raise bad_parameters("stickerId and type must not be 0")
    content = sticker(sticker_id, call.number("cateId"), kind)
    message = send(call, thread(call), content, Outgoing(str(call.number("clientId"))))
    return {"msgId": message.number}


ROUTES = [
    Route("stickers", "GET", "sticker", "/api/message/sticker/suggest/stickers", suggest, "query"),
    Route("search sticker", "GET", "sticker", "/api/message/sticker/search", search, "query"),
    Route("sticker details", "GET", "sticker", "/api/message/sticker/sticker_detail", detail, "query"),
    Route(
        "sticker category",
        "GET",
        "sticker",
        "/api/message/sticker/category/sticker_detail",
        category,
        "query",
    ),
    Route("send sticker", "POST", "chat", "/api/message/sticker", send_sticker, "form", recorded=True),
    Route("send sticker", "POST", "group", "/api/group/sticker", send_sticker, "form", recorded=True),
]


def _found(call: ApiCall) -> list[dict[str, int]]:
    wanted = call.text("keyword").casefold()
    return [
        {"type": one.kind, "cate_id": one.category, "sticker_id": one.id}
        for one in SHOP.values()
        if wanted in one.text
    ]


def _shown(one: Sticker) -> dict[str, Any]:
    return {
        "id": one.id,
        "cateId": one.category,
        "type": one.kind,
        "text": one.text,
        "uri": "",
        "fkey": 0,
        "status": 1,
        "stickerUrl": f"https://sticker.sim.invalid/{one.id}.png",
        "stickerSpriteUrl": "",
        "stickerWebpUrl": None,
        "totalFrames": 1,
        "duration": 100,
        "effectId": 0,
        "checksum": "",
        "ext": 0,
        "source": 0,
        "fss": None,
        "fssInfo": None,
        "version": 1,
        "extInfo": None,
    }
