"""Outbound modes and drafts, with real processes: what Zalo's side saw, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.model_server import ModelServer, Says
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, asked, listening, nothing_is_on_its_way, person, say, status, until
from end_to_end.test_tools import configured, results, script

CONFIG: dict[str, Any] = {
    "dmPolicy": "open",
    "allowFrom": ["*"],
    "groupPolicy": "open",
    "groupAllowFrom": ["*"],
    "pacing": {"enabled": False},
}
TELLING = ("typed", "seen", "delivered")
"""What others can see of the account beside messages."""


_WAITS = "waits for approval: openclaw drafts show"


def drafted(gateway: Gateway, count: int) -> str:
    """The number of the draft that was the last of so many since the start."""
    gateway.said_times(_WAITS, count)
    return [line for line in gateway.printed() if _WAITS in line][count - 1].rpartition(" ")[2]


@dataclass
class Owner:
    """An account whose owner decides what leaves; its agent is an echo that prints what it is given."""

    operator: Operator
    zalo: Simulator
    gateway: Gateway
    state: Path
    seen: int = 0

    def configure(self, **more: object) -> None:
        rules = {**CONFIG, **more}
        (self.state / "config.json5").write_text(json.dumps({"channels": {"zalouser": rules}}))

    def start(self, **more: object) -> None:
        self.configure(**more)
        listening(self.gateway)

    def edit(self, **more: object) -> None:
        """Change the config of the running gateway; returns once it counts."""
        before = sum("is in force" in line for line in self.gateway.printed())
        self.configure(**more)
        self.gateway.said_times("is in force", before + 1)

    def drafts(self, *flags: str) -> list[dict[str, Any]]:
        return list(asked(self.operator, "drafts", "list", *flags)["drafts"])

    def draft(self) -> str:
        """The number of the next draft since the start, once it is there."""
        self.seen += 1
        return drafted(self.gateway, self.seen)

    def does(self, *words: str) -> str:
        done = self.operator.run("drafts", *words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, *words: str) -> str:
        done = self.operator.run("drafts", *words)
        assert done.returncode == 1, done.stdout
        return done.stdout

    def shown(self) -> list[str]:
        """What others could see of the account beside messages, so far."""
        return [str(one["kind"]) for one in self.zalo.since(0) if one["kind"] in TELLING]

    def crash(self) -> None:
        """Kill the gateway with -9, and start it again."""
        self.gateway.kill()
        self.seen = 0
        listening(self.gateway)


@pytest.fixture
def owner(linked: Operator, zalo: Simulator, state: Path, recording: Gateway) -> Iterator[Owner]:
    return Owner(linked, zalo, recording, state)


@pytest.mark.long
def test_a_reply_waits_for_its_owner(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    message = say(owner.zalo, lan, "mấy giờ rồi")
    number = owner.draft()
    why = owner.operator.run("why", message).stdout
    assert f"channels.zalouser.outbound says; see: openclaw drafts show {number}" in why
    assert asked(owner.operator, "outbox", "list", "--all")["messages"] == []
    assert "1 waits for your approval" in owner.operator.run("channels", "status").stdout
    assert (all_sent(owner.zalo), owner.shown()) == ([], ["delivered"])
    approved = owner.does("approve", number)
    assert f"Draft {number} is approved: 1 message to Lan" in approved
    assert "what still waits: openclaw outbox list" in approved
    assert owner.zalo.wait("sent")["text"] == "echo: mấy giờ rồi"
    owner.zalo.wait("seen")
    assert owner.shown() == ["delivered", "seen"], "nobody is shown that a program types"
    assert "turn: sent" in owner.operator.run("why", message).stdout
    assert owner.drafts() == []
    assert f"draft {number} was decided already" in owner.refused("approve", number)


@pytest.mark.long
def test_a_draft_does_not_hold_its_lane_and_the_next_makes_it_stale(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    say(owner.zalo, lan, "một")
    first = owner.draft()
    say(owner.zalo, lan, "hai")
    second = owner.draft()
    assert "a newer message has come" in owner.refused("approve", first)
    assert [one["stale"] for one in owner.drafts()] == ["newer_message", None]
    owner.does("approve", second, first, "--stale-ok")
    assert [owner.zalo.wait("sent")["text"] for _ in range(2)] == ["echo: một", "echo: hai"]


@pytest.mark.long
def test_the_owners_own_words_make_a_draft_stale(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    say(owner.zalo, lan, "một")
    number = owner.draft()
    done = owner.operator.run("message", "send", "-t", f"user:{lan}", "anh tự trả lời")
    assert done.returncode == 0, "the operator's own texts pass"
    assert "something else went out" in owner.refused("approve", number)
    owner.does("drop", number)
    assert all_sent(owner.zalo) == ["anh tự trả lời"]
    assert "not answered: its draft was dropped" in owner.operator.run("why", "--last", "1").stdout


@pytest.mark.long
def test_edited_words_leave_and_files_of_a_draft_stay(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    say(owner.zalo, lan, "một")
    number = owner.draft()
    editor = owner.state / "editor.sh"
    editor.write_text('#!/bin/sh\ntest "$(cat "$1")" = "echo: một" && printf "**đậm** hai" > "$1"\n')
    editor.chmod(0o700)
    owner.operator.env["EDITOR"] = str(editor)
    owner.does("edit", number, "--editor")
    assert owner.drafts()[0]["text"] == "**đậm** hai"
    for unseen in (" ", "\u200b\u202e", "**\u3164**"):
        assert "the text says nothing" in owner.refused("edit", number, "--text", unseen)
    owner.does("approve", number)
    sent = owner.zalo.wait("sent")
    assert (sent["text"], bool(sent["styles"])) == ("đậm hai", True)


@pytest.mark.long
def test_an_edited_draft_tells_that_a_program_answers_and_a_dropped_one_told_nobody(
    owner: Owner,
) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve", disclosure="first", disclosureText="Máy trả lời.")
    say(owner.zalo, lan, "một")
    owner.does("drop", owner.draft())
    say(owner.zalo, lan, "hai")
    number = owner.draft()
    assert owner.drafts()[0]["text"] == "echo: hai"
    owner.does("edit", number, "--text", "đã sửa")
    owner.does("approve", number)
    assert owner.zalo.wait("sent")["text"] == "Máy trả lời.\n\nđã sửa"
    say(owner.zalo, lan, "ba")
    owner.does("approve", owner.draft())
    assert owner.zalo.wait("sent")["text"] == "echo: ba"


@pytest.mark.long
def test_an_expired_draft_is_listed_and_revived(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve", drafts={"expire": "1ms"})
    message = say(owner.zalo, lan, "một")
    number = owner.draft()
    assert owner.drafts() == []
    assert [one["number"] for one in owner.drafts("--expired")] == [int(number)]
    assert "has expired" in owner.refused("approve", number)
    owner.edit(outbound="approve")
    owner.does("revive", number)
    assert "waits for your approval" in owner.operator.run("why", message).stdout
    owner.does("approve", number)
    assert owner.zalo.wait("sent")["text"] == "echo: một"


@pytest.mark.long
def test_nothing_leaves_under_off_and_what_was_read_is_context(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    stranger = person(owner.zalo, "Người Lạ", friend=False)
    owner.start(outbound="off", dmPolicy="pairing", allowFrom=[lan])
    first = say(owner.zalo, lan, "giữ lại nhé")
    owner.gateway.said("outbound_off")
    say(owner.zalo, stranger, "cho hỏi")
    owner.gateway.said("dm_pairing_held")
    say(owner.zalo, lan, "/new")
    owner.gateway.said_times("outbound_off", 2)
    done = owner.operator.run("message", "send", "-t", f"user:{lan}", "một")
    assert done.returncode == 1
    assert "channels.zalouser.outbound" in done.stdout
    about = ("-t", f"user:{lan}", "--message-id", first)
    done = owner.operator.run("message", "react", *about, "--emoji", "HEART")
    assert (done.returncode, "is 'off'" in done.stdout) == (1, True)
    assert (all_sent(owner.zalo), owner.shown()) == ([], [])
    assert "lets nothing leave in this chat" in owner.operator.run("why", first).stdout
    owner.edit(outbound="auto", dmPolicy="pairing", allowFrom=[lan])
    say(owner.zalo, lan, "giờ sao")
    owner.zalo.wait("sent")
    assert "giữ lại nhé" in owner.gateway.said("TURN")


@pytest.mark.long
def test_modes_of_single_people_and_groups_override(owner: Owner) -> None:
    lan, hung = person(owner.zalo, "Lan"), person(owner.zalo, "Hùng")
    group = str(owner.zalo.do("/group", name="Nhóm", members=[lan, hung])["gid"])
    owner.start(
        outbound={"group": "approve"},
        dms={hung: {"outbound": "off"}},
        groups={"*": {"requireMention": False}, group: {"requireMention": False, "outbound": "auto"}},
    )
    say(owner.zalo, lan, "một")
    assert owner.zalo.wait("sent")["text"] == "echo: một"
    hers = say(owner.zalo, hung, "hai")
    owner.gateway.said("outbound_off")
    assert f"channels.zalouser.dms['{hung}'].outbound" in owner.operator.run("why", hers).stdout.replace(
        "\n", " "
    )
    say(owner.zalo, lan, "ba", group=group)
    assert owner.zalo.wait("sent")["text"] == "echo: ba"
    other = str(owner.zalo.do("/group", name="Nhóm khác", members=[lan, hung])["gid"])
    say(owner.zalo, lan, "bốn", group=other)
    owner.does("approve", owner.draft())
    assert owner.zalo.wait("sent")["text"] == "echo: bốn"


@pytest.mark.long
def test_challenges_and_commands_pass_approval(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    stranger = person(owner.zalo, "Người Lạ", friend=False)
    owner.start(outbound="approve", dmPolicy="pairing", allowFrom=[lan])
    say(owner.zalo, stranger, "cho hỏi")
    assert stranger in str(owner.zalo.wait("sent")["text"])
    say(owner.zalo, lan, "/new")
    owner.zalo.wait("sent")
    assert owner.drafts() == []


@pytest.mark.long
def test_who_is_out_by_now_is_not_answered(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    say(owner.zalo, lan, "một")
    number = owner.draft()
    owner.edit(outbound="approve", dmPolicy="disabled")
    assert "its sender is no longer admitted" in owner.refused("approve", number)
    assert (owner.drafts(), all_sent(owner.zalo)) == ([], [])


@pytest.mark.long
def test_off_refuses_an_approval_and_keeps_the_draft(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    say(owner.zalo, lan, "một")
    number = owner.draft()
    owner.edit(outbound="off")
    assert "nothing may leave there while channels.zalouser.outbound is 'off'" in owner.refused(
        "approve", number
    )
    assert [one["number"] for one in owner.drafts()] == [int(number)]


@pytest.mark.long
def test_what_waits_becomes_a_draft_or_is_cancelled_when_the_mode_tightens(owner: Owner) -> None:
    lan, hung = person(owner.zalo, "Lan"), person(owner.zalo, "Hùng")
    slow = {"gap": "1h", "gapJitter": "0s"}
    owner.start(pacing=slow)
    say(owner.zalo, lan, "một")
    owner.zalo.wait("sent")
    say(owner.zalo, lan, "hai")
    owner.gateway.said_times("TURN", 2)
    message = say(owner.zalo, hung, "ba")
    owner.gateway.said_times("TURN", 3)
    owner.edit(outbound="approve", dms={hung: {"outbound": "off"}}, pacing={"enabled": False})
    number = owner.draft()
    until(lambda: "outbound_off" in (why := owner.operator.run("why", message).stdout) or "not sent" in why)
    assert all_sent(owner.zalo) == ["echo: một"]
    owner.does("approve", number)
    assert owner.zalo.wait("sent")["text"] == "echo: hai"
    assert nothing_is_on_its_way(owner.operator) == []


@pytest.mark.long
def test_seen_comes_with_the_answer(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(acks="on-reply")
    say(owner.zalo, lan, "một")
    owner.zalo.wait("seen")
    kinds = [one["kind"] for one in owner.zalo.since(0) if one["kind"] in (*TELLING, "sent")]
    assert kinds.index("sent") < kinds.index("seen")
    assert kinds[0] == "delivered"


@pytest.mark.long
def test_no_draft_is_lost_and_none_leaves_twice(owner: Owner) -> None:
    lan = person(owner.zalo, "Lan")
    owner.start(outbound="approve")
    say(owner.zalo, lan, "một")
    number = owner.draft()
    owner.crash()
    assert [one["number"] for one in owner.drafts()] == [int(number)]
    owner.does("edit", number, "--text", "sửa")
    owner.crash()
    assert owner.drafts()[0]["text"] == "sửa"
    owner.operator.run("pause")
    owner.does("approve", number)
    owner.crash()
    assert owner.drafts() == []
    owner.operator.run("resume")
    assert owner.zalo.wait("sent")["text"] == "sửa"
    owner.crash()
    say(owner.zalo, lan, "hai")
    second = owner.draft()
    owner.does("drop", second)
    owner.crash()
    assert (owner.drafts(), all_sent(owner.zalo)) == ([], ["sửa"])


@pytest.mark.long
def test_what_tools_send_waits_and_the_model_is_told(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, lan, outbound="approve")
    model.script = script({"action": "send", "text": "Để em **xem**"}, {"action": "react", "icon": "❤️"})
    listening(gateway)
    say(zalo, lan, "mấy giờ rồi")
    drafted(gateway, 1)
    told = [json.loads(one) for one in results(model.requests[1])]
    assert all("waits for the approval" in one["note"] for one in told)
    assert [one["kind"] for one in zalo.since(0) if one["kind"] in ("sent", "reacted")] == []
    numbers = [str(one["number"]) for one in asked(linked, "drafts", "list")["drafts"]]
    assert len(numbers) == 3
    assert linked.run("drafts", "approve", *numbers).returncode == 0
    zalo.wait("sent", lambda one: one["text"] == "xong")
    acts = [one["kind"] for one in zalo.since(0) if one["kind"] in ("sent", "reacted")]
    assert acts == ["sent", "reacted", "sent"]


@pytest.mark.long
def test_the_agent_remembers_what_was_approved_and_no_more(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer
) -> None:
    lan = person(zalo, "Lan")
    configured(state, model, lan, outbound="approve")
    replies = iter(["hẹn thứ hai", "hẹn thứ ba", "xong"])
    model.script = lambda _request: Says(next(replies))
    listening(gateway)
    drafts: list[str] = []

    def draft(text: str) -> str:
        say(zalo, lan, text)
        drafts.append(drafted(gateway, len(drafts) + 1))
        return drafts[-1]

    first = draft("bao giờ")
    assert linked.run("drafts", "edit", first, "--text", "hẹn thứ sáu").returncode == 0
    assert linked.run("drafts", "approve", first).returncode == 0
    zalo.wait("sent")
    second = draft("sớm hơn")
    assert linked.run("drafts", "drop", second).returncode == 0
    draft("thế nào")
    told = json.dumps(model.requests[-1].messages, ensure_ascii=False)
    assert "hẹn thứ sáu" in told
    assert "hẹn thứ hai" not in told
    assert "hẹn thứ ba" not in told
    assert "was not approved by the account's owner" in told
    assert status(linked)[1]["drafts"]["waiting"] == 1
