"""Every call of the lane from Zalo's side, seen by a bare client: what it answers and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from packages.zaloweb.tests.sim_client import IMEI, Bare, BareSocket, cookies_of

from zaloweb.sim.event_log import Deleted, Reacted, Refused, Undone, Uploaded
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.world import World
from zaloweb.wire.frames import Cmd, old_messages, old_reactions

CHUNK = 1000


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(World(rules=Rules(chunk_bytes=CHUNK, upload_seconds=0))) as simulator:
        yield simulator


async def control(socket: BareSocket) -> dict[str, Any]:
    """What the next frame tells of a group, a friend or an upload."""
    content: dict[str, Any] = (await socket.event(Cmd.CONTROLS))["controls"][0]["content"]
    return content


def chunk(toid: str, name: str, total: int, number: int) -> dict[str, Any]:
    return {
        "toid": toid,
        "totalChunk": -(-total // CHUNK),
        "fileName": name,
        "clientId": 1700000000000,
        "totalSize": total,
        "imei": IMEI,
        "isE2EE": 0,
        "jxl": 0,
        "chunkId": number,
    }


async def upload(client: Bare, path: str, toid: str, name: str, data: bytes, order: list[int]) -> Any:
    """The answers to the chunks in the order they were sent."""
    answers = []
    for number in order:
        piece = data[(number - 1) * CHUNK : number * CHUNK]
        told = await client.upload(path, chunk(toid, name, len(data), number), piece)
        answers.append(told["data"])
    return answers


async def test_a_picture_is_uploaded_in_chunks_sent_and_downloaded(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    data = bytes(range(256)) * 10
    socket = await client.connect()
    first, second, last = await upload(
        client, "/api/message/photo_original/upload", lan.uid, "a.jpg", data, [3, 1, 2]
    )
    assert (first["photoId"], second["photoId"], last["finished"]) == ("-1", "-1", 1)
    uploaded = await sim.world.arrived(Uploaded)
    assert (uploaded.size, uploaded.chunks) == (2560, 3)
    assert uploaded.md5 == hashlib.md5(data).hexdigest()

    params = {"photoId": last["photoId"], "clientId": "17", "desc": "đẹp", "width": 6, "height": 4}
    params |= {"toid": lan.uid, "rawUrl": last["normalUrl"], "hdUrl": last["hdUrl"]}
    params |= {"thumbUrl": last["thumbUrl"], "normalUrl": last["normalUrl"], "hdSize": "2560", "zsource": -1}
    await client.data("POST", "file", "/api/message/photo_original/send", params | {"ttl": 0})
    sent = await sim.world.next_sent()
    assert (sent.msg_type, sent.text, sent.size, sent.md5) == (
        "chat.photo",
        "đẹp",
        2560,
        uploaded.md5,
    )
    echo = (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]
    assert json.loads(echo["content"]["params"])["width"] == 6
    assert (await client.fetch("GET", echo["content"]["href"]))[2] == data
    status, headers, _ = await client.fetch("HEAD", echo["content"]["href"])
    assert (status, headers["Content-Length"], headers["Content-Type"]) == (200, "2560", "image/jpeg")


async def test_a_picture_that_was_never_uploaded_is_refused(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    params = {"photoId": "1", "clientId": "17", "toid": lan.uid, "rawUrl": "https://x.example/"}
    told = await client.call("POST", "file", "/api/message/photo_original/send", params)
    assert (told["error_code"], "photoId is not the id" in told["error_message"]) == (114, True)


async def test_an_album_is_one_message_for_each_picture(sim: Simulator, client: Bare) -> None:
    work = sim.world.group("Nhóm Làm Việc")
    params = chunk("", "a.jpg", 3, 1) | {"grid": work.gid}
    done = (await client.upload("/api/group/photo_original/upload", params, b"abc"))["data"]
    for place in (0, 1):
        told = {"photoId": done["photoId"], "clientId": f"{place}", "desc": "", "grid": work.gid, "ttl": 0}
        told |= dict.fromkeys(("rawUrl", "hdUrl", "thumbUrl", "oriUrl"), done["normalUrl"])
        told |= {"hdSize": "3", "groupLayoutId": "17", "isGroupLayout": 1, "idInGroup": place}
        told |= {"totalItemInGroup": 2, "extMsgProp": '{"groupMediaMsg":{"groupLayoutId":"17"}}'}
        await client.data("POST", "file", "/api/group/photo_original/send", told)
    kept = sim.world.me.remembered(group=True, before=None, count=9)
    places = [json.loads(m.item_for("")["content"]["params"])["id_in_group"] for m in kept]
    albums = {json.loads(m.item_for("")["extraData"])["groupMediaMsg"]["groupLayoutId"] for m in kept}
    assert (places, albums) == ([0, 1], {"17"})


async def test_a_file_may_be_used_once_the_push_came(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    socket = await client.connect()
    data = b"x" * 1500
    first, last = await upload(client, "/api/message/asyncfile/upload", lan.uid, "a.pdf", data, [1, 2])
    assert (first["fileId"], first["finished"], last["finished"]) == ("-1", 0, 1)
    told = await control(socket)
    assert (told["act_type"], told["fileId"]) == ("file_done", last["fileId"])
    params = {"fileId": last["fileId"], "checksum": hashlib.md5(data).hexdigest(), "checksumSha": ""}
    params |= {"extention": "pdf", "totalSize": 1500, "fileName": "a.pdf", "clientId": last["clientFileId"]}
    params |= {"fType": 1, "fileCount": 0, "fdata": "{}", "toid": lan.uid, "fileUrl": told["data"]["url"]}
    await client.data("POST", "file", "/api/message/asyncfile/msg", params | {"zsource": -1, "ttl": 0})
    assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["content"]["title"] == "a.pdf"
    wrong = params | {"checksum": "0" * 32}
    assert (await client.call("POST", "file", "/api/message/asyncfile/msg", wrong))["error_code"] == 114


@pytest.mark.parametrize(
    ("changed", "data", "why"),
    [
        ({"totalChunk": 2}, b"abc", "3 bytes are not 2 chunks of 1000"),
        ({"chunkId": 2}, b"abc", "chunkId must be from 1 to 1"),
        ({}, b"ab", "chunk 1 must have 3 bytes, not 2"),
        ({"fileName": "virus.EXE"}, b"abc", "files of this kind are not taken"),
        ({"totalSize": 1 << 40}, b"abc", "a file may have 1024 MiB"),
    ],
)
async def test_a_chunk_that_does_not_fit_is_refused(
    sim: Simulator, client: Bare, changed: dict[str, Any], data: bytes, why: str
) -> None:
    lan = sim.world.person("Trần Thị Lan")
    params = chunk(lan.uid, "a.txt", 3, 1) | changed
    told = await client.upload("/api/message/asyncfile/upload", params, data)
    assert (told["error_code"], why in told["error_message"]) == (114, True)
    told = await client.call("POST", "file", "/api/message/asyncfile/upload", params, query=True)
    assert "the body must be a form with a file" in told["error_message"]


async def test_a_gif_comes_with_its_thumb(sim: Simulator, client: Bare) -> None:
    work = sim.world.group("Nhóm Làm Việc")
    own = {"clientId": 17, "imei": IMEI}
    thumb = await client.upload("/api/message/upthumb", own, b"GIF89a", field="fileContent")
    params = {"clientId": "17", "fileName": "mèo.gif", "totalSize": 6, "width": 3, "height": 2, "msg": ""}
    params |= {"type": 1, "ttl": 0, "visibility": 0, "grid": work.gid, "thumb": thumb["data"]["url"]}
    params |= {"checksum": hashlib.md5(b"GIF89a").hexdigest(), "totalChunk": 1, "chunkId": 1}
    assert (await client.upload("/api/group/gif", params, b"GIF89a"))["data"]["msgId"] == 6800000000001
    sent = await sim.world.next_sent()
    assert (sent.msg_type, sent.size, sent.thread_id) == ("chat.gif", 6, work.gid)


async def test_a_voice_and_a_video_are_sent_by_their_address(sim: Simulator, client: Bare) -> None:
    lan, work = sim.world.person("Trần Thị Lan"), sim.world.group("Nhóm Làm Việc")
    url = sim.world.media.put("a.m4a", b"voice")
    voice = json.dumps({"voiceUrl": url, "m4aUrl": url, "fileSize": 5})
    params = {"toId": lan.uid, "ttl": 0, "zsource": -1, "msgType": 3, "clientId": "17", "msgInfo": voice}
    told = await client.data("POST", "file", "/api/message/forward", params)
    assert told == {"msgId": "6800000000001"}
    video = {"videoUrl": url, "thumbUrl": url, "duration": 1, "width": 3, "height": 2, "fileSize": 5}
    params = {"grid": work.gid, "visibility": 0, "clientId": "17", "ttl": 0, "zsource": 704, "msgType": 5}
    params |= {"msgInfo": json.dumps(video | {"properties": {}, "title": "xem"})}
    await client.data("POST", "file", "/api/group/forward", params)
    assert [(one.msg_type, one.text, one.size) for one in sim.world.sent] == [
        ("chat.voice", "", 5),
        ("chat.video.msg", "xem", 5),
    ]


async def test_a_link_is_parsed_and_sent(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    asked = {"link": "https://example.com/đường", "version": 1, "imei": IMEI}
    found = (await client.data("GET", "file", "/api/message/parselink", asked))["data"]
    assert (found["src"], found["title"]) == ("example.com", "Trang example.com")
    params = {"msg": "xem https://example.com/đường", "href": found["href"], "src": found["src"]}
    params |= {"title": found["title"], "desc": found["desc"], "thumb": "", "type": 2, "ttl": 0}
    params |= {"media": json.dumps(found["media"]), "clientId": 17, "toId": lan.uid, "mentionInfo": ""}
    await client.data("POST", "chat", "/api/message/link", params)
    sent = await sim.world.next_sent()
    assert (sent.msg_type, sent.text, sent.url) == ("chat.recommended", params["msg"], found["href"])
    told = await client.call("GET", "file", "/api/message/parselink", asked | {"link": "x"})
    assert told["error_code"] == 114


async def test_a_sticker_is_found_looked_at_and_sent(sim: Simulator, client: Bare) -> None:
    work = sim.world.group("Nhóm Làm Việc")
    asked = {"keyword": "Xin Chào", "gif": 1, "guggy": 0, "imei": IMEI}
    found = await client.data("GET", "sticker", "/api/message/sticker/suggest/stickers", asked)
    (one,) = found["sugg_sticker"]
    path = "/api/message/sticker/sticker_detail"
    detail = await client.data("GET", "sticker", path, {"sid": one["sticker_id"]})
    assert (detail["text"], detail["cateId"]) == ("xin chào", one["cate_id"])
    assert (await client.call("GET", "sticker", path, {"sid": 1}))["error_code"] == 404
    path = "/api/message/sticker/category/sticker_detail"
    assert len(await client.data("GET", "sticker", path, {"cid": one["cate_id"]})) == 3
    listed = {"keyword": "chào", "limit": 1, "srcType": 0, "imei": IMEI}
    assert len(await client.data("GET", "sticker", "/api/message/sticker/search", listed)) == 1
    params = {"stickerId": one["sticker_id"], "cateId": one["cate_id"], "type": one["type"], "clientId": 17}
    params |= {"imei": IMEI, "zsource": 101, "grid": work.gid}
    await client.data("POST", "group", "/api/group/sticker", params)
    assert (await sim.world.next_sent()).msg_type == "chat.sticker"
    told = await client.call("POST", "group", "/api/group/sticker", params | {"type": 0})
    assert told["error_code"] == 114


async def test_a_text_is_forwarded_to_many_and_some_fail(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    targets = [{"clientId": "17", "toUid": uid, "ttl": 0} for uid in (lan.uid, "1")]
    params = {"toIds": targets, "imei": IMEI, "ttl": 0, "msgType": "1", "totalIds": 2, "decorLog": "null"}
    params |= {"msgInfo": '{"message":"nhờ chuyển"}'}
    told = await client.data("POST", "file", "/api/message/mforward", params)
    assert told == {
        "success": [{"clientId": "17", "msgId": "6800000000001"}],
        "fail": [{"clientId": "17", "error_code": "113"}],
    }
    assert (await sim.world.next_sent()).text == "nhờ chuyển"


async def test_a_reaction_is_pushed_to_both_sides_and_can_be_asked_for(sim: Simulator, client: Bare) -> None:
    huy = sim.world.account("Hoàng Gia Huy")
    work = sim.world.group("Nhóm Làm Việc", [huy])
    message = await huy.says("được không?", group=work)
    told = {"rMsg": [{"gMsgID": int(message.msg_id), "cMsgID": int(message.cli_msg_id), "msgType": 1}]}
    told |= {"rIcon": "/-heart", "rType": 5, "source": 6}
    params = {"react_list": [{"message": json.dumps(told), "clientId": 17}], "grid": work.gid, "imei": IMEI}
    async with Bare(sim, cookies_of(sim.world, huy)) as other:
        mine, his = await client.connect(), await other.connect()
        answer = await client.data("POST", "reaction", "/api/group/reaction", params)
        for socket, sender in ((mine, "0"), (his, sim.world.me.uid)):
            event = await socket.event(Cmd.REACTIONS)
            (item,) = event["reactGroups"]
            assert (item["uidFrom"], item["idTo"], event["reacts"]) == (sender, work.gid, [])
            assert json.loads(item["content"])["rMsg"][0]["gMsgID"] == int(message.msg_id)
        assert json.loads(answer["msgIds"]) == [int(item["msgId"])]
        await mine.raw.send_bytes(old_reactions(group=True, request_number=0))
        assert len((await mine.event(Cmd.OLD_GROUP_REACTIONS))["reactGroups"]) == 1
    assert (await sim.world.arrived(Reacted)).icon == "/-heart"
    elsewhere = params | {"grid": sim.world.group("Nhóm Khác").gid}
    told_off = await client.call("POST", "reaction", "/api/group/reaction", elsewhere)
    assert "is in another thread" in told_off["error_message"]


async def test_an_own_message_is_taken_back_everywhere(sim: Simulator, client: Bare) -> None:
    huy = sim.world.account("Hoàng Gia Huy")
    params = {"message": "nhầm", "clientId": 17, "imei": IMEI, "ttl": 0, "toid": huy.uid}
    msg_id = str((await client.data("POST", "chat", "/api/message/sms", params))["msgId"])
    undo = {"msgId": msg_id, "clientId": 18, "cliMsgIdUndo": "17", "toid": huy.uid}
    async with Bare(sim, cookies_of(sim.world, huy)) as other:
        his = await other.connect()
        await client.data("POST", "chat", "/api/message/undo", undo)
        (item,) = (await his.event(Cmd.USER_MESSAGES))["msgs"]
        assert (item["msgType"], item["content"]["globalMsgId"]) == ("chat.undo", int(msg_id))
    assert (await sim.world.arrived(Undone)).msg_id == msg_id
    kept = sim.world.me.remembered(group=False, before=None, count=9)
    assert [message.msg_type for message in kept] == ["chat.undo"]
    assert (await client.call("POST", "chat", "/api/message/undo", undo))["error_code"] == 114
    theirs = await huy.says("của Huy")
    undo |= {"msgId": theirs.msg_id, "cliMsgIdUndo": theirs.cli_msg_id}
    assert (await client.call("POST", "chat", "/api/message/undo", undo))["error_code"] == 330


@pytest.mark.parametrize(("only_me", "left"), [(1, 1), (0, 0)])
async def test_a_group_message_is_deleted_for_oneself_or_for_all(
    sim: Simulator, client: Bare, only_me: int, left: int
) -> None:
    huy = sim.world.account("Hoàng Gia Huy")
    work = sim.world.group("Nhóm Làm Việc", [huy])
    message = await huy.says("quảng cáo", group=work)
    item = {"cliMsgId": message.cli_msg_id, "globalMsgId": message.msg_id, "ownerId": huy.uid}
    params = {"grid": work.gid, "cliMsgId": 17, "msgs": [item | {"destId": work.gid}], "onlyMe": only_me}
    await client.data("POST", "group", "/api/group/deletemsg", params)
    assert (await sim.world.arrived(Deleted)).everyone is not bool(only_me)
    texts = [kept.content for kept in huy.remembered(group=True, before=None, count=9)]
    assert texts.count("quảng cáo") == left
    assert message not in sim.world.me.remembered(group=True, before=None, count=9)


async def test_the_history_of_a_group_has_its_newest_messages(sim: Simulator, client: Bare) -> None:
    work = sim.world.group("Nhóm Làm Việc")
    for number in range(3):
        await sim.world.me.says(str(number), group=work)
    told = await client.data("GET", "group", "/api/group/history", {"grid": work.gid, "count": 2})
    assert [item["content"] for item in told["groupMsgs"]] == ["1", "2"]
    assert told["more"] == 1


async def test_people_are_found_by_number_and_befriended(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan", friend=False)
    asked = {"phone": lan.number, "avatar_size": 240, "language": "vi", "imei": IMEI, "reqSrc": 40}
    assert (await client.data("GET", "friend", "/api/friend/profile/get", asked))["uid"] == lan.uid
    told = await client.call("GET", "friend", "/api/friend/profile/get", asked | {"phone": "0123"})
    assert told["error_code"] == 216
    accept = {"fid": lan.uid, "language": "vi"}
    assert (await client.call("POST", "friend", "/api/friend/accept", accept))["error_code"] == 114
    socket = await client.connect()
    await lan.asks_friendship(text="chào bạn")
    assert [(await control(socket))["act"], (await control(socket))["act"]] == ["req", "req_v2"]
    assert await client.data("POST", "friend", "/api/friend/accept", accept) == ""
    assert await control(socket) == {"act_type": "fr", "act": "add", "data": lan.uid}
    assert sim.world.registry.friends(sim.world.me) == [lan]
    assert (await client.call("POST", "friend", "/api/friend/accept", accept))["error_code"] == 225


async def test_what_a_blocked_person_writes_does_not_come(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    socket = await client.connect()
    who = {"fid": lan.uid, "imei": IMEI}
    await client.data("POST", "friend", "/api/friend/block", who)
    assert (await control(socket))["act"] == "block"
    await lan.says("nghe không?")
    await client.data("POST", "friend", "/api/friend/unblock", who)
    assert (await control(socket))["act"] == "unblock"
    await lan.says("giờ thì sao?")
    assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["content"] == "giờ thì sao?"
    own = {"fid": sim.world.me.uid, "imei": IMEI}
    assert (await client.call("POST", "friend", "/api/friend/block", own))["error_code"] == 114


async def test_who_is_online_and_when_was_who(sim: Simulator, client: Bare) -> None:
    lan, hung = sim.world.person("Trần Thị Lan"), sim.world.person("Lê Văn Hùng")
    lan.status, hung.online, hung.last_online_ms = "đang họp", False, 1_700_000_000_000
    told = await client.data("GET", "profile", "/api/social/friend/onlines", {"imei": IMEI})
    assert told["onlines"] == [{"userId": lan.uid, "status": '{"status":"đang họp"}'}]
    asked = {"uid": hung.uid, "conv_type": 1, "imei": IMEI}
    told = await client.data("GET", "profile", "/api/social/profile/lastOnline", asked)
    assert told["lastOnline"] == 1_700_000_000_000


async def test_threads_are_muted_and_listed(sim: Simulator, client: Bare) -> None:
    lan, work = sim.world.person("Trần Thị Lan"), sim.world.group("Nhóm Làm Việc")
    now = sim.world.clock.now_ms() // 1000
    mute = {"toid": lan.uid, "duration": -1, "action": 1, "startTime": now, "muteType": 1, "imei": IMEI}
    await client.data("POST", "profile", "/api/social/profile/setmute", mute)
    over = mute | {"toid": work.gid, "muteType": 2, "duration": 60, "startTime": now - 100}
    await client.data("POST", "profile", "/api/social/profile/setmute", over)
    listed = await client.data("GET", "profile", "/api/social/profile/getmute", {"imei": IMEI})
    assert [one["id"] for one in listed["chatEntries"]] == [lan.uid]
    assert listed["groupChatEntries"] == []
    await client.data("POST", "profile", "/api/social/profile/setmute", mute | {"action": 3})
    assert sim.world.me.mutes.keys() == {work.gid}
    odd = mute | {"muteType": 2}
    assert (await client.call("POST", "profile", "/api/social/profile/setmute", odd))["error_code"] == 114


async def test_a_group_is_made_renamed_filled_emptied_and_left(sim: Simulator, client: Bare) -> None:
    lan, huy = sim.world.person("Trần Thị Lan"), sim.world.account("Hoàng Gia Huy")
    made = {"clientId": 17, "gname": "Đi Chơi", "gdesc": None, "members": [lan.uid, "1"]}
    made |= {"membersTypes": [-1, -1], "nameChanged": 1, "createLink": 1, "clientLang": "vi"}
    socket = await client.connect()
    told = await client.data("POST", "group", "/api/group/create/v2", made, query=True)
    assert (told["sucessMembers"], told["errorMembers"]) == ([lan.uid], ["1"])
    gid = told["groupId"]
    assert (await control(socket))["act"] == "join"
    who = {"grid": gid, "imei": IMEI}
    await client.data("POST", "group", "/api/group/updateinfo", who | {"gname": "Đi Làm"})
    renamed = await control(socket)
    assert (renamed["act"], renamed["data"]["groupName"]) == ("update", "Đi Làm")
    added = {"members": [huy.uid, lan.uid], "memberTypes": [-1, -1], "clientLang": "vi"}
    told = await client.data("POST", "group", "/api/group/invite/v2", who | added)
    assert told == {"errorMembers": [lan.uid], "error_data": {"178": [lan.uid]}}
    assert (await control(socket))["data"]["updateMembers"][0]["id"] == huy.uid
    async with Bare(sim, cookies_of(sim.world, huy)) as other:
        his = await other.connect()
        await other.login()
        kick = who | {"members": [lan.uid]}
        assert (await other.call("POST", "group", "/api/group/kickout", kick))["error_code"] == 166
        kicked = await client.data("POST", "group", "/api/group/kickout", kick)
        assert kicked == {"errorMembers": []}
        assert (await control(his))["act"] == "remove_member"
    assert (await client.call("POST", "group", "/api/group/kickout", kick))["error_code"] == 165
    leave = {"grids": [gid], "imei": IMEI, "silent": 0, "language": "vi"}
    assert await client.data("POST", "group", "/api/group/leave", leave) == {"memberError": []}
    assert (await client.call("POST", "group", "/api/group/leave", leave))["error_code"] == 166
    assert list(sim.world.registry.groups[gid].members) == [huy.uid]


async def test_typing_and_marks_reach_the_other_account(sim: Simulator, client: Bare) -> None:
    huy, lan = sim.world.account("Hoàng Gia Huy"), sim.world.person("Trần Thị Lan")
    work = sim.world.group("Nhóm Làm Việc", [huy, lan])
    message = await huy.says("ai rảnh?", group=work)
    info = {"cmi": "1", "gmi": message.msg_id, "si": huy.uid, "di": work.gid, "mt": "webchat"}
    async with Bare(sim, cookies_of(sim.world, huy)) as other:
        his = await other.connect()
        await client.data("POST", "group", "/api/group/typing", {"grid": work.gid, "imei": IMEI})
        action = (await his.event(Cmd.ACTIONS))["actions"][0]
        typed = json.loads("{" + action["data"] + "}")
        assert (action["act"], typed["uid"], typed["gid"]) == ("gtyping", sim.world.me.uid, work.gid)
        told = {"msgInfos": json.dumps({"seen": 0, "data": [info], "grid": work.gid}), "imei": IMEI}
        await client.data("POST", "group", "/api/group/deliveredv2", told)
        delivered = (await his.event(Cmd.GROUP_MARKS))["delivereds"][0]
        assert (delivered["msgId"], delivered["deliveredUids"]) == (message.msg_id, [sim.world.me.uid])
        await client.data("POST", "group", "/api/group/seenv2", told)
        seen = (await his.event(Cmd.GROUP_MARKS))["groupSeens"][0]
        assert seen == {"msgId": message.msg_id, "groupId": work.gid, "seenUids": [sim.world.me.uid]}


async def test_what_was_missed_can_be_asked_for_back_to_where_zalo_still_holds_it(
    sim: Simulator, client: Bare
) -> None:
    lan = sim.world.person("Trần Thị Lan")
    for number in range(5):
        await lan.says(str(number))
    params = {"message": "của tôi", "clientId": 17, "imei": IMEI, "ttl": 0, "toid": lan.uid}
    await client.data("POST", "chat", "/api/message/sms", params)
    sim.world.me.forget(keep=3)
    socket = await client.connect()
    await socket.raw.send_bytes(old_messages(group=False, request_number=0))
    told = await socket.event(Cmd.OLD_USER_MESSAGES)
    assert [item["content"] for item in told["msgs"]] == ["3", "4", "của tôi"]
    assert (told["msgs"][-1]["cliMsgId"], told["more"]) == ("17", 0)
    assert not [record for record in sim.world.log.since() if isinstance(record, Refused)]
