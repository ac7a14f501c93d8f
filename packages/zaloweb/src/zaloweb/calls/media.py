"""Sending uploaded pictures, files and GIFs, and voice messages and videos that Zalo fetches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from zaloweb.calls.call import Call, require_thread
from zaloweb.calls.messages import SENT, SentAnswer, Urgency
from zaloweb.calls.uploads import deadline_for
from zaloweb.errors import InvalidRequest
from zaloweb.events import Thread, ThreadKind
from zaloweb.wire.envelope import compact
from zaloweb.wire.multipart import Content, Part

_VOICE, _VIDEO = 3, 5
_JPEG_XL: Final = compact({"convertible": "jxl"})
_VIDEO_PROPERTIES: Final = {
    "color": -1,
    "size": -1,
    "type": 1003,
    "subType": 0,
    "ext": {"sSrcType": -1, "sSrcStr": "", "msg_warning_type": 0},
}


@dataclass(frozen=True, slots=True)
class UploadedImage:
    """An uploaded picture, not yet shown to anybody. Unknown width and height are None."""

    photo_id: str
    normal_url: str = field(repr=False)
    hd_url: str = field(repr=False)
    thumb_url: str = field(repr=False)
    size: int
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """An uploaded file, not yet shown to anybody. `client_id` is that of its future message."""

    file_id: str
    url: str = field(repr=False)
    name: str
    extension: str
    size: int
    checksum: str
    client_id: int


@dataclass(frozen=True, slots=True)
class UploadedGif:
    """A GIF with an uploaded still picture. The GIF itself goes with its message."""

    thumb_url: str = field(repr=False)
    name: str
    size: int
    checksum: str
    content: Content = field(repr=False)
    width: int | None = None
    height: int | None = None


Uploaded = UploadedImage | UploadedFile | UploadedGif


@dataclass(frozen=True, slots=True)
class Album:
    """The place of a picture in an album; `place` counts from 0."""

    id: str
    place: int
    total: int

    def params(self) -> dict[str, object]:
        """The parameters of a picture in it."""
        return {
            "groupLayoutId": self.id,
            "isGroupLayout": 1,
            "idInGroup": self.place,
            "totalItemInGroup": self.total,
            "extMsgProp": compact({"groupMediaMsg": {"groupLayoutId": self.id}}),
        }


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How long a message lasts (`ttl_ms` 0 keeps it), and its urgency."""

    ttl_ms: int = 0
    urgency: Urgency = Urgency.NORMAL

    def urgent(self) -> dict[str, object]:
        """The parameter for urgency; nothing when it is normal."""
        return {"metaData": {"urgency": int(self.urgency)}} if self.urgency else {}


@dataclass(frozen=True, slots=True)
class VideoLink:
    """A video and its picture, at https addresses from which Zalo fetches them."""

    url: str
    thumb_url: str
    duration_ms: int = 0
    width: int = 1280
    height: int = 720

    def __post_init__(self) -> None:
        if not self.thumb_url:
            raise InvalidRequest("a video needs the address of a picture to show")


def send_image(
    thread: Thread,
    image: UploadedImage,
    options: SendOptions,
    *,
    client_id: int,
    caption: str = "",
    mentions: dict[str, object] | None = None,
    album: Album | None = None,
) -> Call[SentAnswer | None]:
    """Shows a picture. `mentions` is what `Text.mention_info` makes of those in the caption.

    Raises `InvalidRequest` for one without a size.
    """
    group = thread.kind is ThreadKind.GROUP
    sizes = {"width": image.width, "height": image.height}
    params: dict[str, object] = {
        "photoId": image.photo_id,
        "clientId": str(client_id),
        "desc": caption,
        **{name: size for name, size in sizes.items() if size is not None},
        **_target(thread),
        "rawUrl": image.normal_url,
        "hdUrl": image.hd_url,
        "thumbUrl": image.thumb_url,
        "oriUrl" if group else "normalUrl": image.normal_url,
        "hdSize": str(_sized(image)),
        "zsource": -1,
        "ttl": options.ttl_ms,
        "jcp": _JPEG_XL,
        **({} if album is None else album.params()),
        **(mentions or {}),
        **options.urgent(),
    }
    path = f"/api/{_base(thread)}/photo_original/send"
    return Call("send image", "POST", "file", path, SENT, params, "form", nretry=True)


def send_file(thread: Thread, file: UploadedFile, options: SendOptions) -> Call[SentAnswer | None]:
    """Shows a file. Raises `InvalidRequest` for one without a size."""
    params: dict[str, object] = {
        "fileId": file.file_id,
        "checksum": file.checksum,
        "checksumSha": "",
        "extention": file.extension,
        "totalSize": _sized(file),
        "fileName": file.name,
        "clientId": file.client_id,
        "fType": 1,
        "fileCount": 0,
        "fdata": "{}",
        **_target(thread),
        "fileUrl": file.url,
        "zsource": -1,
        "ttl": options.ttl_ms,
        **options.urgent(),
    }
    path = f"/api/{_base(thread)}/asyncfile/msg"
    return Call("send file", "POST", "file", path, SENT, params, "form", nretry=True)


def send_gif(
    thread: Thread, gif: UploadedGif, options: SendOptions, *, client_id: int
) -> Call[SentAnswer | None]:
    """Shows a GIF. It goes in one piece, whatever its size."""
    sizes = {"width": gif.width, "height": gif.height}
    params: dict[str, object] = {
        "clientId": str(client_id),
        "fileName": gif.name,
        "totalSize": _sized(gif),
        **{name: size for name, size in sizes.items() if size is not None},
        "msg": "",
        "type": 1,
        "ttl": options.ttl_ms,
        **({"visibility": 0} if thread.kind is ThreadKind.GROUP else {}),
        **_target(thread),
        "thumb": gif.thumb_url,
        "checksum": gif.checksum,
        "totalChunk": 1,
        "chunkId": 1,
        **options.urgent(),
    }
    return Call(
        "send gif",
        "POST",
        "file",
        f"/api/{_base(thread)}/gif",
        SENT,
        params,
        query=("nretry=0", "params", "type=1", "version"),
        part=Part("chunkContent", gif.name, gif.content),
        deadline=deadline_for(gif.size),
    )


def send_voice(
    thread: Thread, url: str, size: int, *, ttl_ms: int, client_id: int, imei: str
) -> Call[SentAnswer | None]:
    """Shows a voice message that Zalo fetches; `size` in bytes, 0 if unknown."""
    info = compact({"voiceUrl": url, "m4aUrl": url, "fileSize": size})
    core = {
        "ttl": ttl_ms,
        "zsource": -1,
        "msgType": _VOICE,
        "clientId": str(client_id),
        "msgInfo": info,
        "imei": imei,
    }
    return _forward("send voice", thread, core)


def send_video(
    thread: Thread, video: VideoLink, size: int, *, text: str, ttl_ms: int, client_id: int, imei: str
) -> Call[SentAnswer | None]:
    """Shows a video that Zalo fetches; `size` in bytes, 0 if unknown."""
    info = {
        "videoUrl": video.url,
        "thumbUrl": video.thumb_url,
        "duration": video.duration_ms,
        "width": video.width,
        "height": video.height,
        "fileSize": size,
        "properties": _VIDEO_PROPERTIES,
        "title": text,
    }
    core = {
        "clientId": str(client_id),
        "ttl": ttl_ms,
        "zsource": 704,
        "msgType": _VIDEO,
        "msgInfo": compact(info),
        "imei": imei,
    }
    return _forward("send video", thread, core)


def _forward(name: str, thread: Thread, core: dict[str, object]) -> Call[SentAnswer | None]:
    require_thread(thread, "a message")
    if thread.kind is ThreadKind.GROUP:
        params = {"grid": thread.id, "visibility": 0, **core}
        return Call(name, "POST", "file", "/api/group/forward", SENT, params, "form")
    return Call(name, "POST", "file", "/api/message/forward", SENT, {"toId": thread.id, **core}, "form")


def _target(thread: Thread) -> dict[str, object]:
    return {"grid" if thread.kind is ThreadKind.GROUP else "toid": require_thread(thread, "a file")}


def _sized(file: Uploaded) -> int:
    """The size of a file in bytes; Zalo needs one."""
    if file.size <= 0:
        raise InvalidRequest("a file needs its size, in bytes")
    return file.size


def _base(thread: Thread) -> str:
    return "group" if thread.kind is ThreadKind.GROUP else "message"
