"""Calls of the reference client about people, groups and the account: what arrives, what it reads back."""

from __future__ import annotations

import pytest

from reference.reference_client import GROUP, USER, Client, Failed
from zaloweb.sim.event_log import Called, Delivered, Seen, Typed, UnknownFrame
from zaloweb.sim.people import Person
from zaloweb.sim.registry import Group
from zaloweb.sim.server import Simulator

pytestmark = [pytest.mark.reference, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


async def called(sim: Simulator, since: int, path: str) -> Called:
    """The record of a call with this path."""
    return await sim.world.arrived(Called, lambda call: call.path == path, after=since)


# The account and who it knows


async def test_the_own_account(sim: Simulator, listening: Client) -> None:
    me = sim.world.me
    assert await listening.call("getOwnId") == me.uid
    profile = (await listening.call("fetchAccountInfo"))["profile"]
    assert (profile["userId"], profile["displayName"]) == (me.uid, me.name)


async def test_keep_alive(sim: Simulator, listening: Client, since: int) -> None:
    assert await listening.call("keepAlive") == {"config_vesion": 12}
    assert (await called(sim, since, "/keepalive")).params.keys() == {"imei"}


async def test_friends_all_and_by_pages(listening: Client, lan: Person, hung: Person) -> None:
    everybody = [one["userId"] for one in await listening.call("getAllFriends")]
    assert {lan.uid, hung.uid} <= set(everybody)
    pages = [await listening.call("getAllFriends", 1, page) for page in (1, 2)]
    assert [one["userId"] for page in pages for one in page] == everybody[:2]


async def test_user_info_of_one_and_of_many(listening: Client, lan: Person, hung: Person) -> None:
    one = (await listening.call("getUserInfo", lan.uid))["changed_profiles"]
    assert {uid: user["displayName"] for uid, user in one.items()} == {lan.uid: lan.name}
    many = (await listening.call("getUserInfo", [lan.uid, hung.uid], 240))["changed_profiles"]
    assert {uid: user["isFr"] for uid, user in many.items()} == {lan.uid: 1, hung.uid: 1}


async def test_finding_somebody_by_number(listening: Client, lan: Person) -> None:
    for number in (lan.number, f"0{lan.number.removeprefix('84')}"):
        found = await listening.call("findUser", number)
        assert (found["uid"], found["display_name"]) == (lan.uid, lan.name)
    with pytest.raises(Failed) as nobody:
        await listening.call("findUser", "0900000000")
    assert nobody.value.code == 216


async def test_who_is_online(listening: Client, lan: Person, hung: Person) -> None:
    lan.status, hung.online, hung.last_online_ms = "Đang bận 🍜", False, 1_699_999_990_000
    online = {one["userId"]: one["status"] for one in (await listening.call("getFriendOnlines"))["onlines"]}
    assert online[lan.uid] == "Đang bận 🍜"
    assert hung.uid not in online
    assert await listening.call("lastOnline", hung.uid) == {
        "settings": {"show_online_status": True},
        "lastOnline": 1_699_999_990_000,
    }


async def test_a_friend_request_is_accepted_once(sim: Simulator, listening: Client) -> None:
    bao = sim.world.person("Phạm Quốc Bảo", friend=False)
    await bao.asks_friendship()
    assert await listening.call("acceptFriendRequest", bao.uid) == ""
    assert bao.uid in sim.world.me.friend_of
    with pytest.raises(Failed) as again:
        await listening.call("acceptFriendRequest", bao.uid)
    assert again.value.code == 225


async def test_blocking(sim: Simulator, listening: Client) -> None:
    pest = sim.world.person("Người Phiền", friend=False)
    assert await listening.call("blockUser", pest.uid) == ""
    assert pest.uid in sim.world.me.blocked
    assert await listening.call("unblockUser", pest.uid) == ""
    assert pest.uid not in sim.world.me.blocked
    with pytest.raises(Failed) as oneself:
        await listening.call("blockUser", sim.world.me.uid)
    assert oneself.value.code == 114


async def test_muting(listening: Client, lan: Person, work: Group) -> None:
    assert await listening.call("setMute", {"duration": 3600}, work.gid, GROUP) == ""
    await listening.call("setMute", {}, lan.uid, USER)
    muted = await listening.call("getMute")
    assert [(one["id"], one["duration"]) for one in muted["groupChatEntries"]] == [(work.gid, 3600)]
    assert [(one["id"], one["duration"]) for one in muted["chatEntries"]] == [(lan.uid, -1)]
    for thread, kind in ((work.gid, GROUP), (lan.uid, USER)):
        await listening.call("setMute", {"action": 3}, thread, kind)
    assert await listening.call("getMute") == {"chatEntries": [], "groupChatEntries": []}


async def test_muting_until_the_morning(sim: Simulator, listening: Client, lan: Person) -> None:
    await listening.call("setMute", {"duration": "until8AM"}, lan.uid, USER)
    assert 0 < sim.world.me.mutes[lan.uid].duration <= 24 * 3600
    await listening.call("setMute", {"action": 3}, lan.uid, USER)


# Groups


async def test_groups_and_their_members(
    sim: Simulator, listening: Client, lan: Person, hung: Person, work: Group
) -> None:
    assert work.gid in (await listening.call("getAllGroups"))["gridVerMap"]
    info = (await listening.call("getGroupInfo", work.gid))["gridInfoMap"][work.gid]
    assert (info["name"], info["creatorId"], info["totalMember"]) == (work.name, sim.world.me.uid, 3)
    assert info["memVerList"] == [f"{uid}_1" for uid in (sim.world.me.uid, lan.uid, hung.uid)]
    profiles = (await listening.call("getGroupMembersInfo", [lan.uid, hung.uid]))["profiles"]
    assert {uid: one["displayName"] for uid, one in profiles.items()} == {
        lan.uid: lan.name,
        hung.uid: hung.name,
    }


async def test_more_groups_at_once_than_a_page_of_ours(
    sim: Simulator, listening: Client, lan: Person
) -> None:
    made = [sim.world.group(f"Nhóm số {number}", [lan]).gid for number in range(81)]
    info = await listening.call("getGroupInfo", [*made, "9199999999999999999"])
    assert list(info["gridInfoMap"]) == made
    assert info["removedsGroup"] == ["9199999999999999999"]


async def test_the_life_of_a_group(sim: Simulator, listening: Client, lan: Person, hung: Person) -> None:
    made = await listening.call("createGroup", {"name": "Nhóm mới 🎉", "members": [lan.uid]})
    assert made["sucessMembers"] == [lan.uid]
    group = sim.world.registry.groups[made["groupId"]]
    assert (group.name, set(group.members)) == ("Nhóm mới 🎉", {sim.world.me.uid, lan.uid})
    assert await listening.call("changeGroupName", "Tên khác ✨", group.gid) == {"status": 0}
    assert group.name == "Tên khác ✨"
    assert (await listening.call("addUserToGroup", hung.uid, group.gid))["errorMembers"] == []
    assert hung.uid in group.members
    assert await listening.call("removeUserFromGroup", [lan.uid], group.gid) == {"errorMembers": []}
    assert lan.uid not in group.members
    assert await listening.call("leaveGroup", group.gid) == {"memberError": []}
    assert sim.world.me.uid not in group.members
    with pytest.raises(Failed) as not_there:
        await listening.call("leaveGroup", group.gid, True)
    assert not_there.value.code == 166


async def test_a_group_without_a_name(sim: Simulator, listening: Client, lan: Person, hung: Person) -> None:
    made = await listening.call("createGroup", {"members": [lan.uid, hung.uid]})
    assert sim.world.registry.groups[made["groupId"]].name.isdecimal()


async def test_the_history_of_a_group(sim: Simulator, listening: Client, lan: Person, hung: Person) -> None:
    group = sim.world.group("Nhóm có lịch sử", [lan, hung])
    for number in (1, 2, 3):
        await lan.says(f"tin {number}", group=group)
    history = await listening.call("getGroupChatHistory", group.gid, 2)
    assert [one["data"]["content"] for one in history["groupMsgs"]] == ["tin 2", "tin 3"]
    assert {one["threadId"] for one in history["groupMsgs"]} == {group.gid}
    assert history["more"] == 1


# What shows itself to others


async def test_typing(sim: Simulator, listening: Client, kind: int, thread: str, since: int) -> None:
    assert await listening.call("sendTypingEvent", thread, kind) == {"status": 0}
    typed = await sim.world.arrived(Typed, after=since)
    assert (typed.thread, typed.thread_id) == ("group" if kind == GROUP else "user", thread)


async def test_confirming_messages(
    sim: Simulator, listening: Client, lan: Person, kind: int, group: Group | None, thread: str, since: int
) -> None:
    said = [await lan.says(text, group=group) for text in ("một", "hai")]
    ids = [message.msg_id for message in said]
    heard = [(await listening.hears_message(message))["data"] for message in said]
    await listening.call("sendDeliveredEvent", False, heard, kind)
    delivered = await sim.world.arrived(Delivered, after=since)
    assert (delivered.thread_id, delivered.msg_ids, delivered.seen) == (thread, ids, False)
    assert await listening.call("sendSeenEvent", heard, kind) == {"status": 0}
    seen = await sim.world.arrived(Seen, after=since)
    assert (seen.thread_id, seen.msg_ids) == (thread, ids)


async def test_delivered_and_seen_in_one(sim: Simulator, listening: Client, lan: Person, since: int) -> None:
    message = await lan.says("đọc đi")
    heard = await listening.hears_message(message)
    await listening.call("sendDeliveredEvent", True, heard["data"], USER)
    assert (await sim.world.arrived(Delivered, after=since)).seen


# Stickers and links, looked up


async def test_stickers_are_found(listening: Client) -> None:
    assert await listening.call("getStickers", "xin chào") == [23299]
    shown, other = await listening.call("getStickersDetail", [23299, 7])
    assert (shown["id"], shown["cateId"], shown["type"], shown["text"]) == (23299, 10425, 7, "xin chào")
    assert other["id"] == 7
    found = await listening.call("searchSticker", "chào", 1)
    assert [one["sticker_id"] for one in found] == [23299]
    category = await listening.call("getStickerCategoryDetail", 10425)
    assert [one["id"] for one in category] == [23299, 23300, 23301]


async def test_a_sticker_that_is_not_there_is_left_out(listening: Client) -> None:
    assert [one["id"] for one in await listening.call("getStickersDetail", [404404, 99])] == [99]


async def test_links_are_parsed(listening: Client) -> None:
    parsed = await listening.call("parseLink", "https://example.com/đường-dẫn?a=1&b=2")
    assert parsed["data"]["href"] == "https://example.com/đường-dẫn?a=1&b=2"
    assert parsed["data"]["src"] == "example.com"


# Frames


async def test_a_frame_of_ones_own(sim: Simulator, listening: Client, since: int) -> None:
    frame = {"version": 1, "cmd": 1000, "subCmd": 7, "data": {"chữ": "xin chào 👋"}}
    await listening.call("listener.sendWs", frame)
    arrived = await sim.world.arrived(UnknownFrame, after=since)
    assert (arrived.cmd, arrived.sub) == (1000, 7)
    assert '"chữ":"xin chào 👋"' in arrived.body
