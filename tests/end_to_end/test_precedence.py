"""Two or three rules of the owner at once: what leaves, what others are shown, and what `why` says of it."""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, all_sent, asked, listening, person, say, until
from end_to_end.test_drafts import drafted

pytestmark = pytest.mark.long
CONFIG: dict[str, Any] = {
    "dmPolicy": "open",
    "allowFrom": ["*"],
    "pacing": {"enabled": False},
    "resendUnknown": "never",
}


class Account:
    """A logged-in account with an echo as its agent, and its owner at the phone and at the keyboard."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway, state: Path) -> None:
        self.operator, self.zalo, self.gateway, self.state = operator, zalo, gateway, state
        self.lan, self.hung = person(zalo, "Lan"), person(zalo, "Hùng")
        self.own = str(zalo.world()["accounts"][0]["uid"])
        self.drafts = 0
        self._arrived: defaultdict[str, deque[str]] = defaultdict(deque)

    def configure(self, *owners: str, **more: object) -> None:
        config = {"channels": {"zalouser": {**CONFIG, **more}}, "commands": {"ownerAllowFrom": owners}}
        (self.state / "config.json5").write_text(json.dumps(config))

    def start(self, *owners: str, **more: object) -> None:
        self.configure(*owners, **more)
        listening(self.gateway)

    def edit(self, *owners: str, **more: object) -> None:
        """Change the config of the running gateway; returns once it counts."""
        before = sum("is in force" in line for line in self.gateway.printed())
        self.configure(*owners, **more)
        self.gateway.said_times("is in force", before + 1)

    def crash(self) -> None:
        """Kill the gateway with -9, and start it again."""
        self.gateway.kill()
        self.drafts = 0
        listening(self.gateway)

    def ask(self, text: str, whom: str = "", **more: object) -> str:
        return say(self.zalo, whom or self.lan, text, **more)

    def phone(self, text: str, whom: str = "", **more: object) -> None:
        """The owner writes by hand."""
        self.zalo.do("/say", **{"from": self.own, "to": whom or self.lan, "text": text, **more})

    def draft(self) -> str:
        """The number of the next draft since the start, once it is there."""
        self.drafts += 1
        return drafted(self.gateway, self.drafts)

    def does(self, *words: str, code: int = 0) -> str:
        done = self.operator.run(*words)
        assert done.returncode == code, done.stdout
        return " ".join(done.stdout.split())

    def sent_to(self, whom: str) -> str:
        """The next text to somebody, whatever went to others before it."""
        while not self._arrived[whom]:
            sent = self.zalo.wait("sent")
            self._arrived[str(sent["thread_id"])].append(str(sent["text"]))
        return self._arrived[whom].popleft()

    def passed_by(self) -> None:
        """Somebody else is answered: what was read before that is done with."""
        self.ask("thế nào?", self.hung)
        assert self.sent_to(self.hung) == "echo: thế nào?"

    def why(self, message_id: str) -> dict[str, Any]:
        [told] = asked(self.operator, "why", message_id)["messages"]
        return dict(told)


@pytest.fixture
def here(recording: Gateway, linked: Operator, zalo: Simulator, state: Path) -> Account:
    return Account(linked, zalo, recording, state)


def test_a_forwarded_command_is_none_and_an_owner_is_heard_where_they_write_by_hand(here: Account) -> None:
    here.start(here.lan, ownerCommands=True, ownerTakeover="30m")
    here.phone("/pause", here.own, forwarded=True)
    here.ask("/pause", forwarded=True)
    assert here.sent_to(here.lan) == "echo: /pause"
    assert account(here.operator)["pauses"] == []
    here.phone("để mình nói")
    held = here.ask("anh ơi?")
    here.ask("/pause 1h")
    assert "1h" in here.sent_to(here.lan)
    here.crash()
    assert len(account(here.operator)["pauses"]) == 1
    here.ask("/resume")
    assert "1h" not in here.sent_to(here.lan)
    assert here.why(held)["decisions"][-1]["reason"] == "owner_took_over"
    assert "echo: anh ơi?" not in all_sent(here.zalo)


def test_what_an_alarm_muted_answers_nobody_before_its_owner_resumes_it(here: Account) -> None:
    here.start(here.lan, ownerCommands=True)
    here.zalo.do("/warn")
    here.gateway.said("alarm 'platform_warning'")
    here.ask("/pause 2h")
    here.gateway.said("/pause of")
    [pause] = account(here.operator)["pauses"]
    assert (pause["reason"], pause["until_ms"]) == ("platform_warning", None)
    assert all_sent(here.zalo) == []
    here.crash()
    here.phone("/resume", here.own)
    assert "openclaw alarms show" in here.sent_to(here.own)
    assert "2h" not in here.sent_to(here.lan), "it did not pause for two hours"
    assert account(here.operator)["pauses"] == []


def test_off_carries_out_what_the_owner_wants_and_says_nothing(here: Account) -> None:
    here.start(here.lan, ownerCommands=True, outbound="off")
    paused = here.ask("/pause")
    here.phone("/pause 1h", here.own)
    here.gateway.said("is answered in the thread with oneself")
    here.crash()
    assert len(account(here.operator)["pauses"]) == 1
    until(lambda: "outbound_off" in here.why(paused)["turn"]["reason"])
    assert [one["kind"] for one in here.zalo.since(0) if one["kind"] in ("sent", "seen", "typed")] == []


def test_a_draft_that_was_approved_before_its_owner_wrote_is_left_to_them(here: Account) -> None:
    here.start(outbound="approve", ownerTakeover="30m")
    asked_one = here.ask("mấy giờ rồi")
    number = here.draft()
    here.does("pause", "--thread", f"dm:{here.lan}")
    assert "A pause holds it" in here.does("drafts", "approve", number)
    here.phone("ba giờ nhé")
    here.gateway.said("left to them")
    here.crash()
    here.does("resume", "--thread", f"dm:{here.lan}")
    assert here.why(asked_one)["turn"]["state"] == "taken_over"
    here.ask("còn nữa")
    here.does("drafts", "approve", here.draft())
    assert here.sent_to(here.lan) == "echo: còn nữa"
    assert all_sent(here.zalo) == ["echo: còn nữa"]


def test_a_draft_waits_through_a_takeover_and_leaves_if_it_is_approved_in_it(here: Account) -> None:
    here.start(outbound="approve", ownerTakeover="30m")
    here.ask("mấy giờ rồi")
    number = here.draft()
    here.phone("ba giờ nhé")
    held = here.ask("anh ơi?")
    here.ask("thế nào?", here.hung)
    here.does("drafts", "approve", here.draft())
    assert here.sent_to(here.hung) == "echo: thế nào?"
    assert here.why(held)["decisions"][-1]["reason"] == "owner_took_over"
    assert "was not sent" in here.does("drafts", "approve", number, code=1)
    here.crash()
    here.does("drafts", "approve", number, "--stale-ok")
    assert here.sent_to(here.lan) == "echo: mấy giờ rồi"


def test_modes_that_change_under_what_waits(here: Account) -> None:
    here.start(outbound="approve")
    first = here.ask("một")
    number = here.draft()
    here.does("pause", "--thread", f"dm:{here.lan}")
    here.does("drafts", "approve", number)
    here.ask("hai", here.hung)
    second = here.draft()
    here.edit(outbound="off")
    until(lambda: here.why(first)["turn"]["reason"] == "outbound_off")
    here.does("resume", "--thread", f"dm:{here.lan}")
    assert "is 'off'" in here.does("drafts", "approve", second, code=1)
    here.edit(outbound="auto")
    here.crash()
    assert all_sent(here.zalo) == [], "no draft leaves by itself"
    here.does("drafts", "approve", second)
    assert here.sent_to(here.hung) == "echo: hai"


def test_a_letter_is_not_taken_up_where_nobody_would_be_answered(here: Account) -> None:
    here.start(ownerTakeover="30m")
    failed = here.ask("phải fail")
    here.gateway.said("its message is set aside")
    here.phone("để mình")
    here.passed_by()
    letter = ("channels", "dead-letters", "resubmit", failed)
    assert f"openclaw resume --thread dm:{here.lan}" in here.does(*letter, code=1)
    here.edit(ownerTakeover="30m", outbound="off")
    assert "is 'off'" in here.does(*letter, code=1)
    here.edit(ownerTakeover="30m")
    here.does("resume", "--thread", f"dm:{here.lan}")
    here.does(*letter)
    here.gateway.said_times("its message is set aside", 2)


def test_what_a_pause_made_too_old_is_left_to_the_owner_who_writes_there(here: Account) -> None:
    here.start(ownerTakeover="30m", backlogMaxAge="1s")
    here.does("pause", "--thread", f"dm:{here.lan}")
    old = here.ask("một")
    here.gateway.said("dm_open")
    until(lambda: asked(here.operator, "why", old)["messages"][0]["sent_ms"] + 1500 < time.time() * 1000)
    here.does("resume", "--thread", f"dm:{here.lan}")
    assert here.why(old)["turn"]["state"] == "expired"
    here.phone("để mình")
    here.passed_by()
    here.does("resume", "--flush")
    here.does("resume", "--thread", f"dm:{here.lan}", "--flush")
    until(lambda: here.why(old)["turn"]["state"] in ("taken_over", "done"))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"outbound": "off"},
            "was not told: nothing may leave there while channels.zalouser.outbound is 'off'",
        ),
        ({}, "is told once the pause ends"),
    ],
    ids=["off", "paused"],
)
def test_who_is_let_in_is_told_or_the_operator_hears_why_not(
    here: Account, more: dict[str, object], told: str
) -> None:
    here.start(dmPolicy="pairing", allowFrom=[here.lan], **more)
    stranger = person(here.zalo, "Người Lạ", friend=False)
    here.ask("cho hỏi", stranger)
    here.gateway.said("dm_pairing_")
    [request] = asked(here.operator, "pairing", "list", "zalouser")["requests"]
    if not more:
        here.sent_to(stranger)
        here.does("pause")
    done = here.operator.run("pairing", "approve", "zalouser", request["code"], "--notify")
    assert told in " ".join(done.stdout.split())
    if not more:
        here.crash()
        here.does("resume")
        assert "chấp thuận" in here.sent_to(stranger)
    else:
        assert all_sent(here.zalo) == []
