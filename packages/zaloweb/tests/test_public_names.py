"""What this package promises to keep: the names in its export list, and nothing by accident."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import zaloweb
from zaloweb import ZaloError, errors

ERRORS = (
    "AnswerTooLarge ApiError BeforeSending CipherError ForeignAddress FrameError HttpStatusError "
    "InvalidParameters InvalidRequest Kicked LinkExpired LoginFailed NetworkError NoAnswer NoService "
    "NotFound NotInGroup NotPrepared PartlySent ProtocolError RateLimited RefusedByRecipient Replaced "
    "SessionExpired SessionRefused SettingsError TooLarge TryLater ZaloError"
)
EVENTS = (
    "Album CipherKey Connected DeletedMessage Deletion Delivered Disconnected Duplicate Event FileDone "
    "FriendEvent FriendEventKind GroupEvent GroupEventKind Mention Message Notice OldMessages "
    "OldReactions Pong Quote QuotedContent Reaction Seen Target Thread ThreadKind Typing Undecodable "
    "Undo UnknownEvent UnreadCleared"
)
CONTENT = (
    "Card Contact Content File Gif Link Location Photo Poll Sticker TextContent Todo UnknownContent Video "
    "Voice"
)
LOGIN = "Confirmed Declined Done Expired Failed Scanned ShowQr Step log_in qr_login"
VALUES = (
    "EVERYONE FOREVER ICONS NO_ICON Attachment Call Created Destination Downloaded Forwarded FoundUser Group "
    "HistoryPage Icon KeepAlive LastOnline Marked MemberProfile Mutes Onlines Origin Preview Quoted "
    "SendOptions Sent StickerDetail Style Text TextStyle Uploaded UploadedFile UploadedGif UploadedImage "
    "Urgency User VideoLink icon_of seconds_until_morning"
)
LIFE = (
    "Clock Credentials GroupHandle Hosts Jar Network Observer Pace PersonHandle PlatformClock Rate Session "
    "Settings SystemClock Trace Traced TracedCall TracedFrame Transport Zalo"
)


def test_the_export_list_is_the_one_that_was_promised() -> None:
    promised = " ".join((ERRORS, EVENTS, CONTENT, LOGIN, VALUES, LIFE)).split()
    assert sorted(zaloweb.__all__) == sorted(promised)


def test_every_promised_name_is_there() -> None:
    assert [name for name in zaloweb.__all__ if not hasattr(zaloweb, name)] == []


def test_every_event_content_step_and_error_is_exported() -> None:
    kinds = {*get_args(zaloweb.Event), *get_args(zaloweb.Content), *get_args(zaloweb.Step)}
    kinds |= {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ZaloError)
    }
    assert {kind.__name__ for kind in kinds} <= set(zaloweb.__all__)


def test_every_error_of_the_package_can_be_caught_by_its_root() -> None:
    kinds = [getattr(zaloweb, name) for name in ERRORS.split()]
    assert all(issubclass(kind, zaloweb.ZaloError) for kind in kinds)


def test_the_client_does_not_know_the_simulator() -> None:
    package = Path(zaloweb.__file__).parent
    sources = [path for path in package.rglob("*.py") if "sim" not in path.relative_to(package).parts]
    assert [path.name for path in sources if any("zaloweb.sim" in name for name in imported_by(path))] == []


def imported_by(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
