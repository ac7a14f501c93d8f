"""Who gets in, over the wire: the simulator's people write, and the real plugin, gateway and store decide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Record, Simulator, simulator
from end_to_end.steps import ACCEPT, RECORDING, account, listening, log_in, person, say
from json_shapes import shaped

BOT = "Nguyễn Minh Anh"
LONG_ID = "1234567890123456789012345"


class Lane:
    """A logged-in account whose config a test writes, with an agent that records what it is given."""

    def __init__(self, operator: Operator, zalo: Simulator, state: Path, gateway: Gateway) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self._state = state
        self._turns = 0

    def configure(self, block: str, rest: str = "") -> None:
        """Write the channel's block and what stands beside `channels`, and start the gateway."""
        (self._state / "config.json5").write_text(f"{{ channels: {{ zalouser: {{ {block} }} }}, {rest} }}")
        self.start()

    def start(self) -> None:
        self._turns = 0
        listening(self.gateway)

    def person(self, name: str, **more: object) -> str:
        return person(self.zalo, name, **more)

    def group(self, name: str, *members: str) -> str:
        return str(self.zalo.do("/group", name=name, members=list(members))["gid"])

    def say(self, sender: str, text: str, **more: object) -> str:
        """Somebody writes; gives the message's id."""
        return say(self.zalo, sender, text, **more)

    def call(self, sender: str, text: str, group: str) -> str:
        """Somebody mentions the account in a group."""
        return self.say(sender, f"@{BOT} {text}", group=group, mentions=[BOT])

    def turn(self) -> dict[str, Any]:
        """What the agent was given next."""
        self._turns += 1
        line = self.gateway.said(f"TURN {self._turns} ")
        return dict(json.loads(line.partition(f"TURN {self._turns} ")[2]))

    def answered(self, text: str) -> Record:
        return self.zalo.wait("sent", lambda record: record["text"] == f"echo: {text}")

    def json(self, *words: str) -> Any:
        return shaped(json.loads(self.operator.run(*words, "--json").stdout))

    def account(self) -> dict[str, Any]:
        return account(self.operator)


@pytest.fixture
def lane(linked: Operator, zalo: Simulator, state: Path, recording: Gateway) -> Lane:
    return Lane(linked, zalo, state, recording)


@pytest.fixture
def friend(zalo: Simulator) -> str:
    """The id of somebody from the simulator's first day."""
    people = zalo.world()["people"]
    return str(next(one["uid"] for one in people if one["name"] == "Trần Thị Lan"))


def test_what_a_group_said_goes_with_the_next_mention_and_only_once(lane: Lane, friend: str) -> None:
    lane.configure("groupAllowFrom: ['*'], groups: { '*': {} }")
    group = "Nhóm Làm Việc"
    for text in ("một", "hai", "ba"):
        lane.say("Lê Văn Hùng", text, group=group)
    lane.call(friend, "tóm tắt giúp", group)
    turn = lane.turn()
    assert turn["text"] == f"@{BOT} tóm tắt giúp"
    assert [one["text"] for one in turn["history"]] == ["một", "hai", "ba"]
    begin, *lines, end = turn["context"].splitlines()
    assert begin.startswith("[Context:")
    assert end == "[End of context]"
    assert [line.strip("| ") for line in lines if line.startswith("|  ")] == ["một", "hai", "ba"]
    assert lane.answered(turn["text"])["thread"] == "group"
    lane.call(friend, "còn gì nữa", group)
    assert lane.turn()["history"] == []


def test_a_failed_turn_and_a_restart_keep_the_history(lane: Lane, friend: str) -> None:
    lane.configure("groupAllowFrom: ['*'], groups: { '*': {} }")
    group = "Nhóm Làm Việc"
    lane.say("Lê Văn Hùng", "một", group=group)
    lane.call(friend, "please fail", group)
    assert [one["text"] for one in lane.turn()["history"]] == ["một"]
    lane.gateway.said("is set aside")
    lane.say("Lê Văn Hùng", "hai", group=group)
    lane.gateway.said("mention_required")
    lane.zalo.wait("delivered", lambda record: not record["seen"])
    lane.zalo.wait("delivered", lambda record: not record["seen"])
    lane.gateway.kill()
    lane.start()
    lane.call(friend, "nghe rõ không", group)
    assert [one["text"] for one in lane.turn()["history"]] == ["một", "hai"]


def test_what_is_taken_back_is_forgotten(lane: Lane, friend: str) -> None:
    lane.configure("groupAllowFrom: ['*'], groups: { '*': {} }")
    group = "Nhóm Làm Việc"
    lane.say("Lê Văn Hùng", "giữ lại", group=group)
    secret = lane.say("Lê Văn Hùng", "lỡ lời", group=group)
    lane.zalo.do("/undo", **{"from": "Lê Văn Hùng", "message": secret})
    lane.call(friend, "ơi", group)
    assert [one["text"] for one in lane.turn()["history"]] == ["giữ lại"]


def test_a_new_start_forgets_the_history_and_other_commands_leave_it(lane: Lane, friend: str) -> None:
    lane.configure("groupAllowFrom: ['*'], groups: { '*': {} }")
    group = "Nhóm Làm Việc"
    lane.say("Lê Văn Hùng", "một", group=group)
    lane.say(friend, "/status", group=group)
    assert lane.turn()["history"] == []
    lane.call(friend, "/reset", group)
    lane.call(friend, "bắt đầu lại", group)
    assert lane.turn()["history"] == []


def test_the_narrow_example_works_as_written(lane: Lane) -> None:
    listed = lane.person("Người Được Phép", uid="1471383327500481391")
    other = lane.person("Người Khác")
    work = lane.group("Work Chat", listed, other)
    club = lane.group("Câu Lạc Bộ", listed, other)
    lane.configure(
        """groupPolicy: 'allowlist',
        groupAllowFrom: ['1471383327500481391'],
        groups: {
          '*': { allow: true, requireMention: true },
          'Work Chat': { allow: true, requireMention: false },
        }"""
    )
    lane.gateway.said("is pinned to")
    lane.say(other, "tôi vào được không", group=work)
    lane.gateway.said("group_sender_not_allowed")
    lane.say(listed, "không cần gọi tên", group=work)
    assert lane.turn()["text"] == "không cần gọi tên"
    assert lane.answered("không cần gọi tên")["thread_id"] == work
    lane.say(listed, "chưa gọi tên", group=club)
    lane.call(other, "tôi gọi được không", club)
    lane.call(listed, "tôi gọi đây", club)
    turn = lane.turn()
    assert turn["text"] == f"@{BOT} tôi gọi đây"
    assert [one["text"] for one in turn["history"]] == ["chưa gọi tên"]


def test_a_group_does_not_get_in_by_taking_the_name_of_another(lane: Lane) -> None:
    stranger = lane.person("Kẻ Lạ", friend=False)
    work = lane.group("Work Chat", stranger)
    trap = lane.group("Bẫy", stranger)
    lane.configure("groupAllowFrom: ['*'], groups: { 'Work Chat': { requireMention: false } }")
    assert work in lane.gateway.said("is pinned to")
    for name in ("Work Chat", "work---chat!"):
        lane.zalo.do("/rename", group=trap, by=stranger, name=name)
        lane.say(stranger, f"tên mới: {name}", group=trap)
    lane.gateway.said("group_not_allowlisted")
    lane.gateway.stop()
    lane.zalo.do("/rename", group=trap, by=stranger, name="Work Chat")
    lane.start()
    lane.say(stranger, "sau khi khởi động lại", group=trap)
    lane.gateway.said("group_not_allowlisted")
    lane.zalo.do("/rename", group=work, by=stranger, name="Đổi Tên")
    lane.say(stranger, "nhóm thật", group=work)
    assert lane.turn()["text"] == "nhóm thật", "the pin survives the rename of its own group"


def test_a_name_that_two_groups_have_at_the_first_look_up_lets_neither_in(lane: Lane) -> None:
    stranger = lane.person("Kẻ Lạ", friend=False)
    work, trap = lane.group("Work Chat", stranger), lane.group("Bẫy", stranger)
    lane.zalo.do("/rename", group=trap, by=stranger, name="work chat")
    lane.configure("groupAllowFrom: ['*'], groups: { 'Work Chat': { requireMention: false } }")
    lane.gateway.said("is ambiguous")
    for group in (work, trap):
        lane.say(stranger, "có ai không", group=group)
        lane.gateway.said(f"in group:{group}: group_not_allowlisted")
    [name] = lane.account()["names"]
    assert (name["state"], sorted(name["ids"])) == ("ambiguous", sorted((work, trap)))


def test_an_id_of_25_digits_written_as_a_bare_number_matches_exactly(lane: Lane) -> None:
    lane.person("Số Dài", friend=False, uid=LONG_ID)
    lane.person("Gần Giống", friend=False, uid=LONG_ID[:-1] + "6")
    lane.configure(f"dmPolicy: 'allowlist', allowFrom: [{LONG_ID}]")
    lane.say("Gần Giống", "gần đúng")
    lane.gateway.said("dm_not_allowlisted")
    lane.say("Số Dài", "đúng số")
    assert lane.turn()["text"] == "đúng số"


def test_everybody_is_not_the_account_but_a_quote_of_it_is(lane: Lane, friend: str) -> None:
    lane.configure("groupAllowFrom: ['*'], groups: { '*': {} }")
    group = "Nhóm Làm Việc"
    lane.say("Lê Văn Hùng", "@All họp nhé", group=group, mentions=["All"])
    lane.call(friend, "chào", group)
    assert [one["text"] for one in lane.turn()["history"]] == ["@All họp nhé"]
    answer = lane.answered(f"@{BOT} chào")
    lane.say("Lê Văn Hùng", "ý này hay", group=group, quote=answer["msg_id"])
    turn = lane.turn()
    assert turn["text"] == "ý này hay"
    assert turn["quote"]["text"] == f"echo: @{BOT} chào"


def test_acks_follow_the_decision(lane: Lane, friend: str) -> None:
    lane.configure(
        f"dmPolicy: 'allowlist', allowFrom: ['{friend}'], groupAllowFrom: ['*'], groups: {{ '*': {{}} }}"
    )
    lane.person("Kẻ Lạ", friend=False)
    blocked = lane.say("Kẻ Lạ", "cho hỏi")
    pended = lane.say("Lê Văn Hùng", "chuyện riêng", group="Nhóm Làm Việc")
    admitted = lane.say(friend, "chào em")
    lane.answered("chào em")
    lane.zalo.seen = 0
    lane.zalo.wait("typed", lambda record: record["thread_id"] == friend)
    marks = [one for one in lane.zalo.since(0) if one["kind"] in ("delivered", "seen")]
    told = [(one["kind"], one["msg_ids"], one.get("seen")) for one in marks]
    assert ("delivered", [pended], False) in told
    assert ("delivered", [admitted], True) in told
    assert ("seen", [admitted], None) in told
    assert blocked not in [ids[0] for _, ids, _ in told]
    assert ("seen", [pended], None) not in told


def test_acks_off_stops_all_three(lane: Lane, friend: str) -> None:
    lane.configure(f"acks: 'off', dmPolicy: 'allowlist', allowFrom: ['{friend}']")
    lane.say(friend, "chào em")
    lane.answered("chào em")
    assert not [one for one in lane.zalo.since(0) if one["kind"] in ("delivered", "seen", "typed")]


HOUSE = "groups: { '*': {} }"
ROWS = [
    ("dmPolicy: 'disabled'", {}, "dm_disabled"),
    ("dmPolicy: 'allowlist', allowFrom: ['5']", {}, "dm_not_allowlisted"),
    ("dmPolicy: 'open'", {}, "dm_open"),
    ("dmPolicy: 'pairing', pairing: { reply: 'silent' }", {}, "dm_pairing_silent"),
    ("groupPolicy: 'disabled'", {"group": True}, "group_disabled"),
    ("groupPolicy: 'open', groups: { '*': { allow: false } }", {"group": True}, "group_entry_disabled"),
    ("groupAllowFrom: ['*']", {"group": True}, "group_no_allowlist"),
    ("groupAllowFrom: ['*'], groups: { '5': {} }", {"group": True}, "group_not_allowlisted"),
    (
        "groupAllowFrom: ['*'], groups: { '*': {}, 'Nobody Is Called So': { allow: false } }",
        {"group": True},
        "group_deny_unresolved",
    ),
    (f"groupAllowFrom: [], {HOUSE}", {"group": True}, "group_sender_list_empty"),
    (f"groupAllowFrom: ['5'], {HOUSE}", {"group": True}, "group_sender_not_allowed"),
    ("groupPolicy: 'open'", {"group": True, "text": "/new"}, "command_unauthorized"),
    (f"groupAllowFrom: ['*'], {HOUSE}", {"group": True}, "mention_required"),
    ("groupAllowFrom: ['*'], groups: { '*': { requireMention: false } }", {"group": True}, "group_admitted"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """One login for all the rows; each writes its own config and starts the gateway anew."""
    folder = tmp_path_factory.mktemp("rows")
    with simulator(folder) as zalo:
        state = folder / "state"
        state.mkdir(mode=0o700)
        operator = Operator.at(state, zalo.network)
        assert operator.run("plugins", "install", "@openclaw/zalouser").returncode == 0
        assert log_in(operator, zalo).returncode == 0
        with Gateway(operator, RECORDING) as gateway:
            yield Lane(operator, zalo, state, gateway)


@pytest.mark.parametrize(("block", "message", "reason"), ROWS, ids=[row[2] for row in ROWS])
def test_one_row_of_each_kind(shared: Lane, block: str, message: dict[str, Any], reason: str) -> None:
    """The gateway's word, the record that `why` shows, and what `policy explain` foretells are one."""
    shared.configure(block)
    try:
        into = {"group": "Nhóm Làm Việc"} if message.get("group") else {}
        text = message.get("text", "chào")
        said = shared.say("Lê Văn Hùng", text, **into)
        shared.gateway.said(f": {reason}")
        recorded = shared.json("why", said)["messages"][0]
        thread = recorded["thread"]
        asked = ["--from", recorded["sender"], "--text", text]
        if thread["kind"] == "group":
            asked += ["--group", thread["id"]]
        foretold = shared.json("policy", "explain", "--channel", "zalouser", *asked)
        [decided] = recorded["decisions"]
        assert decided["reason"] == reason
        for key in ("outcome", "reason", "rule", "trail", "sentence"):
            assert decided[key] == foretold[key]
    finally:
        shared.gateway.stop()


def test_another_account_of_this_gateway_is_not_answered(
    lane: Lane, operator: Operator, zalo: Simulator, state: Path
) -> None:
    other = zalo.do("/account", name="Tài Khoản Hai")["uid"]
    (state / "config.json5").write_text("{ channels: { zalouser: { accounts: { default: {}, two: {} } } } }")
    assert log_in(operator, zalo, ACCEPT, "--account", "two", user=other).returncode == 0
    group = lane.group("Cả Hai", "Tài Khoản Hai", "Lê Văn Hùng")
    lane.configure(
        "defaultAccount: 'default', groupAllowFrom: ['*'], groups: { '*': { requireMention: false } },"
        " accounts: { default: {}, two: { enabled: true } }"
    )
    lane.gateway.said("zalouser/default is ready")
    lane.gateway.said("zalouser/two is ready")
    lane.say("Tài Khoản Hai", "chúng ta là một nhà", group=group)
    lane.gateway.said("own_account")
    found = lane.json("channels", "status")["channels"]["zalouser"]["accounts"]
    assert found["zalouser/default"]["counters"] == {"own_account": 1}
    assert found["zalouser/two"]["counters"] == {}, "what the account writes itself is observed, not decided"


def test_a_revoked_sender_is_out_at_once_and_an_approved_one_is_told(lane: Lane) -> None:
    lane.configure("dmPolicy: 'pairing'")
    stranger = lane.person("Kẻ Lạ", friend=False)
    lane.say(stranger, "cho vào với")
    challenge = lane.zalo.wait("sent")["text"]
    [request] = lane.json("pairing", "list", "zalouser")["requests"]
    assert request["code"] in challenge
    assert lane.operator.run("pairing", "approve", request["code"].lower(), "--notify").returncode == 0
    assert "chấp thuận" in lane.zalo.wait("sent")["text"]
    lane.say(stranger, "cảm ơn")
    assert lane.turn()["text"] == "cảm ơn"
    lane.answered("cảm ơn")
    assert [one["sender_id"] for one in lane.json("pairing", "approved")["approved"]] == [stranger]
    assert lane.operator.run("pairing", "revoke", stranger).returncode == 0
    lane.say(stranger, "còn được không")
    assert "Mã ghép nối" in lane.zalo.wait("sent")["text"]
    assert lane.json("pairing", "approved")["approved"] == []


def test_approving_without_a_gateway_says_that_nobody_was_told(lane: Lane) -> None:
    lane.configure("dmPolicy: 'pairing'")
    lane.say(lane.person("Kẻ Lạ", friend=False), "cho vào với")
    lane.zalo.wait("sent")
    [request] = lane.json("pairing", "list", "zalouser")["requests"]
    lane.gateway.stop()
    done = lane.operator.run("pairing", "approve", "zalouser", request["code"], "--notify")
    assert done.returncode == 0
    assert "warning: the gateway is not running" in done.stdout


def test_a_code_that_waits_has_not_been_told(lane: Lane) -> None:
    lane.configure("dmPolicy: 'pairing'")
    stranger = lane.person("Kẻ Lạ", friend=False)
    assert lane.operator.run("pause").returncode == 0
    lane.say(stranger, "cho vào với")
    lane.gateway.said("dm_pairing_required")
    waits = lane.operator.run("pairing", "list", "zalouser").stdout
    assert "not yet (waits)" in waits
    assert "what holds it: openclaw outbox list" in waits
    assert lane.operator.run("resume").returncode == 0
    lane.zalo.wait("sent")
    assert "waits" not in lane.operator.run("pairing", "list", "zalouser").stdout


def test_a_silent_request_is_seen_by_the_operator_and_by_nobody_else(lane: Lane, friend: str) -> None:
    lane.configure("dmPolicy: 'pairing', pairing: { reply: 'friends-silent' }")
    lane.say(friend, "nhắn nhầm")
    lane.gateway.said("dm_pairing_silent")
    assert "nothing (silent)" in lane.operator.run("pairing", "list", "zalouser").stdout
    assert lane.account()["pairing"]["silent"] == 1
    assert not [one for one in lane.zalo.since(0) if one["kind"] == "sent"]


def test_the_start_says_when_nobody_may_write_in_the_groups(lane: Lane) -> None:
    lane.configure("groups: { '*': {} }")
    assert "groupAllowFrom: ['*']" in lane.gateway.said("but nobody may speak there")
    assert any("but nobody may speak there" in one["text"] for one in lane.account()["findings"])


def test_access_groups_let_people_in_and_owners_may_command(lane: Lane, friend: str) -> None:
    owner = lane.person("Chủ Nhân")
    group = lane.group("Nhóm Mới", "Trần Thị Lan", owner)
    lane.configure(
        "groupPolicy: 'open', groupAllowFrom: ['accessGroup:team'],"
        " groups: { '*': { requireMention: false } }, accounts: { default: {}, other: { enabled: false } }",
        f"accessGroups: {{ team: {{ members: {{ zalouser: ['{friend}'], '*': ['{owner}'] }} }} }},"
        f" commands: {{ ownerAllowFrom: ['zalouser:{owner}'] }}",
    )
    lane.say("Lê Văn Hùng", "không có trong nhóm", group="Nhóm Làm Việc")
    lane.gateway.said("group_sender_not_allowed")
    lane.say(friend, "có trong nhóm", group=group)
    assert lane.turn()["text"] == "có trong nhóm"
    lane.say(owner, "/whoami", group=group)
    assert owner in str(lane.zalo.wait("sent", lambda sent: "/" in sent["text"])["text"])


def test_a_command_needs_somebody_who_may_give_it(lane: Lane, friend: str) -> None:
    lane.configure("groupPolicy: 'open'", f"commands: {{ ownerAllowFrom: ['{friend}'] }}")
    refused = lane.say("Lê Văn Hùng", "/reset", group="Nhóm Làm Việc")
    lane.gateway.said("command_unauthorized")
    lane.say(friend, "/status", group="Nhóm Làm Việc")
    assert str(lane.zalo.wait("sent")["text"]).startswith("Agent: main (echo)")
    [decided] = lane.json("why", refused)["messages"][0]["decisions"]
    assert decided["rule"]["path"] == "commands.ownerAllowFrom"
