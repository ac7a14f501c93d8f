"""What people send: texts, pictures, voices, files, cards … in the form Zalo gives them in a message.

The forms are those of recorded messages; the files are on the media host of the world.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from zaloweb.sim.media import MediaHost
from zaloweb.sim.registry import User

_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c494441"
    "54789c6360c8f80f0001d30168bfc1e28f0000000049454e44ae426082"
)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message: its `msgType`, the body of that type, and its `extraData`.

    The body is a text, an object, or the list of a deletion.
    """

    msg_type: str
    body: str | dict[str, Any] | list[dict[str, Any]]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text that mentions refer to: the text itself or the caption."""
        if isinstance(self.body, dict):
            return str(self.body.get("title", ""))
        return self.body if isinstance(self.body, str) else ""

    def in_album(self, album_id: str, place: int, total: int) -> Content:
        """The same picture as part of an album; `place` counts from 0."""
        assert isinstance(self.body, dict)
        params = json.loads(self.body["params"])
        params |= {"group_layout_id": album_id, "is_group_layout": 1, "id_in_group": place}
        params |= {"total_item_in_group": total}
        extra = {"groupMediaMsg": {"groupLayoutId": album_id}}
        return replace(self, body=self.body | {"params": json_text(params)}, extra=extra)


def json_text(value: object) -> str:
    """JSON as a string inside other JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def media(
    *,
    title: str = "",
    description: str = "",
    href: str = "",
    thumb: str = "",
    action: str = "",
    params: object = "",
) -> dict[str, Any]:
    """The body of every content that is not a text."""
    return {
        "title": title,
        "description": description,
        "href": href,
        "thumb": thumb,
        "childnumber": 0,
        "action": action,
        "params": params if isinstance(params, str) else json_text(params),
        "type": "",
    }


class MediaFactory:
    """Makes contents with files; without `data` the file is made up."""

    def __init__(self, host: MediaHost) -> None:
        self._host = host

    def photo(self, caption: str = "", *, data: bytes = _PIXEL, size: tuple[int, int] = (1, 1)) -> Content:
        """A picture; `size` is its width and height."""
        url = self._host.put("anh.png", data)
        params = {"hd": url, "width": size[0], "height": size[1], "fileSize": len(data)}
        return Content("chat.photo", media(title=caption, href=url, thumb=url, params=params))

    def gif(self, *, data: bytes = b"GIF89a;") -> Content:
        """A GIF."""
        url = self._host.put("vui.gif", data)
        params = {"width": 120, "height": 90}
        return Content("chat.gif", media(href=url, thumb=url, params=params))

    def video(self, caption: str = "", *, data: bytes = b"video") -> Content:
        """A video."""
        url = self._host.put("phim.mp4", data)
        params = {"duration": 5500, "fileSize": len(data), "video_width": 720, "video_height": 1280}
        thumb = self._host.put("phim.png", _PIXEL)
        return Content("chat.video.msg", media(title=caption, href=url, thumb=thumb, params=params))

    def voice(self, *, data: bytes = b"voice") -> Content:
        """A voice message."""
        url = self._host.put("loi-nhan.aac", data)
        params = {"m4a": self._host.put("loi-nhan.m4a", data), "duration": 3200}
        return Content("chat.voice", media(href=url, params=params))

    def file(self, name: str = "báo cáo.pdf", *, data: bytes = b"%PDF-1.4") -> Content:
        """A file."""
        url = self._host.put(name, data)
        stored = self._host.at(url)
        assert stored is not None
        params = {
            "fileSize": str(stored.size),  # a string here, as recorded
            "checksum": stored.md5,
            "checksumSha": None,
            "fileExt": PurePath(name).suffix[1:],
            "fdata": "{}",
            "fType": 1,
        }
        return Content("share.file", media(title=name, href=url, params=params))


def sticker(sticker_id: int = 23299, category_id: int = 10425, kind: int = 7) -> Content:
    """A sticker."""
    return Content("chat.sticker", {"id": sticker_id, "catId": category_id, "type": kind, "params": ""})


def link(url: str, text: str = "", *, page_title: str = "Trang ví dụ", description: str = "") -> Content:
    """A link with its preview; `text` is what the sender wrote, by default the address."""
    params = {"mediaTitle": page_title, "src": url.partition("://")[2].partition("/")[0]}
    body = media(
        title=text or url, description=description, href=url, action="recommened.link", params=params
    )
    return Content("chat.recommended", body)


def contact(person: User) -> Content:
    """Somebody's contact card."""
    card = json_text({"phone": person.number, "qrCodeUrl": ""})
    body = media(title=person.name, description=card, action="recommened.user", params=person.uid)
    return Content("chat.recommended", body)


def location(latitude: float, longitude: float, address: str = "") -> Content:
    """A location in degrees."""
    params = {"latitude": latitude, "longitude": longitude}
    return Content("chat.location.new", media(title=address, params=params))


def todo(text: str) -> Content:
    """A task."""
    return Content("chat.todo", media(params={"item": {"content": text, "id": "t1"}}))


def poll(question: str, *, action: str = "create") -> Content:
    """A poll of a group was created, or with another `action` voted in, changed or closed.

    As on the real servers neither the options nor the votes are in it.
    """
    params = {"pollId": 1, "question": question, "isAnonymous": False}
    return Content("group.poll", media(action=action, params=params))


def call(*, seconds: int = 0, video: bool = False, own: bool = False) -> Content:
    """A call of this length; 0 seconds is a missed call. The title is Zalo's own, as recorded."""
    params = {
        "duration": seconds,
        "reason": 1,
        "isCaller": int(own),
        "isEnableCallback": 1,
        "calltype": int(video),
    }
    action = "recommened.calltime" if seconds else "recommened.misscall"
    body = media(title="sendBubbleMessage", description="Cuộc gọi", action=action, params=params)
    return Content("chat.recommended", body)


def banner(sentence: str) -> Content:
    """A line that Zalo writes into a conversation: a friend accepted, a pin, a reminder, a change."""
    line = {"msg": {"vi": sentence}, "actions": [], "highLightsV2": [{"dpn": ""}]}
    return Content("webchat", media(title=sentence, action="msginfo.actionlist", params=line))


def ecard(title: str, description: str = "") -> Content:
    """A card that Zalo puts into a conversation: a reminder."""
    params = {"actions": [{"actionId": "action.open.reminder", "data": "{}"}], "notifyTxt": title}
    body = media(title=title, description=description, action="show.profile", params=params)
    return Content("chat.ecard", body | {"type": "8"})


def bank_card(shown: str = "[Tài khoản ngân hàng]") -> Content:
    """A bank card. Its number is on a page it links to."""
    params = {
        "pcItem": {"data_url": "https://zinstant.example/card?data=html"},
        "customMsg": {"msg": {"vi": shown, "en": "[Bank account]"}},
    }
    return Content("chat.webcontent", media(action="zinstant.bankcard", params=params))
