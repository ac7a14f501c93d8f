"""The directory as an operator asks for it: with the gateway running, without it, and without a login."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import asked, listening

PEERS = ("directory", "peers", "list", "--channel", "zalouser")
GROUPS = ("directory", "groups", "list", "--channel", "zalouser")
MEMBERS = ("directory", "groups", "members", "--channel", "zalouser")


@pytest.fixture(params=["with the gateway", "alone"])
def asking(request: pytest.FixtureRequest, linked: Operator, gateway: Gateway) -> Operator:
    """The operator, once beside a running gateway and once with the stored session alone."""
    if request.param == "with the gateway":
        listening(gateway)
    return linked


def test_self_friends_groups_and_members_have_their_ids(asking: Operator, zalo: Simulator) -> None:
    lan = zalo.do("/person", name="Đặng Lan", friend=True)
    stranger = zalo.do("/person", name="Người Lạ", friend=False)
    work = zalo.do("/group", name="Work Chat", members=[lan["uid"], stranger["uid"]])

    own = asked(asking, "directory", "self", "--channel", "zalouser")["user"]
    peers = {one["id"]: one for one in asked(asking, *PEERS)["peers"]}
    groups = {one["id"]: one for one in asked(asking, *GROUPS)["groups"]}
    members = {one["id"]: one for one in asked(asking, *MEMBERS, work["gid"])["members"]}

    assert own["name"] == "Nguyễn Minh Anh"
    assert peers[lan["uid"]] == {"id": lan["uid"], "name": "Đặng Lan", "aliases": [], "is_friend": True}
    assert stranger["uid"] not in peers
    assert groups[work["gid"]]["member_count"] == 3
    assert members[stranger["uid"]]["name"] == "Người Lạ"
    assert members[stranger["uid"]]["is_friend"] is False
    assert set(members) == {own["id"], lan["uid"], stranger["uid"]}


def test_names_are_found_without_their_accents_and_exact_ones_first(
    linked: Operator, zalo: Simulator
) -> None:
    for name in ("Đặng Nguyễn", "Nguyễn", "Nguyễn Văn An", "NGUYỄN VĂN AN"):
        zalo.do("/person", name=name, friend=True)
    names = [one["name"] for one in asked(linked, *PEERS, "--query", "nguyen")["peers"]]
    assert names[0] == "Nguyễn"
    assert set(names[1:]) == {"Đặng Nguyễn", "Nguyễn Văn An", "NGUYỄN VĂN AN"}
    assert [one["name"] for one in asked(linked, *PEERS, "--query", "DANG")["peers"]] == ["Đặng Nguyễn"]


def test_a_group_can_be_named_as_the_config_names_it(linked: Operator, zalo: Simulator) -> None:
    work = zalo.do("/group", name="Work Chat", members=[])
    assert asked(linked, *MEMBERS, f"group:{work['gid']}")["group"] == work["gid"]
    done = linked.run(*MEMBERS, "Work Chat")
    assert done.returncode == 1
    assert "openclaw directory groups list" in done.stdout


def test_a_limit_cuts_the_list_and_says_so(linked: Operator) -> None:
    assert len(asked(linked, *PEERS, "--limit", "1")["peers"]) == 1
    assert "1 more" in linked.run(*PEERS, "--limit", "1").stdout
    assert linked.run(*PEERS, "--limit", "0").returncode == 1


def test_nobody_found_is_one_line_and_no_failure(linked: Operator) -> None:
    done = linked.run(*PEERS, "--query", "khôngaicả")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert "khôngaicả" in done.stdout


def test_without_a_login_the_command_that_helps_is_named(installed: Operator) -> None:
    done = installed.run(*PEERS)
    assert done.returncode == 1
    assert "openclaw channels login --channel zalouser" in done.stdout


def test_an_expired_session_names_the_command_too(linked: Operator, zalo: Simulator) -> None:
    zalo.do("/expire-session")
    done = linked.run(*PEERS)
    assert done.returncode == 1
    assert "openclaw channels login --channel zalouser --force" in done.stdout


def test_friends_are_spared_the_challenge_where_the_config_says_so(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    """Whoever is no friend yet gets the code; a new friend counts as one from that moment on."""
    block = "{ dmPolicy: 'pairing', pairing: { reply: 'friends-silent' } }"
    (state / "config.json5").write_text(f"{{ channels: {{ zalouser: {block} }} }}")
    friend, new = zalo.do("/person", name="Bạn"), zalo.do("/person", name="Mới", friend=False)
    stranger = zalo.do("/person", name="Lạ", friend=False)
    gateway.start()
    gateway.said("has 3 friends")
    gateway.said("is ready")

    zalo.do("/say", **{"from": stranger["uid"], "text": "chào"})
    assert zalo.wait("sent")["thread_id"] == stranger["uid"]
    zalo.do("/befriend", person=new["uid"])
    for one in (friend, new):
        zalo.do("/say", **{"from": one["uid"], "text": "chào"})
        assert one["uid"] in gateway.said(f"challenge {one['uid']}")
        assert "dm_pairing_silent" in gateway.said(f"challenge {one['uid']}")


@pytest.mark.long
def test_the_address_book_is_asked_for_once_and_outlives_a_ban(
    linked: Operator, gateway: Gateway, zalo: Simulator, tmp_path: Path
) -> None:
    lan = zalo.do("/person", name="Đặng Lan", friend=True)
    zalo.do("/group", name="Work Chat", members=[lan["uid"]])
    listening(gateway)
    done = linked.run("directory", "export", "--refresh", "--members", "--out", str(tmp_path / "book.csv"))
    assert done.returncode == 0, done.stdout
    assert "members of group 2 of 2, Work Chat" in done.stdout
    rows = (tmp_path / "book.csv").read_text("utf-8-sig").splitlines()
    assert any(row.startswith(f"friend,{lan['uid']},Đặng Lan") for row in rows)
    assert any(row.startswith(f"member,{lan['uid']},Đặng Lan") and "Work Chat" in row for row in rows)

    gateway.stop()
    gateway.start()  # at its start it copies what the store knows
    gateway.said("the address book of today is copied")
    assert "contacts" in linked.run("channels", "status").stdout
    gateway.stop()
    assert linked.run("store", "reset", "--forget").returncode == 0
    zalo.do("/expire-session")
    assert linked.run("directory", "export", "--refresh").returncode == 1
    kept = linked.run("directory", "export", "--snapshot", "latest", "--format", "vcard")
    assert kept.returncode == 0
    assert "FN:Đặng Lan" in kept.stdout
