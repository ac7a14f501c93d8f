"""The Zalo Web protocol of a personal account, as an async client. Unofficial: Zalo may close such accounts.

    async with Zalo(session) as zalo:
        async for event in zalo.events():
            if isinstance(event, Message) and not event.is_self:
                await zalo.send_text(event.thread, "xin chào", client_id=SystemClock().now_ms())

`zaloweb.login` makes a session of cookies, `zaloweb.qr` one of a code that a phone scans, `zaloweb.text` cuts
long texts, `zaloweb.calls` holds the calls behind `Zalo`, `zaloweb.sim` is a Zalo on loopback.
"""

from zaloweb.attachments import Attachment
from zaloweb.calls.account import User
from zaloweb.calls.call import Call
from zaloweb.calls.forward import Forwarded, Origin
from zaloweb.calls.friends import FoundUser, LastOnline, Onlines
from zaloweb.calls.groups import Group, MemberProfile
from zaloweb.calls.leading import Created
from zaloweb.calls.links import Preview
from zaloweb.calls.marks import Destination, Marked
from zaloweb.calls.media import Manner, Uploaded, UploadedFile, UploadedGif, UploadedImage, Video
from zaloweb.calls.messages import EVERYONE, Look, Sent, Style, Urgency
from zaloweb.calls.mute import FOREVER, Mutes, seconds_until_morning
from zaloweb.calls.quotes import Quoted
from zaloweb.calls.reactions import ICONS, NO_ICON, Icon, icon_of
from zaloweb.calls.stickers import StickerDetail
from zaloweb.client import Zalo
from zaloweb.clock import Clock, SystemClock
from zaloweb.cookies import Jar
from zaloweb.errors import (
    ApiError,
    BeforeSending,
    CipherError,
    FrameError,
    HttpStatusError,
    InvalidParameters,
    InvalidRequest,
    Kicked,
    LinkExpired,
    LoginFailed,
    NetworkError,
    NoAnswer,
    NotFound,
    NotInGroup,
    NotPrepared,
    PartlySent,
    ProtocolError,
    RateLimited,
    RefusedByRecipient,
    Replaced,
    SessionExpired,
    SettingsError,
    TooLarge,
    ZaloError,
)
from zaloweb.events import (
    CipherKey,
    Connected,
    Delivered,
    Disconnected,
    Duplicate,
    Event,
    FileDone,
    FriendEvent,
    GroupEvent,
    Mention,
    Message,
    OldMessages,
    OldReactions,
    Pong,
    Quote,
    Reaction,
    Seen,
    Sticker,
    Target,
    Thread,
    ThreadKind,
    Typing,
    Undecodable,
    Undo,
    UnknownEvent,
    UnreadCleared,
)
from zaloweb.fetch import Downloaded
from zaloweb.handles import GroupHandle, HistoryPage, PersonHandle
from zaloweb.http import Transport
from zaloweb.network import Network
from zaloweb.session import Credentials, Session
from zaloweb.settings import Settings

__all__ = [
    "EVERYONE",
    "FOREVER",
    "ICONS",
    "NO_ICON",
    "ApiError",
    "Attachment",
    "BeforeSending",
    "Call",
    "CipherError",
    "CipherKey",
    "Clock",
    "Connected",
    "Created",
    "Credentials",
    "Delivered",
    "Destination",
    "Disconnected",
    "Downloaded",
    "Duplicate",
    "Event",
    "FileDone",
    "Forwarded",
    "FoundUser",
    "FrameError",
    "FriendEvent",
    "Group",
    "GroupEvent",
    "GroupHandle",
    "HistoryPage",
    "HttpStatusError",
    "Icon",
    "InvalidParameters",
    "InvalidRequest",
    "Jar",
    "Kicked",
    "LastOnline",
    "LinkExpired",
    "LoginFailed",
    "Look",
    "Manner",
    "Marked",
    "MemberProfile",
    "Mention",
    "Message",
    "Mutes",
    "Network",
    "NetworkError",
    "NoAnswer",
    "NotFound",
    "NotInGroup",
    "NotPrepared",
    "OldMessages",
    "OldReactions",
    "Onlines",
    "Origin",
    "PartlySent",
    "PersonHandle",
    "Pong",
    "Preview",
    "ProtocolError",
    "Quote",
    "Quoted",
    "RateLimited",
    "Reaction",
    "RefusedByRecipient",
    "Replaced",
    "Seen",
    "Sent",
    "Session",
    "SessionExpired",
    "Settings",
    "SettingsError",
    "Sticker",
    "StickerDetail",
    "Style",
    "SystemClock",
    "Target",
    "Thread",
    "ThreadKind",
    "TooLarge",
    "Transport",
    "Typing",
    "Undecodable",
    "Undo",
    "UnknownEvent",
    "UnreadCleared",
    "Uploaded",
    "UploadedFile",
    "UploadedGif",
    "UploadedImage",
    "Urgency",
    "User",
    "Video",
    "Zalo",
    "ZaloError",
    "icon_of",
    "seconds_until_morning",
]
