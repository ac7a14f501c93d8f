"""The Zalo Web protocol of a personal account, as an async client. Unofficial: Zalo may close such accounts.

    async with Zalo(session) as zalo:
        async for event in zalo.events():
            if isinstance(event, Message) and not event.is_self:
                await zalo.send_text(event.thread, "xin chào", client_id=SystemClock().now_ms())

`zaloweb.login` makes a session of cookies, `zaloweb.qr` one of a code that a phone scans, `zaloweb.text` cuts
long texts, `zaloweb.calls` holds the calls behind `Zalo`, `zaloweb.sim` is a Zalo on loopback.
"""

from zaloweb.calls.account import User
from zaloweb.calls.call import Call
from zaloweb.calls.groups import Group
from zaloweb.calls.messages import EVERYONE, Look, Sent, Style, Urgency
from zaloweb.calls.quotes import Quoted
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
    LoginFailed,
    NetworkError,
    NoAnswer,
    NotFound,
    NotInGroup,
    ProtocolError,
    RateLimited,
    RefusedByRecipient,
    Replaced,
    SessionExpired,
    SettingsError,
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
    Thread,
    ThreadKind,
    Typing,
    Undecodable,
    Undo,
    UnknownEvent,
    UnreadCleared,
)
from zaloweb.http import Transport
from zaloweb.network import Network
from zaloweb.session import Credentials, Session
from zaloweb.settings import Settings

__all__ = [
    "EVERYONE",
    "ApiError",
    "BeforeSending",
    "Call",
    "CipherError",
    "CipherKey",
    "Clock",
    "Connected",
    "Credentials",
    "Delivered",
    "Disconnected",
    "Duplicate",
    "Event",
    "FileDone",
    "FrameError",
    "FriendEvent",
    "Group",
    "GroupEvent",
    "HttpStatusError",
    "InvalidParameters",
    "InvalidRequest",
    "Jar",
    "Kicked",
    "LoginFailed",
    "Look",
    "Mention",
    "Message",
    "Network",
    "NetworkError",
    "NoAnswer",
    "NotFound",
    "NotInGroup",
    "OldMessages",
    "OldReactions",
    "Pong",
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
    "Style",
    "SystemClock",
    "Thread",
    "ThreadKind",
    "Transport",
    "Typing",
    "Undecodable",
    "Undo",
    "UnknownEvent",
    "UnreadCleared",
    "Urgency",
    "User",
    "Zalo",
    "ZaloError",
]
