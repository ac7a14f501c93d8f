"""Two or three rules of the owner at once: what leaves, what others are shown, and what `why` says of it."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, all_sent, asked, listening, person, say
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
    assert "outbound_off" in here.why(paused)["turn"]["reason"]
    assert [one["kind"] for one in here.zalo.since(0) if one["kind"] in ("sent", "seen", "typed")] == []
