"""Every recorded API call as our client makes it: arguments of the reference in, our answer out.

What the reference's client does in one call and ours in two (a text and files, a group and its picture) is
put together here, by the rules of the reference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from vectors_harness.vectors import fixture
from zaloweb import Attachment, Mention, Sent, Style, Thread, ThreadKind, Urgency, Zalo
from zaloweb.calls import forward as forwarding
from zaloweb.calls import friends, group_admin, groups, links, mute, reactions, receipts, stickers, undo
from zaloweb.calls.forward import Origin
from zaloweb.calls.groups import in_batches
from zaloweb.calls.media import SendOptions, Uploaded, VideoLink
from zaloweb.calls.messages import TextStyle
from zaloweb.calls.mute import VIETNAM
from zaloweb.calls.quotes import Quoted
from zaloweb.calls.reactions import Icon, icon_of
from zaloweb.calls.receipts import Destination, Marked
from zaloweb.events import Sticker, Target
from zaloweb.media.attachments import Kind

Made = Callable[[Zalo, list[Any]], Awaitable[Any]]

NOW = fixture()["client"]["clock_ms"]


def thread(args: list[Any], place: int = 1) -> Thread:
    """The thread id at a place of the arguments, and the type that follows it or is left out."""
    kind = args[place + 1] if len(args) > place + 1 else 0
    return Thread(ThreadKind(kind), args[place])


def listed(value: Any) -> list[Any]:
    """One thing, or a list of them."""
    return value if isinstance(value, list) else [value]


def imei(zalo: Zalo) -> str:
    return zalo.session.credentials.imei


def language(zalo: Zalo) -> str:
    return zalo.session.credentials.language


def now_ms(zalo: Zalo) -> int:
    return zalo._caller.now_ms


# Messages


async def send_message(zalo: Zalo, args: list[Any]) -> tuple[Sent | None, list[Sent]]:
    given = args[0] if isinstance(args[0], dict) else {"msg": args[0]}
    files = [attachment(one) for one in listed(given.get("attachments", []))]
    if not files:
        return await send_text(zalo, args, given), []
    to, text = thread(args), given["msg"]
    lone = len(files) == 1 and files[0].kind is Kind.IMAGE and "quote" not in given
    options = SendOptions(given.get("ttl", 0), Urgency(given.get("urgency", 0)))
    if lone and text:
        mentions = [mention(text, one) for one in given.get("mentions", ())]
        image = await zalo.send_image(
            to,
            files[0],
            client_id=NOW,
            caption=text,
            mentions=mentions,
            urgency=options.urgency,
            ttl_ms=options.ttl_ms,
        )
        return None, [image]
    said = await send_text(zalo, args, given) if text else None
    uploaded = await zalo.upload(to, files, client_id=NOW)
    sent = await zalo.send_uploaded(to, uploaded, client_id=NOW, options=options)
    last = [file.kind is Kind.GIF for file in files]
    return said, [one for _, one in sorted(zip(last, sent, strict=True), key=lambda pair: pair[0])]


async def send_text(zalo: Zalo, args: list[Any], given: dict[str, Any]) -> Sent:
    text = given["msg"]
    styles = given.get("styles")
    return await zalo.send_text(
        thread(args),
        text,
        client_id=NOW,
        mentions=[mention(text, one) for one in given.get("mentions", ())],
        styles=None if styles is None else [style(text, one) for one in styles],
        quote=quoted(given["quote"]) if "quote" in given else None,
        urgency=Urgency(given.get("urgency", 0)),
        ttl_ms=given.get("ttl", 0),
    )


def attachment(recorded: dict[str, Any] | str) -> Attachment:
    """What is sent; files that were sent by their path stand in `FILES`."""
    if isinstance(recorded, str):
        content, width, height = FILES[recorded]
        return Attachment(content, Path(recorded).name, width, height)
    size = recorded["metadata"]
    return Attachment(recorded["data"], recorded["filename"], size.get("width"), size.get("height"))


def _bytes(length: int, seed: int) -> bytes:
    return bytes((7 * place + seed) % 251 for place in range(length))


FILES = {
    "files/photo one.png": (_bytes(120, 5), 31, 17),
    "files/tài liệu.txt": (_bytes(1100, 6), None, None),
}


async def upload(zalo: Zalo, args: list[Any]) -> tuple[Uploaded, ...]:
    files = [attachment(one) for one in listed(args[0])]
    return await zalo.upload(thread(args), files, client_id=NOW)


def mention(text: str, recorded: dict[str, Any]) -> Mention:
    return Mention(recorded["uid"], *code_points(text, recorded["pos"], recorded["len"]))


def style(text: str, recorded: dict[str, Any]) -> Style:
    start, length = code_points(text, recorded["start"], recorded["len"])
    look = TextStyle(recorded["st"].removesuffix("$"))
    return Style(start, length, look, recorded.get("indentSize", 1))


def code_points(text: str, start: int, length: int) -> tuple[int, int]:
    """A place in UTF-16 units as one in code points; one outside the text stays as it is."""
    units = text.encode("utf-16-le")
    if start < 0 or length < 0 or 2 * (start + length) > len(units):
        return start, length
    before = units[: 2 * start].decode("utf-16-le")
    inside = units[2 * start : 2 * (start + length)].decode("utf-16-le")
    return len(before), len(inside)


def quoted(recorded: dict[str, Any]) -> Quoted:
    return Quoted(
        owner_id=recorded["uidFrom"],
        msg_id=recorded["msgId"],
        cli_msg_id=recorded["cliMsgId"],
        sent=recorded["ts"],
        msg_type=recorded["msgType"],
        content=recorded["content"],
        property_ext=recorded.get("propertyExt"),
        ttl_ms=recorded["ttl"],
    )


async def send_link(zalo: Zalo, args: list[Any]) -> Sent:
    given = args[0]
    return await zalo.send_link(
        thread(args), given["link"], client_id=NOW, text=given.get("msg", ""), ttl_ms=given.get("ttl", 0)
    )


async def send_sticker(zalo: Zalo, args: list[Any]) -> Sent:
    given = args[0]
    sticker = Sticker(given.get("id", 0), given.get("cateId", 0), given.get("type", 0))
    return await zalo.send_sticker(thread(args), sticker, client_id=NOW)


async def send_voice(zalo: Zalo, args: list[Any]) -> Sent:
    given = args[0]
    return await zalo.send_voice(thread(args), given["voiceUrl"], client_id=NOW, ttl_ms=given.get("ttl", 0))


async def send_video(zalo: Zalo, args: list[Any]) -> Sent:
    given = args[0]
    video = VideoLink(
        given["videoUrl"],
        given["thumbnailUrl"],
        given.get("duration", 0),
        given.get("width", 1280),
        given.get("height", 720),
    )
    text, ttl_ms = given.get("msg", ""), given.get("ttl", 0)
    return await zalo.send_video(thread(args), video, client_id=NOW, text=text, ttl_ms=ttl_ms)


async def forward(zalo: Zalo, args: list[Any]) -> Any:
    given = args[0]
    source = given.get("reference")
    origin = source and Origin(source["id"], source["ts"], source["logSrcType"], source["fwLvl"])
    kind = ThreadKind(args[2] if len(args) > 2 else 0)
    threads = [Thread(kind, thread_id) for thread_id in args[1]]
    return await zalo.call(
        forwarding.forward(
            threads, given["message"], origin, ttl_ms=given.get("ttl", 0), client_id=NOW, imei=imei(zalo)
        )
    )


# What is done to messages


def target(recorded: dict[str, Any]) -> tuple[Thread, Target]:
    data = recorded["data"]
    return thread([recorded["threadId"], recorded["type"]], 0), Target(data["msgId"], data["cliMsgId"])


async def add_reaction(zalo: Zalo, args: list[Any]) -> Any:
    given = args[0]
    icon = icon_of(given) if isinstance(given, str) else custom_icon(given)
    return await zalo.call(reactions.react(*target(args[1]), icon, client_id=NOW, imei=imei(zalo)))


def custom_icon(given: dict[str, Any]) -> Icon:
    parts = {"code": given.get("icon"), "number": given.get("rType"), "source": given.get("source")}
    return Icon(**{name: part for name, part in parts.items() if part is not None})


async def undo_message(zalo: Zalo, args: list[Any]) -> Any:
    message = Target(args[0]["msgId"], args[0]["cliMsgId"])
    return await zalo.call(undo.undo(thread(args), message, client_id=NOW, imei=imei(zalo)))


async def delete_message(zalo: Zalo, args: list[Any]) -> Any:
    to, message = target(args[0])
    return await zalo.call(
        undo.delete(
            to,
            message,
            args[0]["data"]["uidFrom"],
            for_everyone=not (len(args) > 1 and args[1]),
            own_id=zalo.own_id,
            client_id=NOW,
            imei=imei(zalo),
        )
    )


async def typing(zalo: Zalo, args: list[Any]) -> Any:
    to = Destination(args[2]) if len(args) > 2 else Destination.PERSON
    return await zalo.call(receipts.typing(thread(args, 0), imei=imei(zalo), to=to))


def marked(recorded: dict[str, Any]) -> Marked:
    ids = (recorded[name] for name in ("msgId", "cliMsgId", "uidFrom", "idTo", "msgType"))
    return Marked(*ids, *(recorded.get(name) for name in ("st", "at", "cmd", "ts")))


async def delivered(zalo: Zalo, args: list[Any]) -> Any:
    kind = ThreadKind(args[2] if len(args) > 2 else 0)
    told = [marked(one) for one in listed(args[1])]
    return await zalo.call(receipts.delivered(kind, told, own_id=zalo.own_id, imei=imei(zalo), seen=args[0]))


async def seen(zalo: Zalo, args: list[Any]) -> Any:
    kind = ThreadKind(args[1] if len(args) > 1 else 0)
    told = [marked(one) for one in listed(args[0])]
    return await zalo.call(receipts.seen(kind, told, own_id=zalo.own_id, imei=imei(zalo)))


# People


async def all_friends(zalo: Zalo, args: list[Any]) -> Any:
    count = args[0] if args else friends.ALL
    return await zalo.call(friends.all_friends(imei(zalo), count=count))


async def user_info(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(
        friends.user_info(
            listed(args[0]),
            phonebook=zalo.session.extra_ver["phonebook"],
            language=language(zalo),
            imei=imei(zalo),
            avatar_size=args[1] if len(args) > 1 else friends.SMALL_AVATAR,
        )
    )


async def accept(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(friends.accept(args[0], language=language(zalo)))


async def block(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(friends.block(args[0], imei=imei(zalo)))


async def unblock(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(friends.unblock(args[0], imei=imei(zalo)))


async def set_mute(zalo: Zalo, args: list[Any]) -> Any:
    given, to, now = args[0], thread(args), now_ms(zalo)
    if given.get("action", 1) == 3:
        return await zalo.call(mute.unmute(to, now_ms=now, imei=imei(zalo)))
    seconds = given.get("duration", mute.FOREVER)
    if seconds == "until8AM":
        seconds = mute.seconds_until_morning(now, VIETNAM)
    return await zalo.call(mute.mute(to, seconds, now_ms=now, imei=imei(zalo)))


# Groups


async def group_info(zalo: Zalo, args: list[Any]) -> Any:
    [ids] = in_batches(listed(args[0]))
    return await zalo.call(groups.group_info(ids))


async def create_group(zalo: Zalo, args: list[Any]) -> Any:
    given = args[0]
    made = await zalo.create_group(given["name"], given["members"])
    if "avatarSource" in given:
        await zalo.group(made.id).set_avatar(attachment(given["avatarSource"]))
    return made


async def rename_group(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(group_admin.rename(args[1], args[0], now_ms=now_ms(zalo), imei=imei(zalo)))


async def add_to_group(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(
        group_admin.add(args[1], listed(args[0]), language=language(zalo), imei=imei(zalo))
    )


async def remove_from_group(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.call(group_admin.remove(args[1], listed(args[0]), imei=imei(zalo)))


async def leave_group(zalo: Zalo, args: list[Any]) -> Any:
    silent = len(args) > 1 and args[1]
    return await zalo.call(
        group_admin.leave(args[0], silent=silent, language=language(zalo), imei=imei(zalo))
    )


async def history(zalo: Zalo, args: list[Any]) -> Any:
    return await zalo.group(args[0]).history(*args[1:])


async def own_id(zalo: Zalo, _: list[Any]) -> str:
    return zalo.own_id


CALLS: Mapping[str, Made] = {
    "sendMessage": send_message,
    "uploadAttachment": upload,
    "sendLink": send_link,
    "sendSticker": send_sticker,
    "sendVoice": send_voice,
    "sendVideo": send_video,
    "forwardMessage": forward,
    "addReaction": add_reaction,
    "undo": undo_message,
    "deleteMessage": delete_message,
    "sendTypingEvent": typing,
    "sendDeliveredEvent": delivered,
    "sendSeenEvent": seen,
    "fetchAccountInfo": lambda zalo, _: zalo.account_info(),
    "keepAlive": lambda zalo, _: zalo.keep_alive(),
    "getOwnId": own_id,
    "getAllFriends": all_friends,
    "getFriendOnlines": lambda zalo, _: zalo.friends_online(),
    "getUserInfo": user_info,
    "findUser": lambda zalo, args: zalo.find_user(args[0]),
    "acceptFriendRequest": accept,
    "blockUser": block,
    "unblockUser": unblock,
    "lastOnline": lambda zalo, args: zalo.person(args[0]).last_online(),
    "getMute": lambda zalo, _: zalo.muted(),
    "setMute": set_mute,
    "getAllGroups": lambda zalo, _: zalo.call(groups.all_groups()),
    "getGroupInfo": group_info,
    "getGroupMembersInfo": lambda zalo, args: zalo.call(groups.members_info(listed(args[0]))),
    "getGroupChatHistory": history,
    "createGroup": create_group,
    "changeGroupName": rename_group,
    "addUserToGroup": add_to_group,
    "removeUserFromGroup": remove_from_group,
    "leaveGroup": leave_group,
    "getStickers": lambda zalo, args: zalo.call(stickers.suggest(args[0], imei=imei(zalo))),
    "getStickersDetail": lambda zalo, args: zalo.stickers(listed(args[0])),
    "parseLink": lambda zalo, args: zalo.call(links.parse_link(args[0], imei=imei(zalo))),
}
"""The calls by the reference's names."""
